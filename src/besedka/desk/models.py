"""Who sits at the desk, when, and what they keep there. The conversations themselves are the heart's."""

from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models


class Operator(models.Model):
    """A person who answers, in the browser or in Telegram."""

    user = models.OneToOneField(settings.AUTH_USER_MODEL, models.CASCADE, related_name="operator")
    is_enabled = models.BooleanField(default=False, help_text="Only who is enabled may answer anybody.")
    is_supervisor = models.BooleanField(
        default=False, help_text="May act over the head of the one who answers, and is called when nobody comes."
    )
    capacity = models.PositiveSmallIntegerField(
        default=5,
        validators=[MinValueValidator(1), MaxValueValidator(100)],
        help_text="So many conversations at once; in Telegram it is one.",
    )
    on_duty_since = models.DateTimeField(null=True, blank=True, editable=False)
    inboxes = models.ManyToManyField(
        "conversations.Inbox", blank=True, related_name="+", help_text="None: all of them."
    )
    was = (False, False)  # enabled, supervisor: while it is saved

    def __str__(self) -> str:
        return self.user.get_full_name() or self.user.get_username()


class Routing(models.Model):
    """Whom an inbox calls when somebody waits, and when anybody is there at all."""

    inbox = models.OneToOneField("conversations.Inbox", models.CASCADE, related_name="+")
    everyone_s = models.PositiveIntegerField(
        default=30, help_text="Seconds until everyone on duty is called, also who has enough to do. 0: never."
    )
    supervisors_s = models.PositiveIntegerField(
        default=90, help_text="Seconds until supervisors are called, on duty or not. 0: never."
    )
    bot_s = models.PositiveIntegerField(
        default=300,
        help_text="Seconds until the contact is told that nobody comes and asked for an address; the bot answers "
        "again. 0: never.",
    )
    time_zone = models.CharField(max_length=64, default="Europe/Moscow")
    week = models.JSONField(
        default=dict,
        blank=True,
        help_text='Hours, as {"mon": ["09:00-13:00", "14:00-18:00"], "sat": []}; a day that is left out is '
        "closed. Empty: always open.",
    )
    exceptions = models.JSONField(
        default=dict, blank=True, help_text='Other days, as {"2027-01-01": [], "2027-01-02": ["10:00-14:00"]}.'
    )

    class Meta:
        verbose_name_plural = "routing"

    def __str__(self) -> str:
        return f"routing of inbox {self.inbox_id}"


class Invitation(models.Model):
    """An operator was asked outside, to take a conversation that waits."""

    conversation = models.ForeignKey("conversations.Conversation", models.CASCADE, related_name="+")
    operator = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+")
    owner_version = models.PositiveIntegerField()
    delivery_id = models.BigIntegerField(null=True, blank=True)
    created_at = models.DateTimeField()
    withdrawn_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["conversation", "operator", "owner_version"], name="invited_once_for_a_wait"
            ),
        ]
        indexes = [models.Index(fields=["withdrawn_at"], name="invitation_standing")]

    def __str__(self) -> str:
        return f"invitation {self.pk} to conversation {self.conversation_id}"


class CannedReply(models.Model):
    """A text that operators need often."""

    shortcut = models.SlugField(max_length=32, unique=True, allow_unicode=True)
    text = models.TextField(help_text="{name} is the contact's name.")
    inbox = models.ForeignKey(
        "conversations.Inbox", models.CASCADE, null=True, blank=True, related_name="+", help_text="None: all."
    )

    class Meta:
        verbose_name_plural = "canned replies"

    def __str__(self) -> str:
        return f"/{self.shortcut}"


class Note(models.Model):
    """What operators tell each other beside a conversation. It is in no log, so no contact and no bot reads it."""

    conversation = models.ForeignKey(
        "conversations.Conversation", models.CASCADE, related_name="+", db_index=False
    )
    operator = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    after_seq = models.PositiveIntegerField()  # what was said before it
    text = models.TextField()
    client_id = models.CharField(max_length=255)
    created_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["conversation", "operator", "client_id"], name="noted_twice_is_stored_once"
            ),
        ]

    def __str__(self) -> str:
        return f"note {self.pk}"
