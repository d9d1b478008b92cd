"""How it goes with Telegram, in one word, for whoever watches over the installation."""

from collections.abc import Sequence
from datetime import timedelta

from django.utils import timezone

from besedka.telegram import updates
from besedka.telegram.models import Post
from besedka.telegram.post import HELD_S

OFF = "off"  # no token
OK = "ok"
STARTING = "starting"
NOBODY = "nobody"  # no process talks to Telegram
CONFLICT = "conflict"  # somebody else polls with our token
REFUSED = "refused"  # Telegram does not know our token
UNREACHABLE = "unreachable"


def state_many(asked: Sequence[None]) -> list[str]:
    """The state, to each who asks."""
    return [state()] * len(asked)


def state() -> str:
    """One of the words above, as the process that talks to Telegram last said."""
    if not updates.bot_id():
        return OFF
    post = Post.objects.filter(bot_id=updates.bot_id()).first()
    if post is None or post.state_at is None or post.state_at < timezone.now() - timedelta(seconds=2 * HELD_S):
        return NOBODY
    return post.state or STARTING
