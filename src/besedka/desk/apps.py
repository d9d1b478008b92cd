from django.apps import AppConfig

from besedka.conversations import holdings
from besedka.conversations.holdings import Holding


class DeskConfig(AppConfig):
    name = "besedka.desk"
    verbose_name = "Desk"

    def ready(self) -> None:
        """Tell what the desk holds of a conversation, and notice changes of posts."""
        from besedka.desk import rights  # noqa: PLC0415 - models are there only now

        note = Holding("desk.Note", "notes", ("after_seq", "operator_id", "text", "created_at"))
        invitation = Holding("desk.Invitation", "invitations", ("operator_id", "created_at", "withdrawn_at"))
        holdings.declare([note, invitation])
        rights.connect()
