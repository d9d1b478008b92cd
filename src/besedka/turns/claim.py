"""Taking a turn: the claim, and what the bot of that inbox needs for it."""

import time
from collections.abc import Iterable, Sequence

import msgspec

from besedka.bots import placements
from besedka.bots.placements import Placed
from besedka.conversations import inboxes, leases
from besedka.conversations.leases import Claim
from besedka.turns.models import BotSource

STAFF_S = 0.5  # seconds until a bot that was placed, changed or switched off is what it is now


class Task(msgspec.Struct, frozen=True):
    """A claimed turn with everything that is needed to think about it; `bot` is None where none is placed."""

    claim: Claim
    bot: Placed | None
    source_ids: tuple[int, ...]
    language: str


class _Staff(msgspec.Struct, frozen=True):
    """Who answers in an inbox, from what, in which language."""

    bot: Placed | None
    source_ids: tuple[int, ...]
    language: str


_staff: dict[int, tuple[float, _Staff]] = {}  # by inbox, with when it was read


def claim_many(conversation_ids: Sequence[int]) -> list[Task | None]:
    """Claim each conversation's due turn; None where none is due or another one has it."""
    claims = leases.claim_many(conversation_ids)
    tasks = iter(tasks_of([claim for claim in claims if claim is not None]))
    return [None if claim is None else next(tasks) for claim in claims]


def tasks_of(claims: Sequence[Claim]) -> list[Task]:
    """What each claimed turn is to be thought about with."""
    staff = _staff_of({claim.inbox_id for claim in claims})
    return [
        Task(claim, who.bot, who.source_ids, who.language) for claim in claims for who in (staff[claim.inbox_id],)
    ]


def forget_staff() -> None:
    """Who answers where is read anew for the next turn."""
    _staff.clear()


def _staff_of(inbox_ids: Iterable[int]) -> dict[int, _Staff]:
    now = time.monotonic()
    wanted = {inbox_id for inbox_id in inbox_ids if now - _staff.get(inbox_id, (-STAFF_S, None))[0] >= STAFF_S}
    if wanted:
        placed = placements.in_inboxes(wanted)
        languages = inboxes.language_many(wanted)
        sources: dict[int, list[int]] = {}
        bot_ids = {bot.id for bot in placed.values()}
        for bot_id, source_id in BotSource.objects.filter(bot_id__in=bot_ids).values_list("bot_id", "source_id"):
            sources.setdefault(bot_id, []).append(source_id)
        for inbox_id in wanted:
            bot = placed.get(inbox_id)
            source_ids = tuple(sorted(sources.get(bot.id, ()))) if bot else ()
            _staff[inbox_id] = (now, _Staff(bot, source_ids, languages[inbox_id]))
    return {inbox_id: _staff[inbox_id][1] for inbox_id in inbox_ids}
