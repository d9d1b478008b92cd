"""Contract §2–3: bots, scenarios and steps as programs read and write them."""

from math import isfinite
from typing import Any

from django.db.models import Max, Model
from rest_framework import serializers
from rest_framework.exceptions import ValidationError

from besedka.bots import contents
from besedka.bots.models import Bot, Scenario, Step
from besedka.dialogue.graph import GraphError

LONGEST_PROMPT = 20_000
LONGEST_DESCRIPTION = 10_000
MOST_STEPS = 2_000  # of a bot
MOST_SCENARIOS = 200


class Finite(serializers.FloatField):
    """A number; NaN is none, though Python would read it as one."""

    def to_internal_value(self, data: Any) -> float:
        """The number. Raises `ValidationError`."""
        if isinstance(data, bool) or not isfinite(read := super().to_internal_value(data)):
            self.fail("invalid")
        return read


class Own(serializers.PrimaryKeyRelatedField[Any]):
    """One of the objects that this person may see; every other one is as if it were not there."""

    def __init__(self, *, of: type[Model], **options: Any) -> None:
        self.of = of
        super().__init__(queryset=of._default_manager.none(), **options)

    def get_queryset(self) -> Any:
        """What may be named here."""
        return self.context["view"].visible(self.of)


class StepSerializer(serializers.ModelSerializer[Step]):
    """A step. Without `order` it comes last."""

    scenario = Own(of=Scenario, required=False)
    next_step = Own(of=Step, required=False, allow_null=True)
    content = serializers.DictField()
    order = serializers.IntegerField(min_value=0, max_value=2**31 - 1, required=False)

    class Meta:
        model = Step
        fields = ("id", "name", "step_type", "scenario", "content", "order", "next_step", "created_at")
        read_only_fields = ("created_at",)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """The step fits into its scenario, and its content to its type."""
        scenario = self._scenario(attrs)
        following = attrs.get("next_step")
        if following is not None and following.scenario_id != scenario.pk:
            raise ValidationError({"next_step": ["This step is of another scenario."]})
        if self.instance is None:
            if Step.objects.filter(scenario__bot=scenario.bot_id).count() >= MOST_STEPS:
                raise ValidationError({"scenario": [f"A bot has at most {MOST_STEPS} steps."]})
            if "order" not in attrs:
                last = scenario.steps.aggregate(last=Max("order"))["last"]
                attrs["order"] = 1 if last is None else min(last + 1, 2**31 - 1)
        if self.instance is None or "content" in attrs or "step_type" in attrs:
            kind = attrs.get("step_type", getattr(self.instance, "step_type", ""))
            content = attrs.get("content", getattr(self.instance, "content", {}))
            try:
                contents.check(kind, content, scenario)
            except GraphError as error:
                raise ValidationError(_by_path(error)) from None
        return attrs

    def _scenario(self, attrs: dict[str, Any]) -> Scenario:
        fixed: Scenario | None = self.context.get("scenario") or getattr(self.instance, "scenario", None)
        given: Scenario | None = attrs.get("scenario")
        if fixed is not None and given is not None and given.pk != fixed.pk:
            raise ValidationError({"scenario": ["A step stays in its scenario."]})
        scenario = fixed or given
        if scenario is None:
            raise ValidationError({"scenario": ["This field is required."]})
        attrs["scenario"] = scenario
        return scenario


class ScenarioSerializer(serializers.ModelSerializer[Scenario]):
    """A scenario with its steps in their order."""

    bot = Own(of=Bot)
    initial_step = Own(of=Step, required=False, allow_null=True)
    description = serializers.CharField(required=False, allow_blank=True, max_length=LONGEST_DESCRIPTION)
    steps = StepSerializer(many=True, read_only=True)

    class Meta:
        model = Scenario
        fields = (
            "id", "name", "description", "bot", "initial_step", "is_active", "created_at", "updated_at", "steps"
        )  # fmt: skip
        read_only_fields = ("created_at", "updated_at")

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """The scenario stays with its bot and begins at a step of its own."""
        bot = attrs.get("bot")
        if self.instance is None and Scenario.objects.filter(bot=bot).count() >= MOST_SCENARIOS:
            raise ValidationError({"bot": [f"A bot has at most {MOST_SCENARIOS} scenarios."]})
        if self.instance is not None and bot is not None and bot.pk != self.instance.bot_id:
            raise ValidationError({"bot": ["A scenario stays with its bot."]})
        first = attrs.get("initial_step")
        if first is not None and (self.instance is None or first.scenario_id != self.instance.pk):
            raise ValidationError({"initial_step": ["This step is of another scenario."]})
        return attrs


class BotSerializer(serializers.ModelSerializer[Bot]):
    """A bot with its scenarios."""

    description = serializers.CharField(required=False, allow_blank=True, max_length=LONGEST_DESCRIPTION)
    system_prompt = serializers.CharField(required=False, allow_blank=True, max_length=LONGEST_PROMPT)
    creativity_level = Finite(min_value=0.5, max_value=1.5, required=False)
    scenarios = ScenarioSerializer(many=True, read_only=True)

    class Meta:
        model = Bot
        fields = (
            "id", "name", "description", "bot_type", "gpt_model", "creativity_level", "max_tokens",
            "system_prompt", "is_active", "created_by", "created_at", "updated_at", "scenarios",
        )  # fmt: skip
        read_only_fields = ("created_by", "created_at", "updated_at")


class AbilitiesSerializer(serializers.ModelSerializer[Bot]):
    """What a bot may do beside talking."""

    finds_ads = serializers.BooleanField(help_text="Asked for an animal, it looks ads up and answers with links.")

    class Meta:
        model = Bot
        fields = ("finds_ads",)


class TriggersSerializer(serializers.ModelSerializer[Scenario]):
    """What begins a scenario."""

    keywords = serializers.ListField(child=serializers.CharField(max_length=100), max_length=100, required=False)
    commands = serializers.ListField(
        child=serializers.RegexField(r"^/\w{1,50}$", max_length=51), max_length=100, required=False
    )

    class Meta:
        model = Scenario
        fields = ("on_start", "keywords", "commands")


class FlawSerializer(serializers.Serializer[Any]):
    """What looks wrong in a bot's scenarios, and where."""

    path = serializers.CharField()
    code = serializers.CharField()
    sentence = serializers.CharField()


class FileFlawSerializer(FlawSerializer):
    """What looks wrong in a file, and in which line."""

    line = serializers.IntegerField()


class ImportedSerializer(serializers.Serializer[Any]):
    """What an import did, in scenarios and steps; which secrets have to be entered; what looks wrong."""

    bot_id = serializers.IntegerField()
    is_new = serializers.BooleanField()
    added = serializers.IntegerField()
    changed = serializers.IntegerField()
    removed = serializers.IntegerField()
    unchanged = serializers.IntegerField()
    missing_secrets = serializers.ListField(child=serializers.CharField())
    warnings = FileFlawSerializer(many=True)


def _by_path(error: GraphError) -> dict[str, list[str]]:
    """A fault for each place; those inside of the content are named from the step on."""
    faults: dict[str, list[str]] = {}
    for fault in error.faults:
        path = fault.path if fault.path == "step_type" else f"content.{fault.path}".rstrip(".")
        faults.setdefault(path, []).append(fault.sentence)
    return faults
