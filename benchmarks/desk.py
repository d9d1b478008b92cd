"""Talks one to one: 500 visitors and 500 operators, each pair one message a second, through the log.

    desk.py [--pairs 500] [--seconds 30] [--watch] [--profile FILE]

Each visitor is on `/ws/visitor`, each operator on `/ws/desk` with that conversation claimed and opened. Both sides
speak in turn. Measured is from before a message is sent until the other side has it. With `--watch`, each operator
also has the list of their own conversations on the screen.
"""

import argparse
import asyncio
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests"))

import running  # noqa: E402 - the tests know how to run a server
from websockets.asyncio.client import ClientConnection, connect  # noqa: E402

SETTLE_S = 3  # seconds that what was sent last may take

_PAIRS = """
import json
from besedka.accounts import tickets
from besedka.accounts.models import User
from besedka.conversations import contacts, log, ownership
from besedka.conversations.changes import Change
from besedka.conversations.log import Append
from besedka.conversations.models import Inbox
from besedka.desk.models import Operator
inbox_id = Inbox.objects.get(is_default=True).pk
numbers = range({pairs})
people = User.objects.bulk_create([User(username=f"operator-{{n}}", password="!") for n in numbers])
Operator.objects.bulk_create([Operator(user=person, is_enabled=True) for person in people])
tokens = [f"visitor-{{n:08}}" for n in numbers]
hello = [Append("contact", "hello", address=contacts.address(inbox_id, token)) for token in tokens]
entries = log.append_many(hello)
ids = [entry.conversation_id for entry in entries]
held = ownership.claim_many([Change(id, person.pk) for id, person in zip(ids, people)])
given = [tickets.issue(person.pk) for person in people]
print(json.dumps(list(zip(tokens, given, ids, [row.owner_version for row in held]))))
"""


@dataclass
class Talk:
    """One pair, and what each side has heard."""

    number: int
    conversation_id: int
    owner_version: int
    visitor: ClientConnection
    operator: ClientConnection
    ears: list[asyncio.Task[None]]


@dataclass
class Tally:
    """When each message was sent and when it came, by its text."""

    sent: dict[str, float] = field(default_factory=dict)
    came: dict[str, float] = field(default_factory=dict)
    doubled: int = 0
    refused: int = 0
    late_s: float = 0.0  # how far the generator itself fell behind

    def hear(self, frame: str | bytes, author: str) -> None:
        """Note a message of the other side."""
        now = time.perf_counter()
        read: dict[str, Any] = json.loads(frame)
        if read["type"] == "error":
            self.refused += 1
        if read["type"] != "message" or read["author"] != author or read["text"] not in self.sent:
            return
        self.doubled += read["text"] in self.came
        self.came.setdefault(read["text"], now)


async def _meet(base: str, number: int, pair: list[Any], tally: Tally, *, watch: bool) -> Talk:
    token, ticket, conversation_id, owner_version = pair
    quick: dict[str, Any] = {"compression": None, "open_timeout": 60, "ping_interval": None}
    operator = await connect(f"{base}/ws/desk?uuid={ticket}", **quick)
    await operator.recv()
    visitor = await connect(f"{base}/ws/visitor", additional_headers={"chat-token": token}, **quick)
    await visitor.recv()
    if watch:
        await operator.send(json.dumps({"type": "watch", "id": "list", "list": "mine"}))
    await operator.send(json.dumps({"type": "open", "id": "open", "conversation": conversation_id}))
    ears = [asyncio.create_task(_listen(visitor, "operator", tally))]
    ears.append(asyncio.create_task(_listen(operator, "contact", tally)))
    return Talk(number, conversation_id, owner_version, visitor, operator, ears)


async def _listen(connection: ClientConnection, author: str, tally: Tally) -> None:
    async for frame in connection:
        tally.hear(frame, author)


async def _speak(talk: Talk, text: str, tally: Tally, *, by_visitor: bool) -> None:
    tally.sent[text] = time.perf_counter()
    if by_visitor:
        await talk.visitor.send(json.dumps({"type": "send", "client_id": text, "text": text}))
        return
    frame = {"type": "send", "id": text, "conversation": talk.conversation_id, "text": text}
    await talk.operator.send(json.dumps({**frame, "owner_version": talk.owner_version}))


