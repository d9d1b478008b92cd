from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q


class Bot(models.Model):
    """Somebody who answers at once: who it is, what it may say, and how sure it must be."""

    name = models.CharField(max_length=200)
    description = models.TextField(blank=True)
    system_prompt = models.TextField(blank=True, help_text="Who the bot is and how it speaks.")
    is_active = models.BooleanField(default=True)
    answer_from = models.FloatField(
        default=0.5,
        validators=[MinValueValidator(0), MaxValueValidator(1)],
        help_text="The bot answers when it is at least this sure to be right (0 to 1), else it calls a person.",
    )
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="answer_from_is_a_probability", condition=Q(answer_from__gte=0, answer_from__lte=1)
            ),
        ]

    def __str__(self) -> str:
        return self.name


class Placement(models.Model):
    """This bot answers in this inbox. An inbox has at most one bot; the inbox need not know which."""

    bot = models.ForeignKey(Bot, models.CASCADE, related_name="placements")
    inbox = models.OneToOneField("conversations.Inbox", models.CASCADE, related_name="+")

    def __str__(self) -> str:
        return f"{self.bot} in {self.inbox}"
