from django.apps import AppConfig


class TurnsConfig(AppConfig):
    name = "besedka.turns"
    verbose_name = "Turns"
