"""Everybody at once for some minutes: visitors who poll, sockets, streams, operators, phones, bots.

    load.py [--minutes 1] [--rate 20] [--visitors legacy=40,after=40,socket=60,stream=20] [--web 2] [--broker URL]
            [--require "post_p95_ms<=100"] [--url http://… --inbox pk_… --operator name:password]

Without `--url` it starts an installation of its own: a scratch database of PostgreSQL, Redis, web processes, a
worker and beat (not with `--broker none`), Telegram's process; outside of it a model that thinks for two seconds
and a Bot API server. The visitors live in processes of their own. Afterwards the books are compared: every
"stored" against the database and against what each reader received. The report lies under `build/load/`.

Exits with 1 when anything was lost, doubled or out of order, when an error came that nobody promised, or when
something that was required was not reached.
"""

import argparse
import contextlib
import json
import os
import resource
import secrets
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import load_books
import load_report
import load_site
import load_watch
from load_books import Verdict
from load_people import KINDS
from load_report import Measured
from load_site import Shape, Site

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "build" / "load"
ANSWERED_S = 15.0  # seconds until bots elsewhere have answered what was said last
BROKER = "redis://127.0.0.1:6379/8"  # a database that nobody else uses
COMPANY = {  # a busy company: what `--company` stands for
    "minutes": 10.0,
    "ramp": 30.0,
    "rate": 100.0,
    "name": "company",
    "visitors": "legacy=500,after=500,socket=1000,stream=100",
    "operators": 20,
    "phones": 5,
    "require": [
        "come_again==0",
        "post_p95_ms<=100",
        "send_over_a_socket_p95_ms<=100",
        "memory_growth_percent<=5",
        "messages_a_second>=95",
    ],
}


