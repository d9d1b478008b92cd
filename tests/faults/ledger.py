"""The ledger: what clients were promised, against what is in the log and what readers received.

Each visitor writes (client id, digest of the text, seq of the 201) to a file of its own and sends again, under the
same id, whatever was not answered. As a command it runs visitors against a server that is there already:

    python tests/faults/ledger.py http://127.0.0.1:8000 --visitors 8 --seconds 20

It exits with 1 when anything was lost, doubled or came out of order.
"""

import argparse
import asyncio
import hashlib
import json
import random
import secrets
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2

MESSAGES = "/api/v1/conversation/messages"
ANSWERED_S = 60  # every message is reacted to by then


@dataclass
class Visitor:
    """One visitor: its token, its file, and what its reader received."""

    url: str
    token: str
    file: Path
    dice: random.Random
    received: list[dict[str, Any]] = field(default_factory=list)
    retries: int = 0

    async def live(self, stop: asyncio.Event) -> None:
        """Ask until told to stop, each time waiting for a reaction; read all the while."""
        headers = {"chat-token": self.token}
        async with httpx2.AsyncClient(headers=headers, timeout=30) as client:
            reading = asyncio.create_task(self.read(client))
            number = 0
            with self.file.open("a") as ledger:
                while not stop.is_set():
                    for _ in range(self.dice.choice([1, 1, 1, 2, 3])):
                        number += 1
                        await self.send(client, f"hello {number}", f"{self.token}-{number}", ledger)
                    await self.reaction()
            await self.reaction()
            reading.cancel()
            await asyncio.gather(reading, return_exceptions=True)

    async def send(self, client: httpx2.AsyncClient, text: str, client_id: str, ledger: Any) -> None:
        """Send until it is answered with 201, then write that down."""
        until = time.monotonic() + 120
        while time.monotonic() < until:
            try:
                response = await client.post(self.url + MESSAGES, json={"text": text, "client_id": client_id})
                if response.status_code == 201:
                    digest = hashlib.sha256(text.encode()).hexdigest()
                    print(json.dumps([client_id, digest, response.json()["seq"]]), file=ledger, flush=True)
                    return
            except (httpx2.HTTPError, json.JSONDecodeError):
                pass
            self.retries += 1
            await asyncio.sleep(0.05)
        raise AssertionError(f"{client_id} was not taken within two minutes")

    async def read(self, client: httpx2.AsyncClient) -> None:
        """Follow the log by cursor, whatever happens to the connection."""
        while True:
            after = self.received[-1]["seq"] if self.received else 0
            try:
                response = await client.get(f"{self.url}{MESSAGES}?after={after}&wait=5")
                if response.status_code == 200:
                    self.received += response.json()["messages"]
                    continue
            except (httpx2.HTTPError, json.JSONDecodeError):
                pass
            await asyncio.sleep(0.05)

    async def reaction(self) -> None:
        """Wait until the newest message received is not ours."""
        until = time.monotonic() + ANSWERED_S
        promised = max((seq for _, _, seq in self.promises()), default=0)
        while time.monotonic() < until:
            if self.received and self.received[-1]["seq"] > promised and self.received[-1]["author"] != "contact":
                return
            await asyncio.sleep(0.02)
        raise AssertionError(f"{self.token}: no reaction to {promised} within {ANSWERED_S} s")

    def promises(self) -> list[tuple[str, str, int]]:
        """What was answered with 201."""
        return [tuple(json.loads(line)) for line in self.file.read_text().splitlines()]


async def visit(url: str, visitors: int, folder: Path, stop: asyncio.Event, seed: int) -> list[Visitor]:
    """Let visitors live until `stop` is set; the visitors with their ledgers."""
    people = []
    for number in range(visitors):
        token = f"ledger-{secrets.token_hex(8)}"
        file = folder / f"{token}.jsonl"
        file.touch()
        people.append(Visitor(url, token, file, random.Random(seed + number)))
    await asyncio.gather(*(visitor.live(stop) for visitor in people))
    return people


def faults(visitor: Visitor) -> list[str]:
    """Everything that the log and the reader's list owe to this visitor's ledger. Nothing, if all is well."""
    found = []
    log = whole_log(visitor)
    seqs = [message["seq"] for message in log]
    if seqs != list(range(1, len(log) + 1)):
        found.append(f"the order has a hole or a repeat: {seqs}")
    own = [message for message in log if message["author"] == "contact"]
    by_id = {message["client_id"]: message for message in own}
    if len(by_id) != len(own):
        found.append("a message is stored twice")
    promises = visitor.promises()
    for client_id, digest, seq in promises:
        stored = by_id.get(client_id)
        if stored is None:
            found.append(f"lost: {client_id}")
        elif (hashlib.sha256(stored["text"].encode()).hexdigest(), stored["seq"]) != (digest, seq):
            found.append(f"changed: {client_id}")
    if len(own) != len(promises):
        found.append(f"{len(own)} messages are stored, {len(promises)} were promised")
    if [message["seq"] for message in visitor.received] != seqs[: len(visitor.received)]:
        found.append("the reader received something else than the log has")
    if visitor.received != log[: len(visitor.received)]:
        found.append("a message changed after it was read")
    authors = [message["author"] for message in log]
    if authors.count("bot") > authors.count("contact"):
        found.append("the bot said more than it was asked")
    if authors[-1:] == ["contact"]:
        found.append("the last message got no reaction")
    return [f"{visitor.token}: {fault}" for fault in found]


def whole_log(visitor: Visitor) -> list[dict[str, Any]]:
    """The log as the server has it now."""
    log: list[dict[str, Any]] = []
    headers = {"chat-token": visitor.token}
    while True:
        query = f"?after={log[-1]['seq'] if log else 0}"
        page = httpx2.get(visitor.url + MESSAGES + query, headers=headers, timeout=30).json()["messages"]
        if not page:
            return log
        log += page


async def main(arguments: list[str]) -> int:
    """Run the command."""
    parser = argparse.ArgumentParser(description="Check a running server against the ledger of its clients.")
    parser.add_argument("url")
    parser.add_argument("--visitors", type=int, default=8)
    parser.add_argument("--seconds", type=float, default=20)
    options = parser.parse_args(arguments)
    stop = asyncio.Event()
    asyncio.get_running_loop().call_later(options.seconds, stop.set)
    people = await visit(options.url, options.visitors, Path(tempfile.mkdtemp(prefix="ledger-")), stop, seed=1)
    broken = [fault for visitor in people for fault in faults(visitor)]
    messages = sum(len(visitor.promises()) for visitor in people)
    print("\n".join(broken) or f"{messages} messages: none lost, none doubled, all in order.")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(asyncio.run(main(sys.argv[1:])))
