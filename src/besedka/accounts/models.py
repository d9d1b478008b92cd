from django.conf import settings
from django.contrib.auth.models import AbstractUser
from django.core.exceptions import ValidationError
from django.db import models
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from besedka.accounts import names


class User(AbstractUser):
    """A person with an account. What they may do is said by `roles`, when it ends by `rights`."""

    is_author = models.BooleanField(
        _("author"), default=True, db_default=True, help_text=_("Makes bots and publishes ads.")
    )
    rights_version = models.PositiveIntegerField(default=0, db_default=0, editable=False)  # grows with each change
    rights_moved = False  # while it is saved
    # NULL: from before there was this rule, and the name looks like that of an older account.
    name_key = names.NameKey(max_length=64, unique=True, null=True, editable=False)

    def clean(self) -> None:
        """What the admin's forms ask before they save."""
        super().clean()
        is_old = self.pk is not None and self.name_key is None
        others = type(self).objects.filter(name_key=names.key(self.username or "")).exclude(pk=self.pk)
        if self.username and not is_old and others.exists():
            raise ValidationError({"username": gettext("Somebody has this name, or one that looks like it.")})

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


class SecondFactor(models.Model):
    """What an account shows beside its password: a code that changes every half a minute, or one of a list."""

    user = models.OneToOneField(settings.AUTH_USER_MODEL, models.CASCADE, related_name="second_factor")
    secret = models.CharField(max_length=255)  # sealed; of it and the time the codes are made (RFC 6238)
    last_step = models.BigIntegerField(default=0)  # the half minute whose code was taken last: none is taken twice
    recovery = models.JSONField(default=list)  # digests of the codes on the list that were not used yet
    misses = models.PositiveIntegerField(default=0)  # wrong codes in a row, from wherever
    missed_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"second factor of {self.user_id}"


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