async def _drive(port: int, seconds: float, pid: int, pairs: list[list[Any]], *, watch: bool) -> dict[str, Any]:
    """Connect everybody, let them talk at a constant rate, and say what was measured."""
    tally, talks = Tally(), []
    for number, pair in enumerate(pairs):
        talks.append(await _meet(f"ws://127.0.0.1:{port}", number, pair, tally, watch=watch))
    await asyncio.sleep(SETTLE_S)
    print("they talk now", flush=True)
    busy, began = _cpu_s(pid), time.perf_counter()
    rate = len(pairs)
    for count in range(int(rate * seconds)):
        ahead_s = began + count / rate - time.perf_counter()
        if ahead_s > 0:
            await asyncio.sleep(ahead_s)
        tally.late_s = max(tally.late_s, -ahead_s)
        talk = talks[count % rate]
        by_visitor = (count + count // rate) % 2 == 0
        await _speak(talk, f"{'v' if by_visitor else 'o'}-{talk.number}-{count}", tally, by_visitor=by_visitor)
    busy, took = _cpu_s(pid) - busy, time.perf_counter() - began
    await asyncio.sleep(SETTLE_S)
    times = sorted((came - tally.sent[text]) * 1000 for text, came in tally.came.items())
    sides = [
        _spread(
            sorted((tally.came[t] - at) * 1000 for t, at in tally.sent.items() if t in tally.came and t[0] == side)
        )
        for side in "vo"
    ]
    return {
        "sent": len(tally.sent),
        "a second": round(len(tally.sent) / took, 1),
        "lost": len(tally.sent) - len(tally.came),
        "doubled": tally.doubled,
        "refused": tally.refused,
        **_spread(times),
        "visitor to operator, p50 and p99": [sides[0]["p50"], sides[0]["p99"]],
        "operator to visitor, p50 and p99": [sides[1]["p50"], sides[1]["p99"]],
        "server's processor": round(busy / took, 2),
        "generator late, ms": round(tally.late_s * 1000, 1),
        "load": os.getloadavg()[0],
    }


def _spread(times: list[float]) -> dict[str, float]:
    if not times:
        return dict.fromkeys(("p50", "p95", "p99", "max"), 0.0)
    at = {"p50": 0.5, "p95": 0.95, "p99": 0.99, "max": 1.0}
    return {name: round(times[min(len(times) - 1, int(len(times) * part))], 1) for name, part in at.items()}


def _cpu_s(pid: int) -> float:
    """Seconds of processor time that a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def run(pairs: int, seconds: float, *, watch: bool = False, profile: str = "") -> dict[str, Any]:
    """Measure on a server of its own: it on core 0, everybody who talks on core 1."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    with (
        tempfile.TemporaryDirectory() as name,
        running.server(Path(name) / "home", DATABASE_URL="", BESEDKA_DEMO_BOT="off") as server,
    ):
        assert server.process is not None
        pid = server.process.pid
        subprocess.run(["taskset", "-acp", "0", str(pid)], check=True, capture_output=True)
        met = server.shell(_PAIRS.format(pairs=pairs)).strip().splitlines()[-1]
        command = ["taskset", "-c", "1", sys.executable, __file__, "--drive", str(server.port), "--pid", str(pid)]
        command += ["--seconds", str(seconds), *(["--watch"] if watch else [])]
        driver = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert driver.stdin is not None
        assert driver.stdout is not None
        driver.stdin.write(met)
        driver.stdin.close()
        driver.stdout.readline()  # they talk now
        if profile:
            time.sleep(2)
            spy = str(Path(sys.executable).with_name("py-spy"))
            subprocess.run([spy, "record", "-d", "10", "-p", str(pid), "-o", profile, "-f", "raw"], check=True)
        said = driver.stdout.read()
        driver.wait()
        if driver.returncode:
            raise RuntimeError("nobody could talk")
    measured: dict[str, Any] = json.loads(said.strip().splitlines()[-1])
    return measured


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", type=int, default=500)
    parser.add_argument("--seconds", type=float, default=30)
    parser.add_argument("--watch", action="store_true", help="operators also have their list on the screen")
    parser.add_argument("--profile", default="", help="a file for ten seconds of py-spy")
    parser.add_argument("--drive", type=int, default=0, help=argparse.SUPPRESS)
    parser.add_argument("--pid", type=int, default=0, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.drive:
        pairs = json.load(sys.stdin)
        print(
            json.dumps(
                asyncio.run(_drive(options.drive, options.seconds, options.pid, pairs, watch=options.watch))
            )
        )
        return
    measured = run(options.pairs, options.seconds, watch=options.watch, profile=options.profile)
    print(json.dumps(measured, indent=1))


if __name__ == "__main__":
    main()
