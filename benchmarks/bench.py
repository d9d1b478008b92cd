"""Figures, each a ratio to the floor in the same run: product and floor in turn on core 0, the load on core 1.

    bench.py [--rounds 3] [--seconds 4] [--only post,poll,…] [--rows 1000000]

The floor and the load generators lie beside the repository (`BESEDKA_BENCH` names another place). Prints a table
and writes `var/bench/bench.json`.
"""

import argparse
import contextlib
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TOOLS = Path(os.environ.get("BESEDKA_BENCH", ROOT.parent / "shared" / "bench"))
sys.path.insert(0, str(ROOT / "tests"))

import ads  # noqa: E402 - beside this file
import connections  # noqa: E402
import desk  # noqa: E402
import desk_lists  # noqa: E402
import desk_search  # noqa: E402
import engine  # noqa: E402
import fill  # noqa: E402
import httpx2  # noqa: E402
import running  # noqa: E402 - the tests know how to run a server
import services  # noqa: E402
import starts  # noqa: E402
import workers  # noqa: E402

POSTGRESQL = services.address("PostgreSQL")
LONG_POLL = ["--poll", "/api/v1/message?wait=25", "--interval", "0"]
SOCKETS = 10_000


@dataclass
class Figure:
    """One line of the table. `reached` is None where there is no target."""

    name: str
    value: str
    target: str
    reached: bool | None


def load(*arguments: str, tool: str = "load_http.py") -> dict[str, float]:
    """What one run of a load generator measured."""
    command = ["taskset", "-c", "1", sys.executable, str(TOOLS / tool), *arguments]
    finished = subprocess.run(command, capture_output=True, text=True, check=True)
    found: dict[str, float] = json.loads(finished.stdout.strip().splitlines()[-1])
    if found.get("errors"):
        print(f"  errors: {found}", flush=True)
    return found


@contextlib.contextmanager
def product(folder: Path, *, bot: bool = False, url: str = "") -> Iterator[running.Server]:
    """Our server on core 0."""
    environment = {"DATABASE_URL": url, "BESEDKA_DEMO_BOT": "on" if bot else "off"}
    with running.server(folder / "home", **environment) as server:
        subprocess.run(["taskset", "-acp", "0", str(server.process.pid)], check=True, capture_output=True)
        yield server


@contextlib.contextmanager
def floor(folder: Path, *, url: str = "") -> Iterator[str]:
    """The floor on core 0; its address."""
    port = running.free_port()
    with running.scratch_database(url) as scratch:
        environment = {
            **os.environ,
            "DB": "pg" if scratch else "sqlite",
            "FLOOR_DB": scratch or str(folder / "floor.db"),
        }
        command = ["taskset", "-c", "0", sys.executable, "-m", "uvicorn", "floor:app", "--port", str(port)]
        process = subprocess.Popen([*command, "--log-level", "warning"], cwd=TOOLS, env=environment)
        try:
            running.wait_for_port(port)
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()
            process.wait()


def ratio(mode: str, target: float, options: argparse.Namespace, *, url: str = "", rows: int = 0) -> Figure:
    """Requests a second of ours, over the floor's, medians of the rounds."""
    ours, floors = [], []
    with (
        tempfile.TemporaryDirectory() as name,
        product(Path(name), url=url) as server,
        floor(Path(name), url=url) as base,
    ):
        if rows:
            fill.fill(server, rows)
        for _ in range(options.rounds):
            for address, found in ((base, floors), (server.url, ours)):
                found.append(load(mode, "--base", address, "-n", "64", "-t", str(options.seconds))["rps"])
    mine, least = statistics.median(ours), statistics.median(floors)
    where = f"{'PostgreSQL' if url else 'SQLite'}{f', {rows:,} messages stored' if rows else ''}"
    what = "POST /gpt" if mode == "ingest" else "empty poll"
    share = mine / least
    return Figure(
        f"{what}, {where}",
        f"{share:.2f} of the floor ({mine:,.0f} of {least:,.0f}/s)",
        f"≥ {target}",
        share >= target,
    )


