"""The inboxes as their visitors meet them."""

from dataclasses import dataclass
from typing import Any

import msgspec
from django.db import transaction

from besedka.conversations.models import Inbox


class Reception(msgspec.Struct, frozen=True):
    """What the outside may know of an inbox, and whom it lets in."""

    id: int
    name: str
    public_key: str
    kind: str
    language: str
    title: str
    greeting: str
    popular_questions: tuple[str, ...]
    allowed_origins: frozenset[str]
    has_bot: bool

    def admits(self, origin: str) -> bool:
        """Whether pages of this origin may talk to the inbox."""
        return "*" in self.allowed_origins or origin in self.allowed_origins


@dataclass(frozen=True)
class Directory:
    """All inboxes at one moment."""

    by_key: dict[str, Reception]
    default: Reception | None
    origins: frozenset[str]  # of all inboxes together

    def find(self, public_key: str | None) -> Reception | None:
        """The inbox with this key; the default one for clients that name none."""
        return self.by_key.get(public_key) if public_key else self.default


def directory() -> Directory:
    """All inboxes, read now."""
    by_key: dict[str, Reception] = {}
    default = None
    for inbox in Inbox.objects.all():
        reception = Reception(
            id=inbox.pk,
            name=inbox.name,
            public_key=inbox.public_key,
            kind=inbox.kind,
            language=inbox.language,
            title=inbox.title,
            greeting=inbox.greeting,
            popular_questions=tuple(str(question) for question in inbox.popular_questions),
            allowed_origins=frozenset(str(origin).rstrip("/") for origin in inbox.allowed_origins),
            has_bot=inbox.first_owner == "bot",
        )
        by_key[inbox.public_key] = reception
        default = reception if inbox.is_default else default
    origins = frozenset(origin for reception in by_key.values() for origin in reception.allowed_origins)
    return Directory(by_key, default, origins)


def default_key() -> str | None:
    """The public key of the inbox that clients write to when they name none; None where there is none."""
    return Inbox.objects.filter(is_default=True).values_list("public_key", flat=True).first()


@transaction.atomic
def open_default(*, name: str, **fields: Any) -> tuple[int, bool]:
    """There is a default inbox. Its id, and whether it is new (only then `fields` count)."""
    inbox, made = Inbox.objects.get_or_create(is_default=True, defaults={"name": name, **fields})
    return inbox.pk, made


def open_for_programs(name: str, *, language: str) -> int:
    """A new inbox that programs write to, and no page of a site; its id."""
    made = Inbox.objects.create(
        name=name[:200],
        kind=Inbox.Kind.API,
        language=language,
        allowed_origins=[],
        hand_off=Inbox.HandOff.ASKED,  # nobody need sit there and wait
    )
    return made.pk


def let_answer_first(inbox_id: int, *, first_owner: str) -> None:
    """New episodes in this inbox begin with the bot or in the queue; running ones stay with whom they are."""
    Inbox.objects.filter(pk=inbox_id).update(first_owner=first_owner)


class Manners(msgspec.Struct, frozen=True):
    """How a bot behaves in an inbox: its language, and when it calls a person."""

    language: str
    hand_off: str


def manners_many(inbox_ids: set[int]) -> dict[int, Manners]:
    """How a bot behaves in each of these inboxes."""
    found = Inbox.objects.filter(pk__in=inbox_ids).values_list("pk", "language", "hand_off")
    return {pk: Manners(language, hand_off) for pk, language, hand_off in found}
