"""Signing in with a code: asked in forms, JSON and for tokens; switched on and off on a page."""

import base64
import re
from datetime import timedelta

import make
import pytest
from axes.models import AccessAttempt
from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor.hotp import HOTP
from django.test import Client
from django.utils import timezone

from besedka.accounts import second_factor
from besedka.accounts.models import SecondFactor, User

pytestmark = pytest.mark.django_db

PASSWORD = "a long password"
PAGE, LOGIN, CODE = "/auth/second-factor/", "/auth/login/", "/auth/login/code/"


def code_of(secret, step=0):
    """What the app shows, `step` half minutes from now."""
    at = int(timezone.now().timestamp()) // 30 + step
    return HOTP(base64.b32decode(secret), 6, SHA1()).generate(at).decode()


@pytest.fixture(autouse=True)
def fast(settings):
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture
def anna():
    return make.administrator("anna", password=PASSWORD)


@pytest.fixture
def secret(anna):
    """Of her app: she signs in with a code since a while ago."""
    made = second_factor.new_secret()
    ago = timezone.now() - timedelta(minutes=5)
    step = HOTP(base64.b32decode(made), 6, SHA1()).generate(int(ago.timestamp()) // 30).decode()
    second_factor.switch_on(anna.pk, made, step, now=ago)
    return made


def type_password(client, **more):
    return client.post(LOGIN, {"username": "anna", "password": PASSWORD, **more})


def is_in(client):
    return "_auth_user_id" in client.session


def test_the_form_asks_for_the_code_and_then_leads_on(client, anna, secret):
    halfway = type_password(client, next="/ads/")
    assert (halfway.status_code, halfway["Location"], is_in(client)) == (302, CODE, False)
    assert client.get("/admin/").status_code == 302
    assert client.get(CODE).status_code == 200

    assert client.post(CODE, {"code": "000000x"}).status_code == 403
    done = client.post(CODE, {"code": code_of(secret)})

    assert (done.status_code, done["Location"], is_in(client)) == (302, "/ads/", True)
    assert client.get("/admin/").status_code == 200


def test_the_admin_asks_for_it_too(client, anna, secret):
    assert client.get("/admin/login/")["Location"] == "/auth/login/?next=%2Fadmin%2F"
    assert client.post("/admin/login/", {"username": "anna", "password": PASSWORD})["Location"] == CODE
    assert not is_in(client)
    assert client.post(CODE, {"code": code_of(secret)})["Location"] == "/admin/"


def test_nobody_gets_to_the_code_without_the_password(client, anna, secret):
    assert client.get(CODE)["Location"] == LOGIN
    assert client.post(CODE, {"code": code_of(secret)})["Location"] == LOGIN
    assert not is_in(client)


@pytest.mark.parametrize("happens", ["late", "new password", "disabled"])
def test_the_way_from_the_password_to_the_code_ends(client, anna, secret, happens):
    type_password(client)
    if happens == "late":
        session = client.session
        kept = session["halfway"]
        session["halfway"] = [*kept[:2], kept[2] - 301, kept[3]]
        session.save()
    elif happens == "new password":
        anna.set_password("another password")
        anna.save()
    else:
        User.objects.update(is_active=False)

    assert client.post(CODE, {"code": code_of(secret)})["Location"] == LOGIN
    assert not is_in(client)


def test_wrong_codes_count_like_wrong_passwords_and_a_right_password_does_not_forgive_them(client, anna, secret):
    for _ in range(5):
        type_password(client)
        assert client.post(CODE, {"code": "000000x"}).status_code == 403

    locked = client.post(CODE, {"code": code_of(secret)})

    assert (locked.status_code, is_in(client)) == (429, False)
    assert int(locked["Retry-After"]) > 0
    assert type_password(client).status_code == 429
    assert AccessAttempt.objects.get().failures_since_start == 5


@pytest.mark.parametrize("address", ["/auth/login/", "/api/token/"])
def test_programs_send_the_code_along(client, anna, secret, address):
    def ask(**otp):
        body = {"username": "anna", "password": PASSWORD, **otp}
        return client.post(address, body, content_type="application/json")

    missing, wrong, right = ask(), ask(otp="000000x"), ask(otp=code_of(secret))
    again = ask(otp=code_of(secret))

    assert (missing.status_code, missing.json()["code"]) == (401, "second_factor_needed")
    assert (wrong.status_code, wrong.json()["code"]) == (401, "second_factor_wrong")
    assert right.status_code == 200
    assert again.json()["code"] == "second_factor_wrong"


def test_basic_ends_when_it_is_switched_on(client):
    make.administrator("boris", password=PASSWORD)
    headers = {"Authorization": "Basic " + base64.b64encode(f"boris:{PASSWORD}".encode()).decode()}
    assert client.get("/api/bots/", headers=headers).status_code == 200
    made = second_factor.new_secret()
    second_factor.switch_on(User.objects.get(username="boris").pk, made, code_of(made))

    refused = client.get("/api/bots/", headers=headers)

    assert (refused.status_code, refused.json()["code"]) == (401, "second_factor_needed")
    assert "/api/token/" in refused.json()["detail"]


def test_it_is_switched_on_renewed_and_switched_off_on_a_page(client, anna):
    client.force_login(anna)
    page = client.get(PAGE).content.decode()
    shown = re.search(r'class="secret">([A-Z2-7 ]+)<', page)[1].replace(" ", "")
    assert "data:image/svg+xml" in page

    refused = client.post(PAGE, {"act": "on", "code": code_of(shown), "password": "wrong"})
    on = client.post(PAGE, {"act": "on", "code": code_of(shown), "password": PASSWORD})
    codes = re.findall(r"<code>([a-z0-9-]{19})</code>", on.content.decode())
    renewed = client.post(PAGE, {"act": "renew", "code": codes[0]})
    fresh = re.findall(r"<code>([a-z0-9-]{19})</code>", renewed.content.decode())
    kept = client.post(PAGE, {"act": "off", "code": codes[1]})
    off = client.post(PAGE, {"act": "off", "code": fresh[0]})

    assert (refused.status_code, on.status_code, kept.status_code, off.status_code) == (403, 200, 403, 200)
    assert (len(codes), len(fresh)) == (10, 10)
    assert not set(codes) & set(fresh)
    assert "no-store" in on["Cache-Control"]
    assert not SecondFactor.objects.exists()


@pytest.mark.parametrize("address", [PAGE, CODE])
def test_forms_are_looked_at_and_sent_and_nothing_else(anna, address):
    client = Client(enforce_csrf_checks=True)
    client.force_login(anna)

    assert client.put(address).status_code == 405
    assert client.delete(address)["Content-Type"] == "application/problem+json"
    assert client.post(address, {"act": "off", "code": "x"}).status_code == 403


def test_strangers_are_sent_to_sign_in(client):
    assert client.get(PAGE)["Location"] == "/auth/login/?next=/auth/second-factor/"
