from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _

from besedka.telegram import checks  # noqa: F401 - they register themselves


class TelegramConfig(AppConfig):
    name = "besedka.telegram"
    verbose_name = _("Telegram")
