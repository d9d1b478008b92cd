"""The ledger: what clients were promised, against what is in the log and what readers received.

Each visitor writes (client id, digest of the text, seq of the 201) to a file of its own and sends again, under the
same id, whatever was not answered. As a command it runs visitors against a server that is there already:

    PYTHONPATH=tests python -m faults.ledger http://127.0.0.1:8000 --visitors 8 --seconds 20

It exits with 1 when anything was lost, doubled, came out of order or was refused in a way that nobody promised.
"""

import argparse
import asyncio
import hashlib
import itertools
import json
import logging
import random
import re
import secrets
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2
from faults.readers import AGAIN_S, MESSAGES, TROUBLE, WAYS, Message, OldPage, Reader, note, said_hello

LEGACY = "/api/v1/gpt"
OLD = "old page"
COLUMNS = "m.seq, m.author, m.text, m.client_id, m.payload"
HANDED_OFF = "handed_off"
KINDS = ("lost", "doubled", "disordered")
FOR_A_PERSON = "позовите оператора"
TAKEN_S = 120  # every message is in by then, however often it is sent

logging.getLogger("httpx2").setLevel(logging.WARNING)

Answer = dict[str, Any]
Select = Callable[[str], list[tuple[Any, ...]]]


class BrokenPromise(Exception):
    """Something did not happen in time; this visitor gives up."""


@dataclass
class Visitor:
    """One visitor and one conversation: its ledger is a file, its readers remember what they received."""

    url: str
    client: httpx2.AsyncClient
    file: Path
    dice: random.Random
    token: str = field(default_factory=lambda: f"ledger-{secrets.token_hex(8)}")
    readers: list[Reader | OldPage] = field(default_factory=list)
    surprises: list[str] = field(default_factory=list)
    numbers: "itertools.count[int]" = field(default_factory=lambda: itertools.count(1))
    promised: int = 0
    retries: int = 0
    slowest_s: float = 0
    wants_person: bool = False
    given_up: bool = False  # the house called a person, as whoever thought about an answer died again and again
    modelled: bool = False  # a model answers: it may fail, and then a person is called; texts say whose they are

    async def talk(self, stop: asyncio.Event, ways: Sequence[str]) -> None:
        """Ask in bursts, waiting a while after each; then, perhaps, ask for a person and say one thing more."""
        self.readers = [self._reader(way) for way in ways]
        following = [asyncio.create_task(reader.follow()) for reader in self.readers]
        try:
            for _ in range(self.dice.randint(2, 8)):
                if not stop.is_set():
                    await self._ask(self.dice.choice([1, 1, 1, 2, 3]))
            if self.dice.random() < 0.4:
                self.wants_person = True
                await self._send(FOR_A_PERSON)
                await self._reaction()
                await self._send("are you there?")
        except BrokenPromise as broken:
            self.surprises.append(str(broken))
        finally:
            for reader, task in zip(self.readers, following, strict=True):
                if isinstance(reader, OldPage):
                    reader.over = True
                else:
                    task.cancel()
            await asyncio.gather(*following, return_exceptions=True)

    def promises(self) -> list[tuple[str, str, int | None]]:
        """What was answered with 201; the old route tells no seq."""
        return [tuple(json.loads(line)) for line in self.file.read_text().splitlines()]

    def _reader(self, way: str) -> Reader | OldPage:
        if way == OLD:
            return OldPage(self.url, self.token, self.client)
        return Reader(self.url, self.token, self.client, way)

    async def _ask(self, times: int) -> None:
        for _ in range(times):
            await self._send("hello")
        await self._reaction()

    async def _send(self, what: str) -> None:
        """Send until it is answered with 201, then write that down; now and then send it once more."""
        number = next(self.numbers)
        text = what if what == FOR_A_PERSON else f"{what} {number}"
        if self.modelled and what != FOR_A_PERSON:
            text += f" {self.token}"
        client_id, way = f"{self.token}-{number}", self.dice.choice(["body", "header", "legacy", "socket"])
        answer = await self._taken(way, text, client_id)
        if self.dice.random() < 0.05 and await self._taken(way, text, client_id) != answer:
            self.surprises.append(f"{client_id}: sent again, answered otherwise")
        with self.file.open("a") as ledger:
            print(json.dumps([client_id, digest(text), answer.get("seq")]), file=ledger)
        self.promised += 1

    async def _taken(self, way: str, text: str, client_id: str) -> dict[str, Any]:
        until = time.monotonic() + TAKEN_S
        while time.monotonic() < until:
            began = time.monotonic()
            try:
                answer = await (
                    self._say(text, client_id) if way == "socket" else self._post(way, text, client_id)
                )
                if answer is not None:
                    return answer
            except TROUBLE:
                pass
            finally:
                self.slowest_s = max(self.slowest_s, time.monotonic() - began)
            self.retries += 1
            await asyncio.sleep(AGAIN_S)
        raise BrokenPromise(f"{client_id} was not taken within {TAKEN_S} s")

    async def _post(self, way: str, text: str, client_id: str) -> Answer | None:
        """What a 201 says; None where it was refused."""
        headers = {"chat-token": self.token}
        address, body = self.url + MESSAGES, {"text": text}
        if way == "body":
            body["client_id"] = client_id
        else:
            headers["idempotency-key"] = client_id
        if way == "legacy":
            address, body = self.url + LEGACY, {"message": text}
        response = await self.client.post(address, json=body, headers=headers)
        if response.status_code == 201:
            answer: Answer = response.json()
            return answer
        note(self.surprises, response)
        return None

    async def _say(self, text: str, client_id: str) -> Answer | None:
        """The same by a socket."""
        async with asyncio.timeout(TAKEN_S), said_hello(self.url, self.token, self.readers[0].after) as ws:
            await ws.send(json.dumps({"type": "send", "client_id": client_id, "text": text}))
            async for frame in ws:
                told: Answer = json.loads(frame)
                if told["type"] == "sent":
                    return told
                if told["type"] == "error":
                    if told["status"] != 503:
                        self.surprises.append(f"sending by socket: {told['code']}")
                    return None
        return None

    async def _reaction(self) -> None:
        """Wait until everything of ours is received, and something behind it; not for long, we are impatient."""
        reader, until = self.readers[0], time.monotonic() + self.dice.choice([0.1, 1, 3])
        while time.monotonic() < until:
            authors = [message["author"] for message in reader.received]
            if authors.count("contact") >= self.promised and authors[-1] != "contact":
                return
            await asyncio.sleep(0.01)


