from django.apps import AppConfig


class AccountsConfig(AppConfig):
    name = "besedka.accounts"
    verbose_name = "Accounts"

    def ready(self) -> None:
        """Changes of rights are noticed."""
        from besedka.accounts import rights  # noqa: PLC0415 - models are there only now

        rights.connect()
