"""The pages on which authors publish ads, change them and take them away, without a script."""

import html
import json
import re
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import make
import pictures
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.utils import timezone

from besedka.ads import changes, images
from besedka.ads.models import Ad
from besedka.web import own_ads

pytestmark = pytest.mark.django_db
XSS = '"><script>alert(1)</script>'
PROGRAM = {"HTTP_ACCEPT": "application/json"}  # to whom a refusal is told in JSON


@pytest.fixture(autouse=True)
def inbox():
    return make.inbox(is_default=True)


@pytest.fixture
def anna():
    return make.operator("anna")


@pytest.fixture
def author(anna) -> Client:
    return signed_in(anna)


def signed_in(user: Any) -> Client:
    client = Client(headers={"Accept": "text/html", "Accept-Language": "ru"})
    client.force_login(user)
    return client


def photo(name: str = "dog.png", **options: Any) -> SimpleUploadedFile:
    return SimpleUploadedFile(name, pictures.of("PNG", **options))


def hidden(response: Any) -> dict[str, str]:
    """What the form sends along without being typed."""
    found = re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', response.content.decode())
    return {name: html.unescape(value) for name, value in found}


def fields_of(response: Any) -> dict[str, str]:
    """What stands in its fields."""
    page = response.content.decode()
    found = dict(re.findall(r'<input id="field-(\w+)"[^>]*? value="([^"]*)"', page))
    found["description"] = re.search(r"<textarea[^>]*>\n(.*?)</textarea>", page, re.DOTALL)[1]
    for name in ("kind", "gender"):
        select = re.search(rf'<select id="field-{name}".*?</select>', page, re.DOTALL)[0]
        found[name] = (re.findall(r'value="(\w+)" selected', select) or [""])[0]
    return {name: html.unescape(value) for name, value in found.items()}


def said_beside(response: Any, name: str) -> str:
    """What is told below a field."""
    notes = re.search(
        rf'<(span|div) class="notes" id="{name}-notes">(.*?)</\1>(</div>|\s)', page_of(response), re.S
    )
    return html.unescape(re.sub(r"<[^>]*>", "", notes[2]))


def page_of(response: Any) -> str:
    return response.content.decode()


def filled(response: Any, **fields: Any) -> dict[str, Any]:
    """The form that was shown, with these fields typed over."""
    return {**hidden(response), **fields_of(response), **fields}


def test_an_ad_is_published_with_its_photo_and_seen_at_once(author, anna, media):
    response = author.post("/ads/new/", {**make.AD, "price": "16 000", "image": photo()})
    ad = Ad.objects.get()

    assert (response.status_code, response["Location"]) == (303, f"/ads/{ad.pk}/?said=published")
    assert {name: getattr(ad, name) for name in make.AD} == make.AD
    assert ad.created_by_id == anna.pk
    assert {file.name for file in media.iterdir()} == {f"{ad.picture}.webp", f"{ad.picture}-small.webp"}
    assert "Объявление опубликовано." in page_of(author.get(response["Location"]))


@pytest.mark.parametrize("slash", ["", "/"])
@pytest.mark.parametrize(("language", "word"), [("ru", "Новое объявление"), ("en", "A new ad")])
def test_the_form_speaks_the_language_of_the_browser(author, slash, language, word):
    response = author.get(f"/ads/new{slash}", headers={"Accept-Language": language})

    assert f"<h1>{word}</h1>" in page_of(response)
    assert response["Cache-Control"].startswith("max-age=0, no-cache, no-store")


def test_without_a_photo_it_is_published_too(author):
    assert author.post("/ads/new/", make.AD).status_code == 303
    assert Ad.objects.get().picture == ""