def digest(text: str) -> str:
    """What stands in the ledger for a text."""
    return hashlib.sha256(text.encode()).hexdigest()


async def visit(
    url: str,
    visitors: int,
    folder: Path,
    stop: asyncio.Event,
    seed: int,
    *,
    ways: Sequence[str] = ("poll",),
    modelled: bool = False,
) -> list[Visitor]:
    """So many visitors at once talk, one after another, until `stop` is set; all of them with their ledgers."""
    people: list[Visitor] = []

    async def take_turns(dice: random.Random) -> None:
        while not stop.is_set():
            visitor = Visitor(url, client, folder / f"{secrets.token_hex(8)}.jsonl", dice, modelled=modelled)
            visitor.file.touch()
            people.append(visitor)
            await visitor.talk(stop, ways)

    unlimited = httpx2.Limits(max_connections=None, max_keepalive_connections=None)
    async with httpx2.AsyncClient(timeout=100, limits=unlimited) as client:
        await asyncio.gather(*(take_turns(random.Random(seed + number)) for number in range(visitors)))
    return people


async def catch_up(people: list[Visitor]) -> None:
    """Every reader has everything."""
    async with httpx2.AsyncClient(timeout=60) as client:
        for reader in (reader for visitor in people for reader in visitor.readers):
            reader.client = client
            await reader.catch_up()


