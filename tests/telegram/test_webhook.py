import json

import pytest
import telegram_server

from besedka.telegram import checks
from besedka.telegram.models import Update

pytestmark = pytest.mark.django_db(transaction=True)
SECRET = "a-secret_of-ours"
HEADER = "X-Telegram-Bot-Api-Secret-Token"
UPDATE = {"update_id": 7, "message": {"message_id": 1, "text": "a\u0000b"}}


@pytest.fixture(autouse=True)
def set_up(settings):
    settings.TELEGRAM_BOT_TOKEN = telegram_server.TOKEN
    settings.TELEGRAM_WEBHOOK_SECRET = SECRET


@pytest.fixture
def bring(client):
    def bring(body=UPDATE, secret=SECRET, path="/telegram/webhook"):
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        headers = {HEADER: secret} if secret is not None else {}
        return client.post(path, content, content_type="application/json", headers=headers)

    return bring


def test_an_update_is_kept_before_telegram_is_told_so(bring):
    assert bring().status_code == 200
    assert bring(path="/telegram/webhook/").status_code == 200

    assert [(row.update_id, row.source) for row in Update.objects.all()] == [(7, "webhook")]


@pytest.mark.parametrize("secret", [None, "", "wrong", SECRET[:-1], SECRET + "x", "ключ"])
def test_without_the_secret_nothing_is_kept(bring, secret):
    answer = bring(secret=None if secret is None else secret.encode().decode("latin-1"))

    assert answer.status_code == 401
    assert answer.json()["code"] == "webhook_secret_invalid"
    assert not Update.objects.exists()


@pytest.mark.parametrize("unset", ["TELEGRAM_BOT_TOKEN", "TELEGRAM_WEBHOOK_SECRET"])
def test_where_no_telegram_is_there_is_nothing(bring, settings, unset):
    setattr(settings, unset, "")

    assert bring().status_code == 404
    assert bring(secret="").status_code == 404


@pytest.mark.parametrize("path", ["/telegram/webhook/x", "/telegram/", "/telegram/123456:token"])
def test_the_secret_opens_no_other_address(bring, path):
    assert bring(path=path).status_code == 404


@pytest.mark.parametrize(
    "body",
    [b"", b"no json", b"[]", b"{}", b'{"update_id": "x"}', b"[" * 100_000, b"\xff\xfe", b'{"update_id": 1e999}'],
)
def test_what_is_no_update_is_refused(bring, body):
    answer = bring(body)

    assert answer.status_code == 400
    assert answer["Content-Type"] == "application/problem+json"


def test_a_body_is_bounded(bring):
    assert bring(b" " * 1_000_001).status_code == 413


def test_only_post_is_taken(client):
    assert client.get("/telegram/webhook", headers={HEADER: SECRET}).status_code == 405


def test_contradictions_of_the_settings_are_told(settings):
    assert checks.telegram_settings(None) == []

    settings.TELEGRAM_BOT_TOKEN = "no token"
    settings.TELEGRAM_WEBHOOK_SECRET = "with space"
    settings.TELEGRAM_WEBHOOK_URL = "https://example.org/telegram/webhook"
    assert [one.id for one in checks.telegram_settings(None)] == ["telegram.E001", "telegram.E003"]

    settings.TELEGRAM_WEBHOOK_SECRET = ""
    assert [one.id for one in checks.telegram_settings(None)] == ["telegram.E001", "telegram.E002"]
