"""What of the settings is unsafe where strangers can come, or contradicts itself; said before anybody is let in.

Errors keep the server from starting. `besedka manage check` and `besedka doctor` tell the rest, too.
"""

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.contrib.auth import password_validation
from django.core.checks import CheckMessage, Error, Info, Warning, register
from django.core.exceptions import ValidationError
from django.core.files.storage import storages
from django.http.request import validate_host

TAG = "besedka"
SHORTEST = 32  # characters of a secret that signs
SHORTEST_KEY = 16  # characters of a key that encrypts
KNOWN = ("secret", "change", "insecure", "password", "example", "besedka", "default", "12345", "qwerty", "test")
LOOPBACK = ("localhost", "127.0.0.1", "[::1]", "::1")
NEW_SECRET = 'Make one: python3 -c "import secrets; print(secrets.token_urlsafe(64))", or leave it unset.'


def weakness(secret: str, shortest: int = SHORTEST) -> str:
    """Why this is no secret; "" where nothing is wrong with it. The secret itself is in no answer."""
    if len(secret) < shortest:
        return f"is shorter than {shortest} characters"
    if len(set(secret)) < 8:
        return "repeats a few characters"
    if any(word in secret.lower() for word in KNOWN) and len(set(secret)) < 24:
        return "looks like an example that everybody knows"
    if secret.startswith("django-insecure-"):
        return "is one that Django made for trying things out"
    return ""


@register(TAG)
def secrets(app_configs: Any, **options: Any) -> list[CheckMessage]:
    """What signs, encrypts and lets in cannot be guessed; where only its owner reaches us we only warn."""
    level = Error if settings.PUBLIC else Warning
    found: list[CheckMessage] = []
    if why := weakness(settings.SECRET_KEY):
        found.append(level(f"SECRET_KEY {why}.", hint=NEW_SECRET, id="besedka.E001"))
    weak = (weakness(key, SHORTEST_KEY) for key in settings.ENCRYPTION_KEYS if key != settings.SECRET_KEY)
    named = (f"A key of BESEDKA_ENCRYPTION_KEYS {why}." for why in weak if why)
    found += [level(sentence, hint=NEW_SECRET, id="besedka.E002") for sentence in named]
    if settings.PUBLIC and settings.ADMIN_PASSWORD:
        try:
            password_validation.validate_password(settings.ADMIN_PASSWORD)
        except ValidationError:
            hint = "Choose one of ten characters or more that is in no list, or leave it unset: one is made up."
            found.append(Error("BESEDKA_ADMIN_PASSWORD can be guessed.", hint=hint, id="besedka.E003"))
    if settings.METRICS_TOKEN and (why := weakness(settings.METRICS_TOKEN, SHORTEST_KEY)):
        found.append(level(f"BESEDKA_METRICS_TOKEN {why}.", hint=NEW_SECRET, id="besedka.E006"))
    return found


@register(TAG)
def addresses(app_configs: Any, **options: Any) -> list[CheckMessage]:
    """Who can reach us, by which name and how, goes together."""
    return [*_ports(), *(_public() if settings.PUBLIC else ()), *_urls()]


@register(TAG)
def files(app_configs: Any, **options: Any) -> list[CheckMessage]:
    """Where people's files lie is said whole, and its client is installed."""
    return list(_bucket())


def _bucket() -> Iterator[CheckMessage]:
    given = [name for name in ("ENDPOINT", "KEY", "SECRET", "PREFIX") if getattr(settings, f"S3_{name}")]
    if not settings.S3_BUCKET:
        if given:
            hint = "Name the bucket, or unset the others: files would go to BESEDKA_HOME."
            yield Error(f"BESEDKA_S3_{given[0]} is set, BESEDKA_S3_BUCKET is not.", hint=hint, id="besedka.E006")
        return
    try:
        storages["default"]  # its client takes a second to load: now, and not when the first file comes
    except ImportError:
        yield Error("BESEDKA_S3_BUCKET needs a client.", hint="pip install 'besedka[s3]'", id="besedka.E007")
    if bool(settings.S3_KEY) != bool(settings.S3_SECRET):
        yield Error("BESEDKA_S3_KEY and BESEDKA_S3_SECRET go together.", id="besedka.E008")
    if settings.S3_ENDPOINT and urlsplit(settings.S3_ENDPOINT).scheme not in ("https", "http"):
        yield Error("BESEDKA_S3_ENDPOINT begins with none of https://, http://.", id="besedka.E009")


def _ports() -> Iterator[CheckMessage]:
    if settings.METRICS_PORT and not settings.METRICS_TOKEN:
        hint = "Set BESEDKA_METRICS_TOKEN; nobody sees figures without it."
        yield Warning("BESEDKA_METRICS_PORT is set, and no token.", hint=hint, id="besedka.W008")
    if not 1 <= settings.PORT <= 65_535:
        yield Error("PORT is no port: 1 to 65535.", id="besedka.E004")
    scheme = urlsplit(settings.REDIS_URL).scheme
    if settings.REDIS_URL and scheme not in ("redis", "rediss", "unix"):
        yield Error("REDIS_URL begins with none of redis://, rediss://, unix://.", id="besedka.E005")


def _public() -> Iterator[CheckMessage]:
    if "*" in settings.ALLOWED_HOSTS:
        hint = "Name the hosts: links in pages and messages are made from what the caller says otherwise."
        yield Warning("ALLOWED_HOSTS lets every name in.", hint=hint, id="besedka.W001")
    if set(settings.ALLOWED_HOSTS) <= set(LOOPBACK):
        hint = "Set ALLOWED_HOSTS to the names that browsers use."
        yield Info("ALLOWED_HOSTS names this machine only: nobody else sees a page.", hint=hint, id="besedka.I001")
    if not settings.HTTPS:
        hint = "Put a proxy with a certificate in front, and set BESEDKA_HTTPS=on."
        yield Warning("Passwords and chats travel in the clear: HTTPS is off.", hint=hint, id="besedka.W002")
    elif not settings.TRUSTED_PROXIES:
        hint = "Set BESEDKA_TRUSTED_PROXIES to how many proxies stand in front."
        yield Info("All visitors count as one address: the proxy's.", hint=hint, id="besedka.I002")
    if not settings.RATE_LIMITS:
        hint = "Set BESEDKA_RATE_LIMITS=on."
        yield Warning("Nobody is limited in how much they may ask.", hint=hint, id="besedka.W003")
    if settings.HTTPS and any(origin.startswith("http://") for origin in settings.CSRF_TRUSTED_ORIGINS):
        hint = "Name https:// addresses only."
        yield Warning("CSRF_TRUSTED_ORIGINS trusts pages without HTTPS.", hint=hint, id="besedka.W004")


def _urls() -> Iterator[CheckMessage]:
    webhook = urlsplit(settings.TELEGRAM_WEBHOOK_URL)
    if settings.TELEGRAM_WEBHOOK_URL and not validate_host(webhook.hostname or "", settings.ALLOWED_HOSTS):
        hint = "Add the host of TELEGRAM_WEBHOOK_URL to ALLOWED_HOSTS."
        yield Warning("Telegram calls by a name that we do not answer to.", hint=hint, id="besedka.W005")
    if webhook.scheme == "http" and not settings.TELEGRAM_API_BASE:
        yield Warning("TELEGRAM_WEBHOOK_URL has to begin with https://.", id="besedka.W006")
    if settings.YANDEX_API_KEY and not settings.YANDEX_FOLDER_ID:
        yield Warning("YANDEX_API_KEY needs YANDEX_FOLDER_ID.", id="besedka.W007")
