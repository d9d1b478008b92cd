"""What keeps a server from starting where strangers can come, and what only is told."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator

import httpx2
import pytest
import running
from django.contrib import admin
from django.core import checks as django_checks

from besedka.web.checks import TAG, weakness

STRONG = "mF8w-2kQz_77aRt0XbLpYd3sVuNeGhJc5iOq1ZTKxW9vEf4BpQ6sD0uYh3Lm"
PRODUCTION = {
    "SECRET_KEY": STRONG,
    "BESEDKA_HTTPS": "on",
    "BESEDKA_TRUSTED_PROXIES": "1",
    "HOST": "0.0.0.0",
    "ALLOWED_HOSTS": "chat.example,127.0.0.1",
    "CSRF_TRUSTED_ORIGINS": "https://chat.example",
}


def besedka(tmp_path, *command: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    """The command, in an environment of its own."""
    surroundings = {"PATH": os.environ["PATH"], "BESEDKA_HOME": str(tmp_path), **environment}
    return subprocess.run(
        [running.BESEDKA, *command], env=surroundings, cwd=tmp_path, capture_output=True, text=True, timeout=120
    )


def told(settings, **fields: object) -> set[str]:
    """The ids of what our checks find with these settings."""
    for name, value in fields.items():
        setattr(settings, name, value)
    return {found.id for found in django_checks.run_checks(tags=[TAG])}


def test_production_is_clean_to_the_last_warning(tmp_path):
    checked = besedka(tmp_path, "manage", "check", "--deploy", "--fail-level", "WARNING", **PRODUCTION)

    assert (checked.returncode, checked.stderr) == (0, "")
    assert "no issues" in checked.stdout


def test_djangos_checks_find_nothing_in_the_pages_of_the_admin():
    admin.autodiscover()

    assert django_checks.run_checks(tags=["admin"]) == []


def test_a_command_that_serves_no_pages_does_not_wait_for_them(tmp_path):
    loaded = "import sys, django; django.setup(); sys.exit('besedka.turns.admin' in sys.modules)"
    surroundings = {"BESEDKA_HOME": str(tmp_path), "DJANGO_SETTINGS_MODULE": "besedka.project.settings"}

    assert subprocess.run([sys.executable, "-c", loaded], env=surroundings, check=False).returncode == 0


def test_figures_are_told_with_a_token_that_cannot_be_guessed_or_not_at_all(settings):
    assert "besedka.E006" in told(settings, METRICS_TOKEN="metrics")
    assert not {"besedka.E006", "besedka.W008"} & told(settings, METRICS_TOKEN=STRONG, METRICS_PORT=9100)
    assert "besedka.W008" in told(settings, METRICS_TOKEN="", METRICS_PORT=9100)


def test_a_server_that_strangers_reach_does_not_start_with_a_secret_that_all_know(tmp_path):
    refused = besedka(tmp_path, "run", HOST="0.0.0.0", SECRET_KEY="changeme", BESEDKA_ADMIN_PASSWORD="admin")

    assert refused.returncode == 1
    assert "SECRET_KEY is shorter than 32 characters." in refused.stderr
    assert "BESEDKA_ADMIN_PASSWORD can be guessed." in refused.stderr
    assert "Traceback" not in refused.stderr
    assert "changeme" not in refused.stderr + refused.stdout
    assert not (tmp_path / "besedka.sqlite3").exists()


@pytest.mark.parametrize(
    ("secret", "weak"),
    [
        (STRONG, False),
        ("short", True),
        ("a" * 50, True),
        ("django-insecure-" + STRONG, True),
        ("please-change-me-in-production-now", True),
        ("correct horse battery staple, four", False),
    ],
)
def test_a_weak_secret_is_known_when_it_is_seen(secret, weak):
    assert bool(weakness(secret)) is weak


@pytest.mark.parametrize(
    ("fields", "found"),
    [
        ({"PUBLIC": True, "SECRET_KEY": "secret"}, {"besedka.E001"}),
        ({"PUBLIC": True, "ENCRYPTION_KEYS": ["key"]}, {"besedka.E002"}),
        ({"PUBLIC": True, "ADMIN_PASSWORD": "password123"}, {"besedka.E003"}),
        ({"PORT": 70_000}, {"besedka.E004"}),
        ({"REDIS_URL": "http://redis"}, {"besedka.E005"}),
        ({"S3_SECRET": "x"}, {"besedka.E006"}),
        ({"S3_BUCKET": "files", "S3_KEY": "x"}, {"besedka.E008"}),
        ({"S3_BUCKET": "files", "S3_ENDPOINT": "minio:9000"}, {"besedka.E009"}),
        ({"PUBLIC": True, "ALLOWED_HOSTS": ["*"]}, {"besedka.W001"}),
        ({"PUBLIC": True, "HTTPS": False}, {"besedka.W002"}),
        ({"PUBLIC": True, "RATE_LIMITS": False}, {"besedka.W003"}),
        ({"PUBLIC": True, "HTTPS": True, "CSRF_TRUSTED_ORIGINS": ["http://a.example"]}, {"besedka.W004"}),
        ({"TELEGRAM_WEBHOOK_URL": "https://other.example/telegram/webhook"}, {"besedka.W005"}),
        ({"TELEGRAM_WEBHOOK_URL": "http://chat.example/telegram/webhook"}, {"besedka.W006"}),
        ({"YANDEX_API_KEY": "key"}, {"besedka.W007"}),
        ({"PUBLIC": True, "HTTPS": True, "TRUSTED_PROXIES": 0}, {"besedka.I002"}),
    ],
)
def test_what_contradicts_itself_is_told(settings, fields, found):
    sound = {"SECRET_KEY": STRONG, "ENCRYPTION_KEYS": [STRONG], "ALLOWED_HOSTS": ["chat.example"], "PUBLIC": False}
    sound |= {"HTTPS": True, "TRUSTED_PROXIES": 1, "RATE_LIMITS": True, "ADMIN_PASSWORD": ""}

    assert told(settings, **sound) == set()
    assert told(settings, **{**sound, **fields}) == found


@pytest.fixture(scope="module")
def https_site(tmp_path_factory) -> Iterator[running.Server]:
    """A server behind a proxy that ends HTTPS; somebody would like to see its tracebacks."""
    home = tmp_path_factory.mktemp("https") / "home"
    with running.server(home, **{**PRODUCTION, "HOST": "127.0.0.1"}, DEBUG="on", BESEDKA_RATE_LIMITS="on") as site:
        yield site


@pytest.mark.xdist_group("https")
class TestBehindAProxy:
    SECURE = {"X-Forwarded-Proto": "https", "X-Forwarded-For": "198.51.100.7"}

    def test_who_comes_without_https_is_sent_there_and_health_is_told_at_once(self, https_site):
        page = httpx2.get(f"{https_site.url}/ads/?page=2")
        health = httpx2.get(f"{https_site.url}/health/")

        assert page.status_code == 301
        assert page.headers["Location"].startswith("https://127.0.0.1")
        assert health.status_code == 200

    def test_who_comes_with_https_gets_the_page_and_cookies_that_never_leave_it(self, https_site):
        page = httpx2.get(f"{https_site.url}/auth/login/", headers=self.SECURE)
        root = httpx2.get(f"{https_site.url}/api/", headers=self.SECURE)

        assert page.status_code == 200
        assert "max-age=31536000" in page.headers["Strict-Transport-Security"]
        assert all("Secure" in cookie for cookie in page.headers.get_list("Set-Cookie"))
        assert root.json()["v1"].startswith("https://")

    @pytest.mark.parametrize("path", ["/swagger/", "/api/schema/"])
    def test_the_documentation_is_for_who_has_signed_in(self, https_site, path):
        stranger = httpx2.get(https_site.url + path, headers=self.SECURE)
        person = httpx2.get(https_site.url + path, headers={**self.SECURE, "Accept": "text/html,*/*;q=0.8"})
        known = httpx2.get(https_site.url + path, headers=self.SECURE, auth=("admin", running.PASSWORD))

        assert (stranger.status_code, stranger.json()["code"]) == (401, "not_authenticated")
        assert person.status_code == (302 if path == "/swagger/" else 401)
        assert known.status_code == 200

    def test_no_variable_brings_a_page_with_a_traceback(self, https_site):
        missing = httpx2.get(f"{https_site.url}/nothing", headers={**self.SECURE, "Accept": "text/html"})

        assert missing.status_code == 404
        assert "Traceback" not in missing.text
        assert "urlpatterns" not in missing.text
        assert "DEBUG" not in missing.text
        assert json.loads(https_site.shell("from django.conf import settings; print(int(settings.DEBUG))")) == 0
