from django.apps import AppConfig


class AccountsConfig(AppConfig):
    name = "besedka.accounts"
    verbose_name = "Accounts"
