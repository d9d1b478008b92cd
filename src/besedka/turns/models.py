from django.db import models


class BotSource(models.Model):
    """This bot may answer from this source. Bots and knowledge do not know each other; here they meet."""

    bot = models.ForeignKey("bots.Bot", models.CASCADE, related_name="+")
    source = models.ForeignKey("knowledge.Source", models.CASCADE, related_name="+")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["bot", "source"], name="a_bot_reads_a_source_once")]

    def __str__(self) -> str:
        return f"{self.bot} reads {self.source}"


class Call(models.Model):
    """A call outside that a scenario made: written down before it is sent, so that a crash does not repeat it."""

    class Status(models.TextChoices):
        SENT = "sent"  # or about to be
        DONE = "done"
        FAILED = "failed"
        UNKNOWN = "unknown"  # it may have done its work, and nobody heard

    key = models.CharField(max_length=64, unique=True)  # of the walk, the call in it, and what was to be sent
    conversation = models.ForeignKey("conversations.Conversation", models.CASCADE, related_name="+")
    method = models.CharField(max_length=7)
    host = models.CharField(max_length=255)  # the rest of an address may hold what a visitor said
    status = models.CharField(max_length=7, choices=Status, default=Status.SENT)
    attempts = models.PositiveSmallIntegerField(default=1)
    code = models.PositiveSmallIntegerField(null=True, blank=True)  # the status of the reply
    body = models.JSONField(null=True, blank=True)
    reason = models.CharField(max_length=200, blank=True)
    sent_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return f"{self.method} {self.host}: {self.status}"
