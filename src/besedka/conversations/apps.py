from django.apps import AppConfig

from besedka.conversations import holdings
from besedka.conversations.holdings import Holding


class ConversationsConfig(AppConfig):
    name = "besedka.conversations"
    verbose_name = "Conversations"

    def ready(self) -> None:
        """Tell what is held of a conversation, beside messages, files, and the contact with its identities.

        And let a change of rights reach open connections, as everything does, by a signal.
        """
        from besedka.accounts import rights  # noqa: PLC0415 - models are there only now
        from besedka.conversations import signals  # noqa: PLC0415 - as above

        rights.changed.connect(signals.tell_of_rights, dispatch_uid="signals")
        turn = ("from_seq", "upto_seq", "outcome", "reason", "trace", "started_at", "finished_at")
        delivery = ("channel", "seq", "body", "state", "external_id", "created_at", "delivered_at")
        holdings.declare(
            [
                Holding("conversations.Watcher"),
                Holding("conversations.Delivery", "deliveries", delivery),
                Holding("conversations.Turn", "turns", turn),
                Holding("conversations.Episode", "episodes", ("number", "after_seq", "upto_seq", "closed_at")),
                Holding("conversations.Cursor", "cursors", ("reader", "seq")),
            ]
        )
