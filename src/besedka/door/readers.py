"""Reading a log from outside: all reads of a moment in one query, and waiting without missing anything."""

import asyncio

from besedka.conversations import log, signals, visits
from besedka.conversations.contacts import Address
from besedka.conversations.signals import Topic, Woken
from besedka.conversations.visits import Seen, Visit
from besedka.door.admission import Caller, Gone
from besedka.door.house import Door
from besedka.figures import counted
from besedka.problems import Problem


class Erased(Problem):
    """The data of this conversation is erased; what you write now begins another one."""

    code = "erased"
    status = 409


MAX_WAIT_S = 25  # seconds that a long poll is held
GONE = "gone"
NEWS = frozenset({"new"})
ONLY_SPEECH = {"delta"}
POLLS = counted.CONNECTIONS.labels("long_poll")


async def look(door: Door, visit: Visit) -> Seen | None:
    """What this visit sees now; None where the contact has not written yet."""
    seen = await door.reader.submit(visits.look_many, visit)
    if seen is not None:
        door.remember(visit.address, seen.conversation_id)
    else:
        door.forget(visit.address)
    return seen


def still_there(seen: Seen | None, met: int | None) -> int | None:
    """The conversation that a reader follows, who has met `met` so far. Raises `Erased` where that is no more."""
    here = None if seen is None else seen.conversation_id
    if met is not None and here != met:
        raise Erased()
    return here


def is_hushed(owner: str | None, status: str) -> bool:
    """Whether what a bot may still be saying is nothing to show: others answer by now, or it is over."""
    return owner in ("queue", "operator") or status == "closed"


def topic_of(door: Door, address: Address) -> Topic:
    """What to listen to for news of this address."""
    return door.conversation_of(address) or address.topic


async def look_until_news(
    caller: Caller, visit: Visit, wait_s: float, shown: frozenset[str] | None = None
) -> Seen | None:
    """What this visit sees, as soon as there is a message by one of `shown` (None: by anybody), or after `wait_s`.

    We are on the list before we look: what we do not see wakes us. Raises `Gone` when the caller hangs up
    meanwhile, so that nothing is handed out to nobody.
    """
    door = caller.door
    if not wait_s:
        return await look(door, visit)
    loop = asyncio.get_running_loop()
    until = loop.time() + wait_s
    while True:
        topic = topic_of(door, visit.address)
        with signals.listen(topic, NEWS) as woken:
            while topic == topic_of(door, visit.address):
                seen = await look(door, visit)
                left = until - loop.time()
                if left <= 0 or (seen is not None and _is_news(seen, shown)):
                    return seen
                if topic == topic_of(door, visit.address):
                    await _wait_while_there(caller, woken, left)


async def _wait_while_there(caller: Caller, woken: Woken, left_s: float) -> None:
    """Wait for a signal. Raises `Gone` when the caller hangs up first."""
    leaving = asyncio.create_task(caller.hung_up())
    leaving.add_done_callback(lambda task: None if task.cancelled() else woken.wake(GONE))
    try:
        with POLLS.track_inprogress():
            if GONE in await woken.wait(left_s):
                raise Gone
    finally:
        leaving.cancel()


def _is_news(seen: Seen, shown: frozenset[str] | None) -> bool:
    """Something for this reader; or a full page without, behind which there may be."""
    if shown is None or len(seen.messages) == log.PAGE:
        return bool(seen.messages)
    return any(entry.author in shown for entry in seen.messages)
