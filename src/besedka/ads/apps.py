from django.apps import AppConfig


class AdsConfig(AppConfig):
    name = "besedka.ads"
    verbose_name = "Ads"
