from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import F, Q

from besedka import sealed

GIVE_AWAY = ("искусственного интеллекта", "искусственный интеллект", "я не могу", "я бот")


def give_away_phrases() -> list[str]:
    """The default of a bot's give-away phrases."""
    return list(GIVE_AWAY)


class Bot(models.Model):
    """Somebody who answers at once: who it is, what it may say, how sure it must be, and what it may cost."""

    class Type(models.TextChoices):
        CHAT = "chat"
        COMPLETION = "completion"  # one prompt without history

    name = models.CharField(max_length=200)
    description = models.TextField(blank=True)
    system_prompt = models.TextField(blank=True, help_text="Who the bot is and how it speaks.")
    is_active = models.BooleanField(default=True)
    answer_from = models.FloatField(
        default=0.7,
        validators=[MinValueValidator(0), MaxValueValidator(1)],
        help_text="The bot answers from its knowledge when it is at least this sure to be right (0 to 1).",
    )
    suggest_from = models.FloatField(
        default=0.5,
        validators=[MinValueValidator(0), MaxValueValidator(1)],
        help_text="It offers three questions when it is this sure that one fits; below, it calls a person.",
    )

    # The model that speaks for it.
    bot_type = models.CharField(max_length=10, choices=Type, default=Type.CHAT)
    provider = models.CharField(
        max_length=20,
        blank=True,
        help_text="openai (and all that speak like it), yandex, offline; empty: as installed.",
    )
    base_url = models.CharField(
        max_length=200, blank=True, help_text="Another server that speaks the provider's protocol."
    )
    folder = models.CharField(max_length=50, blank=True, help_text="The folder in Yandex Cloud.")
    gpt_model = models.CharField(max_length=200, blank=True, help_text="As yandexgpt-lite; empty: as installed.")
    api_key_sealed = models.TextField(blank=True, editable=False)
    creativity_level = models.FloatField(
        default=0.7, validators=[MinValueValidator(0.5), MaxValueValidator(1.5)], help_text="0.5 to 1.5"
    )
    max_tokens = models.PositiveIntegerField(
        default=1000, validators=[MinValueValidator(1), MaxValueValidator(32_000)], help_text="of an answer"
    )
    give_away_phrases = models.JSONField(
        default=give_away_phrases,
        blank=True,
        help_text="A model's answer with one of these is not delivered; a person is called.",
    )
    tokens_a_day = models.PositiveIntegerField(
        default=1_000_000,
        null=True,
        blank=True,
        help_text="What all its answers of a day may take; empty: no limit.",
    )
    tokens_a_conversation = models.PositiveIntegerField(
        default=100_000, null=True, blank=True, help_text="What one conversation may take in a day."
    )
    price_in = models.FloatField(
        default=0, validators=[MinValueValidator(0)], help_text="of a million tokens read"
    )
    price_out = models.FloatField(
        default=0, validators=[MinValueValidator(0)], help_text="of a million tokens written"
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
            models.CheckConstraint(
                name="suggest_below_answer", condition=Q(suggest_from__gte=0, suggest_from__lte=F("answer_from"))
            ),
            models.CheckConstraint(name="a_bot_may_say_something", condition=Q(max_tokens__gte=1)),
        ]

    def __str__(self) -> str:
        return self.name

    def has_key(self) -> bool:
        """Whether it has a key of its own; the key itself is shown to nobody."""
        return bool(self.api_key_sealed)

    def take_key(self, key: str) -> None:
        """Keep this key, sealed; an empty one forgets what there was."""
        self.api_key_sealed = sealed.seal(key)


class Placement(models.Model):
    """This bot answers in this inbox. An inbox has at most one bot; the inbox need not know which."""

    bot = models.ForeignKey(Bot, models.CASCADE, related_name="placements")
    inbox = models.OneToOneField("conversations.Inbox", models.CASCADE, related_name="+")

    def __str__(self) -> str:
        return f"{self.bot} in {self.inbox}"
