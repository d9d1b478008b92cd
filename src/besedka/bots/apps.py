from django.apps import AppConfig

from besedka.conversations import holdings
from besedka.conversations.holdings import Holding


class BotsConfig(AppConfig):
    name = "besedka.bots"
    verbose_name = "Bots"

    def ready(self) -> None:
        """Tell what scenarios remember of a conversation."""
        walk = ("scenario_id", "user_session", "state", "is_completed", "after_seq", "created_at", "updated_at")
        holdings.declare([Holding("bots.Execution", "executions", walk)])
