from django.apps import AppConfig


class DeskConfig(AppConfig):
    name = "besedka.desk"
    verbose_name = "Desk"

    def ready(self) -> None:
        """Changes of posts are noticed."""
        from besedka.desk import rights  # noqa: PLC0415 - models are there only now

        rights.connect()
