"""Texts that operators need often."""

from typing import Any

from besedka.desk.models import CannedReply


def all_of(inbox_ids: tuple[int, ...] | None) -> list[dict[str, Any]]:
    """The canned replies for these inboxes (None: all), by shortcut."""
    found = CannedReply.objects.order_by("shortcut")
    return [
        {"id": reply.pk, "shortcut": reply.shortcut, "text": reply.text, "inbox": reply.inbox_id}
        for reply in found
        if reply.inbox_id is None or inbox_ids is None or reply.inbox_id in inbox_ids
    ]
