from django.apps import AppConfig, apps

from besedka.web import words


class WebConfig(AppConfig):
    name = "besedka.web"
    verbose_name = "Pages"

    def ready(self) -> None:
        """Every app and model is known now."""
        words.translate(list(apps.get_app_configs()))
