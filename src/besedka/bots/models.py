import json
from typing import Any

from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import F, Q

from besedka import sealed

GIVE_AWAY = ("искусственного интеллекта", "искусственный интеллект", "я не могу", "я бот")


def give_away_phrases() -> list[str]:
    """The default of a bot's give-away phrases."""
    return list(GIVE_AWAY)


class OrderedJSON(models.TextField):  # type: ignore[type-arg]  # generic for type checkers only
    """JSON whose names keep their order: of several words in a condition the first one counts.

    PostgreSQL's jsonb and MySQL's JSON put names into an order of their own.
    """

    def from_db_value(self, value: str | None, expression: Any, connection: Any) -> Any:
        """The value that was kept."""
        return None if value is None else json.loads(value)

    def get_prep_value(self, value: Any) -> str | None:
        """The value as text."""
        return None if value is None else json.dumps(value, ensure_ascii=False)

    def value_to_string(self, obj: models.Model) -> str:
        """The value for `dumpdata`."""
        return str(self.get_prep_value(self.value_from_object(obj)))


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
    chat_is_open = models.BooleanField(
        default=True,
        db_default=True,
        help_text="Programs may talk to it without an account, at /api/bots/{id}/chat/.",
    )
    finds_ads = models.BooleanField(
        default=False,
        db_default=False,
        help_text="Asked for an animal, it looks ads up and answers with links; a model may do so, too.",
    )
    programs_inbox = models.OneToOneField(
        "conversations.Inbox", models.SET_NULL, null=True, blank=True, editable=False, related_name="+"
    )
    scenarios_version = models.PositiveIntegerField(
        default=0, db_default=0, editable=False
    )  # grows with every change of them
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


class Secret(models.Model):
    """What a bot's calls may send and nobody may read: a key of somebody else's API, by its name."""

    bot = models.ForeignKey(Bot, models.CASCADE, related_name="secrets")
    name = models.CharField(max_length=60)
    sealed = models.TextField(editable=False)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["bot", "name"], name="a_bot_has_a_secret_once")]

    def __str__(self) -> str:
        return self.name


class Scenario(models.Model):
    """What a bot says and asks, step by step; begun by a visitor's first words, by a keyword or a command."""

    bot = models.ForeignKey(Bot, models.CASCADE, related_name="scenarios")
    key = models.CharField(max_length=100, blank=True, editable=False)  # its name in a file
    name = models.CharField(max_length=200)
    description = models.TextField(blank=True)
    initial_step = models.ForeignKey("Step", models.SET_NULL, null=True, blank=True, related_name="+")
    is_active = models.BooleanField(default=True)
    on_start = models.BooleanField(default=True, help_text="The first words of a visitor begin it.")
    keywords = models.JSONField(
        default=list, blank=True, help_text='A message that is one of these begins it: ["подобрать питомца"].'
    )
    commands = models.JSONField(default=list, blank=True, help_text='As keywords, with a slash: ["/pets"].')
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    def __str__(self) -> str:
        return self.name


class Step(models.Model):
    """One step. What its content holds depends on its type; `besedka.dialogue.steps` says what."""

    class Type(models.TextChoices):
        MESSAGE = "message"
        QUESTION = "question"
        CONDITION = "condition"
        API_CALL = "api_call"
        ANSWER = "answer"
        HANDOFF = "handoff"
        SET = "set"
        JUMP = "jump"
        WAIT = "wait"

    scenario = models.ForeignKey(Scenario, models.CASCADE, related_name="steps")
    key = models.CharField(max_length=100, blank=True, editable=False)  # its name in a file
    name = models.CharField(max_length=200, blank=True)
    step_type = models.CharField(max_length=10, choices=Type)
    content = OrderedJSON(default=dict)
    order = models.PositiveIntegerField(default=0)  # of steps with the same the older one comes first
    next_step = models.ForeignKey("self", models.SET_NULL, null=True, blank=True, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        indexes = [models.Index(fields=["scenario", "order"], name="step_in_its_place")]

    def __str__(self) -> str:
        return self.name or f"{self.step_type} {self.pk}"


class Graph(models.Model):
    """All scenarios of a bot as they were when somebody began to walk through them; never changed."""

    content_hash = models.CharField(max_length=64, unique=True)
    document = OrderedJSON()
    created_at = models.DateTimeField()

    def __str__(self) -> str:
        return self.content_hash[:12]


class Execution(models.Model):
    """One walk of a conversation through a scenario; or a program's session with a bot that begins none."""

    bot = models.ForeignKey(Bot, models.CASCADE, related_name="executions")
    scenario = models.ForeignKey(Scenario, models.SET_NULL, null=True, blank=True, related_name="executions")
    conversation = models.ForeignKey("conversations.Conversation", models.CASCADE, related_name="+")
    user_session = models.CharField(max_length=200, blank=True)
    graph = models.ForeignKey(Graph, models.PROTECT, null=True, blank=True, related_name="+")
    state = models.JSONField(null=True, blank=True)  # of `besedka.dialogue.state`
    is_current = models.BooleanField(null=True)  # yes for the newest of a conversation, unset for all others
    is_completed = models.BooleanField(default=False)
    wake_at = models.DateTimeField(null=True, blank=True)  # when the time it waits for has come
    owner_version = models.PositiveIntegerField(
        default=0
    )  # of the conversation, when the walk came to where it is
    after_seq = models.PositiveIntegerField(default=0)  # of the log: what was said before it is not its history
    upto_seq = models.PositiveIntegerField(null=True, blank=True)  # unset as long as it is the newest
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["conversation", "is_current"], name="one_execution_is_the_newest"),
            models.CheckConstraint(
                name="newest_is_yes_or_unset", condition=Q(is_current=True) | Q(is_current__isnull=True)
            ),
        ]
        indexes = [
            models.Index(fields=["wake_at"], name="execution_wakes"),
            models.Index(fields=["bot", "user_session"], name="execution_of_a_session"),
        ]

    def __str__(self) -> str:
        return f"Execution {self.pk}"
