"""The ledger: what clients were promised, against what is in the log and what readers received.

Each visitor writes (client id, digest of the text, seq of the 201) to a file of its own and sends again, under the
same id, whatever was not answered. As a command it runs visitors against a server that is there already:

    python tests/faults/ledger.py http://127.0.0.1:8000 --visitors 8 --readers 2 --seconds 20

It exits with 1 when anything was lost, doubled, came out of order or was refused in a way that nobody promised.
"""

import argparse
import asyncio
import hashlib
import itertools
import json
import logging
import random
import secrets
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2

MESSAGES = "/api/v1/conversation/messages"
STREAM = "/api/v1/conversation/stream"
LEGACY = "/api/v1/gpt"
FOR_A_PERSON = "позовите оператора"
TAKEN_S = 120  # every message is in by then, however often it is sent
READ_S = 60  # and read
AGAIN_S = 0.05  # between two tries

logging.getLogger("httpx2").setLevel(logging.WARNING)

Message = dict[str, Any]
Select = Callable[[str], list[tuple[Any, ...]]]


class BrokenPromise(Exception):
    """Something did not happen in time; this visitor gives up."""


@dataclass
class Reader:
    """Follows one log by cursor, whatever happens to its connection."""

    url: str
    token: str
    client: httpx2.AsyncClient
    received: list[Message] = field(default_factory=list)
    surprises: list[str] = field(default_factory=list)

    @property
    def after(self) -> int:
        """The last seq it has."""
        return int(self.received[-1]["seq"]) if self.received else 0

    async def follow(self, *, stream: bool) -> None:
        """Read for ever, by long polls or by event streams."""
        while True:
            try:
                await (self._stream() if stream else self._poll(wait_s=5))
            except (httpx2.HTTPError, json.JSONDecodeError):
                await asyncio.sleep(AGAIN_S)

    async def catch_up(self) -> None:
        """Read what came since, until there is no more."""
        until = time.monotonic() + READ_S
        while time.monotonic() < until:
            try:
                if not await self._poll(wait_s=0):
                    return
            except (httpx2.HTTPError, json.JSONDecodeError):
                await asyncio.sleep(AGAIN_S)
        self.surprises.append("could not catch up")

    async def _poll(self, wait_s: int) -> int:
        query = f"?after={self.after}&wait={wait_s}"
        response = await self.client.get(self.url + MESSAGES + query, headers={"chat-token": self.token})
        if response.status_code != 200:
            note(self.surprises, response)
            raise httpx2.HTTPError("refused")
        messages = response.json()["messages"]
        self.received += messages
        return len(messages)

    async def _stream(self) -> None:
        address, headers = f"{self.url}{STREAM}?after={self.after}", {"chat-token": self.token}
        async with self.client.stream("GET", address, headers=headers) as response:
            if response.status_code != 200:
                note(self.surprises, response)
                raise httpx2.HTTPError("refused")
            kind = ""
            async for line in response.aiter_lines():
                name, _, value = line.partition(": ")
                kind = value if name == "event" else kind
                if name == "data" and kind == "message":
                    self.received.append(json.loads(value))


@dataclass
class Visitor:
    """One visitor and one conversation: its ledger is a file, its readers remember what they received."""

    url: str
    client: httpx2.AsyncClient
    file: Path
    dice: random.Random
    token: str = field(default_factory=lambda: f"ledger-{secrets.token_hex(8)}")
    readers: list[Reader] = field(default_factory=list)
    surprises: list[str] = field(default_factory=list)
    numbers: "itertools.count[int]" = field(default_factory=lambda: itertools.count(1))
    promised: int = 0
    retries: int = 0
    slowest_s: float = 0
    wants_person: bool = False

    async def talk(self, stop: asyncio.Event, readers: int) -> None:
        """Ask in bursts, waiting a while after each; then, perhaps, ask for a person and say one thing more."""
        self.readers = [Reader(self.url, self.token, self.client) for _ in range(readers)]
        following = [
            asyncio.create_task(reader.follow(stream=number % 2 == 1))
            for number, reader in enumerate(self.readers)
        ]
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
            for task in following:
                task.cancel()
            await asyncio.gather(*following, return_exceptions=True)

    def promises(self) -> list[tuple[str, str, int | None]]:
        """What was answered with 201; the old route tells no seq."""
        return [tuple(json.loads(line)) for line in self.file.read_text().splitlines()]

    async def _ask(self, times: int) -> None:
        for _ in range(times):
            await self._send("hello")
        await self._reaction()

    async def _send(self, what: str) -> None:
        """Send until it is answered with 201, then write that down; now and then send it once more."""
        number = next(self.numbers)
        text = what if what == FOR_A_PERSON else f"{what} {number}"
        client_id, way = f"{self.token}-{number}", self.dice.choice(["body", "header", "legacy"])
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
                response = await self._post(way, text, client_id)
                if response.status_code == 201:
                    answer: dict[str, Any] = response.json()
                    return answer
                note(self.surprises, response)
            except (httpx2.HTTPError, json.JSONDecodeError):
                pass
            finally:
                self.slowest_s = max(self.slowest_s, time.monotonic() - began)
            self.retries += 1
            await asyncio.sleep(AGAIN_S)
        raise BrokenPromise(f"{client_id} was not taken within {TAKEN_S} s")

    async def _post(self, way: str, text: str, client_id: str) -> httpx2.Response:
        headers = {"chat-token": self.token}
        if way == "body":
            body = {"text": text, "client_id": client_id}
            return await self.client.post(self.url + MESSAGES, json=body, headers=headers)
        headers["idempotency-key"] = client_id
        if way == "header":
            return await self.client.post(self.url + MESSAGES, json={"text": text}, headers=headers)
        return await self.client.post(self.url + LEGACY, json={"message": text}, headers=headers)

    async def _reaction(self) -> None:
        """Wait until everything of ours is received, and something behind it; not for long, we are impatient."""
        reader, until = self.readers[0], time.monotonic() + self.dice.choice([0.1, 1, 3])
        while time.monotonic() < until:
            authors = [message["author"] for message in reader.received]
            if authors.count("contact") >= self.promised and authors[-1] != "contact":
                return
            await asyncio.sleep(0.01)


