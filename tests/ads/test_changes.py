import os
import threading
from datetime import UTC, datetime, timedelta

import make
import pictures
import pytest
from django.core.management import call_command
from django.db import IntegrityError, connection

from besedka.ads import changes, images
from besedka.ads.models import Ad
from besedka.problems import ChangedMeanwhile, NotFound

NOW = datetime(2026, 1, 2, 3, 4, tzinfo=UTC)


def files(media) -> int:
    return len(list(media.iterdir())) if media.exists() else 0


def test_a_change_says_what_was_given_and_counts(db):
    ad = make.ad(title="a", price=100)

    changed = changes.change(ad.pk, {"price": 200}, now=NOW)

    assert (changed.title, changed.price, changed.version, changed.updated_at) == ("a", 200, 2, NOW)
    assert Ad.objects.get(pk=ad.pk).etag == f'"{ad.pk}-2"' != ad.etag


def test_of_two_who_read_the_same_the_second_is_told(db):
    ad = make.ad(price=100)
    changes.change(ad.pk, {"price": 200}, now=NOW, etags=[ad.etag])

    with pytest.raises(ChangedMeanwhile):
        changes.change(ad.pk, {"price": 300}, now=NOW, etags=[ad.etag])
    with pytest.raises(ChangedMeanwhile):
        changes.withdraw(ad.pk, etags=[ad.etag])

    assert Ad.objects.get(pk=ad.pk).price == 200


@pytest.mark.django_db(transaction=True)
def test_of_many_at_once_exactly_one_wins():
    ad, won = make.ad(price=100), []

    def change(price: int) -> None:
        try:
            won.append(changes.change(ad.pk, {"price": price}, now=NOW, etags=[ad.etag]).price)
        except ChangedMeanwhile:
            pass
        finally:
            connection.close()

    threads = [threading.Thread(target=change, args=(price,)) for price in range(1, 9)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert won == [Ad.objects.get(pk=ad.pk).price]


@pytest.mark.django_db(transaction=True)
def test_of_changes_and_withdrawals_at_once_exactly_one_wins(media):
    picture = images.encode(pictures.of())
    ad, told = make.ad(picture=picture), []

    def act(number: int) -> None:
        try:
            if number % 3 == 0:
                changes.withdraw(ad.pk, etags=[ad.etag])
            else:
                changes.change(ad.pk, {"price": number}, now=NOW, picture=picture, etags=[ad.etag])
            told.append("won")
        except (ChangedMeanwhile, NotFound) as refusal:
            told.append(refusal.code)
        finally:
            connection.close()

    threads = [threading.Thread(target=act, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(told)[-1] == "won"
    assert (told.count("won"), len(told)) == (1, 8)
    left = Ad.objects.filter(pk=ad.pk).values_list("picture", flat=True).first()
    assert {file.stem.removesuffix("-small") for file in media.iterdir()} == ({left} if left else set())


@pytest.mark.django_db(transaction=True)
def test_changes_of_different_fields_at_once_are_all_kept():
    ad = make.ad()
    wanted = {"title": "Другой", "price": 7, "location": "Тверь", "breed": "Лайка", "age": 3, "gender": "F"}

    def change(name: str) -> None:
        try:
            changes.change(ad.pk, {name: wanted[name]}, now=NOW)
        finally:
            connection.close()

    threads = [threading.Thread(target=change, args=(name,)) for name in wanted]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    kept = Ad.objects.get(pk=ad.pk)
    assert {name: getattr(kept, name) for name in wanted} == wanted
    assert kept.version == 7


def test_what_is_not_there_cannot_be_changed(db):
    for act in (lambda: changes.change(1, {}, now=NOW), lambda: changes.withdraw(1)):
        with pytest.raises(NotFound):
            act()


@pytest.mark.django_db(transaction=True)
def test_a_new_picture_takes_the_place_of_the_old_one(media):
    picture = images.encode(pictures.of())
    ad = make.ad(picture=picture)
    before = ad.picture

    replaced = changes.change(ad.pk, {}, now=NOW, picture=picture).picture
    kept = changes.change(ad.pk, {"price": 1}, now=NOW).picture
    present = {file.name for file in media.iterdir()}
    removed = changes.change(ad.pk, {}, now=NOW, picture=None)

    assert before != replaced == kept
    assert present == {f"{kept}.webp", f"{kept}-small.webp"}
    assert (removed.picture, removed.picture_width, files(media)) == ("", 0, 0)


@pytest.mark.django_db(transaction=True)
def test_the_picture_goes_with_its_ad(media):
    ad = make.ad(picture=images.encode(pictures.of()))

    changes.withdraw(ad.pk)

    assert (Ad.objects.count(), files(media)) == (0, 0)


@pytest.mark.django_db(transaction=True)
def test_an_ad_that_cannot_be_written_leaves_no_picture(media):
    picture = images.encode(pictures.of())
    ad = make.ad()

    with pytest.raises(IntegrityError):
        make.ad(title="", picture=picture)
    with pytest.raises(ChangedMeanwhile):
        changes.change(ad.pk, {}, now=NOW, picture=picture, etags=['"0-0"'])

    assert files(media) == 0


def test_what_no_ad_shows_is_swept_away_once_it_is_old(db, media, capsys):
    shown = make.ad(picture=images.encode(pictures.of()))
    lost, young = (images.keep(images.encode(pictures.of())) for _ in range(2))
    for name in (shown.picture, lost):
        for small in (False, True):
            moment = (datetime.now(UTC) - timedelta(days=2)).timestamp()
            os.utime(media / images.file_name(name, small=small), (moment, moment))

    call_command("sweep_pictures")

    assert capsys.readouterr().out == "2 files removed\n"
    assert {file.stem for file in media.iterdir()} >= {shown.picture, young}
    assert files(media) == 4


def test_sweeping_where_no_picture_ever_was_does_nothing(db):
    assert changes.sweep(NOW) == 0


def test_an_ad_whose_picture_is_gone_shows_none(db):
    shown = images.encode(pictures.of())
    kept, gone = make.ad(picture=shown), make.ad(picture=shown)

    lost = changes.match_pictures(lambda name: not name.startswith(gone.picture))

    assert lost == 1
    assert Ad.objects.get(pk=kept.pk).picture == kept.picture
    assert Ad.objects.get(pk=gone.pk).picture == ""
