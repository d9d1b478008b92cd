"""Operators at the desk while something happens: they claim whoever waits, answer each line, and keep books."""

import asyncio
import itertools
import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import httpx2
import websockets
from faults.readers import AGAIN_S, READ_S, SILENT_S, TROUBLE, Message, differing, essence

PASSWORD = "a long password"
MAKE = """
from besedka.accounts.models import User
from besedka.desk.models import Operator
for name in {names!r}:
    user = User.objects.create_user(name, password={password!r}, first_name=name.title())
    Operator.objects.create(user=user, is_enabled=True)
"""

Frame = dict[str, Any]


class Refused(Exception):
    """A command was answered with a problem."""


@dataclass
class Console:
    """One operator and one window: `shown` is what stood in it, by conversation; `promises` what was stored."""

    url: str
    name: str
    shown: dict[int, list[Message]] = field(default_factory=dict)
    versions: dict[int, int] = field(default_factory=dict)  # of the conversations that are this operator's
    promises: dict[str, tuple[int, int]] = field(default_factory=dict)  # by id: conversation and seq
    surprises: list[str] = field(default_factory=list)
    waiting: list[Frame] = field(default_factory=list)
    numbers: "itertools.count[int]" = field(default_factory=lambda: itertools.count(1))

    async def work(self) -> None:
        """Sit at the desk, for ever."""
        while True:
            try:
                async with await self._sit_down() as ws:
                    await self._ask(ws, "watch", list="waiting")
                    for conversation in self.versions:
                        await self._open(ws, conversation)
                    while True:
                        await self._take_over(ws)
                        await self._answer(ws)
                        self._see(json.loads(await ws.recv()))
            except TROUBLE:
                await asyncio.sleep(AGAIN_S)

    async def finish(self) -> None:
        """Answer and see what is left, in quiet."""
        until = time.monotonic() + READ_S
        while time.monotonic() < until:
            try:
                async with await self._sit_down() as ws:
                    for conversation in self.versions:
                        await self._open(ws, conversation)
                    await self._answer(ws)
                async with await self._sit_down() as ws:
                    for conversation in self.versions:
                        await self._open(ws, conversation)
                    return
            except TROUBLE:
                await asyncio.sleep(AGAIN_S)
        self.surprises.append(f"{self.name} could not finish")

    def faults(self, log_of: Callable[[int], list[Message]]) -> list[str]:
        """What the window showed, and what was promised, against the logs of these conversations."""
        found = list(self.surprises)
        for conversation in self.versions:
            log = log_of(conversation)
            seen = list(map(essence, self.shown[conversation]))
            found += [f"{self.name}, {conversation}: {one}" for one in differing(seen, list(map(essence, log)))]
            stored = [message["seq"] for message in log if message["author"] == "operator"]
            promised = [seq for of, seq in self.promises.values() if of == conversation]
            if stored != sorted(promised):
                kind = "lost" if len(stored) < len(promised) else "doubled"
                found.append(f"{kind}: {self.name} was promised {promised}, {conversation} has {stored}")
        return found

    async def _sit_down(self) -> websockets.connect:
        address = f"{self.url}/api/ws_token/"
        told = await asyncio.to_thread(httpx2.get, address, auth=(self.name, PASSWORD), timeout=SILENT_S)
        if told.status_code != 200:
            raise httpx2.HTTPError(f"no ticket: {told.status_code}")
        desk = f"{self.url.replace('http', 'ws', 1)}/ws/desk?uuid={told.json()['uuid']}"
        return websockets.connect(desk, max_size=None, open_timeout=SILENT_S, proxy=None, close_timeout=1)

    async def _take_over(self, ws: websockets.ClientConnection) -> None:
        """Claim whoever waits; a colleague may be faster."""
        while self.waiting:
            card = self.waiting.pop()
            try:
                done = await self._ask(ws, "claim", conversation=card["id"], owner_version=card["owner_version"])
            except Refused:
                continue
            self.versions[card["id"]] = done["card"]["owner_version"]
            await self._open(ws, card["id"])

    async def _open(self, ws: websockets.ClientConnection, conversation: int) -> None:
        shown = self.shown.setdefault(conversation, [])
        after = shown[-1]["seq"] if shown else 0
        opened = await self._ask(ws, "open", conversation=conversation, after=after)
        self.versions[conversation] = opened["card"]["owner_version"]
        shown += [message for message in opened["messages"] if message["seq"] > after]

    async def _answer(self, ws: websockets.ClientConnection) -> None:
        """Each line that was said since the hand-off is answered under an id of its own, until that is done."""
        for conversation, version in list(self.versions.items()):
            said = iter(list(self.shown[conversation]))
            for _ in itertools.takewhile(lambda message: message["author"] != "system", said):
                pass
            for message in said:
                command = f"{self.name}-{conversation}-{message['seq']}"
                if message["author"] == "contact" and command not in self.promises:
                    fields = {"conversation": conversation, "owner_version": version}
                    done = await self._ask(ws, "send", command, text=f"answer to {message['seq']}", **fields)
                    self.promises[command] = conversation, done["seq"]

    async def _ask(self, ws: websockets.ClientConnection, kind: str, id: str = "", **fields: Any) -> Frame:
        """What a command is answered with. Raises `Refused`; one that asks to come again is trouble."""
        command = id or f"{self.name}-command-{next(self.numbers)}"
        await ws.send(json.dumps({"type": kind, "id": command, **fields}))
        async with asyncio.timeout(SILENT_S):
            while True:
                frame: Frame = json.loads(await ws.recv())
                if frame["type"] == "done" and frame["id"] == command:
                    return frame
                if frame["type"] == "error":
                    if frame["status"] == 503:
                        raise EOFError
                    if kind != "claim":
                        self.surprises.append(f"{self.name}: {kind} was refused with {frame['code']}")
                    raise Refused
                self._see(frame)

    def _see(self, frame: Frame) -> None:
        match frame["type"]:
            case "message":
                self.shown.setdefault(frame["conversation"], []).append(frame)
            case "list":
                self.waiting += [card for card in frame["cards"] if card["owner"] == "queue"]
            case "card":
                if frame["card"]["id"] in self.versions:
                    self.versions[frame["card"]["id"]] = frame["card"]["owner_version"]


def hired(shell: Callable[[str], str], url: str, number: int) -> list[Console]:
    """So many operators with accounts."""
    names = [f"operator{one}" for one in range(number)]
    if names:
        shell(MAKE.format(names=names, password=PASSWORD))
    return [Console(url, name) for name in names]
