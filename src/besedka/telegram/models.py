"""What came from Telegram, who talks to it just now, which message of the log an operator's became."""

from django.db import models


class Update(models.Model):
    """One update as it came, kept before Telegram is told that we have it; its effect happens once."""

    bot_id = models.BigIntegerField()  # the digits of the token: another bot counts anew
    update_id = models.BigIntegerField()
    source = models.CharField(max_length=8)  # polling or webhook, whichever was first
    received_at = models.DateTimeField()
    due_at = models.DateTimeField(null=True, blank=True)  # while it waits to be handled
    handled_at = models.DateTimeField(null=True, blank=True)
    parked_at = models.DateTimeField(null=True, blank=True)
    tries = models.PositiveSmallIntegerField(default=0)  # that failed
    error = models.CharField(max_length=300, blank=True)
    body = (
        models.TextField()
    )  # JSON in ASCII, so that no database minds what is in it; emptied when it was handled

    class Meta:
        constraints = [models.UniqueConstraint(fields=["bot_id", "update_id"], name="each_update_once")]
        indexes = [
            models.Index(fields=["due_at"], name="update_due"),
            models.Index(fields=["received_at"], name="update_by_age"),
        ]

    def __str__(self) -> str:
        return f"update {self.update_id}"


class Post(models.Model):
    """Who talks to Telegram for one bot: one process of an installation, as long as it says that it lives."""

    bot_id = models.BigIntegerField(unique=True)
    holder = models.CharField(max_length=32, blank=True)
    held_until = models.DateTimeField(null=True, blank=True)
    state = models.CharField(max_length=16, blank=True)  # how it goes, for the health page
    state_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return f"post of bot {self.bot_id}"


class Carried(models.Model):
    """Which message of a log an operator's message in Telegram became, for as long as it may be edited there."""

    chat_id = models.BigIntegerField()
    message_id = models.BigIntegerField()
    conversation_id = models.BigIntegerField()
    seq = models.PositiveIntegerField()
    created_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["chat_id", "message_id"], name="carried_once")]
        indexes = [models.Index(fields=["created_at"], name="carried_by_age")]

    def __str__(self) -> str:
        return f"message {self.message_id} of {self.chat_id}"
