"""`besedka telegram` that kills itself at a named point of a message's way, the nth time it comes by.

    python tests/telegram/dying.py after-keep 3

It lives with `never`, and is as quick as with the others.

Nothing of this is in the product: the points are put around its functions here, before it starts.
"""

import functools
import os
import signal
import sys
from typing import Any

import django

POINTS = [
    "before-keep",  # Telegram has given an update, nothing is kept
    "after-keep",  # it is on disk, Telegram has not been told
    "before-handled",  # its effect is written, the transaction open
    "after-handled",  # the effect is on disk, nobody has been told
    "before-send",  # a delivery is begun, Telegram has not been asked
    "after-send",  # Telegram has it, we have not noted it
]


def main(point: str, nth: int) -> None:
    """Talk to Telegram, and die."""
    from besedka import cli  # noqa: PLC0415 - models can be imported only when Django is set up
    from besedka.conversations import deliveries  # noqa: PLC0415
    from besedka.telegram import client, handling, pace, polling, post, updates  # noqa: PLC0415

    # Who comes next need not wait as long as in life.
    post.HELD_S, post.RENEWED_S, deliveries.SENDING_S, pace.CHAT_S = 4, 1, 5, 0.1

    seen = 0

    def here() -> None:
        nonlocal seen
        seen += 1
        if seen == nth:
            os.kill(os.getpid(), signal.SIGKILL)

    match point:
        case "before-keep":
            around(polling, "_keep", before=here)
        case "after-keep":
            around(polling, "_keep", after=here)
        case "before-handled":
            around(updates, "handled_many", after=here)
        case "after-handled":
            around(handling.Handling, "_handle", after=here)
        case "before-send":
            around(client.Client, "send_text", before=here)
        case "after-send":
            around(client.Client, "send_text", after=here)
    sys.exit(cli.main(["telegram"]))


def around(owner: Any, name: str, *, before: Any = None, after: Any = None) -> None:
    """Let something happen before or after a function, coroutine or not."""
    function = getattr(owner, name)

    @functools.wraps(function)
    def plain(*given: Any, **named: Any) -> Any:
        if before is not None:
            before()
        result = function(*given, **named)
        if hasattr(result, "__await__"):
            return then(result)
        if after is not None:
            after()
        return result

    async def then(waiting: Any) -> Any:
        result = await waiting
        if after is not None:
            after()
        return result

    setattr(owner, name, plain)


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "besedka.project.settings")
    django.setup()
    main(sys.argv[1], int(sys.argv[2]))