@pytest.mark.parametrize(
    ("field", "value", "ru", "en"),
    [
        ("title", "  ", "Обязательное поле.", "This field is required."),
        ("title", "я" * 201, "не более 200", "at most 200"),
        ("title", "a\0b", "запрещён", "not allowed"),
        ("description", "я" * 10_001, "не более 10000", "at most 10000"),
        ("kind", "Horse", "Horse", "Horse"),
        ("gender", "", "Обязательное поле.", "This field is required."),
        ("age", "два", "целое число", "whole number"),
        ("age", "101", "100", "100"),
        ("age", "-1", "0", "0"),
        ("price", "1.5", "целое число", "whole number"),
        ("price", "9" * 5000, "целое число", "whole number"),
        ("price", "9" * 20, "1000000000", "1000000000"),
        ("location", "", "Обязательное поле.", "This field is required."),
    ],
)
def test_a_fault_stands_beside_its_field_and_what_was_typed_is_kept(author, field, value, ru, en):
    for language, sentence in (("ru", ru), ("en", en)):
        typed = {name: str(said) for name, said in make.AD.items()} | {field: value}

        response = author.post("/ads/new/", typed, headers={"Accept-Language": language})

        assert response.status_code == 400
        assert sentence in said_beside(response, field)
        assert all(said_beside(response, other).strip() == "" for other in make.AD if other != field)
        shown = fields_of(response)
        assert {name: shown[name] for name in typed if name not in ("kind", "gender")} == {
            name: said.replace("\0", "\0") for name, said in typed.items() if name not in ("kind", "gender")
        }
    assert not Ad.objects.exists()


def test_a_form_that_is_sent_twice_publishes_once(author, anna, media):
    form = filled(author.get("/ads/new/"), **make.AD)

    first = author.post("/ads/new/", {**form, "image": photo()})
    again = author.post("/ads/new/", {**form, "image": photo()})
    back = author.post("/ads/new/", {**form, "title": "Другой"})  # somebody went back, and writes another one
    other = signed_in(make.operator("boris")).post("/ads/new/", form)

    assert first.url == again.url
    assert len({first.url, back.url, other.url}) == 3
    assert Ad.objects.count() == 3
    assert len(list(media.iterdir())) == 2


@pytest.mark.django_db(transaction=True)
def test_of_a_form_that_is_sent_twice_at_once_one_ad_comes(anna):
    fields, now = {name: make.AD[name] for name in changes.WRITTEN}, timezone.now()
    picture = images.encode(pictures.of())

    def publish(_: int) -> int:
        try:
            return changes.publish(fields, author_id=anna.pk, now=now, picture=picture, form="0" * 32).pk
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as many:
        published = set(many.map(publish, range(4)))

    assert len(published) == Ad.objects.count() == 1
    assert len(list(images.files())) == 2


def test_a_photo_waits_while_another_fault_is_mended(author, media):
    faulty = author.post("/ads/new/", {**make.AD, "price": "дорого", "image": photo()})
    assert "-small.webp" in page_of(faulty)

    mended = author.post("/ads/new/", filled(faulty, price="5"))
    ad = Ad.objects.get()

    assert (mended.status_code, ad.price, ad.picture_width) == (303, 5, 40)
    assert {file.name for file in media.iterdir()} == {f"{ad.picture}.webp", f"{ad.picture}-small.webp"}


def test_a_photo_that_waits_belongs_to_one_person_and_to_one_ad(author, media):
    faulty = author.post("/ads/new/", {**make.AD, "price": "", "image": photo()})
    form = filled(faulty, price="5")

    another = signed_in(make.operator("boris")).post("/ads/new/", form)
    author.post("/ads/new/", form)
    again = author.post("/ads/new/", {**form, "title": "Другой"})

    for refused in (another, again):
        assert refused.status_code == 400
        assert "выберите его ещё раз" in said_beside(refused, "photo")
    assert Ad.objects.count() == 1


