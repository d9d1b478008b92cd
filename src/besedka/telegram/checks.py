"""What of the settings of Telegram contradicts itself, told before it can hurt."""

import re
from typing import Any

from django.conf import settings
from django.core.checks import Error, register

TOKEN = re.compile(r"[0-9]{1,18}:\S+")
SHORTEST = 16  # characters of the secret with which the parts of an installation call each other
SECRET = re.compile(r"[A-Za-z0-9_-]{1,256}")  # what Telegram takes


@register
def telegram_settings(app_configs: Any, **options: Any) -> list[Error]:
    """The token looks like one, and a webhook has an address and a secret that Telegram takes."""
    found = []
    if settings.TELEGRAM_BOT_TOKEN and not TOKEN.fullmatch(settings.TELEGRAM_BOT_TOKEN):
        found.append(
            Error("TELEGRAM_BOT_TOKEN is no token: it begins with digits and a colon.", id="telegram.E001")
        )
    if settings.TELEGRAM_WEBHOOK_URL and not settings.TELEGRAM_WEBHOOK_SECRET:
        found.append(Error("TELEGRAM_WEBHOOK_URL needs TELEGRAM_WEBHOOK_SECRET.", id="telegram.E002"))
    if settings.TELEGRAM_WEBHOOK_SECRET and not SECRET.fullmatch(settings.TELEGRAM_WEBHOOK_SECRET):
        found.append(Error("TELEGRAM_WEBHOOK_SECRET has 1 to 256 of A–Z, a–z, 0–9, _ and -.", id="telegram.E003"))
    if settings.BOT_SECRET and len(settings.BOT_SECRET) < SHORTEST:
        found.append(Error(f"BOT_SECRET has {SHORTEST} characters or more.", id="telegram.E004"))
    if settings.BOT_SECRET and (settings.BOT_HOST, settings.BOT_PORT) == (settings.HOST, settings.PORT):
        found.append(Error("BOT_HOST and BOT_PORT are where we ourselves listen.", id="telegram.E005"))
    return found
