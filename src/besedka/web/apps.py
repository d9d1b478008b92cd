from django.apps import AppConfig


class WebConfig(AppConfig):
    name = "besedka.web"
    verbose_name = "Pages"
