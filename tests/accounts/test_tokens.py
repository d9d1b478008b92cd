"""JSON Web Tokens over real HTTP: what is forged, used or ended lets nobody in."""

import base64
import json
import threading
import time
from collections.abc import Iterator
from datetime import timedelta

import httpx2
import jwt
import make
import pytest
import running
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from django.utils import timezone
from rest_framework_simplejwt.token_blacklist.models import BlacklistedToken, OutstandingToken

from besedka.accounts import tokens
from besedka.problems import Problem

pytestmark = pytest.mark.xdist_group("site")

OWN = "/api/bots/"


class Person:
    """Somebody with an account on the running site."""

    def __init__(self, program: httpx2.Client) -> None:
        self.program, self.name = program, make.token()
        account = {"username": self.name, "first_name": "Anna", "password": running.PASSWORD}
        assert self.posts("/auth/register/", **account).status_code == 201

    def signs_in(self) -> dict[str, str]:
        pair = {"username": self.name, "password": running.PASSWORD}
        answer = self.posts("/api/token/", **pair)
        assert answer.headers["Cache-Control"] == "no-store"
        return answer.json()

    def posts(self, path: str, **body: str) -> httpx2.Response:
        return self.program.post(path, json=body)

    def is_let_in(self, access: str) -> bool:
        answer = self.program.get(OWN, headers={"Authorization": f"Bearer {access}"})
        if answer.status_code == 401:
            assert answer.headers["Content-Type"] == "application/problem+json"
            assert answer.json()["code"] == "not_authenticated"
            assert answer.headers["WWW-Authenticate"].startswith("Bearer")
        else:
            assert answer.status_code == 200
        return answer.status_code == 200

    def is_given_a_pair(self, refresh: str) -> bool:
        answer = self.posts("/api/token/refresh/", refresh=refresh)
        assert answer.status_code in (200, 401)
        if answer.status_code == 401:
            assert answer.headers["Content-Type"] == "application/problem+json"
        return answer.status_code == 200


@pytest.fixture(scope="module")
def anna(site) -> Iterator[Person]:
    with httpx2.Client(base_url=site.url, timeout=60) as program:
        yield Person(program)


@pytest.fixture(scope="module")
def pair(anna) -> dict[str, str]:
    return anna.signs_in()


@pytest.fixture(scope="module")
def key(site) -> str:
    return site.shell("from django.conf import settings; print(settings.SIMPLE_JWT['SIGNING_KEY'])").strip()


_RSA = rsa.generate_private_key(public_exponent=65537, key_size=2048)
PRIVATE = _RSA.private_bytes(
    serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
)
NOW = int(time.time())


def unsigned(payload, algorithm="none"):
    parts = [{"alg": algorithm, "typ": "JWT"}, payload]
    written = [base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode() for part in parts]
    return ".".join([*written, ""])


def without(payload, name):
    return {claim: value for claim, value in payload.items() if claim != name}


FORGERIES = {
    "alg none": lambda p, key: jwt.encode(p, None, algorithm="none"),
    "alg None, written by hand": lambda p, key: unsigned(p, "None"),
    "no signature": lambda p, key: unsigned(p, "HS256"),
    "RS256 with a key of their own": lambda p, key: jwt.encode(p, PRIVATE, algorithm="RS256"),
    "another key": lambda p, key: jwt.encode(p, "x" * 64, algorithm="HS256"),
    "a key of nothing": lambda p, key: jwt.encode(p, "\0" * 64, algorithm="HS256"),
    "another length": lambda p, key: jwt.encode(p, key, algorithm="HS512"),
    "kid of a file": lambda p, key: jwt.encode(p, "\0" * 64, headers={"kid": "../../../dev/zero"}),
    "kid of SQL": lambda p, key: jwt.encode(p, "x" * 64, headers={"kid": "' UNION SELECT 'x"}),
    "its own jwk and jku": lambda p, key: jwt.encode(
        p, "x" * 64, headers={"jwk": {"kty": "oct", "k": "eHh4eA"}, "jku": "http://127.0.0.1/"}
    ),
    "run out": lambda p, key: jwt.encode({**p, "exp": NOW - 1}, key),
    "without an end": lambda p, key: jwt.encode(without(p, "exp"), key),
    "an end that is no number": lambda p, key: jwt.encode({**p, "exp": "soon"}, key),
    "not yet": lambda p, key: jwt.encode({**p, "nbf": NOW + 3600}, key),
    "of the other kind": lambda p, key: jwt.encode(
        {**p, "token_type": "access" if p["token_type"] == "refresh" else "refresh"}, key
    ),
    "of no kind": lambda p, key: jwt.encode(without(p, "token_type"), key),
    "without an id": lambda p, key: jwt.encode(without(p, "jti"), key),
    "of nobody": lambda p, key: jwt.encode(without(p, "user_id"), key),
    "of somebody who is not there": lambda p, key: jwt.encode({**p, "user_id": "999999"}, key),
    "of an impossible number": lambda p, key: jwt.encode({**p, "user_id": "9" * 30}, key),
    "of a list": lambda p, key: jwt.encode({**p, "user_id": [1]}, key),
    "of another password": lambda p, key: jwt.encode({**p, "rights": "x"}, key),
    "no token": lambda p, key: "no.token.at.all",
    "dots": lambda p, key: "..",
    "long": lambda p, key: jwt.encode({**p, "x": "x" * 2_000}, "y" * 64),
}


