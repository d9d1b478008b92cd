"""The slow sweep behind the signals: what came into any log lately, for readers whose signal was lost."""

from collections.abc import Sequence

from besedka.conversations import signals, sql
from besedka.conversations.signals import Topic

SWEEP_S = 1  # seconds between two looks: what a lost signal costs at most
LOOK_BACK = 2_000  # rows; ids are given out before the commit, so a lower one may become visible after a higher


class Latest:
    """How far the last look saw, and what it has woken somebody for already."""

    def __init__(self) -> None:
        self.message_id: int | None = None
        self.conversation_id = 0
        self.told: set[tuple[Topic, int]] = set()


def since_many(looks: Sequence[Latest]) -> list[dict[str, list[Topic]]]:
    """For each look, whom to wake now. A first one may wake somebody for what they have read already."""
    return [_since(latest) for latest in looks]


def _since(latest: Latest) -> dict[str, list[Topic]]:
    listened = set(signals.listened())
    if not listened:
        latest.message_id = None
        return {}
    if latest.message_id is None:
        [(latest.message_id, latest.conversation_id)] = sql.select(
            "SELECT COALESCE((SELECT MAX(id) FROM conversations_message), 0), "
            "COALESCE((SELECT MAX(id) FROM conversations_conversation), 0)",
            [],
        )
    found: list[tuple[Topic, int]] = []
    rows = sql.select(
        "SELECT m.conversation_id, MAX(m.seq), MAX(m.id) FROM conversations_message m WHERE m.id > %s "
        "GROUP BY m.conversation_id",
        [latest.message_id - LOOK_BACK],
    )
    found += [(conversation_id, seq) for conversation_id, seq, _ in rows if conversation_id in listened]
    born = sql.select(
        "SELECT i.kind, i.known_as, c.inbox_id, c.id FROM conversations_conversation c "
        "JOIN conversations_identity i ON i.contact_id = c.contact_id WHERE c.id > %s",
        [latest.conversation_id - LOOK_BACK],
    )
    topics = [(f"{kind}:{known_as}:{inbox_id}", number) for kind, known_as, inbox_id, number in born]
    found += [(topic, number) for topic, number in topics if topic in listened]
    latest.message_id = max([latest.message_id, *(row[2] for row in rows)])
    latest.conversation_id = max([latest.conversation_id, *(row[3] for row in born)])
    fresh = [told for told in found if told not in latest.told]
    latest.told = set(found)
    return {"new": [topic for topic, _ in fresh]}
