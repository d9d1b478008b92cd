"""What lies outside the house: a model that thinks for two seconds, a Bot API server, and operators with a phone.

A process of its own, started by `load.py`. First it says in one line of JSON where it listens; each line that it
is told is a step of its life, answered by one line.
"""

import argparse
import contextlib
import itertools
import json
import sys
import threading
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))

import llm_stub
import telegram_server
from load_people import age_ms, stamped

HOLD_S = 15.0  # seconds that a conversation stays with somebody in Telegram
LOOK_S = 0.2  # between two looks at the phone
HISTORY_S = 3.0  # after a press what comes is old
BEGIN, END = "/start", "/finish"


class Forgetful(list[Any]):
    """Keeps nothing: ten minutes of requests would be a gigabyte."""

    def append(self, item: Any) -> None:
        """Let it go."""


class Phone:
    """One operator in Telegram."""

    def __init__(self, telegram: telegram_server.Telegram, name: str) -> None:
        self.person, self.name = telegram.person(name), name
        self.said: list[str] = []
        self.delivery: list[tuple[float, float]] = []
        self._numbers = itertools.count(1)
        self._pressed_at: float | None = None
        self._seen = 0

    def look(self) -> None:
        """Press what asks to be pressed, answer what a contact said, and end after a while."""
        now = time.monotonic()
        shown = self.person.ever
        fresh, self._seen = shown[self._seen :], len(shown)
        if self._pressed_at is None:
            inviting = [one for one in shown[-50:] if one.buttons and not one.deleted]
            if inviting:
                self._pressed_at = now
                self.person.presses(inviting[-1])
            return
        heard = [age for one in fresh if (age := age_ms(one.text)) is not None]
        if now - self._pressed_at > HISTORY_S:
            self.delivery += [(now, age) for age in heard]
        if heard:
            self.said.append(stamped(f"phone answer {next(self._numbers)} of {self.name}"))
            self.person.writes(self.said[-1])
        elif now - self._pressed_at > HOLD_S:
            self.leave()
            self.person.writes(BEGIN)

    def begin(self) -> None:
        """What came so far is no matter."""
        self._seen = len(self.person.ever)

    def leave(self) -> None:
        """End what there is."""
        self.person.writes(END)
        self._pressed_at = None


def keep_looking(phones: list[Phone], over: threading.Event) -> None:
    """Everybody looks at their phone, until it is over."""
    while not over.wait(LOOK_S):
        for phone in phones:
            phone.look()


def main() -> None:
    """Be there until there are no more steps."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--think", type=float, default=2.0, help="seconds until the model answers")
    parser.add_argument("--operators", type=int, default=0)
    options = parser.parse_args()
    with llm_stub.running() as model, telegram_server.running() as telegram:
        model.asked = Forgetful()
        model.behaves = lambda asked: llm_stub.Says(("Да, это есть ", "в наличии."), before_s=options.think)
        telegram.calls = Forgetful()
        print(json.dumps({"model": model.url, "telegram": telegram.url}), flush=True)
        phones = [Phone(telegram, f"phone{number}") for number in range(options.operators)]
        over = threading.Event()
        looking = threading.Thread(target=keep_looking, args=(phones, over))
        with contextlib.suppress(KeyboardInterrupt):
            for step in map(str.strip, sys.stdin):
                print(json.dumps(_do(step, phones, looking, over)), flush=True)
        over.set()


def _do(step: str, phones: list[Phone], looking: threading.Thread, over: threading.Event) -> Any:
    match step:
        case "register":
            return _everybody(phones, 1)
        case "begin":
            met = _everybody(phones, 2)
            for phone in phones:
                phone.begin()
            looking.start()
            return met
        case "quiet":
            over.set()
            if looking.ident is not None:
                looking.join()
            for phone in phones:
                phone.leave()
            return True
        case "tell":
            return {
                "said": [text for phone in phones for text in phone.said],
                "delivery": [one for phone in phones for one in phone.delivery],
            }
    raise ValueError(step)


def _everybody(phones: list[Phone], answers: int) -> bool:
    """All of them write that they are there, and are answered; whether that came in time."""
    for phone in phones:
        phone.person.writes(BEGIN)
    until = time.monotonic() + 240  # a process of ours takes long to begin where everything is busy
    while any(len(phone.person.ever) < answers for phone in phones):
        if time.monotonic() > until:
            return False
        time.sleep(0.05)
    return True


if __name__ == "__main__":
    main()