def options_of(arguments: list[str] | None = None) -> argparse.Namespace:
    """What the command line says."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=1.0, help="after everybody is there (default: 1)")
    parser.add_argument("--ramp", type=float, default=10.0, help="seconds until everybody is there (default: 10)")
    parser.add_argument("--rate", type=float, default=20.0, help="messages of visitors a second (default: 20)")
    parser.add_argument(
        "--visitors", default="legacy=40,after=40,socket=60,stream=20", help="how many of which kind"
    )
    parser.add_argument("--wishes", type=float, default=0.01, help="share of messages that ask for a person")
    parser.add_argument("--operators", type=int, default=5, help="at the desk (default: 5)")
    parser.add_argument("--phones", type=int, default=2, help="operators in Telegram (default: 2)")
    parser.add_argument("--generators", type=int, default=1, help="processes full of visitors (default: 1)")
    parser.add_argument("--web", type=int, default=2, help="web processes (default: 2)")
    parser.add_argument("--broker", default=BROKER, help="its URL; `none`: the web processes run the turns")
    parser.add_argument("--redis", default=Shape.redis, help="REDIS_URL; a database that nobody else uses")
    parser.add_argument("--postgresql", default=Shape.postgresql, help="where to make a database; its URL")
    parser.add_argument("--require", action="append", default=[], metavar="NAME<=NUMBER", help="may be repeated")
    parser.add_argument("--folder", type=Path, default=FOLDER, help="of the report (default: build/load)")
    parser.add_argument("--name", default="load", help="of the files of the report")
    parser.add_argument("--url", help="an installation that runs already")
    parser.add_argument("--inbox", action="append", default=[], help="a public key there; may be repeated")
    parser.add_argument("--operator", action="append", default=[], metavar="NAME:PASSWORD", help="may be repeated")
    parser.add_argument("--pid", action="append", default=[], metavar="NAME=PID", help="a process there to watch")
    parser.add_argument("--profile", type=float, default=0, metavar="SECONDS", help="py-spy looks on so long")
    parser.add_argument("--company", action="store_true", help="2,100 visitors, 100 messages/s, ten minutes")
    if "--company" in (sys.argv if arguments is None else arguments):
        parser.set_defaults(**COMPANY)
    options = parser.parse_args(arguments)
    options.broker = "" if options.broker == "none" else options.broker
    options.counts = {kind: int(n) for kind, _, n in (part.partition("=") for part in options.visitors.split(","))}
    if unknown := set(options.counts) - set(KINDS):
        parser.error(f"kinds of visitors are {', '.join(KINDS)}, not {', '.join(unknown)}")
    return options


@contextlib.contextmanager
def site_for(options: argparse.Namespace) -> Iterator[Site]:
    """The installation that was asked for."""
    if options.url:
        people = [one.partition(":") for one in options.operator]
        roots = {name: int(pid) for name, _, pid in (one.partition("=") for one in options.pid)}
        inboxes = [(key, load_site.OFFLINE) for key in options.inbox or [""]]
        operators = [(name, password, 5) for name, _, password in people]
        yield Site(options.url.rstrip("/"), inboxes, operators, roots=roots)
        return
    shape = Shape(
        options.web,
        options.broker,
        options.redis,
        options.postgresql,
        options.operators,
        phones=options.phones,
    )
    with load_site.started(shape) as site:
        try:
            yield site
        finally:
            load_site.keep_logs(site, options.folder / f"{options.name}-logs")


def plans(options: argparse.Namespace, site: Site, folder: Path) -> list[dict[str, Any]]:
    """Who comes in which process, and what they do."""
    people: list[list[str]] = []
    run = secrets.token_hex(4)
    for kind, count in options.counts.items():
        for number in range(count):
            inbox, words = site.inboxes[number % len(site.inboxes)]
            people.append([kind, f"load-{run}-{kind}-{number}", inbox, words])
    # In turn, so that kinds and inboxes are everywhere at the same time.
    people.sort(key=lambda one: (int(one[1].rpartition("-")[2]), one[0]))
    return [
        {
            "url": site.url,
            "visitors": people[at :: options.generators],
            "operators": site.operators[at :: options.generators],
            "rate": options.rate / options.generators,
            "wishes": options.wishes if site.operators or site.town else 0.0,
            "ramp_s": options.ramp,
            "seed": at,
            "result": str(folder / f"{at}.json"),
        }
        for at in range(options.generators)
    ]


class Generator:
    """One process full of visitors."""

    def __init__(self, plan: dict[str, Any]) -> None:
        command = [sys.executable, str(Path(__file__).with_name("load_generator.py"))]
        self.plan = plan
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.tell(json.dumps(plan))

    def tell(self, line: str = "") -> None:
        """Go on."""
        assert self.process.stdin is not None
        self.process.stdin.write(f"{line}\n")
        self.process.stdin.flush()

    def hear(self, word: str) -> None:
        """Until it says so. Raises `RuntimeError` when it says something else, or nothing any more."""
        assert self.process.stdout is not None
        said = self.process.stdout.readline().strip()
        if said != word:
            raise RuntimeError(f"a generator said {said!r} instead of {word!r}")

    def result(self) -> dict[str, Any]:
        """What it measured, when it has ended."""
        if self.process.wait():
            raise RuntimeError("a generator broke")
        found: dict[str, Any] = json.loads(Path(self.plan["result"]).read_text(encoding="utf-8"))
        return found


def run(options: argparse.Namespace) -> Measured:
    """Let everybody come, talk and go, and compare the books."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    load_before = os.getloadavg()[0]
    with (
        tempfile.TemporaryDirectory(prefix="besedka-load-") as name,
        site_for(options) as site,
        contextlib.ExitStack() as life,
    ):
        generators = [Generator(plan) for plan in plans(options, site, Path(name))]
        for generator in generators:
            life.callback(generator.process.kill)  # whatever ends us, nobody goes on without us
        own = {f"generator {at}": [one.process.pid] for at, one in enumerate(generators, 1)}
        if site.town is not None:
            own["outside"] = [site.town.process.pid]
        watch = load_watch.Watch(lambda: {**site.processes(), **own})
        watch.start()
        for generator in generators:
            generator.hear("ready")
        begin, begin_epoch = time.monotonic(), time.time()
        for generator in generators:
            generator.tell(str(begin + options.minutes * 60))
        print(f"everybody is there; {options.minutes:g} minutes", flush=True)
        if options.profile:
            profile(site, options)
        for generator in generators:
            generator.hear("quiet")
        end, end_epoch = time.monotonic(), time.time()
        watch.end()
        phones, phone_times = [], []
        if site.town is not None:
            site.town.do("quiet")
        if site.server is None:
            time.sleep(ANSWERED_S)
        owed = load_site.settle(site) if site.server is not None else []
        if site.town is not None and options.phones:
            told = site.town.do("tell")
            phones, phone_times = told["said"], told["delivery"]
        for generator in generators:
            generator.tell()
        found = [generator.result() for generator in generators]
        end = min(end, *(one["steady"][1] for one in found)) if found else end
        measured = Measured(_described(options), begin, end, Verdict(), load_before=load_before)
        measured.verdict = _judged(site, found, phones, owed)
        if site.server is not None:
            starts = load_books.turn_starts(site.select, begin_epoch, end_epoch)
            measured.times["start of a turn"] = [(begin, one) for one in starts]
    for one in found:
        for what, times in one["times"].items():
            measured.times.setdefault(what, []).extend((moment, ms) for moment, ms in times)
        measured.times.setdefault("generator late", []).extend((moment, ms) for moment, ms in one["late"])
    if phone_times:
        measured.times["delivery to Telegram"] = [(moment, ms) for moment, ms in phone_times]
    for key in ("errors", "refusals"):
        setattr(measured, key, dict(sum((Counter(one[key]) for one in found), Counter())))
    measured.tracks = watch.tracks
    measured.generators = {f"generator {at}": one["cpu"] for at, one in enumerate(found, 1)}
    return measured


