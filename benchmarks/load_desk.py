"""Operators at the desk: they take who waits, answer what is said, and give the conversation back."""

import asyncio
import itertools
import json
import random
import time
from dataclasses import dataclass, field
from typing import Any

from load_people import COME_AGAIN, Tally, age_ms, stamped
from load_wire import Line
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

HOLD_S = 10.0  # seconds that a conversation stays with an operator
REPLY_S = 0.5  # until a message of the contact is answered
LOOKS_S = (0.5, 3.0)  # between two looks at who waits: people read before they take somebody
DONE_S = 60  # seconds that a command may take before it counts as lost
LATER = "unavailable"  # the same again in a moment
LOST_RACES = frozenset({"taken", "stale_owner", "bot_gave_up", "no_bot"})  # part of the game


class Refused(Exception):
    """The desk did not do what was asked."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@dataclass
class Held:
    """A conversation that one operator answers."""

    owner_version: int
    since: float = field(default_factory=time.monotonic)
    unanswered: bool = True


class Operator:
    """One person with the console open."""

    def __init__(self, url: str, name: str, password: str, capacity: int, tally: Tally) -> None:
        self.url, self.name, self.password, self.capacity, self.tally = url, name, password, capacity, tally
        self.promised: list[tuple[int, str, int]] = []  # conversation, text, seq
        self._held: dict[int, Held] = {}
        self._claiming: set[int] = set()
        self._waiting: dict[int, int] = {}  # conversations that wait: their owner's version
        self._order: list[int] = []
        self._asked: dict[str, asyncio.Future[dict[str, Any]]] = {}
        self._numbers = itertools.count(1)
        self._socket: ClientConnection | None = None
        self._doing: set[asyncio.Task[None]] = set()
        self._leaving = False

    async def come(self) -> None:
        """Sign in, sit down, go on duty and look at who waits."""
        line = Line(self.url)
        signing = {"username": self.name, "password": self.password}
        answer, _ = await line.ask("POST", "/api/token/", {}, signing)
        bearer = {"Authorization": f"Bearer {answer.json()['access']}"}
        answer, _ = await line.ask("GET", "/api/ws_token/", bearer)
        line.close()
        options: dict[str, Any] = {"compression": None, "open_timeout": 60, "ping_interval": None}
        address = f"{self.url.replace('http', 'ws', 1)}/ws/desk?uuid={answer.json()['uuid']}"
        self._socket = await connect(address, max_size=None, proxy=None, **options)
        self._begin(self._listen())
        await self._ask("duty", on=True)
        await self._ask("watch", list="waiting", size=50)
        self._begin(self._look())
        self._begin(self._work())

    async def leave(self) -> None:
        """Give everything back and go."""
        self._leaving = True
        for conversation_id in list(self._held):
            await self._give_back(conversation_id)
        for task in self._doing:
            task.cancel()
        await asyncio.gather(*self._doing, return_exceptions=True)
        if self._socket is not None:
            await self._socket.close()

    def _begin(self, work: Any) -> None:
        task = asyncio.create_task(work)
        self._doing.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: "asyncio.Task[None]") -> None:
        self._doing.discard(task)
        if not task.cancelled() and task.exception() is not None:
            self.tally.errors[f"an operator broke: {task.exception()!r}"] += 1

    async def _listen(self) -> None:
        assert self._socket is not None
        try:
            async for frame in self._socket:
                self._take(json.loads(frame))
        except ConnectionClosed:
            pass
        if not self._leaving:
            self.tally.errors[f"desk closed: {self._socket.close_code}"] += 1

    def _take(self, frame: dict[str, Any]) -> None:
        match frame["type"]:
            case "done" | "error":
                asked = self._asked.pop(frame.get("id") or "", None)
                if asked is not None and not asked.done():
                    asked.set_result(frame)
                elif frame["type"] == "error":
                    self.tally.errors[f"desk: {frame['code']}"] += 1
            case "list":
                self._order = frame["order"]
                self._waiting.update({card["id"]: card["owner_version"] for card in frame["cards"]})
            case "message" if frame["author"] == "contact":
                age = age_ms(frame["text"])
                if age is not None:
                    self.tally.note("delivery to the desk", age)
                held = self._held.get(frame["conversation"])
                if held is not None:
                    held.unanswered = True

    async def _ask(self, kind: str, asked_id: str = "", **fields: Any) -> dict[str, Any]:
        """Do something; what came of it. Raises `Refused`."""
        assert self._socket is not None
        asked_id = asked_id or f"{self.name}-{next(self._numbers)}"
        asked = self._asked[asked_id] = asyncio.get_running_loop().create_future()
        began = time.perf_counter()
        await self._socket.send(json.dumps({"type": kind, "id": asked_id, **fields}, ensure_ascii=False))
        done = await asyncio.wait_for(asked, DONE_S)
        self.tally.note(f"desk: {kind}", (time.perf_counter() - began) * 1000)
        if done["type"] == "error":
            raise Refused(done["code"])
        return done

    def _claim_some(self) -> None:
        free = self.capacity - len(self._held) - len(self._claiming)
        at_hand = [one for one in self._order if one not in self._held and one not in self._claiming]
        for conversation_id in random.sample(at_hand, min(len(at_hand), max(0, free), 2)):
            self._claiming.add(conversation_id)
            self._begin(self._claim(conversation_id))

    async def _claim(self, conversation_id: int) -> None:
        version = self._waiting[conversation_id]
        try:
            done = await self._ask("claim", conversation=conversation_id, owner_version=version)
            self._held[conversation_id] = Held(done["card"]["owner_version"])
            await self._ask("open", conversation=conversation_id)
        except Refused as refused:
            self._judge("claim", refused)
        finally:
            self._claiming.discard(conversation_id)

    async def _look(self) -> None:
        while True:
            await asyncio.sleep(random.uniform(*LOOKS_S))
            self._claim_some()

    async def _work(self) -> None:
        while True:
            await asyncio.sleep(REPLY_S)
            for conversation_id, held in list(self._held.items()):
                if held.unanswered:
                    await self._reply(conversation_id, held)
                elif time.monotonic() - held.since > HOLD_S:
                    await self._give_back(conversation_id)

    async def _reply(self, conversation_id: int, held: Held) -> None:
        held.unanswered = False
        text = stamped(f"answer {next(self._numbers)} of {self.name}")
        where = {"conversation": conversation_id, "owner_version": held.owner_version}
        asked_id = f"{self.name}-{next(self._numbers)}"
        while True:
            try:
                done = await self._ask("send", asked_id, text=text, **where)
            except Refused as refused:
                self._judge("send", refused)
                if refused.code == LATER:
                    await asyncio.sleep(REPLY_S)
                    continue
                self._held.pop(conversation_id, None)
            else:
                self.promised.append((conversation_id, text, done["seq"]))
            return

    async def _give_back(self, conversation_id: int) -> None:
        """To the bot; where that has given up twice for the same reason, the conversation ends."""
        held = self._held.pop(conversation_id, None)
        if held is None:  # gone meanwhile
            return
        where = {"conversation": conversation_id, "owner_version": held.owner_version}
        for kind in ("return", "close"):
            try:
                await self._ask(kind, **where)
            except Refused as refused:
                self._judge(kind, refused)
            else:
                break
        try:
            await self._ask("leave", conversation=conversation_id)
        except Refused as refused:
            self._judge("leave", refused)

    def _judge(self, kind: str, refused: Refused) -> None:
        if refused.code == LATER:
            self.tally.refusals[f"desk: {kind}: {COME_AGAIN}"] += 1
            return
        counted = self.tally.refusals if refused.code in LOST_RACES else self.tally.errors
        counted[f"desk: {kind}: {refused.code}"] += 1
