from django.apps import AppConfig


class BotsConfig(AppConfig):
    name = "besedka.bots"
    verbose_name = "Bots"
