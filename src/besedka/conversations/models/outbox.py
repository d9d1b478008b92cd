"""What has to be brought to the outside, to whom; and who did what."""

from typing import Any

from django.conf import settings
from django.db import models


class Watcher(models.Model):
    """Somebody outside to whom every message of a conversation is brought, but their own."""

    conversation = models.ForeignKey(
        "conversations.Conversation", models.CASCADE, related_name="watchers", db_index=False
    )
    channel = models.CharField(max_length=16)
    recipient = models.CharField(max_length=64)
    # Whose eyes these are.
    operator = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["conversation", "channel", "recipient"], name="a_watcher_watches_once"
            ),
        ]
        indexes = [models.Index(fields=["channel", "recipient"], name="watched_by")]

    def __str__(self) -> str:
        return f"{self.channel} {self.recipient}"


class Delivery(models.Model):
    """One attempt-counted obligation to bring something outside. What it brings is in the log, or in `body`."""

    class State(models.TextChoices):
        WAITING = "waiting"
        SENDING = "sending"  # begun; if it stays so, nobody knows how it ended
        DELIVERED = "delivered"
        PARKED = "parked"  # given up, until somebody sends it again

    channel = models.CharField(max_length=16)
    recipient = models.CharField(max_length=64)
    conversation = models.ForeignKey(
        "conversations.Conversation",
        models.CASCADE,
        null=True,
        blank=True,
        related_name="deliveries",
        db_index=False,
    )
    seq = models.PositiveIntegerField(null=True, blank=True)  # of the message it brings
    body = models.JSONField(default=dict)
    key = models.CharField(max_length=100, null=True, blank=True, unique=True)
    state = models.CharField(max_length=9, choices=State, default=State.WAITING)
    attempts = models.PositiveSmallIntegerField(default=0)
    is_doubtful = models.BooleanField(default=False)  # it may have arrived already
    due_at = models.DateTimeField()
    error = models.CharField(max_length=300, blank=True)
    external_id = models.CharField(max_length=64, blank=True)  # how the other side calls what it got
    created_at = models.DateTimeField()
    delivered_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name_plural = "deliveries"
        indexes = [
            models.Index(fields=["channel", "state", "due_at"], name="delivery_due"),
            models.Index(fields=["channel", "recipient", "id"], name="delivery_in_order"),
            models.Index(fields=["conversation", "seq"], name="delivery_of_a_message"),
        ]

    def __str__(self) -> str:
        return f"delivery {self.pk} to {self.channel} {self.recipient}"


class Act(models.Model):
    """Who did what, for those who ask later. Written once: nothing changes it, and nothing but time removes it."""

    act = models.CharField(max_length=16)
    # NULL: the house itself.
    actor = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+")
    conversation_id = models.BigIntegerField(null=True, blank=True)  # outlives the conversation
    details = models.JSONField(default=dict, blank=True)
    at = models.DateTimeField()

    class Meta:
        indexes = [
            models.Index(fields=["conversation_id", "id"], name="acts_in_a_conversation"),
            models.Index(fields=["at"], name="acts_by_time"),
        ]

    def __str__(self) -> str:
        return f"{self.act} {self.conversation_id or ''}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Refuse to change what was written."""
        if self.pk is not None:
            raise TypeError("an act is written once")
        super().save(*args, **kwargs)
