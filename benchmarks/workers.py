"""How throughput grows with web processes: one on one core, one on two cores, two on two.

    workers.py [--rounds 3] [--seconds 6]

Server, PostgreSQL and load share the machine's two cores, so the question is what the cores would have done
without the load. All processes are measured; `rate / (1 - the load's share of the cores)` is what the same cores
serve when the load comes from elsewhere. It holds only while the cores are busy, so the busy share is printed too;
below 0.9 a ratio says little.

- *one on one*: a web process, our connections of PostgreSQL and the load, all on core 0.
- *one on two*: a web process that may use both cores. It computes on one of them, PostgreSQL on the other.
- *two on two*: two web processes.

The ratio wanted (two on two over one on one, ≥ 1.6) therefore counts the database's share as the server's, and
takes out that of the load only. `POST` is all writes, `poll` all reads, both at 64 connections that never pause.
"""

import argparse
import contextlib
import json
import os
import resource
import statistics
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
TOOLS = Path(os.environ.get("BESEDKA_BENCH", ROOT.parent / "shared" / "bench"))

import load_site  # noqa: E402 - after the path
import load_watch  # noqa: E402
from load_site import Shape, Site  # noqa: E402

CONNECTIONS = "64"
MODES = {"POST": "ingest", "poll": "poll"}
CASES = {"one on one": (1, "0"), "one on two": (1, "0,1"), "two on two": (2, "0,1")}


@dataclass(frozen=True)
class Round:
    """One run: requests a second, and cores that each part took."""

    rate: float
    web: float
    database: float
    redis: float
    load: float
    cores: int

    @property
    def alone(self) -> float:
        """Requests a second of the same cores, had the load come from elsewhere."""
        return self.rate / (1 - self.load / self.cores)

    @property
    def busy(self) -> float:
        """Which share of the cores was busy."""
        return (self.web + self.database + self.redis + self.load) / self.cores

    @property
    def per_web_second(self) -> float:
        """Requests for each second of processor time of the web processes."""
        return self.rate / self.web


def _spent(site: Site) -> dict[str, float]:
    """Processor seconds so far, by part."""
    found = dict.fromkeys(("web", "postgresql", "redis"), 0.0)
    for name, pids in site.processes().items():
        part = name.partition(" ")[0]
        for pid in pids if part in found else ():
            with contextlib.suppress(OSError):
                found[part] += load_watch.cpu_s(pid)
    return found


def _pin(site: Site, cores: str) -> None:
    """The web processes and our connections to the database compute on these cores only."""
    for name, pids in site.processes().items():
        ours = [pid for pid in pids if name != "postgresql" or site.is_connection(pid)]
        for pid in ours if name.partition(" ")[0] in ("web", "postgresql") else ():
            subprocess.run(["taskset", "-acp", cores, str(pid)], check=False, capture_output=True)


def _burst(site: Site, mode: str, seconds: float, cores: str) -> tuple[float, float]:
    """Requests a second, and the processor seconds of who asked."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    command = ["taskset", "-c", cores, sys.executable, str(TOOLS / "load_http.py"), mode]
    finished = subprocess.run(
        [*command, "--base", site.url, "-n", CONNECTIONS, "-t", str(seconds)],
        capture_output=True,
        text=True,
        check=True,
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    found = json.loads(finished.stdout.strip().splitlines()[-1])
    if found.get("errors"):
        raise RuntimeError(f"errors: {found}")
    return found["rps"], after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


@contextlib.contextmanager
def _site(case: str) -> Iterator[Site]:
    with load_site.started(Shape(web=CASES[case][0], phones=0, operators=0)) as site:
        yield site


def measure(case: str, mode: str, site: Site, seconds: float) -> Round:
    """One round of one case."""
    _, cores = CASES[case]
    _burst(site, mode, 1.0, cores)  # everything is connected
    _pin(site, cores)
    before = _spent(site)
    rate, load_s = _burst(site, mode, seconds, cores)
    after = _spent(site)
    part = {name: (after[name] - before[name]) / seconds for name in after}
    return Round(rate, part["web"], part["postgresql"], part["redis"], load_s / seconds, len(cores.split(",")))


def run(rounds: int, seconds: float) -> dict[str, dict[str, Any]]:
    """Every case in turn, so many times; medians by kind of request and case, and the ratios."""
    found: dict[tuple[str, str], list[Round]] = {}
    for _ in range(rounds):
        for case in CASES:
            with _site(case) as site:
                for name, mode in MODES.items():
                    found.setdefault((name, case), []).append(measure(case, mode, site, seconds))
    results: dict[str, dict[str, Any]] = {}
    for name in MODES:
        of = {case: _median(found[name, case]) for case in CASES}
        one, wide, two = (of[case] for case in CASES)
        results[name] = {
            "cases": of,
            "two on two over one on one": round(two["alone"] / one["alone"], 2),
            "two on two over one on two": round(two["alone"] / wide["rate"], 2),
            "work of a web second, two processes over one": round(
                two["per_web_second"] / wide["per_web_second"], 2
            ),
        }
    return results


def _median(rounds: list[Round]) -> dict[str, float]:
    names = ("rate", "alone", "busy", "web", "database", "redis", "load", "per_web_second")
    return {name: round(statistics.median(getattr(one, name) for one in rounds), 3) for name in names}


def table(results: dict[str, dict[str, Any]], load_before: float) -> str:
    """The report for people."""
    lines = [
        f"Load average before: {load_before:.1f}. Cores taken by each part; `alone`: with the load's share out.",
        "",
        "| requests | case | a second | alone | web | PostgreSQL | Redis | load | busy | a web second |",
        "| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    for name, result in results.items():
        for case, of in result["cases"].items():
            cores = (
                f"{of['web']:.2f} | {of['database']:.2f} | {of['redis']:.2f} | {of['load']:.2f} | {of['busy']:.2f}"
            )
            rates = f"{of['rate']:,.0f} | {of['alone']:,.0f}"
            lines.append(f"| {name} | {case} | {rates} | {cores} | {of['per_web_second']:,.0f} |")
    lines.append("")
    for name, result in results.items():
        lines += [f"- {name}: {what} {value}" for what, value in result.items() if what != "cases"]
    return "\n".join(lines) + "\n"


def main() -> None:
    """Measure and print; `bench.py --only workers` also writes it down."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=6)
    options = parser.parse_args()
    load_before = os.getloadavg()[0]
    results = run(options.rounds, options.seconds)
    print(table(results, load_before))


if __name__ == "__main__":
    main()