def profile(site: Site, options: argparse.Namespace) -> None:
    """Where the time goes in a web process and in a worker: stacks of py-spy, in the folder of the report."""
    options.folder.mkdir(parents=True, exist_ok=True)
    spies = []
    for name, pids in site.processes().items():
        if name in ("web 1", "worker", "telegram"):
            into = options.folder / f"{options.name}-{name.replace(' ', '')}.stacks"
            command = [str(Path(sys.executable).with_name("py-spy")), "record", "-f", "raw", "-r", "200"]
            command += ["-d", str(int(options.profile)), "-p", str(pids[0]), "-o", str(into)]
            spies.append(subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL))
    for spy in spies:
        spy.wait()


def _judged(site: Site, found: list[dict[str, Any]], phones: list[str], owed: list[str]) -> Verdict:
    tokens = [token for one in found for _, token, *_ in one["visitors"]]
    if site.server is not None:
        verdict = load_books.judge(found, phones, load_books.logs_of(site.select, tokens))
        verdict.doubled += load_books.answered_twice(site.select)
        for what in owed:
            verdict.blame("silent", what, "waits long after the end")
        return verdict
    inbox_of = {}
    for key, _ in site.inboxes:
        inbox_of[len(inbox_of)] = key
    places = [(token, inbox_of[int(token.rpartition("-")[2]) % len(inbox_of)]) for token in tokens]
    return load_books.judge(found, phones, load_books.read_over_http(site.url, places))


def _described(options: argparse.Namespace) -> dict[str, Any]:
    broker = options.broker.partition(":")[0] or "none: turns in the web processes"
    shape = f"an installation at {options.url}" if options.url else f"{options.web} web processes, broker {broker}"
    counts = ", ".join(f"{count} {kind}" for kind, count in options.counts.items())
    given = {name: value for name, value in vars(options).items() if name not in ("operator", "broker", "folder")}
    cores = len(os.sched_getaffinity(0))
    return {**given, "shape": f"{shape}; {counts}", "visitors": sum(options.counts.values()), "cores": cores}


def main() -> int:
    """Run, print the report, and say whether all is well."""
    options = options_of()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # what was started ends with us
    load_report.required(options.require, {})  # a mistake there is told now
    measured = run(options)
    table, requirements = load_report.write(measured, options.folder, options.name, options.require)
    print(table, flush=True)
    well = not measured.verdict.broken and not measured.errors and all(one.reached for one in requirements)
    print(f"{'All is well' if well else 'NOT well'}; {options.folder / options.name}.md, .json, .png", flush=True)
    return 0 if well else 1


if __name__ == "__main__":
    sys.exit(main())
