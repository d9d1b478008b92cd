import make
import pictures
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from besedka.ads import images
from besedka.ads.models import Ad
from besedka.media import store

ADS = "/admin/ads/ad/"


@pytest.fixture
def admin(db) -> Client:
    client = Client()
    client.force_login(make.administrator())
    return client


def test_ads_are_listed_and_found_as_visitors_find_them(admin):
    for number in range(3):
        make.ad(title=f"Щенок-{number}")

    found = admin.get(ADS, {"q": "ЩЕНОК 1"}).content.decode()
    everything = admin.get(ADS).content.decode()

    assert ("Щенок-1" in found, "Щенок-0" in found) == (True, False)
    assert "Щенок-0" in everything


def test_an_ad_is_published_changed_and_withdrawn_with_its_picture(admin, media):
    file = SimpleUploadedFile("dog.jpg", pictures.with_gps())

    added = admin.post(f"{ADS}add/", {**make.AD, "new_picture": file})
    ad = Ad.objects.get()
    shown = admin.get(f"{ADS}{ad.pk}/change/").content.decode()
    changed = admin.post(f"{ADS}{ad.pk}/change/", {**make.AD, "title": "Кот"})
    after = Ad.objects.get()

    assert (added.status_code, changed.status_code) == (302, 302)
    assert store.read(images.stored_name(ad.picture))
    assert f"{ad.picture}-small.webp" in shown
    assert (after.title, after.version, after.picture) == ("Кот", 2, ad.picture)
    assert " кот " in after.words
    admin.post(f"{ADS}{ad.pk}/delete/", {"post": "yes"})
    assert not Ad.objects.exists()


def test_many_are_withdrawn_at_once(admin):
    ids = [make.ad().pk for _ in range(3)]

    admin.post(ADS, {"action": "delete_selected", "_selected_action": ids[:2], "post": "yes"})

    assert [ad.pk for ad in Ad.objects.all()] == ids[2:]


def test_what_is_no_picture_is_told_in_the_form(admin, media):
    file = SimpleUploadedFile("dog.png", b"<html>")

    page = admin.post(f"{ADS}add/", {**make.AD, "new_picture": file})

    assert (page.status_code, Ad.objects.count(), media.exists()) == (200, 0, False)
    assert "cannot be read" in page.content.decode()
