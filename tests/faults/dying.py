"""Any process of ours, in which something happens at a named point of a message's way, the nth time it comes by.

    python tests/faults/dying.py before-commit 7
    python tests/faults/dying.py after-keep 3 --act stop -- besedka telegram

It kills itself; or it stops as with Ctrl+Z (`stop`), hangs at that point (`stall`), or goes on after an error
there (`raise`). Nothing of this is in the product: the points are put around its functions here, before it starts.
In the workers of `besedka web` they are put too, in each by itself: they find them in the environment.
"""

import argparse
import functools
import os
import signal
import sys
import time
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
BEHIND_A_BROKER = [
    "before-task",  # the sender has its answer, no worker has been told
    "poison",  # a turn with this word is thought about: it kills whoever thinks, each time
    "broker-lost",  # a worker has lost its broker and is about to let go of the connection
]
TELEGRAM = [
    "before-keep",  # Telegram has given an update, nothing is kept
    "after-keep",  # it is on disk, Telegram has not been told
    "before-handled",  # its effect is written, the transaction open
    "after-handled",  # the effect is on disk, nobody has been told
    "before-send",  # a delivery is begun, Telegram has not been asked
    "after-send",  # Telegram has it, we have not noted it
]
IMPORTS = [
    "after-import-claim",  # an import is begun, nothing is read
    "mid-import",  # some of its passages are written, the transaction open
    "before-import-commit",  # its end is written, too
    "after-import-commit",  # it has ended, nobody has seen it
]
NEVER = "never"  # nothing happens; for a process that is to be like the others otherwise
VARIABLE = "BESEDKA_FAULT"  # point, nth and act, for processes that this one starts
HANGS_S = 3600


class Struck(RuntimeError):
    """The error that a point raises when it is told to."""


ACTS: dict[str, Callable[[], None]] = {
    "kill": lambda: os.kill(os.getpid(), signal.SIGKILL),
    "stop": lambda: os.kill(os.getpid(), signal.SIGSTOP),
    "stall": lambda: time.sleep(HANGS_S),
}


def put(point: str, nth: int, act: str) -> None:
    """From now on this happens the nth time that this process comes by that point."""
    seen = 0

    def here(condition: object = True) -> None:
        nonlocal seen
        seen += bool(condition)
        if seen != nth or not condition:
            return
        if act == "raise":
            raise Struck(point)
        ACTS[act]()

    if point in BEHIND_A_BROKER:
        _put_behind_a_broker(point, here)
    elif point in TELEGRAM:
        _put_in_telegram(point, here)
    elif point in IMPORTS:
        _put_in_imports(point, here)
    elif point in POINTS:
        _put_on_the_way(point, here)
    elif point != NEVER:
        raise SystemExit(f"There is no point {point!r}.")


def _put_on_the_way(point: str, here: Callable[..., None]) -> None:
    from besedka.conversations import log, signals  # noqa: PLC0415 - models can be imported only after the setup
    from besedka.conversations.batcher import Batcher  # noqa: PLC0415
    from besedka.turns import run  # noqa: PLC0415
    from besedka.turns.embedded import Runner  # noqa: PLC0415

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


def _put_behind_a_broker(point: str, here: Callable[..., None]) -> None:
    from besedka.turns import answering  # noqa: PLC0415 - as above

    match point:
        case "before-task":
            from besedka.project import dispatch  # noqa: PLC0415 - needs a broker

            before(dispatch, "_send", lambda news: here(news))
        case "poison":
            before(answering, "answer", lambda task, question: here("poison" in question))
        case "broker-lost":
            from celery.worker.consumer import Consumer  # noqa: PLC0415 - comes with the broker

            before(Consumer, "on_connection_error_after_connected", lambda *given: here())


def _put_in_telegram(point: str, here: Callable[..., None]) -> None:
    from besedka.telegram import client, handling, polling, updates  # noqa: PLC0415 - as above

    match point:
        case "before-keep":
            before(polling, "_keep", lambda *given: here())
        case "after-keep":
            after(polling, "_keep", lambda *given: here())
        case "before-handled":
            after(updates, "handled_many", lambda *given: here())
        case "after-handled":
            after(handling.Handling, "_handle", lambda *given: here())
        case "before-send":
            before(client.Client, "send_text", lambda *given: here())
        case "after-send":
            after(client.Client, "send_text", lambda *given: here())


def _put_in_imports(point: str, here: Callable[..., None]) -> None:
    from besedka.knowledge import imports, leases, workshop  # noqa: PLC0415 - as above

    match point:
        case "after-import-claim":
            after(leases, "claim", lambda *given: here())
        case "mid-import":
            after(imports, "_write", lambda *given: here())
        case "before-import-commit":
            after(leases, "finish", lambda *given: here())
        case "after-import-commit":
            after(workshop, "_import", lambda *given: here())


def hurry_telegram() -> None:
    """Who comes next need not wait as long as in life."""
    from besedka.conversations import deliveries  # noqa: PLC0415 - as above
    from besedka.telegram import pace, post  # noqa: PLC0415

    post.HELD_S, post.RENEWED_S, deliveries.SENDING_S, pace.CHAT_S = 4, 1, 5, 0.1


def before(owner: Any, name: str, look: Callable[..., None]) -> None:
    """Whenever `owner.name` is called, `look` is called first with what it is given by place."""
    function = getattr(owner, name)

    @functools.wraps(function)
    def watched(*arguments: Any, **named: Any) -> Any:
        look(*arguments)
        return function(*arguments, **named)

    setattr(owner, name, watched)


def after(owner: Any, name: str, look: Callable[..., None]) -> None:
    """Whenever `owner.name` is called, `look` is called when it is done, be it a coroutine or not."""
    function = getattr(owner, name)

    @functools.wraps(function)
    def watched(*arguments: Any, **named: Any) -> Any:
        result = function(*arguments, **named)
        if hasattr(result, "__await__"):
            return then(result, arguments)
        look(*arguments)
        return result

    async def then(waiting: Any, arguments: tuple[Any, ...]) -> Any:
        result = await waiting
        look(*arguments)
        return result

    setattr(owner, name, watched)


def main(arguments: list[str]) -> int:
    """Be that process; its exit code, if it has one."""
    parser = argparse.ArgumentParser(
        description="A process of ours that comes to grief.",
        epilog="The command stands behind `--`; without one it is `besedka run`.",
    )
    parser.add_argument("point")
    parser.add_argument("nth", type=int)
    parser.add_argument("--act", choices=[*ACTS, "raise"], default="kill")
    behind = arguments.index("--") if "--" in arguments else len(arguments)
    options = parser.parse_args(arguments[:behind])
    command = arguments[behind + 1 :] or ["besedka", "run"]
    os.environ[VARIABLE] = f"{options.point} {options.nth} {options.act}"
    from besedka import cli  # noqa: PLC0415 - as above

    put(options.point, options.nth, options.act)
    if command[1] == "telegram":
        hurry_telegram()
    return int(cli.main(command[1:]))


if __name__ in ("__main__", "__mp_main__"):
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "besedka.project.settings")
    django.setup()
    if __name__ == "__main__":
        sys.exit(main(sys.argv[1:]))
    else:  # started by the process that was told
        point, nth, act = os.environ[VARIABLE].split()
        put(point, int(nth), act)