def faults(visitor: Visitor, log: list[Message]) -> list[str]:
    """Everything that the log and the readers owe to this visitor's ledger. Nothing, if all is well."""
    found = list(visitor.surprises)
    seqs = [message["seq"] for message in log]
    if seqs != list(range(1, len(log) + 1)):
        found.append(f"disordered: the order has a hole or a repeat: {seqs}")
    own = [message for message in log if message["author"] == "contact"]
    by_id = {message["client_id"]: message for message in own}
    if len(by_id) != len(own):
        found.append("doubled: a message is stored twice")
    promises = visitor.promises()
    for client_id, written, seq in promises:
        stored = by_id.get(client_id)
        if stored is None:
            found.append(f"lost: {client_id}")
        elif digest(stored["text"]) != written or stored["seq"] != (seq or stored["seq"]):
            found.append(f"lost: {client_id} was changed")
    if len(own) != len(promises):
        found.append(
            f"{'doubled' if len(own) > len(promises) else 'lost'}: {len(own)} messages are stored, "
            f"{len(promises)} were promised"
        )
    for reader in visitor.readers:
        found += reader.faults(log)
    return [f"{visitor.token}: {fault}" for fault in found + _silence(visitor, log)]


def _silence(visitor: Visitor, log: list[Message]) -> list[str]:
    """What the log alone shows of a reaction that is missing, or one too many."""
    found = []
    authors = [message["author"] for message in log]
    notices = sum(
        message.get("event", HANDED_OFF) == HANDED_OFF for message in log if message["author"] == "system"
    )
    wished = visitor.wants_person or visitor.given_up
    if notices != wished and not (visitor.modelled and notices == 1):
        found.append(f"{notices} notices of a hand-off, {int(wished)} wished for")
    if authors.count("bot") > authors.count("contact"):
        found.append("doubled: the bot said more than it was asked")
    if authors[-1:] == ["contact"] and not notices:
        found.append("lost: the last message got no reaction")
    if notices and "bot" in authors[authors.index("system") :]:
        found.append("the bot spoke after the hand-off")
    return found


def logs_of(tokens: list[str], select: Select) -> dict[str, list[Message]]:
    """The log of each of these visitors as the database has it, past the server."""
    rows = select(
        f"SELECT i.known_as, {COLUMNS} FROM conversations_message m "
        "JOIN conversations_conversation c ON c.id = m.conversation_id "
        "JOIN conversations_identity i ON i.contact_id = c.contact_id ORDER BY m.conversation_id, m.seq"
    )
    known = {digest(token): token for token in tokens}
    logs: dict[str, list[Message]] = {token: [] for token in tokens}
    for known_as, *columns in rows:
        if known_as in known:
            logs[known[known_as]].append(_message(*columns))
    return logs


def log_of_conversation(conversation: int, select: Select) -> list[Message]:
    """The log of one conversation, in the same way."""
    where = f"WHERE m.conversation_id = {conversation} ORDER BY m.seq"
    return [_message(*row) for row in select(f"SELECT {COLUMNS} FROM conversations_message m {where}")]


def _message(seq: int, author: str, text: str, client_id: str, payload: Any) -> Message:
    told = json.loads(payload) if isinstance(payload, str) else payload
    event = (told or {}).get("event") if author == "system" else None
    return {"seq": seq, "author": author, "text": text, "client_id": client_id, "event": event}


