from django.apps import AppConfig


class DeskConfig(AppConfig):
    name = "besedka.desk"
    verbose_name = "Desk"
