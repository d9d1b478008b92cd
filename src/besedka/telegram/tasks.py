"""Sending as a task: the name of a channel and nothing else.

Deliveries of one recipient go out in order, and all of them at a pace that Telegram takes: one process sends at
a time. The task wakes it, wherever it is; what it does not hear of it finds by itself a second later.
"""

from celery import shared_task

from besedka.conversations import signals
from besedka.telegram.sender import WAKE


@shared_task(name="besedka.telegram.deliver")  # type: ignore[untyped-decorator]
def deliver(channel: str) -> None:
    """Whoever sends looks now for what is to be sent in this channel."""
    signals.send_many({WAKE: [channel]})
