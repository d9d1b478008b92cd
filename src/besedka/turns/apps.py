from django.apps import AppConfig

from besedka.conversations import holdings
from besedka.conversations.holdings import Holding


class TurnsConfig(AppConfig):
    name = "besedka.turns"
    verbose_name = "Turns"

    def ready(self) -> None:
        """Tell what is known of the calls that scenarios made for a conversation."""
        call = ("method", "host", "status", "code", "body", "reason", "sent_at", "ended_at")
        holdings.declare([Holding("turns.Call", "calls", call)])
