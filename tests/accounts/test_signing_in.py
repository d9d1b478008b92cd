"""How programs show who they are: Basic, JSON Web Tokens, and a session of the browser."""

import base64
import json
import time

import jwt
import make
import pytest
from django.conf import settings
from django.contrib.auth import hashers

SOURCES = "/api/v1/sources/"


@pytest.fixture
def admin(db):
    return make.administrator("anna", password="a long password")


def basic(name, password):
    return {"HTTP_AUTHORIZATION": "Basic " + base64.b64encode(f"{name}:{password}".encode()).decode()}


def bearer(token):
    return {"HTTP_AUTHORIZATION": f"Bearer {token}"}


def sign_in(client, name="anna", password="a long password"):
    return client.post("/api/token/", {"username": name, "password": password}, content_type="application/json")


def test_basic_lets_in(admin, client):
    assert client.get(SOURCES, **basic("anna", "a long password")).status_code == 200


@pytest.mark.parametrize(
    ("name", "password"), [("anna", "wrong"), ("nobody", "a long password"), ("", ""), ("a\0", "b")]
)
def test_basic_refuses_a_wrong_pair(name, password, admin, client):
    response = client.get(SOURCES, **basic(name, password))

    assert response.status_code == 401
    assert response.json()["code"] == "not_authenticated"
    assert response["WWW-Authenticate"].startswith("Bearer")


def test_the_password_is_not_hashed_anew_for_each_request(admin, client, monkeypatch):
    client.get(SOURCES, **basic("anna", "a long password"))
    monkeypatch.setattr(hashers, "verify_password", None)

    assert client.get(SOURCES, **basic("anna", "a long password")).status_code == 200


def test_a_changed_password_counts_at_once(admin, client):
    client.get(SOURCES, **basic("anna", "a long password"))
    admin.set_password("another password")
    admin.save()

    assert client.get(SOURCES, **basic("anna", "a long password")).status_code == 401
    assert client.get(SOURCES, **basic("anna", "another password")).status_code == 200


def test_a_disabled_account_is_refused_at_once(admin, client):
    client.get(SOURCES, **basic("anna", "a long password"))
    admin.is_active = False
    admin.save()

    assert client.get(SOURCES, **basic("anna", "a long password")).status_code == 401


def test_a_pair_of_tokens_lets_in(admin, client):
    tokens = sign_in(client).json()

    assert set(tokens) == {"access", "refresh"}
    assert client.get(SOURCES, **bearer(tokens["access"])).status_code == 200


def test_a_refresh_token_works_once(admin, client):
    first = sign_in(client).json()["refresh"]
    change = {"refresh": first}

    second = client.post("/api/token/refresh", change, content_type="application/json")
    again = client.post("/api/token/refresh", change, content_type="application/json")

    assert second.status_code == 200
    assert set(second.json()) == {"access", "refresh"}
    assert again.status_code == 401
    assert again["Content-Type"] == "application/problem+json"


def test_wrong_pairs_get_no_token(admin, client):
    assert sign_in(client, password="wrong").status_code == 401
    assert sign_in(client, name="nobody").status_code == 401
    assert client.post("/api/token/", {"username": "anna"}, content_type="application/json").status_code == 400


def forged(payload, *, key, algorithm="HS256"):
    return jwt.encode(payload, key, algorithm=algorithm)


@pytest.mark.parametrize(
    "forge",
    [
        lambda p, key: forged(p, key="x" * 64),
        lambda p, key: forged(p, key=key, algorithm="HS512"),
        lambda p, key: jwt.encode(p, None, algorithm="none"),
        lambda p, key: forged({**p, "exp": int(time.time()) - 1}, key=key),
        lambda p, key: forged({**p, "nbf": int(time.time()) + 3600}, key=key),
        lambda p, key: forged({**p, "token_type": "refresh"}, key=key),
        lambda p, key: forged({k: v for k, v in p.items() if k != "jti"}, key=key),
        lambda p, key: forged({**p, "user_id": "999999"}, key=key),
        lambda p, key: forged({**p, "rights": "x"}, key=key),
        lambda p, key: "no.token.at.all",
    ],
)
def test_a_forged_token_is_refused(forge, admin, client):
    key = settings.SIMPLE_JWT["SIGNING_KEY"]
    payload = jwt.decode(sign_in(client).json()["access"], key, algorithms=["HS256"])

    response = client.get(SOURCES, **bearer(forge(payload, key)))

    assert response.status_code == 401
    assert response["Content-Type"] == "application/problem+json"


def test_a_new_password_ends_tokens(admin, client):
    tokens = sign_in(client).json()
    admin.set_password("another password")
    admin.save()
    changed = client.post("/api/token/refresh/", {"refresh": tokens["refresh"]}, content_type="application/json")

    assert client.get(SOURCES, **bearer(tokens["access"])).status_code == 401
    assert changed.status_code == 401 or client.get(SOURCES, **bearer(changed.json()["access"])).status_code == 401


def test_a_deleted_account_gets_no_new_tokens(admin, client):
    tokens = sign_in(client).json()
    admin.delete()

    changed = client.post("/api/token/refresh/", {"refresh": tokens["refresh"]}, content_type="application/json")

    assert changed.status_code == 401


@pytest.mark.parametrize(
    "body",
    [
        b"", b"{", b"\xff\xfe", b'{"username": NaN}', b'{"username": 1e400}', b'{"username": "a\\u0000b"}',
        b'{"username": "\\ud800"}', b"[" * 5_000, b"[" * 100 + b"]" * 100, b"1" * 5_000,
        json.dumps(list(range(300_000))).encode(), b"null", b"[]", b'"x"',
    ],
)  # fmt: skip
def test_a_body_that_cannot_be_kept_is_refused(body, db, client):
    response = client.post("/api/token/", body, content_type="application/json")

    assert response.status_code == 400
    assert response.json()["code"] == "invalid"


def test_a_body_that_is_too_large_is_refused(db, client):
    response = client.post("/api/token/", b'"' + b"x" * 7_000_000 + b'"', content_type="application/json")

    assert response.status_code == 413