@pytest.mark.parametrize("forgery", FORGERIES)
def test_a_forged_token_is_refused_whichever_it_is(anna, pair, key, forgery):
    made = {
        kind: FORGERIES[forgery](jwt.decode(pair[kind], key, algorithms=["HS256"]), key)
        for kind in ("access", "refresh")
    }

    assert not anna.is_let_in(made["access"])
    assert not anna.is_given_a_pair(made["refresh"])
    assert anna.posts("/api/token/blacklist/", refresh=made["refresh"]).status_code == 401


def test_a_right_token_is_not_refused(anna, pair):
    assert anna.is_let_in(pair["access"])
    assert not anna.is_let_in(pair["refresh"])
    assert not anna.is_given_a_pair(pair["access"])


@pytest.mark.parametrize("how", ["token", "session"])
def test_whoever_signs_out_ends_both_tokens_and_none_of_another_sign_in(anna, how):
    first, other = anna.signs_in(), anna.signs_in()
    assert anna.posts("/api/token/refresh/", refresh=first["refresh"]).status_code == 200
    renewed = anna.signs_in()
    path, status = {"token": ("/api/token/blacklist", 200), "session": ("/auth/logout/", 204)}[how]

    ended = anna.posts(path, refresh=renewed["refresh"])
    again = anna.posts(path, refresh=renewed["refresh"])

    assert (ended.status_code, again.status_code) == (status, 401)
    assert not anna.is_let_in(renewed["access"])
    assert not anna.is_given_a_pair(renewed["refresh"])
    assert anna.is_let_in(other["access"])
    assert anna.is_let_in(first["access"])  # a pair that was changed for a new one runs out by itself


def test_a_pair_that_followed_another_ends_with_all_that_came_before(anna):
    first = anna.signs_in()
    second = anna.posts("/api/token/refresh/", refresh=first["refresh"]).json()

    anna.posts("/api/token/blacklist/", refresh=second["refresh"])

    assert not anna.is_let_in(first["access"])
    assert not anna.is_let_in(second["access"])


def test_of_many_who_show_a_refresh_token_at_once_one_gets_a_pair(anna):
    refresh = anna.signs_in()["refresh"]
    start = threading.Barrier(6)
    got: list[bool] = []

    def ask() -> None:
        start.wait(timeout=30)
        got.append(anna.is_given_a_pair(refresh))

    threads = [threading.Thread(target=ask) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)

    assert sorted(got) == [False] * 5 + [True]


@pytest.mark.django_db
@pytest.mark.parametrize("happens", ["new password", "disabled", "deleted"])
def test_what_happens_to_the_account_ends_its_tokens_at_once(client, happens):
    user = make.operator("boris")
    pair = tokens.issue(user)
    headers = {"Authorization": f"Bearer {pair['access']}"}
    assert client.get(OWN, headers=headers).status_code == 200

    if happens == "deleted":
        user.delete()
    else:
        user.is_active = happens != "disabled"
        user.set_password("another password")
        user.save()
    renewed = client.post("/api/token/refresh/", {"refresh": pair["refresh"]}, content_type="application/json")
    used = client.get(OWN, headers=headers)

    assert (used.status_code, renewed.status_code) == (401, 401)
    assert used["Content-Type"] == renewed["Content-Type"] == "application/problem+json"


@pytest.mark.django_db
def test_the_database_knows_no_token_that_works():
    user = make.operator("clara")

    pair = tokens.renew(tokens.issue(user)["refresh"])

    assert pair["refresh"] not in str(list(OutstandingToken.objects.values()))


@pytest.mark.django_db
def test_what_has_run_out_is_forgotten_and_nothing_else():
    user = make.operator("dora")
    ended, kept = tokens.issue(user), tokens.issue(user)
    tokens.end(ended["refresh"])

    tokens.forget_expired(timezone.now() + timedelta(days=6))
    with pytest.raises(Problem):
        tokens.renew(ended["refresh"])
    assert tokens.renew(kept["refresh"])
    tokens.forget_expired(timezone.now() + timedelta(days=8))

    assert (OutstandingToken.objects.count(), BlacklistedToken.objects.count()) == (0, 0)