def turns(options: argparse.Namespace) -> Figure:
    """Answered turns a second, 64 visitors who wait for each answer."""
    with tempfile.TemporaryDirectory() as name, product(Path(name), bot=True) as server:
        rates = [
            load("e2e", "--base", server.url, "-n", "64", "-t", str(options.seconds), *LONG_POLL)["rps"]
            for _ in range(options.rounds)
        ]
    rate = statistics.median(rates)
    return Figure("answered turns, 64 visitors", f"{rate:,.0f}/s", "≥ 1,500/s", rate >= 1_500)


_ASK_AGAIN = """
from besedka.bots import scenarios
from besedka.bots.models import Bot, Scenario, Step
bot = Bot.objects.get()
circle = Scenario.objects.create(bot=bot, name="circle", on_start=True)
step = Step.objects.create(
    scenario=circle, step_type="question",
    content={"question": "And then, after {last}?", "save_as": "last", "validation_rules": {"min_length": 1}},
)
Step.objects.filter(pk=step.pk).update(next_step=step)
scenarios.changed(bot.pk)
"""


def scenario_turns(options: argparse.Namespace) -> Figure:
    """Turns of a scenario that asks again and again, 64 visitors who wait for each question."""
    with tempfile.TemporaryDirectory() as name, product(Path(name), bot=True) as server:
        server.shell(_ASK_AGAIN)
        rates = [
            load("e2e", "--base", server.url, "-n", "64", "-t", str(options.seconds), *LONG_POLL)["rps"]
            for _ in range(options.rounds)
        ]
    rate = statistics.median(rates)
    return Figure("scenario turns, 64 visitors", f"{rate:,.0f}/s", "≥ 1,000/s", rate >= 1_000)


_LONG_TALK = """
from besedka.conversations import contacts, histories
from besedka.bots.models import Bot
address = contacts.session_address(Bot.objects.get().programs_inbox_id, "long")
histories.extend(address, [("contact", "one more line of a long talk"), ("bot", "And then?")] * 10_000)
"""


def long_history(options: argparse.Namespace) -> Figure:
    """A scenario's turn in a conversation of 20,000 messages, against one in a conversation of few."""

    def took(session: str) -> float:
        body = {"message": "and on", "user_session": session}
        times = []
        for _ in range(200):
            began = time.perf_counter()
            httpx2.post(f"{server.url}/api/bots/1/chat/", json=body).raise_for_status()
            times.append(time.perf_counter() - began)
        return statistics.median(times) * 1000

    with tempfile.TemporaryDirectory() as name, product(Path(name), bot=True) as server:
        server.shell(_ASK_AGAIN)
        took("long")
        server.shell(_LONG_TALK)
        short, long = (
            statistics.median(took("short") for _ in range(3)),
            statistics.median(took("long") for _ in range(3)),
        )
    share = long / short
    value = f"{share:.2f} ({long:.1f} ms with 20,000 messages, {short:.1f} ms with few)"
    return Figure("a scenario's turn by the length of its log", value, "≤ 1.2", share <= 1.2)


def steps_a_second() -> Figure:
    """Steps that the engine walks, one core, nothing else."""
    rate = statistics.median(engine.measure(1.0) for _ in range(3))
    return Figure("engine of scenarios", f"{rate:,.0f} steps/s", "≥ 50,000", rate >= 50_000)


def answer_time(options: argparse.Namespace, think_s: float) -> Figure:
    """From the POST to the answer by long poll, 16 visitors."""
    with tempfile.TemporaryDirectory() as name, product(Path(name), bot=True) as server:
        times = [
            load(
                *("e2e", "--base", server.url, "-n", "16", "-t", str(options.seconds)),
                *("--think", str(think_s), *LONG_POLL),
            )["p50"]
            for _ in range(options.rounds)
        ]
    p50 = statistics.median(times)
    pace = f"a pause of {think_s * 1000:.0f} ms between questions" if think_s else "no pause between questions"
    return Figure(f"POST to answer, 16 visitors, {pace}", f"p50 {p50:.1f} ms", "≤ 5 ms", p50 <= 5)


