from django.db import models


class BotSource(models.Model):
    """This bot may answer from this source. Bots and knowledge do not know each other; here they meet."""

    bot = models.ForeignKey("bots.Bot", models.CASCADE, related_name="+")
    source = models.ForeignKey("knowledge.Source", models.CASCADE, related_name="+")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["bot", "source"], name="a_bot_reads_a_source_once")]

    def __str__(self) -> str:
        return f"{self.bot} reads {self.source}"
