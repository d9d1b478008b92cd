"""What the desk's API takes and gives."""

from typing import Any

from drf_spectacular.utils import extend_schema_serializer
from rest_framework import serializers

from besedka.conversations import queries

TEXT_LENGTH = 4_000  # code points in a message, as everywhere
_VERSION = "The owner version that you saw; another one is refused with 409 and who answers now."


class ListQuery(serializers.Serializer[Any]):
    """Which part of which list."""

    list = serializers.ChoiceField(queries.LISTS, default="waiting")
    inbox = serializers.IntegerField(min_value=1, max_value=2**31 - 1, required=False)
    after = serializers.IntegerField(min_value=1, max_value=2**31 - 1, required=False)
    size = serializers.IntegerField(min_value=1, max_value=queries.SIZE, default=50)


class AfterQuery(serializers.Serializer[Any]):
    """Where to go on."""

    after = serializers.IntegerField(min_value=0, max_value=2**31 - 1, default=0)


class SearchQuery(serializers.Serializer[Any]):
    """What to look for, and where."""

    q = serializers.CharField(max_length=1_000, allow_blank=True, default="")
    inbox = serializers.IntegerField(min_value=1, max_value=2**31 - 1, required=False)
    before = serializers.IntegerField(min_value=1, max_value=2**53, required=False)


class PersonSerializer(serializers.Serializer[Any]):
    """An operator."""

    id = serializers.IntegerField()
    name = serializers.CharField()


class CardContactSerializer(serializers.Serializer[Any]):
    """Who writes, in short."""

    id = serializers.IntegerField()
    name = serializers.CharField(allow_blank=True)
    shown = serializers.CharField(allow_blank=True)


class LastSerializer(serializers.Serializer[Any]):
    """The newest message."""

    seq = serializers.IntegerField()
    author = serializers.ChoiceField(["contact", "bot", "operator", "system"])
    text = serializers.CharField(allow_blank=True)
    created_at = serializers.DateTimeField()


@extend_schema_serializer(component_name="DeskCard")
class CardSerializer(serializers.Serializer[Any]):
    """A conversation in a list."""

    id = serializers.IntegerField()
    inbox = serializers.IntegerField()
    contact = CardContactSerializer()
    status = serializers.ChoiceField(["open", "snoozed", "closed"])
    owner = serializers.ChoiceField(["bot", "queue", "operator"])
    operator = PersonSerializer(allow_null=True)
    owner_version = serializers.IntegerField()
    episode = serializers.IntegerField()
    last_seq = serializers.IntegerField()
    unread = serializers.IntegerField()
    last = LastSerializer(allow_null=True)
    active_at = serializers.DateTimeField()
    waiting_since = serializers.DateTimeField(allow_null=True)
    reason = serializers.CharField(allow_blank=True)
    stage = serializers.IntegerField()
    snoozed_until = serializers.DateTimeField(allow_null=True)
    callback_at = serializers.DateTimeField(allow_null=True)


@extend_schema_serializer(component_name="DeskCards")
class CardsSerializer(serializers.Serializer[Any]):
    """A page of a list; `more` says whether something stands behind it."""

    cards = CardSerializer(many=True)
    more = serializers.BooleanField()


class HitSerializer(serializers.Serializer[Any]):
    """A message that was found; `marks` say from where to where in its piece of text the words stand."""

    card = CardSerializer()
    seq = serializers.IntegerField()
    author = serializers.ChoiceField(["contact", "bot", "operator", "system"])
    text = serializers.CharField(allow_blank=True)
    created_at = serializers.DateTimeField()
    marks = serializers.ListField(child=serializers.ListField(child=serializers.IntegerField()))


@extend_schema_serializer(component_name="DeskFound")
class FoundSerializer(serializers.Serializer[Any]):
    """A page of what was found; `next` is null at its end."""

    found = HitSerializer(many=True)
    next = serializers.IntegerField(allow_null=True)


class MessageSerializer(serializers.Serializer[Any]):
    """A message, with who wrote it where that was an operator."""

    seq = serializers.IntegerField()
    author = serializers.ChoiceField(["contact", "bot", "operator", "system"])
    text = serializers.CharField(allow_blank=True)
    client_id = serializers.CharField(allow_null=True)
    created_at = serializers.DateTimeField()
    operator = PersonSerializer(required=False)
    payload = serializers.JSONField(required=False)
    sources = serializers.JSONField(required=False)
    choices = serializers.JSONField(required=False)
    edits = serializers.IntegerField(required=False)
    file = serializers.JSONField(required=False)


@extend_schema_serializer(component_name="DeskMessages")
class MessagesSerializer(serializers.Serializer[Any]):
    """A page of a log."""

    messages = MessageSerializer(many=True)


class ReplySerializer(serializers.Serializer[Any]):
    """What an operator says; the same `client_id` again says it once."""

    text = serializers.CharField(max_length=TEXT_LENGTH, trim_whitespace=False)
    owner_version = serializers.IntegerField(min_value=0, max_value=2**31 - 1, help_text=_VERSION)
    client_id = serializers.RegexField(r"^[!-~]{1,255}$", required=False)

    def validate_text(self, text: str) -> str:
        """Something has to be said."""
        if text.isspace():
            raise serializers.ValidationError("`text` is empty.")
        return text


@extend_schema_serializer(component_name="DeskSent")
class SentSerializer(serializers.Serializer[Any]):
    """Where the message stands."""

    seq = serializers.IntegerField()
    card = CardSerializer()


class ChangeSerializer(serializers.Serializer[Any]):
    """The owner version that was seen; for `transfer` the operator `to`, for `snooze` the time `until`."""

    owner_version = serializers.IntegerField(min_value=0, max_value=2**31 - 1, help_text=_VERSION)
    to = serializers.IntegerField(min_value=1, max_value=2**31 - 1, required=False, allow_null=True)
    until = serializers.DateTimeField(required=False)