def sockets() -> Figure:
    """Memory of an idle WebSocket."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    with tempfile.TemporaryDirectory() as name, product(Path(name)) as server:
        pid = str(server.process.pid)
        url = f"ws://127.0.0.1:{server.port}/ws/visitor"
        header = ["--header", "chat-token: idle-visitor"]
        found = load("idle", "--url", url, "-n", str(SOCKETS), "--pid", pid, *header, tool="load_ws.py")
    size = found["kb_per_conn"]
    return Figure(
        f"{SOCKETS:,} idle WebSockets", f"{size:.1f} KB each", "≤ 30 KB", size <= 30 and not found["closed"]
    )


def memory() -> Figure:
    """Resident memory after the start, with the demo shop."""
    with tempfile.TemporaryDirectory() as name, product(Path(name), bot=True) as server:
        status = Path(f"/proc/{server.process.pid}/status").read_text()
    size = int(next(line for line in status.splitlines() if line.startswith("VmRSS")).split()[1]) / 1024
    return Figure("memory at start", f"{size:.0f} MB", "≤ 150 MB", size <= 150)


def searches(options: argparse.Namespace, *, url: str = "") -> Figure:
    """An operator's search in the whole history, of words frequent and rare, of beginnings and numbers."""
    measured = desk_search.run(options.rows, url=url)
    p50, p95 = float(str(measured["p50, ms"])), float(str(measured["p95, ms"]))
    value = f"p50 {p50:.1f} ms, p95 {p95:.1f} ms; {measured['messages a second']:,} messages/s indexed"
    name = f"search, {'PostgreSQL' if url else 'SQLite'}, {options.rows:,} messages stored"
    return Figure(name, value, "p95 ≤ 300 ms", p95 <= 300)


def talks() -> Figure:
    """500 visitors and 500 operators, one message a second of each pair, through the log."""
    found = desk.run(500, 30)
    value = (
        f"p50 {found['p50']:.0f}, p95 {found['p95']:.0f}, p99 {found['p99']:.0f}, max {found['max']:.0f} ms; "
        f"{found['lost']} lost, {found['doubled']} doubled; load {found['load']:.1f}"
    )
    reached = found["p99"] <= 50 and not found["lost"] and not found["doubled"]
    return Figure("500 pairs at the desk, 500 messages/s", value, "p99 ≤ 50 ms", reached)


def lists(options: argparse.Namespace, *, url: str = "") -> Figure:
    """The slowest first page at the desk; the rest stands in `desk_lists.py`."""
    found = desk_lists.run(options.rows, url=url)
    name, (p50, most) = max(found.items(), key=lambda item: item[1][0])
    name_of_all = f"lists of the desk, {'PostgreSQL' if url else 'SQLite'}, {options.rows:,} conversations"
    return Figure(name_of_all, f"slowest: {name}, p50 {p50:.1f} ms, max {most:.1f} ms", "≤ 30 ms", p50 <= 30)


def advertised(*, url: str = "") -> Figure:
    """The slowest of the requests for ads among 100,000, and how many times `/health/` that is."""
    found = ads.run(ads.ROWS, url=url)
    nothing = found.pop("/health/")[0]
    bot = found.pop(ads.BOT)
    name, (p50, p95, p99) = max(found.items(), key=lambda item: item[1][0])
    value = (
        f"slowest: {name}, p50 {p50:.1f}, p95 {p95:.1f}, p99 {p99:.1f} ms, {p50 / nothing:.1f} times /health/; "
        f"a bot's answer p50 {bot[0]:.1f} ms"
    )
    where = {"postgresql": "PostgreSQL", "mysql": "MariaDB"}.get(url.partition(":")[0], "SQLite")
    return Figure(f"ads, {where}, {ads.ROWS:,} stored", value, "p50 ≤ 50 ms", p50 <= 50)


def two_processes(options: argparse.Namespace) -> Figure:
    """Writes by two web processes on two cores, over one on one; the share of the load generator taken out."""
    load_before = os.getloadavg()[0]
    results = workers.run(options.rounds, options.seconds)
    print(workers.table(results, load_before), flush=True)
    note("workers", results, load_before)
    ratio = results["POST"]["two on two over one on one"]
    reads = results["poll"]["two on two over one on one"]
    return Figure("two web processes over one", f"{ratio:.2f} (polls {reads:.2f})", "≥ 1.6", ratio >= 1.6)