@pytest.mark.parametrize("token", ["x", "a:b:c", "\x00", "😀", "W10:x:y"])
def test_a_photo_that_never_was_is_told(author, token):
    response = author.post("/ads/new/", {**make.AD, "picture": token})

    assert (response.status_code, Ad.objects.count()) == (400, 0)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("dog.png", b""),
        ("dog.png", b"<html><script>alert(1)</script>"),
        ("dog.svg", b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>'),
        ("dog.png.html", pictures.of("PNG")),
        ("dog.gif", pictures.animated("GIF")),
        ("dog.png", pictures.png_of_size(50_000, 50_000)),
    ],
)
def test_what_is_no_photo_is_told_beside_it(author, media, name, content):
    typed = {**make.AD, "image": SimpleUploadedFile(name, content, content_type="image/png")}

    response = author.post("/ads/new/", typed)

    assert response.status_code == 400
    assert "не прочесть" in said_beside(response, "photo")
    assert not media.exists()


def test_of_a_photo_that_is_too_large_the_rest_of_the_form_is_kept(author, media):
    large = SimpleUploadedFile("dog.png", b"\x89PNG" + b"\0" * (10 * 1024 * 1024))

    response = author.post("/ads/new/", {**make.AD, "image": large})

    assert response.status_code == 400
    assert "больше 10 МБ" in said_beside(response, "photo")
    assert fields_of(response)["title"] == make.AD["title"]


def test_a_form_that_is_far_too_large_is_not_read(author):
    response = author.generic(
        "POST", "/ads/new/", b"", content_type="text/plain", CONTENT_LENGTH="999999999", **PROGRAM
    )

    assert (response.status_code, response.json()["code"]) == (413, "body_too_large")


def test_an_ad_is_changed_in_the_same_form(author, anna, media):
    ad = make.ad(anna, description="Первая\nВторая")

    form = author.get(f"/ads/{ad.pk}/edit/")
    response = author.post(f"/ads/{ad.pk}/edit/", filled(form, price="1", image=photo()))
    ad.refresh_from_db()

    assert (response.status_code, response["Location"]) == (303, f"/ads/{ad.pk}/?said=changed")
    assert (ad.price, ad.description, ad.version, bool(ad.picture)) == (1, "Первая\nВторая", 2, True)


def test_the_photo_is_taken_away_by_a_tick(author, anna, media):
    author.post("/ads/new/", {**make.AD, "image": photo()})
    ad = Ad.objects.get()

    author.post(f"/ads/{ad.pk}/edit/", filled(author.get(f"/ads/{ad.pk}/edit/"), no_picture="yes"))

    assert Ad.objects.get().picture == ""


def test_of_two_who_change_at_once_the_second_sees_both_and_loses_nothing(author, anna):
    ad = make.ad(anna, title="Щенок", price=100, location="Москва", breed="Такса")
    form = author.get(f"/ads/{ad.pk}/edit/")
    changes.change(ad.pk, {"title": "Чужой", "location": "Тверь"}, now=ad.updated_at)

    stale = author.post(f"/ads/{ad.pk}/edit/", filled(form, title="Мой", price="200"))
    shown = fields_of(stale)

    assert stale.status_code == 409
    assert "изменил кто-то ещё" in page_of(stale)
    assert (shown["title"], shown["price"], shown["location"], shown["breed"]) == ("Мой", "200", "Тверь", "Такса")
    assert "Чужой" in said_beside(stale, "title")
    assert "было: Москва" in said_beside(stale, "location")
    assert said_beside(stale, "price").strip() == ""
    ad.refresh_from_db()
    assert (ad.title, ad.price) == ("Чужой", 100)

    saved = author.post(f"/ads/{ad.pk}/edit/", filled(stale))
    ad.refresh_from_db()
    assert (saved.status_code, ad.title, ad.price, ad.location) == (303, "Мой", 200, "Тверь")


def test_a_photo_of_a_stale_form_waits_too(author, anna, media):
    ad = make.ad(anna)
    form = author.get(f"/ads/{ad.pk}/edit/")
    changes.change(ad.pk, {"price": 7}, now=ad.updated_at)

    stale = author.post(f"/ads/{ad.pk}/edit/", filled(form, image=photo()))
    author.post(f"/ads/{ad.pk}/edit/", filled(stale))
    ad.refresh_from_db()

    assert (ad.price, ad.picture_width) == (7, 40)


