from django.conf import settings
from django.contrib.auth.models import AbstractUser
from django.db import models
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext_lazy as _


class User(AbstractUser):
    """A person with an account. What they may do is said by `roles`, when it ends by `rights`."""

    is_author = models.BooleanField(
        _("author"), default=True, db_default=True, help_text=_("Makes bots and publishes ads.")
    )
    rights_version = models.PositiveIntegerField(default=0, db_default=0, editable=False)  # grows with each change
    rights_moved = False  # while it is saved

    def _get_session_auth_hash(self, secret: str | None = None) -> str:
        """Django signs sessions with it; tokens and connections carry a piece of it."""
        flags = (self.is_active, self.is_staff, self.is_superuser, self.is_author)
        value = f"{self.password}:{self.rights_version}:{''.join(str(int(flag)) for flag in flags)}"
        return salted_hmac("besedka.accounts.rights", value, secret=secret, algorithm="sha256").hexdigest()

    @property
    def fingerprint(self) -> str:
        """Changes with the password and with what this person may do."""
        return self.get_session_auth_hash()[:32]


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
