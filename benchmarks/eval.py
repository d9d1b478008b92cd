"""How well the product answers the questions of real people: by the search alone, and by the whole server.

    .venv/bin/python benchmarks/eval.py            # needs ../shared/data, or the folder that BESEDKA_DATA names

A server of its own is started in a temporary folder on a free port; each question comes from a visitor of its own.
Right is an answer with the text of the passage that a person chose for the question. Exit code 0 also where the
data is missing.
"""

import asyncio
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import bases
import calibrate
import httpx2
import numpy as np

from besedka.knowledge.index import Entry, Index, Weights

BESEDKA = str(Path(sys.executable).with_name("besedka"))
BOT = "Demo"
AT_ONCE = 16  # visitors
START_S, TURN_S = 60, 60


class Turn(NamedTuple):
    """What came back for one question, and how many milliseconds after it was sent."""

    outcome: str  # right, wrong, handed off or silent
    ms: float


def main() -> int:
    """Print both tables."""
    if not bases.SUPPORT.exists():
        print(f"no data at {bases.SUPPORT}: nothing to measure")
        return 0
    entries, cases = bases.support()
    _print_search(entries, cases)
    with tempfile.TemporaryDirectory(prefix="besedka-eval-") as home, _server(Path(home)) as address:
        start = time.perf_counter()
        turns = asyncio.run(_ask_all(address, entries, cases))
        _print_turns(turns, time.perf_counter() - start)
    return 0


def _print_search(entries: list[Entry], cases: list[bases.Case]) -> None:
    index = Index(entries)
    first, among = np.mean(bases.hits(index, cases), axis=0)
    first_chosen, among_chosen = _rates_out_of_fold(entries, cases)
    start = time.perf_counter()
    for case in cases:
        index.find(case.question)
    each = (time.perf_counter() - start) / len(cases) * 1000
    guessed, right = calibrate.confidences_out_of_fold(len(entries))
    apart = calibrate.error(guessed, right, np.ones(len(right)))
    print(f"search: {len(entries)} passages, {len(cases)} questions")
    print(
        f"  right passage first        {first:6.1%}  ({first_chosen:.1%} with weights chosen on the other folds)"
    )
    print(f"  right passage in the three {among:6.1%}  ({among_chosen:.1%})")
    print(f"  calibration error          {apart:6.3f}  (coefficients from the other folds)")
    print(f"  time                       {each:6.3f} ms for a search")


def _rates_out_of_fold(entries: list[Entry], cases: list[bases.Case]) -> tuple[float, float]:
    """Both rates when the weights of the lanes are those that did best on the other folds."""
    grid = [Weights(stems, answer) for stems in (0, 0.3, 0.6, 0.9) for answer in (0, 0.15, 0.35, 0.5)]
    hits = np.array([bases.hits(Index(entries, weights), cases) for weights in grid], dtype=float)
    fold = np.random.default_rng(5).integers(0, calibrate.FOLDS, len(cases))
    reached = np.zeros((len(cases), 2))
    for number in range(calibrate.FOLDS):
        best = hits[:, fold != number].mean(axis=(1, 2)).argmax()
        reached[fold == number] = hits[best, fold == number]
    first, among = reached.mean(axis=0)
    return float(first), float(among)


def _print_turns(turns: list[Turn], seconds: float) -> None:
    number = {outcome: sum(turn.outcome == outcome for turn in turns) for outcome in _OUTCOMES}
    answered = number["right"] + number["wrong"]
    times = sorted(turn.ms for turn in turns if turn.outcome != "silent")
    print(f"server: {len(turns)} turns over HTTP, {AT_ONCE} visitors at once")
    for outcome in _OUTCOMES:
        print(f"  {outcome:<26} {number[outcome]:>4}  {number[outcome] / len(turns):6.1%}")
    print(f"  precision among answered   {number['right'] / max(answered, 1):6.1%}")
    print(f"  seconds                    {seconds:6.1f}")
    if len(times) > 1:
        late = times[int(len(times) * 0.95)]
        print(f"  ms per turn                p50 {statistics.median(times):.1f}, p95 {late:.1f}")


