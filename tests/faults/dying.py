"""`besedka run` that kills itself at a named point of a message's way, the nth time it comes by.

    python tests/faults/dying.py before-commit 7

Nothing of this is in the product: the points are put around its functions here, before it starts.
"""

import os
import signal
import sys
from collections.abc import Callable
from typing import Any

import django

POINTS = [
    "before-commit",  # the message is written, its transaction open
    "after-commit",  # it is on disk, nobody has been told
    "before-201",  # whoever listens is woken, the sender has no answer
    "before-turn",  # the turn is due and not claimed
    "after-claim",  # it is claimed, nothing is thought
    "before-answer-commit",  # the answer is written, its transaction open
    "after-answer-commit",  # it is on disk, nobody has been woken
]


def main(point: str, nth: int) -> None:
    """Serve, and die."""
    from besedka import cli  # noqa: PLC0415 - models can be imported only when Django is set up
    from besedka.conversations import log, signals  # noqa: PLC0415
    from besedka.conversations.batcher import Batcher  # noqa: PLC0415
    from besedka.turns import run  # noqa: PLC0415
    from besedka.turns.embedded import Runner  # noqa: PLC0415

    seen = 0

    def here(condition: object = True) -> None:
        nonlocal seen
        seen += bool(condition)
        if seen == nth:
            os.kill(os.getpid(), signal.SIGKILL)

    match point:
        case "before-commit":
            after(log, "append_many", lambda appends: here())
        case "after-commit":
            before(signals, "send_many", lambda kinds: here(kinds.get("due")))
        case "before-201":
            appends = log.append_many
            before(
                Batcher, "_resolve", lambda self, batch, results: here(any(job.work is appends for job in batch))
            )
        case "before-turn":
            before(Runner, "begin", lambda self, conversation_ids: here(conversation_ids))
        case "after-claim":
            before(run, "think", lambda task: here())
        case "before-answer-commit":
            after(run, "commit_many", lambda thoughts: here())
        case "after-answer-commit":
            before(signals, "send_many", lambda kinds: here(kinds.get("new") and not kinds.get("due")))
        case _:
            raise SystemExit(f"There is no point {point!r}.")
    cli.main(["run"])


def before(owner: Any, name: str, look: Callable[..., None]) -> None:
    """Whenever `owner.name` is called, `look` is called first."""
    function = getattr(owner, name)

    def watched(*arguments: Any, **named: Any) -> Any:
        look(*arguments)
        return function(*arguments, **named)

    setattr(owner, name, watched)


def after(owner: Any, name: str, look: Callable[..., None]) -> None:
    """Whenever `owner.name` is called, `look` is called before it returns."""
    function = getattr(owner, name)

    def watched(*arguments: Any, **named: Any) -> Any:
        result = function(*arguments, **named)
        look(*arguments)
        return result

    setattr(owner, name, watched)


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "besedka.project.settings")
    django.setup()
    main(sys.argv[1], int(sys.argv[2]))
