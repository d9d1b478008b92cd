from django.apps import AppConfig


class KnowledgeConfig(AppConfig):
    name = "besedka.knowledge"
    verbose_name = "Knowledge"
