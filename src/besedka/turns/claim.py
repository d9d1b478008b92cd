"""Taking a turn: the claim, and what the bot of that inbox needs for it."""

from collections.abc import Sequence

import msgspec

from besedka.answers.answerer import Said
from besedka.bots import executions, scenarios
from besedka.bots.executions import Current
from besedka.conversations import leases, log, wire
from besedka.conversations.leases import Claim
from besedka.dialogue.graph import Graph
from besedka.turns import staff
from besedka.turns.staff import Staff

REMEMBERED = 40  # messages of the episode that a model may be shown; its budget of tokens may allow fewer
_SPEAKERS = ("contact", "bot", "operator")


class Task(msgspec.Struct, frozen=True):
    """A claimed turn with everything that is needed to think about it."""

    claim: Claim
    staff: Staff
    history: tuple[Said, ...] = ()  # of the episode, before what is to be answered; for models only
    current: Current | None = None  # the newest execution of the conversation
    graph: Graph | None = None  # that it goes by, if it has begun


def claim_many(conversation_ids: Sequence[int]) -> list[Task | None]:
    """Claim each conversation's due turn; None where none is due or another one has it."""
    claims = leases.claim_many(conversation_ids)
    tasks = iter(tasks_of([claim for claim in claims if claim is not None]))
    return [None if claim is None else next(tasks) for claim in claims]


def tasks_of(claims: Sequence[Claim]) -> list[Task]:
    """What each claimed turn is to be thought about with."""
    who = staff.of_inboxes({claim.inbox_id for claim in claims})
    remembering = [claim for claim in claims if who[claim.inbox_id].model is not None]
    wants = [
        log.Want(c.conversation_id, max(c.episode_after, c.upto_seq - REMEMBERED), c.upto_seq) for c in remembering
    ]
    earlier = iter(log.read_many(wants) if wants else ())
    walking = [claim for claim in claims if _has_scenarios(who[claim.inbox_id])]
    currents = executions.current_many(claim.conversation_id for claim in walking)
    graphs = scenarios.pinned_many(c.graph_hash for c in currents.values() if c.graph_hash and not c.is_completed)
    tasks = []
    for claim in claims:
        history: tuple[Said, ...] = ()
        if who[claim.inbox_id].model is not None:
            asked = {entry.seq for entry in claim.messages}
            said = (entry for entry in next(earlier) if entry.seq not in asked and entry.author in _SPEAKERS)
            history = tuple(Said(entry.author, wire.in_words(entry)) for entry in said)
        current = currents.get(claim.conversation_id)
        graph = graphs.get(current.graph_hash or "") if current is not None else None
        tasks.append(Task(claim, who[claim.inbox_id], history, current, graph))
    return tasks


def _has_scenarios(who: Staff) -> bool:
    """Whether the bot has any, or ever had some that somebody may still walk through."""
    return who.bot is not None and who.bot.scenarios_version > 0
