from django.conf import settings
from django.contrib.auth.models import AbstractUser
from django.db import models


class User(AbstractUser):
    """A person with an account: an administrator, an operator, an author."""


class Ticket(models.Model):
    """The right to one connection, for a minute: what a WebSocket shows that can send no header."""

    digest = models.CharField(max_length=64, unique=True)  # SHA-256 of the ticket, in hex: it itself is nowhere
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+")
    created_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes = [models.Index(fields=["created_at"], name="ticket_by_age")]

    def __str__(self) -> str:
        return f"ticket of {self.user_id}"


class TelegramLink(models.Model):
    """The Telegram account of a person."""

    user = models.OneToOneField(settings.AUTH_USER_MODEL, models.CASCADE, related_name="telegram")
    telegram_id = models.BigIntegerField(unique=True)
    chat_id = models.BigIntegerField()  # where they are written to
    created_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"Telegram {self.telegram_id}"


class MirrorToken(models.Model):
    """What the old clients' users type into Telegram, so that their messages come there too. No other right."""

    user = models.OneToOneField(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+")
    digest = models.CharField(max_length=64, unique=True)  # SHA-256 in hex, to find it by
    sealed = models.TextField()  # it itself, as its owner may read it again
    created_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"token of {self.user_id}"


class MirrorChat(models.Model):
    """The one chat in Telegram where a person's messages come, too; no Telegram account has two of them."""

    user = models.OneToOneField(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+")
    telegram_id = models.BigIntegerField(unique=True)
    chat_id = models.BigIntegerField()
    created_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"mirror {self.telegram_id}"


class LinkToken(models.Model):
    """The right to say, once and within minutes, that a Telegram account belongs to this person."""

    digest = models.CharField(max_length=64, unique=True)  # SHA-256 in hex: it itself is nowhere
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+")
    created_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes = [models.Index(fields=["created_at"], name="link_token_by_age")]

    def __str__(self) -> str:
        return f"link token of {self.user_id}"
