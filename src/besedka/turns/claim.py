"""Taking a turn: the claim, and what the bot of that inbox needs for it."""

from collections.abc import Sequence

import msgspec

from besedka.bots import placements
from besedka.bots.placements import Placed
from besedka.conversations import inboxes, leases
from besedka.conversations.leases import Claim
from besedka.turns.models import BotSource


class Task(msgspec.Struct, frozen=True):
    """A claimed turn with everything that is needed to think about it; `bot` is None where none is placed."""

    claim: Claim
    bot: Placed | None
    source_ids: tuple[int, ...]
    language: str


def claim_many(conversation_ids: Sequence[int]) -> list[Task | None]:
    """Claim each conversation's due turn; None where none is due or another one has it."""
    claims = leases.claim_many(conversation_ids)
    inbox_ids = {claim.inbox_id for claim in claims if claim is not None}
    if not inbox_ids:
        return [None] * len(claims)
    placed = placements.in_inboxes(inbox_ids)
    languages = inboxes.language_many(inbox_ids)
    sources: dict[int, list[int]] = {}
    bot_ids = {bot.id for bot in placed.values()}
    for bot_id, source_id in BotSource.objects.filter(bot_id__in=bot_ids).values_list("bot_id", "source_id"):
        sources.setdefault(bot_id, []).append(source_id)
    tasks: list[Task | None] = []
    for claim in claims:
        if claim is None:
            tasks.append(None)
            continue
        bot = placed.get(claim.inbox_id)
        source_ids = tuple(sorted(sources.get(bot.id, ()))) if bot else ()
        tasks.append(Task(claim, bot, source_ids, languages[claim.inbox_id]))
    return tasks
