"""An account of one's own: what it may be called, what it may not become, and who gets a name that two want."""

import importlib
import threading

import make
import pytest
from django.apps import apps
from django.db import connection

from besedka.accounts import registration
from besedka.accounts.models import User
from besedka.accounts.registration import RegistrationClosed
from besedka.problems import Invalid, Problem

PASSWORD = "a long password"


def register(client, **said):
    body = {"username": "anna", "first_name": "Анна", "password": PASSWORD, **said}
    return client.post("/auth/register/", body, content_type="application/json")


def fields(response):
    assert response.status_code == 400
    assert response["Content-Type"] == "application/problem+json"
    assert response.json()["code"] == "invalid"
    return {fault["field"] for fault in response.json()["errors"]}


@pytest.mark.django_db
@pytest.mark.parametrize(
    "name",
    ["", " ", "a b", "a\u200bb", "a\nb", "a\u202eb", "<b>", "x" * 151, "ﬀ" * 76, "a/b", "анna", "α" + "a", "😀"],
)
def test_a_name_that_cannot_be_one_is_refused(client, name):
    assert fields(register(client, username=name)) == {"username"}


@pytest.mark.django_db
@pytest.mark.parametrize("name", ["", "  ", "a\nb", "x" * 151, "a\u202eb", "\x1b[31m", "a\u2028b"])
def test_a_first_name_that_cannot_be_shown_is_refused(client, name):
    assert fields(register(client, first_name=name)) == {"first_name"}


@pytest.mark.django_db
@pytest.mark.parametrize("password", ["", "short", "password1234", "anna-anna-1", "x" * 1_001])
def test_a_weak_password_is_refused(client, password):
    assert fields(register(client, username="anna-anna", password=password)) == {"password"}
    assert not User.objects.filter(username="anna-anna").exists()


@pytest.mark.django_db
@pytest.mark.parametrize("field", ["username", "first_name", "password"])
@pytest.mark.parametrize("value", [None, 7, [], {}, True])
def test_what_is_missing_or_no_text_is_refused_by_name(client, field, value):
    response = register(client, **{field: value})

    if value == 7:  # a number can be read as a text
        assert response.status_code in (201, 400)
    else:
        assert fields(response) == {field}


@pytest.mark.django_db
@pytest.mark.parametrize("body", ['{"username": "a\\u0000b"}', "[]", "null", "{", '{"username": "\\ud800"}'])
def test_a_body_that_cannot_be_kept_is_refused(client, body):
    response = client.post("/auth/register/", body, content_type="application/json")

    assert response.status_code == 400
    assert response["Content-Type"] == "application/problem+json"


@pytest.mark.django_db
@pytest.mark.parametrize("other", ["anna", "Anna", "ANNA", "аnnа", "ａnna", "ánna"])
def test_names_that_look_alike_are_one(client, other):
    make.operator("anna")

    assert fields(register(client, username=other)) == {"username"}


@pytest.mark.django_db
@pytest.mark.parametrize(
    "name", ["admin", "Admin", "ADMIN", "Админ", "telegram-123456", "Telegram-5", "поддержка"]
)
def test_nobody_speaks_for_the_house(client, name):
    assert fields(register(client, username=name)) == {"username"}


@pytest.mark.django_db
def test_nobody_becomes_more_than_they_are_by_asking(client):
    asked = {"id": 1, "is_staff": True, "is_superuser": True, "is_active": False, "role": "admin", "name_key": "x"}

    response = register(client, **asked, groups=[1], user_permissions=[1], date_joined="1999-01-01")

    assert response.status_code == 201
    assert response.json() == {"username": "anna", "first_name": "Анна"}
    user = User.objects.get(username="anna")
    assert (user.is_staff, user.is_superuser, user.is_active) == (False, False, True)
    assert user.date_joined.year > 2000
    assert user.check_password(PASSWORD)


@pytest.mark.django_db
def test_where_registration_is_switched_off_nobody_registers(client, settings):
    settings.REGISTRATION = False

    refused = register(client)
    page = client.get("/auth/register/", headers={"Accept-Language": "en"})

    assert (refused.status_code, refused.json()["code"]) == (403, "registration_closed")
    assert (page.status_code, "Ask an administrator" in page.content.decode()) == (403, True)
    assert "register" not in client.get("/auth/login/").content.decode()
    with pytest.raises(RegistrationClosed):
        registration.register("anna", "Anna", PASSWORD)


@pytest.mark.django_db
def test_one_address_registers_so_often_and_no_more(client):
    for _ in range(10):
        fields(register(client, username="?"))

    refused = register(client)

    assert (refused.status_code, refused.json()["code"]) == (429, "rate_limited")
    assert int(refused["Retry-After"]) > 0
    assert client.post("/auth/register/", {"username": "x"})["Retry-After"]
    body = {"username": "anna", "first_name": "Анна", "password": PASSWORD}
    elsewhere = client.post("/auth/register/", body, content_type="application/json", REMOTE_ADDR="203.0.113.9")
    assert elsewhere.status_code == 201


@pytest.mark.django_db(transaction=True)
def test_of_several_who_want_one_name_at_once_one_gets_it():
    start = threading.Barrier(4)
    got: list[object] = []

    def want(name: str) -> None:
        start.wait(timeout=30)
        try:
            got.append(registration.register(name, "Anna", PASSWORD))
        except Problem as problem:
            got.append(problem)
        finally:
            connection.close()

    threads = [threading.Thread(target=want, args=[name]) for name in ("anna", "Anna", "anna", "ANNA")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)

    assert sorted(type(one).__name__ for one in got) == ["Invalid", "Invalid", "Invalid", "User"]
    assert {one.details["field"] for one in got if isinstance(one, Invalid)} == {"username"}
    assert User.objects.count() == 1


@pytest.mark.django_db
def test_an_administrator_is_told_of_names_that_look_alike(admin_client):
    make.operator("anna")
    form = {"username": "аnnа", "usable_password": "true", "password1": PASSWORD, "password2": PASSWORD}

    response = admin_client.post("/admin/accounts/user/add/", form)

    assert response.status_code == 200
    assert not User.objects.filter(username="аnnа").exists()


@pytest.mark.django_db
def test_accounts_from_before_the_rule_are_kept_and_can_be_saved(client):
    User.objects.bulk_create([User(username="anna"), User(username="boris")])
    User.objects.update(name_key=None)
    User.objects.bulk_create([User(username="Anna")])
    User.objects.update(name_key=None)
    migration = importlib.import_module("besedka.accounts.migrations.0005_names_and_second_factors")

    migration.give_keys(apps, None)
    keyed = {user.username: user.name_key is not None for user in User.objects.all()}
    for user in User.objects.all():
        user.full_clean(exclude=["password"])
        user.save()

    assert keyed == {"anna": True, "boris": True, "Anna": False}
    assert fields(register(client, username="ANNA")) == {"username"}
