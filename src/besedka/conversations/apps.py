from django.apps import AppConfig


class ConversationsConfig(AppConfig):
    name = "besedka.conversations"
    verbose_name = "Conversations"
