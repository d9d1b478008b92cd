from django.apps import AppConfig


class AnswersConfig(AppConfig):
    name = "besedka.answers"
    verbose_name = "Answers"