def turn_faults(select: Select) -> list[str]:
    """What the database shows of reactions: each message of a contact has one, however many share it.

    Only what was said behind the reading of the turn that handed off is a person's, and has none.
    """
    turns: dict[int, list[tuple[int, int, str]]] = {}
    for conversation, first, last, outcome in select(
        "SELECT conversation_id, from_seq, upto_seq, outcome FROM conversations_turn WHERE outcome <> 'dropped' "
        "ORDER BY conversation_id, from_seq"
    ):
        turns.setdefault(conversation, []).append((first, last, outcome))
    logs: dict[int, list[Message]] = {}
    for conversation, *columns in select(
        f"SELECT m.conversation_id, {COLUMNS} FROM conversations_message m ORDER BY m.conversation_id, m.seq"
    ):
        logs.setdefault(conversation, []).append(_message(*columns))
    found = []
    for conversation, whole in logs.items():
        log = [message["author"] for message in whole]
        own = turns.get(conversation, [])
        ends = [last for _, last, outcome in own if outcome == "handed_off"]
        for seq, author in enumerate(log, start=1):
            reactions = sum(first <= seq <= last for first, last, _ in own)
            if author == "contact" and reactions != 1 and not (ends and reactions == 0 and seq > ends[0]):
                found.append(f"conversation {conversation}: {reactions} reactions to {seq}")
        kinds = [outcome for _, _, outcome in own]
        told = (log.count("bot"), sum(message["event"] == HANDED_OFF for message in whole))
        if told != (kinds.count("answered"), kinds.count("handed_off")):
            found.append(f"conversation {conversation}: {told} answers and notices, turns {kinds}")
    return found


def model_faults(people: list[Visitor], prompts: list[str]) -> list[str]:
    """What a model was told and should not have been: another visitor's words, or words out of order."""
    found = []
    for prompt in prompts:
        named = {visitor.token for visitor in people if visitor.token in prompt}
        if len(named) != 1:
            found.append(f"a model was told of {len(named)} visitors at once: {sorted(named)}")
        numbers = [int(number) for number in re.findall(r"hello (\d+) ledger-", prompt)]
        if numbers != sorted(set(numbers)):
            found.append(f"disordered: a model was told {numbers} of {sorted(named)}")
    return found


async def whole_log(visitor: Visitor) -> list[Message]:
    """The log as the server gives it to somebody who comes anew."""
    async with httpx2.AsyncClient(timeout=60) as client:
        newcomer = Reader(visitor.url, visitor.token, client)
        await newcomer.catch_up()
        return newcomer.received


async def main(arguments: list[str]) -> int:
    """Run the command."""
    parser = argparse.ArgumentParser(description="Check a running server against the ledger of its clients.")
    parser.add_argument("url")
    parser.add_argument("--visitors", type=int, default=8, help="that talk at the same time")
    parser.add_argument("--ways", default=",".join(WAYS), help="of reading each conversation")
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--quiet", type=float, default=3, help="seconds until nothing is owed any more")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args(arguments)
    stop, folder = asyncio.Event(), Path(tempfile.mkdtemp(prefix="ledger-"))
    asyncio.get_running_loop().call_later(options.seconds, stop.set)
    people = await visit(options.url, options.visitors, folder, stop, options.seed, ways=options.ways.split(","))
    await asyncio.sleep(options.quiet)
    await catch_up(people)
    broken = [fault for visitor in people for fault in faults(visitor, await whole_log(visitor))]
    print("\n".join(broken) or f"{summary(people)}: none lost, none doubled, all in order.")
    return 1 if broken else 0


def figures(people: list[Visitor]) -> dict[str, float]:
    """What was done, in numbers."""
    return {
        "messages": sum(visitor.promised for visitor in people),
        "retries": sum(visitor.retries for visitor in people),
        "slowest_s": round(max(visitor.slowest_s for visitor in people), 1),
    }


def breaks(found: list[str]) -> dict[str, int]:
    """How many breaks of each promise there are among these; what is none of the three is an `other`."""
    kinds = [next((kind for kind in KINDS if f"{kind}: " in fault), "other") for fault in found]
    return {kind: kinds.count(kind) for kind in (*KINDS, "other")}


def summary(people: list[Visitor]) -> str:
    """What was done, in one line."""
    messages = sum(visitor.promised for visitor in people)
    wishes = sum(visitor.wants_person for visitor in people)
    retries = sum(visitor.retries for visitor in people)
    slowest = max(visitor.slowest_s for visitor in people)
    return (
        f"{messages} messages in {len(people)} conversations, {wishes} of them handed off, "
        f"{retries} sent again, slowest answer to a POST {slowest:.1f} s"
    )


if __name__ == "__main__":
    sys.exit(asyncio.run(main(sys.argv[1:])))