def note(surprises: list[str], response: httpx2.Response) -> None:
    """Keep a refusal that is no promised one: only "come again later" is."""
    if response.status_code != 503 or "retry-after" not in response.headers:
        surprises.append(f"{response.request.method} {response.request.url.path}: {response.status_code}")


def essence(message: Message) -> tuple[int, str, str]:
    """What of a message the database and a reader both know."""
    return message["seq"], message["author"], message["text"]


def digest(text: str) -> str:
    """What stands in the ledger for a text."""
    return hashlib.sha256(text.encode()).hexdigest()


async def visit(
    url: str, visitors: int, folder: Path, stop: asyncio.Event, seed: int, *, readers: int = 1
) -> list[Visitor]:
    """So many visitors at once talk, one after another, until `stop` is set; all of them with their ledgers."""
    people: list[Visitor] = []

    async def take_turns(dice: random.Random) -> None:
        while not stop.is_set():
            visitor = Visitor(url, client, folder / f"{secrets.token_hex(8)}.jsonl", dice)
            visitor.file.touch()
            people.append(visitor)
            await visitor.talk(stop, readers)

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
        found.append(f"the order has a hole or a repeat: {seqs}")
    own = [message for message in log if message["author"] == "contact"]
    by_id = {message["client_id"]: message for message in own}
    if len(by_id) != len(own):
        found.append("a message is stored twice")
    promises = visitor.promises()
    for client_id, written, seq in promises:
        stored = by_id.get(client_id)
        if stored is None:
            found.append(f"lost: {client_id}")
        elif digest(stored["text"]) != written or stored["seq"] != (seq or stored["seq"]):
            found.append(f"changed: {client_id}")
    if len(own) != len(promises):
        found.append(f"{len(own)} messages are stored, {len(promises)} were promised")
    for reader in visitor.readers:
        found += reader.surprises
        if list(map(essence, reader.received)) != list(map(essence, log)):
            got = [message["seq"] for message in reader.received]
            found.append(f"a reader received something else than the log has: {got} of {seqs}")
    return [f"{visitor.token}: {fault}" for fault in found + _silence(visitor, [m["author"] for m in log])]


def _silence(visitor: Visitor, authors: list[str]) -> list[str]:
    """What the log alone shows of a reaction that is missing, or one too many."""
    found = []
    notices = authors.count("system")
    if notices != visitor.wants_person:
        found.append(f"{notices} notices of a hand-off, {int(visitor.wants_person)} wished for")
    if authors.count("bot") > authors.count("contact"):
        found.append("the bot said more than it was asked")
    if authors[-1:] == ["contact"] and not visitor.wants_person:
        found.append("the last message got no reaction")
    if notices and "bot" in authors[authors.index("system") :]:
        found.append("the bot spoke after the hand-off")
    return found


def logs_of(people: list[Visitor], select: Select) -> dict[str, list[Message]]:
    """Each visitor's log as the database has it, past the server."""
    rows = select(
        "SELECT i.known_as, m.seq, m.author, m.text, m.client_id FROM conversations_message m "
        "JOIN conversations_conversation c ON c.id = m.conversation_id "
        "JOIN conversations_identity i ON i.contact_id = c.contact_id ORDER BY m.conversation_id, m.seq"
    )
    tokens = {digest(visitor.token): visitor.token for visitor in people}
    logs: dict[str, list[Message]] = {visitor.token: [] for visitor in people}
    for known_as, seq, author, text, client_id in rows:
        if known_as in tokens:
            message = {"seq": seq, "author": author, "text": text, "client_id": client_id}
            logs[tokens[known_as]].append(message)
    return logs


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
    authors: dict[int, list[str]] = {}
    for conversation, author in select(
        "SELECT conversation_id, author FROM conversations_message ORDER BY conversation_id, seq"
    ):
        authors.setdefault(conversation, []).append(author)
    found = []
    for conversation, log in authors.items():
        own = turns.get(conversation, [])
        ends = [last for _, last, outcome in own if outcome == "handed_off"]
        for seq, author in enumerate(log, start=1):
            reactions = sum(first <= seq <= last for first, last, _ in own)
            if author == "contact" and reactions != 1 and not (ends and reactions == 0 and seq > ends[0]):
                found.append(f"conversation {conversation}: {reactions} reactions to {seq}")
        kinds = [outcome for _, _, outcome in own]
        told = (log.count("bot"), log.count("system"))
        if told != (kinds.count("answered"), kinds.count("handed_off")):
            found.append(f"conversation {conversation}: {told} answers and notices, turns {kinds}")
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
    parser.add_argument("--readers", type=int, default=1, help="of each conversation")
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--quiet", type=float, default=3, help="seconds until nothing is owed any more")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args(arguments)
    stop, folder = asyncio.Event(), Path(tempfile.mkdtemp(prefix="ledger-"))
    asyncio.get_running_loop().call_later(options.seconds, stop.set)
    people = await visit(options.url, options.visitors, folder, stop, options.seed, readers=options.readers)
    await asyncio.sleep(options.quiet)
    await catch_up(people)
    broken = [fault for visitor in people for fault in faults(visitor, await whole_log(visitor))]
    print("\n".join(broken) or f"{summary(people)}: none lost, none doubled, all in order.")
    return 1 if broken else 0


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
