"""A conversation as operators see it: the log with who wrote it, the contact, earlier episodes, notes."""

from collections.abc import Sequence
from typing import Any

import msgspec

from besedka.conversations import changes, details, episodes, log, queries, wire
from besedka.conversations.log import Want
from besedka.conversations.queries import Card
from besedka.conversations.wire import Entry
from besedka.desk import notes
from besedka.problems import NotFound, Problem

_TOLD = ("by", "to")  # of a system message, beside what contacts are told


class Opening(msgspec.Struct, frozen=True):
    """An operator's wish to see a conversation; with `after`, only what came since."""

    conversation_id: int
    operator_id: int
    after: int = 0


class Opened(msgspec.Struct, frozen=True):
    """What an operator sees of a conversation at first."""

    card: Card
    contact: dict[str, Any]
    episodes: list[dict[str, Any]]
    notes: list[dict[str, Any]]
    messages: list[dict[str, Any]]
    first_seq: int
    read_seq: int  # how far the contact has read


def open_many(openings: Sequence[Opening]) -> list[Opened | Problem]:
    """Each conversation as it stands: the newest page of its log, or the first one after `after`."""
    return [_open(opening) for opening in openings]


def _open(opening: Opening) -> Opened | Problem:
    conversation_id = opening.conversation_id
    cards = queries.cards([conversation_id], opening.operator_id)
    [contact] = details.contacts_of([conversation_id])
    if not cards or contact is None:
        return NotFound()
    end = cards[0].last_seq
    after = opening.after or max(0, end - log.PAGE)
    [messages] = read_many([Want(conversation_id, after, end)])
    past = [
        {**msgspec.structs.asdict(episode), "closed_at": wire.time(episode.closed_at)}
        for episode in episodes.past(conversation_id)
    ]
    [read] = queries.read_by_contact_many([conversation_id])
    contact = {**contact, "created_at": wire.time(contact["created_at"])}
    return Opened(cards[0], contact, past, notes.of_conversation(conversation_id), messages, after + 1, read)


def read_many(wants: Sequence[Want]) -> list[list[dict[str, Any]]]:
    """A page of each log, in order, every message with the operator who wrote it."""
    pages = log.read_many(wants)
    people = changes.names(entry.operator_id for page in pages for entry in page)
    return [[_shown(entry, people) for entry in page] for page in pages]


def contact_many(conversation_ids: Sequence[int]) -> list[dict[str, Any] | Problem]:
    """Who writes in each of these."""
    found = details.contacts_of(conversation_ids)
    return [
        {**contact, "created_at": wire.time(contact["created_at"])} if contact else NotFound() for contact in found
    ]


def _shown(entry: Entry, people: dict[int, str]) -> dict[str, Any]:
    shown = wire.message(entry)
    if entry.operator_id is not None:
        shown["operator"] = {"id": entry.operator_id, "name": people.get(entry.operator_id, "")}
    told = {key: entry.payload[key] for key in _TOLD if entry.payload and key in entry.payload}
    if told:
        shown["payload"] = {**shown.get("payload", {}), **told}
    return shown