@pytest.mark.parametrize(
    "seen", ["", "x", "[]", "{}", '{"title": 5}', "[" * 5_000, json.dumps({**make.AD, "title": "\ud800"}), "null"]
)
def test_where_it_is_not_known_what_was_seen_every_difference_is_told(author, anna, seen):
    ad = make.ad(anna, title="Щенок")
    form = author.get(f"/ads/{ad.pk}/edit/")
    changes.change(ad.pk, {"title": "Чужой"}, now=ad.updated_at)

    stale = author.post(f"/ads/{ad.pk}/edit/", filled(form, seen=seen))

    assert (stale.status_code, fields_of(stale)["title"]) == (409, "Щенок")
    assert "Чужой" in said_beside(stale, "title")


@pytest.mark.parametrize("version", ["", "x", "-1", "9" * 30, "½", "²"])
def test_a_version_that_never_was_is_a_stale_one(author, anna, version):
    ad = make.ad(anna)
    form = author.get(f"/ads/{ad.pk}/edit/")

    assert author.post(f"/ads/{ad.pk}/edit/", filled(form, version=version)).status_code == 409
    assert author.post(f"/ads/{ad.pk}/delete/", {"version": version}).status_code == 409
    assert Ad.objects.get().version == 1


def test_a_fault_in_a_stale_form_does_not_hide_that_it_is_stale(author, anna):
    ad = make.ad(anna, title="Щенок")
    form = author.get(f"/ads/{ad.pk}/edit/")
    changes.change(ad.pk, {"title": "Чужой"}, now=ad.updated_at)

    faulty = author.post(f"/ads/{ad.pk}/edit/", filled(form, price="дорого"))
    stale = author.post(f"/ads/{ad.pk}/edit/", filled(faulty, price="5"))

    assert (faulty.status_code, stale.status_code) == (400, 409)
    assert fields_of(stale)["title"] == "Чужой"


def test_what_was_typed_about_an_ad_that_is_gone_can_be_published_anew(author, anna):
    ad = make.ad(anna)
    form = author.get(f"/ads/{ad.pk}/edit/")
    changes.withdraw(ad.pk)

    gone = author.post(f"/ads/{ad.pk}/edit/", filled(form, title="Ещё раз"))

    assert gone.status_code == 409
    assert "тем временем убрали" in page_of(gone)
    assert 'action="/ads/new/"' in page_of(gone)
    assert author.post("/ads/new/", filled(gone)).status_code == 303
    assert Ad.objects.get().title == "Ещё раз"


def test_before_an_ad_is_taken_away_it_is_asked(author, anna):
    ad = make.ad(anna)

    asked = author.get(f"/ads/{ad.pk}/delete/")
    assert "Убрать это объявление?" in page_of(asked)
    assert Ad.objects.exists()

    gone = author.post(f"/ads/{ad.pk}/delete/", hidden(asked))
    assert (gone.status_code, gone["Location"]) == (303, "/ads/mine/?said=withdrawn")
    assert "Объявление убрано." in page_of(author.get(gone["Location"]))
    assert not Ad.objects.exists()


def test_an_ad_that_changed_while_it_was_asked_about_is_asked_about_again(author, anna):
    ad = make.ad(anna)
    asked = author.get(f"/ads/{ad.pk}/delete/")
    changes.change(ad.pk, {"title": "Другой"}, now=ad.updated_at)

    again = author.post(f"/ads/{ad.pk}/delete/", hidden(asked))

    assert again.status_code == 409
    assert "«Другой»" in page_of(again)
    assert author.post(f"/ads/{ad.pk}/delete/", hidden(again)).status_code == 303


