"""What the bot is saying right now, before it is said: shown while it grows, and never more than shown.

It lives in memory, carries nothing that anybody may rely on, and is gone when the turn ends: the log has what was
said in the end. Whoever listens to a conversation's signals of the kind `delta` looks here. A relay may bring it
to the other processes; what gets lost on the way is missed by nobody but the eye.
"""

import itertools
import secrets
import time
from collections.abc import Callable

import msgspec

from besedka.conversations import signals
from besedka.conversations.signals import Topic

FORGOTTEN_S = 75  # a speech that nobody goes on with is over: whoever spoke has died


class Speech(msgspec.Struct, frozen=True):
    """One utterance so far. A new `turn` takes back all that was shown of the one before; no text is silence."""

    turn: str
    text: str


Relay = Callable[[int, Speech], None]

_speeches: dict[Topic, tuple[float, Speech]] = {}
_numbers = itertools.count(1)
_process = secrets.token_hex(4)  # two processes never number a turn alike
_relays: list[Relay] = []


def aloud(conversation_id: int, text: str) -> None:
    """The bot has said so much by now. Text that does not continue what was said before begins anew."""
    before = of(conversation_id)
    if not text:
        silence(conversation_id)
        return
    if before is not None and text == before.text:
        return
    goes_on = before is not None and text.startswith(before.text)
    turn = before.turn if before is not None and goes_on else f"{_process}{next(_numbers):x}"
    speech = Speech(turn, text)
    for relay in _relays:
        relay(conversation_id, speech)
    overhear(conversation_id, speech)


def overhear(conversation_id: int, speech: Speech) -> None:
    """A bot, here or in another process, has said so much; readers in this process hear it."""
    now = time.monotonic()
    for dead in [topic for topic, (at, _) in _speeches.items() if now - at > FORGOTTEN_S]:
        del _speeches[dead]
    if speech.text:
        _speeches[conversation_id] = (now, speech)
    else:
        _speeches.pop(conversation_id, None)
    signals.deliver({"delta": [conversation_id]})


def silence(conversation_id: int) -> None:
    """The bot says nothing just now; what was shown is taken back, or stands in the log."""
    if conversation_id in _speeches:
        for relay in _relays:
            relay(conversation_id, Speech("", ""))
        overhear(conversation_id, Speech("", ""))


def of(conversation_id: Topic) -> Speech | None:
    """What the bot is saying in this conversation."""
    at, speech = _speeches.get(conversation_id, (0.0, None))
    return speech if time.monotonic() - at <= FORGOTTEN_S else None


def relay_to(relay: Relay) -> None:
    """Let `relay` bring what is said here to the other processes. It must return at once and not raise."""
    _relays.append(relay)


def forget_relays() -> None:
    """What is said here stays here."""
    _relays.clear()


class Listener:
    """How much of the bot's speech one reader has been shown."""

    def __init__(self) -> None:
        self._shown: Speech | None = None

    def news(self, conversation_id: Topic, *, hushed: bool = False) -> list[dict[str, str]]:
        """The frames that bring this reader up to date: `delta` with what is new, `delta_end` to take it back.

        `hushed`: the bot is not the one who answers any more. It may speak on until its turn ends, but not to this
        reader: what it says will be dropped.
        """
        now, before = None if hushed else of(conversation_id), self._shown
        if now == before:
            return []
        frames = []
        self._shown = now
        if before is not None and (now is None or now.turn != before.turn):
            frames.append({"type": "delta_end", "turn": before.turn})
            before = None
        if now is not None:
            new = now.text[len(before.text) :] if before is not None else now.text
            frames.append({"type": "delta", "turn": now.turn, "text": new})
        return frames
