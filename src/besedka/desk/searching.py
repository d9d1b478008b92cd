"""What operators find in the history: messages, each with the card of its conversation."""

from collections.abc import Sequence
from typing import Any

import msgspec

from besedka.conversations import queries, searching, wire
from besedka.conversations.searching import Wish

LIMIT = 30  # messages of a page


class Query(msgspec.Struct, frozen=True):
    """What an operator looks for, in which inboxes (None: all), before which message."""

    text: str
    operator_id: int
    inbox_ids: tuple[int, ...] | None = None
    before: int | None = None


def find_many(wanted: Sequence[Query]) -> list[dict[str, Any]]:
    """For each `found`, the newest first, and `next`, to go on `before`; None where nothing is left."""
    pages = searching.search_many([Wish(query.text, query.inbox_ids, query.before, LIMIT) for query in wanted])
    results = []
    for query, page in zip(wanted, pages, strict=True):
        ids = list(dict.fromkeys(hit.conversation_id for hit in page))
        cards = {card.id: card for card in queries.cards(ids, query.operator_id)}
        found = [
            {
                "card": cards[hit.conversation_id],
                "seq": hit.seq,
                "author": hit.author,
                "text": hit.text,
                "created_at": wire.time(hit.created_at),
                "marks": hit.marks,
            }
            for hit in page
            if hit.conversation_id in cards
        ]
        results.append({"found": found, "next": page[-1].message_id if len(page) == LIMIT else None})
    return results
