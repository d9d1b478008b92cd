"""Questions that nobody could answer: like ones together, with what a person answered to them in the end."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime

import msgspec

from besedka.answers.answerer import (
    LOW_CONFIDENCE,
    MODEL_ASKED,
    MODEL_REFUSED,
    NO_KNOWLEDGE,
    REPEATED_MISSES,
)
from besedka.conversations import reports
from besedka.conversations.reports import Ended
from besedka.knowledge import search, words
from besedka.turns.models import BotSource

REASONS = (LOW_CONFIDENCE, NO_KNOWLEDGE, REPEATED_MISSES, MODEL_ASKED, MODEL_REFUSED)
ALIKE = 0.4  # share of the content of two questions that has to be the same (Jaccard) for them to stand together


class Asked(msgspec.Struct, frozen=True):
    """One question that a bot could not answer."""

    conversation_id: int
    seq: int
    bot_id: int
    question: str
    answer_from: float  # of the bot, at that time
    reason: str
    at: datetime


class Group(msgspec.Struct, frozen=True):
    """Like questions, the newest first; the one that stands for all; what a person answered, if one did."""

    questions: list[Asked]
    title: str
    reply: str
    bot_id: int


def groups_since(since: datetime) -> list[Group]:
    """Groups of questions that came to a person, the largest first, but for what the bot can answer by now."""
    turns = reports.turns_since(since, reasons=REASONS)
    asked = [_asked(turn) for turn in turns if turn.trace.get("question") and turn.trace.get("bot")]
    still = _without_answer(asked)
    replies = reports.replies_of_operators([(one.conversation_id, one.seq) for one in reversed(still)])
    groups = [_group(together, replies) for together in _alike(still)]
    return sorted(groups, key=lambda group: (-len(group.questions), group.title))


def _asked(turn: Ended) -> Asked:
    return Asked(
        turn.conversation_id,
        turn.upto_seq,
        turn.trace["bot"],
        turn.trace["question"],
        turn.trace.get("answer_from", 1.0),
        turn.reason,
        turn.finished_at,
    )


def _without_answer(asked: Sequence[Asked]) -> list[Asked]:
    """Those whose bot still finds nothing that it is sure of."""
    sources: dict[int, tuple[int, ...]] = {}
    for bot_id, source_id in BotSource.objects.order_by("source_id").values_list("bot_id", "source_id"):
        sources[bot_id] = (*sources.get(bot_id, ()), source_id)
    indexes = {bot_id: search.index_of(sources.get(bot_id, ())) for bot_id in {one.bot_id for one in asked}}
    still = []
    for one in asked:
        found = indexes[one.bot_id].find(one.question, limit=1)
        if not found or found[0].confidence < one.answer_from:
            still.append(one)
    return still


def _alike(asked: Sequence[Asked]) -> list[list[Asked]]:
    """Each question joins the group whose first one it is most like; it looks only where a word is shared."""
    groups: list[tuple[frozenset[str], list[Asked]]] = []
    having: dict[tuple[int, str], list[int]] = {}
    for one in asked:
        content = frozenset(words.content(words.split(one.question, words.MAX_QUESTION_WORDS)))
        near = Counter(at for word in content for at in having.get((one.bot_id, word), ()))
        best = max(near, key=lambda at: near[at] / len(content | groups[at][0]), default=None)
        if best is not None and near[best] / len(content | groups[best][0]) >= ALIKE:
            groups[best][1].append(one)
            continue
        for word in content:
            having.setdefault((one.bot_id, word), []).append(len(groups))
        groups.append((content, [one]))
    return [together for _, together in groups]


def _group(together: list[Asked], replies: dict[int, str]) -> Group:
    titles = Counter(one.question.strip() for one in together)
    title = max(titles, key=lambda question: (titles[question], -len(question)))
    reply = next((replies[one.conversation_id] for one in together if one.conversation_id in replies), "")
    return Group(together, title, reply, together[0].bot_id)
