from django.db import models


class Spend(models.Model):
    """What models took on one day (UTC), or are about to take: of one bot, one conversation, or all together."""

    scope = models.CharField(max_length=40)  # "all", "bot:3" or "conversation:17"
    day = models.DateField()
    tokens = models.BigIntegerField(default=0)

    class Meta:
        verbose_name_plural = "spend"
        constraints = [models.UniqueConstraint(fields=["scope", "day"], name="one_sum_a_day")]

    def __str__(self) -> str:
        return f"{self.scope} on {self.day}: {self.tokens}"
