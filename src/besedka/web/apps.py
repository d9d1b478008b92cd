from django.apps import AppConfig, apps

from besedka.web import checks, words  # noqa: F401 - the checks register themselves


class WebConfig(AppConfig):
    name = "besedka.web"
    verbose_name = "Pages"

    def ready(self) -> None:
        """Every app and model is known now."""
        words.translate(list(apps.get_app_configs()))
