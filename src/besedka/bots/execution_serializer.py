"""Contract §2–3: an execution as programs read and write it."""

from typing import Any

from rest_framework import serializers
from rest_framework.exceptions import ValidationError

from besedka.bots import walks
from besedka.bots.models import Bot, Execution, Scenario, Step
from besedka.bots.serializers import Own

LONGEST_SAID = 10_000
MOST_AT_ONCE = 1_000  # messages in a request


class _Histories(serializers.ListSerializer[Any]):
    """What was said in an execution: from the log, for a whole list at once where there is one."""

    def get_attribute(self, instance: Execution) -> walks.History:
        """The history of this execution."""
        known: dict[int, walks.History] = self.root.context.get("histories", {})
        if instance.pk not in known:
            return walks.histories_of([instance], newest=walks.MOST)[instance.pk]
        return known[instance.pk]


class SaidSerializer(serializers.Serializer[Any]):
    """One message of a history."""

    role = serializers.ChoiceField(["user", "assistant", "system", "operator"])
    content = serializers.CharField(max_length=LONGEST_SAID, trim_whitespace=False)

    class Meta:
        list_serializer_class = _Histories


class _StandingStep(Own):
    """The step where the walk stands, which a later edit may have deleted."""

    def get_attribute(self, instance: Execution) -> Any:
        """The execution: where it stands is in its state."""
        return instance

    def use_pk_only_optimization(self) -> bool:
        """It is no column."""
        return False

    def to_representation(self, value: Any) -> Any:
        """The id of the step."""
        return walks.standing_step(value)


class ExecutionSerializer(serializers.ModelSerializer[Execution]):
    """A walk. What was said is written once and never changed; in a list it is the newest hundred messages."""

    bot = Own(of=Bot)
    scenario = Own(of=Scenario, required=False, allow_null=True)
    user_session = serializers.CharField(max_length=200)
    current_step = _StandingStep(of=Step, required=False, allow_null=True)
    conversation_history = SaidSerializer(many=True, required=False)
    is_completed = serializers.BooleanField(required=False)

    class Meta:
        model = Execution
        fields = (
            "id", "bot", "scenario", "user_session", "current_step", "conversation_history", "is_completed",
            "created_at", "updated_at",
        )  # fmt: skip
        read_only_fields = ("created_at", "updated_at")

    def validate_conversation_history(self, history: list[dict[str, str]]) -> list[dict[str, str]]:
        """A request adds no more than can be written at once."""
        if len(history) > MOST_AT_ONCE + (walks.MOST if self.instance is not None else 0):
            raise ValidationError([f"At most {MOST_AT_ONCE} messages at once."])
        return [dict(one) for one in history]

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """What is named belongs together."""
        bot: Bot = attrs["bot"] if self.instance is None else self.instance.bot
        if self.instance is not None:
            for field in ("bot", "user_session"):
                if field in attrs and attrs[field] != getattr(self.instance, field):
                    raise ValidationError({field: ["An execution stays whose it is."]})
        scenario = attrs.get("scenario", getattr(self.instance, "scenario", None))
        if scenario is not None and scenario.bot_id != bot.pk:
            raise ValidationError({"scenario": ["This scenario is of another bot."]})
        step = attrs.get("current_step")
        if step is not None and (scenario is None or step.scenario_id != scenario.pk):
            raise ValidationError({"current_step": ["This step is of another scenario."]})
        return attrs

    def create(self, validated_data: dict[str, Any]) -> Execution:
        """The execution, with its history in the log."""
        return walks.begin(
            validated_data["bot"],
            validated_data["user_session"],
            scenario=validated_data.get("scenario"),
            step=validated_data.get("current_step"),
            history=validated_data.get("conversation_history", []),
            over=validated_data.get("is_completed", False),
        )

    def update(self, instance: Execution, validated_data: dict[str, Any]) -> Execution:
        """The execution where it was told to stand."""
        history = validated_data.pop("conversation_history", None)
        return walks.change(instance, validated_data, history)