def turn_starts() -> Figure:
    """From the commit to the claim of the turn, through Celery over both brokers."""
    load_before = os.getloadavg()[0]
    found = starts.run()
    note("starts", found, load_before)
    value = "; ".join(f"{name} {of['p50']:.1f}, {of['p95']:.1f}, {of['p99']:.1f}" for name, of in found.items())
    worst = max(of["p50"] for name, of in found.items() if name.startswith("Celery"))
    return Figure("start of a turn, p50, p95, p99 in ms", value, "p50 ≤ 10 ms", worst <= 10)


def people() -> Figure:
    """What one person more costs a web process."""
    load_before = os.getloadavg()[0]
    found = connections.run()
    note("connections", found, load_before)
    value = "; ".join(f"{kind} {of['kilobytes']} KB, {of['descriptors']} files" for kind, of in found.items())
    most = max(of["kilobytes"] for of in found.values())
    return Figure("one person more: poll, stream, socket", value, "≤ 60 KB", most <= 60)


def note(name: str, results: object, load_before: float) -> None:
    """Keep it for the page about capacity."""
    folder = ROOT / "build" / "load"
    folder.mkdir(parents=True, exist_ok=True)
    whole = {"load_before": load_before, "results": results}
    (folder / f"{name}.json").write_text(json.dumps(whole, ensure_ascii=False, indent=1), encoding="utf-8")


def main() -> int:
    """Measure, print, write down."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=4)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--only", default="", help="names of figures, with commas between")
    options = parser.parse_args()
    if not (TOOLS / "floor.py").exists():
        print(f"Nothing is measured: the floor and the load generators are not in {TOOLS}.")
        return 0
    figures: dict[str, Callable[[], Figure]] = {
        "memory": memory,
        "post": lambda: ratio("ingest", 0.5, options),
        "poll": lambda: ratio("poll", 0.4, options),
        "turns": lambda: turns(options),
        "engine": steps_a_second,
        "scenario": lambda: scenario_turns(options),
        "long-history": lambda: long_history(options),
        "answer": lambda: answer_time(options, 0),
        "answer-paced": lambda: answer_time(options, 0.05),
        "sockets": sockets,
        "post-pg": lambda: ratio("ingest", 0.4, options, url=POSTGRESQL),
        "post-few": lambda: ratio("ingest", 0.5, options, rows=1_000),
        "post-many": lambda: ratio("ingest", 0.5, options, rows=options.rows),
        "poll-few": lambda: ratio("poll", 0.4, options, rows=1_000),
        "poll-many": lambda: ratio("poll", 0.4, options, rows=options.rows),
        "post-pg-few": lambda: ratio("ingest", 0.4, options, url=POSTGRESQL, rows=1_000),
        "post-pg-many": lambda: ratio("ingest", 0.4, options, url=POSTGRESQL, rows=options.rows),
        "desk": talks,
        "desk-lists": lambda: lists(options),
        "desk-lists-pg": lambda: lists(options, url=POSTGRESQL),
        "ads": advertised,
        "ads-pg": lambda: advertised(url=POSTGRESQL),
        "ads-mysql": lambda: advertised(url=ads.MYSQL),
        "search": lambda: searches(options),
        "workers": lambda: two_processes(options),
        "celery": turn_starts,
        "connections": people,
        "search-pg": lambda: searches(options, url=POSTGRESQL),
    }
    chosen = [name for name in options.only.split(",") if name] or list(figures)
    measured = []
    for name in chosen:
        figure = figures[name]()
        measured.append(figure)
        mark = {True: "reached", False: "NOT reached", None: ""}[figure.reached]
        print(f"{figure.name:62} {figure.value:48} {figure.target:12} {mark}", flush=True)
    folder = ROOT / "var" / "bench"
    folder.mkdir(parents=True, exist_ok=True)
    text = json.dumps([asdict(figure) for figure in measured], ensure_ascii=False, indent=1)
    (folder / "bench.json").write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