_OUTCOMES = ("right", "wrong", "suggested, right among", "suggested, not among", "handed off", "silent")


@contextmanager
def _server(home: Path) -> Iterator[str]:
    """A server that answers from the support base and nothing else; its address. It ends with the block."""
    port = _free_port()
    environment = {
        **os.environ,
        "BESEDKA_HOME": str(home),
        "PORT": str(port),
        "BESEDKA_RATE_LIMITS": "off",
        "BESEDKA_DEMO_BOT": "on",
        "DATABASE_URL": "",
    }
    log = home / "server.log"
    with log.open("wb") as output:
        server = subprocess.Popen([BESEDKA, "run"], env=environment, stdout=output, stderr=subprocess.STDOUT)
    try:
        address = f"http://127.0.0.1:{port}"
        _wait_for(address, server, log)
        knowledge = str(bases.SUPPORT / "knowledge.csv")
        command = [BESEDKA, "import-knowledge", knowledge, "--bot", BOT, "--title", "Support", "--only"]
        imported = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        print(f"import: {(imported.stdout + imported.stderr).strip()}")
        time.sleep(2.5)  # an index may be that much older than the database
        yield address
    finally:
        server.terminate()
        try:
            server.wait(20)
        except subprocess.TimeoutExpired:
            server.kill()


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def _wait_for(address: str, server: subprocess.Popen[bytes], log: Path) -> None:
    """The server takes connections; else its log is printed and we stop."""
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline and server.poll() is None:
        try:
            httpx2.get(address + "/api/v1/message", headers={"chat-token": uuid.uuid4().hex}, timeout=5)
            return
        except httpx2.HTTPError:
            time.sleep(0.1)
    sys.exit(f"the server did not start:\n{log.read_text('utf-8', 'replace')}")


async def _ask_all(address: str, entries: list[Entry], cases: list[bases.Case]) -> list[Turn]:
    answer_of = {entry.passage_id: entry.answer for entry in entries}
    asked_for: dict[str, set[str]] = {}
    for entry in entries:
        asked_for.setdefault(entry.question.strip(), set()).add(entry.answer)
    gate = asyncio.Semaphore(AT_ONCE)
    async with httpx2.AsyncClient(base_url=address, timeout=TURN_S) as client:

        async def ask(case: bases.Case) -> Turn:
            async with gate:
                return await _ask(client, case.question, {answer_of[right] for right in case.right}, asked_for)

        return await asyncio.gather(*(ask(case) for case in cases))


async def _ask(client: httpx2.AsyncClient, question: str, right: set[str], asked_for: dict[str, set[str]]) -> Turn:
    """One visitor asks one question and waits for what comes."""
    path = "/api/v1/conversation/messages"
    headers = {"chat-token": uuid.uuid4().hex}
    start = time.perf_counter()
    accepted = await client.post(path, json={"text": question}, headers=headers)
    accepted.raise_for_status()
    while time.perf_counter() - start < TURN_S:
        read = await client.get(path, params={"after": 1, "wait": 10}, headers=headers)
        read.raise_for_status()
        messages: list[dict[str, Any]] = read.json()["messages"]
        if messages:
            return Turn(_outcome(messages[0], right, asked_for), (time.perf_counter() - start) * 1000)
    return Turn("silent", TURN_S * 1000)


def _outcome(message: dict[str, Any], right: set[str], asked_for: dict[str, set[str]]) -> str:
    if message["author"] != "bot":
        return "handed off"
    if "choices" in message:
        among = any(asked_for.get(choice.strip(), set()) & right for choice in message["choices"])
        return "suggested, right among" if among else "suggested, not among"
    return "right" if message["text"].strip() in right else "wrong"


if __name__ == "__main__":
    sys.exit(main())
