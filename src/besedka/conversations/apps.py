from django.apps import AppConfig


class ConversationsConfig(AppConfig):
    name = "besedka.conversations"
    verbose_name = "Conversations"

    def ready(self) -> None:
        """A change of rights reaches open connections, as everything does, by a signal."""
        from besedka.accounts import rights  # noqa: PLC0415 - models are there only now
        from besedka.conversations import signals  # noqa: PLC0415 - as above

        rights.changed.connect(signals.tell_of_rights, dispatch_uid="signals")
