from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _

from besedka.conversations import holdings
from besedka.conversations.holdings import Holding
from besedka.telegram import checks  # noqa: F401 - they register themselves


class TelegramConfig(AppConfig):
    name = "besedka.telegram"
    verbose_name = _("Telegram")

    def ready(self) -> None:
        """Tell which messages of operators in Telegram became messages of a conversation."""
        holdings.declare([Holding("telegram.Carried")])