@pytest.mark.parametrize("path", ["/ads/{}/edit/", "/ads/{}/delete/"])
def test_only_the_author_and_staff_get_there(author, anna, path):
    ad = make.ad(anna)
    address, boris, staff = path.format(ad.pk), make.operator("boris"), make.administrator()

    for method in ("get", "post"):
        assert getattr(signed_in(boris), method)(address).status_code == 403
        assert getattr(Client(), method)(address)["Location"].startswith("/auth/login/?next=/ads/")
    assert author.get(address).status_code == 200
    assert signed_in(staff).get(address).status_code == 200
    assert author.get(path.format(ad.pk + 1)).status_code == 404
    assert author.get(path.format("9" * 18)).status_code == 404
    assert Ad.objects.get().version == 1


@pytest.mark.parametrize("path", ["/ads/new/", "/ads/{}/edit/", "/ads/{}/delete/"])
def test_a_form_from_another_site_is_refused_with_a_page(anna, path):
    ad = make.ad(anna)
    author = Client(enforce_csrf_checks=True, headers={"Accept": "text/html", "Accept-Language": "ru"})
    author.force_login(anna)

    refused = author.post(path.format(ad.pk), make.AD)

    assert refused.status_code == 403
    assert "Форма устарела" in page_of(refused)
    assert (Ad.objects.count(), Ad.objects.get().version) == (1, 1)


@pytest.mark.parametrize("path", ["/ads/new/", "/ads/1/edit/", "/ads/1/delete/", "/ads/mine/"])
def test_other_methods_are_refused(author, path):
    response = author.put(path, **PROGRAM)

    assert (response.status_code, response.json()["code"]) == (405, "method_not_allowed")


def test_people_find_the_way_to_change_only_on_their_own_ads(author, anna):
    own, other = make.ad(anna), make.ad()

    assert f"/ads/{own.pk}/edit/" in page_of(author.get(f"/ads/{own.pk}/"))
    assert "/edit/" not in page_of(author.get(f"/ads/{other.pk}/?said=changed"))
    assert "Изменения сохранены" not in page_of(author.get(f"/ads/{other.pk}/?said=changed"))
    assert "/edit/" not in page_of(Client().get(f"/ads/{own.pk}/"))


def test_my_ads_are_mine_page_by_page(author, anna, monkeypatch, django_assert_num_queries):
    monkeypatch.setattr(own_ads, "AT_ONCE", 2)
    made = [make.ad(anna, title=f"Мой-{number}") for number in range(3)]
    make.ad(title="Чужой")

    with django_assert_num_queries(4):  # session, person, ads, inbox
        first = page_of(author.get("/ads/mine/"))
    second = page_of(author.get(f"/ads/mine/?before={made[1].pk}"))

    assert re.findall(r">(Мой-\d)</a>", first) == ["Мой-2", "Мой-1"]
    assert f"?before={made[1].pk}" in first
    assert re.findall(r">(Мой-\d)</a>", second) == ["Мой-0"]
    assert "Чужой" not in first + second
    for odd in ("x", "9" * 40, "-1", "%00", "²"):
        assert author.get(f"/ads/mine/?before={odd}").status_code == 200


@pytest.mark.parametrize(("language", "word"), [("ru", "ничего не предлагали"), ("en", "offered nothing yet")])
def test_who_has_no_ads_is_told_how_to_place_one(author, language, word):
    shown = page_of(author.get("/ads/mine/", headers={"Accept-Language": language}))

    assert word in shown
    assert shown.count('href="/ads/new/"') == 2


def test_what_people_typed_is_shown_and_never_run(author, anna):
    ad = make.ad(anna, title=XSS)
    form = author.get(f"/ads/{ad.pk}/edit/")
    changes.change(ad.pk, {"location": XSS}, now=ad.updated_at)

    for response in (
        form,
        author.post("/ads/new/", {"title": XSS, "kind": XSS, "picture": XSS, "seen": XSS, "version": XSS}),
        author.post(f"/ads/{ad.pk}/edit/", filled(form, location=XSS + "!")),
        author.get(f"/ads/{ad.pk}/delete/"),
        author.get("/ads/mine/?said=<script>"),
    ):
        shown = page_of(response)
        assert "<script>" not in shown
        assert " style=" not in shown
        assert "&lt;script&gt;" in shown
