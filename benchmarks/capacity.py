"""Writes what was measured into `docs/operations/capacity.md`, from the reports under `build/load/`.

    capacity.py [--folder build/load]

Each measured part of the page stands between two marks and is written anew; a part that was not measured this time
stays as it is. The pictures are put beside the page.
"""

import argparse
import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from matplotlib import pyplot

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "operations" / "capacity.md"
TIMES = 1_000  # what the plan on paper is for
LARGE_CORES, LARGE_BUSY = 16, 0.6  # a large database, and how much of it one plans with
Report = dict[str, Any]


def workers(report: Report) -> list[str]:
    """How throughput grows with processes, as a table and a picture."""
    _bars(report)
    lines = [
        "| requests, 64 connections | a second | without the load's share | cores: web, PostgreSQL, load | busy |",
        "| --- | --- | --- | --- | --- |",
    ]
    for name, result in report["results"].items():
        for case, of in result["cases"].items():
            cores = f"{of['web']:.2f}, {of['database']:.2f}, {of['load']:.2f}"
            rates = f"{of['rate']:,.0f} | {of['alone']:,.0f}"
            lines.append(f"| {name}, {case} | {rates} | {cores} | {of['busy']:.2f} |")
    lines.append("")
    for name, result in report["results"].items():
        told = "; ".join(f"{what}: **{value}**" for what, value in result.items() if what != "cases")
        lines.append(f"- {name}: {told}.")
    picture = "![Requests a second by processes and cores](capacity-workers.png)"
    return [*lines, "", f"Load average before: {report['load_before']:.1f}.", "", picture]


def starts(report: Report) -> list[str]:
    """How soon a turn begins."""
    lines = ["| the turn is begun by | p50, ms | p95 | p99 |", "| --- | --- | --- | --- |"]
    lines += [f"| {way} | {of['p50']} | {of['p95']} | {of['p99']} |" for way, of in report["results"].items()]
    return [*lines, "", f"Load average before: {report['load_before']:.1f}."]


def company(report: Report) -> list[str]:
    """Everybody at once: speed, processes, books."""
    found, options = report["figures"], report["options"]
    shutil.copy(report["picture"], PAGE.with_name("capacity-company.png"))
    lines = [
        f"{options['shape']}; {report['seconds'] / 60:.0f} minutes, {found['messages_a_second']} messages/s. "
        f"Load average before: {report['load_before']:.1f}.",
        "",
        "| milliseconds | number | p50 | p95 | p99 | max |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for name in [key.removesuffix("_n") for key in found if key.endswith("_n")]:
        if f"{name}_p50_ms" in found:
            told = " | ".join(str(found[f"{name}_{part}_ms"]) for part in ("p50", "p95", "p99", "max"))
            lines.append(f"| {name.replace('_', ' ')} | {found[f'{name}_n']:,.0f} | {told} |")
    lines += ["", "| process | cores | MB at the end | descriptors |", "| --- | --- | --- | --- |"]
    for name in [key.removesuffix("_cpu") for key in found if key.endswith("_cpu")]:
        told = f"{found.get(f'{name}_memory_mb', '')} | {found.get(f'{name}_files', '')}"
        lines.append(f"| {name.replace('_', ' ')} | {found[f'{name}_cpu']} | {told} |")
    books = report["books"]
    lines += [
        "",
        f"{books['promised']:,} promised, {books['stored']:,} stored, {books['received']:,} received; "
        f"{books['lost']} lost, {books['doubled']} doubled, {books['reordered']} reordered. Memory after the "
        f"first minute: {found.get('memory_growth_percent', 0):+.1f} %. Errors: {found['errors']:.0f}.",
        "",
        "![The run over time](capacity-company.png)",
    ]
    return lines


def connections(report: Report) -> list[str]:
    """What one person more costs."""
    words = {"after": "polls every 3 s", "stream": "a stream of events", "socket": "a WebSocket"}
    lines = ["| one person more | memory of the web process | descriptors |", "| --- | --- | --- |"]
    return [
        *lines,
        *(
            f"| {words[kind]} | {of['kilobytes']} KB | {of['descriptors']} |"
            for kind, of in report["results"].items()
        ),
    ]


def thousandfold(report: Report) -> list[str]:
    """What `TIMES` times the measured load takes, if each part only had to be multiplied."""
    found = report["figures"]
    parts = {
        "web processes": sum(found[key] for key in found if re.fullmatch(r"web_\d+_cpu", key)),
        "workers": found.get("worker_cpu", 0.0),
        "PostgreSQL": found.get("postgresql_cpu", 0.0),
        "Redis": found.get("redis_cpu", 0.0),
    }
    rate = found["messages_a_second"]
    lines = [
        f"| part | processor for a message, at {rate:.0f}/s with everything else | × {TIMES:,} |",
        "| --- | --- | --- |",
    ]
    for part, cores in parts.items():
        lines.append(f"| {part} | {cores / rate * 1000:.2f} ms | {cores * TIMES:,.0f} cores |")
    memory = sum(found[key] for key in found if re.fullmatch(r"web_\d+_memory_mb", key))
    lines.append(f"| memory of web processes | | {memory * TIMES / 1024 / 1024:,.2f} TB |")
    carries = LARGE_CORES * LARGE_BUSY / max(parts["PostgreSQL"] / rate, 1e-9)
    told = f"One PostgreSQL of {LARGE_CORES} cores, {LARGE_BUSY:.0%} busy, carries about {carries:,.0f} messages/s"
    return [*lines, "", f"{told} of this kind: {rate * TIMES / carries:,.0f} of these are needed."]


PARTS: dict[str, tuple[str, Callable[[Report], list[str]]]] = {
    "workers": ("workers", workers),
    "starts": ("starts", starts),
    "company": ("company", company),
    "connections": ("connections", connections),
    "thousandfold": ("company", thousandfold),
}


def _bars(report: Report) -> None:
    picture, axes = pyplot.subplots(figsize=(8, 4), layout="constrained")
    results = report["results"]
    for at, (name, result) in enumerate(results.items()):
        cases = result["cases"]
        places = [number + (at - 0.5) * 0.35 for number in range(len(cases))]
        bars = axes.bar(places, [of["alone"] for of in cases.values()], 0.33, label=name)
        axes.bar_label(bars, fmt="{:,.0f}")
        axes.set_xticks(range(len(cases)), [f"{case} core(s)" for case in cases])
    axes.set(title="requests a second, the load's share taken out")
    axes.legend()
    picture.savefig(PAGE.with_name("capacity-workers.png"), dpi=90)
    pyplot.close(picture)


def written(page: str, folder: Path) -> str:
    """The page with every part that was measured as its report has it."""
    for part, (source, tell) in PARTS.items():
        path = folder / f"{source}.json"
        if not path.exists():
            continue
        report = json.loads(path.read_text(encoding="utf-8"))
        lines = tell({**report, "picture": path.with_suffix(".png")})
        begin, end = f"<!-- measured: {part} -->", f"<!-- end: {part} -->"
        before, _, rest = page.partition(begin)
        _, _, after = rest.partition(end)
        if not rest or not after:
            raise ValueError(f"{PAGE} has no marks for {part!r}")
        page = "\n".join([before + begin, "", *lines, "", end + after])
    return page


def main() -> None:
    """Write the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, default=ROOT / "build" / "load")
    options = parser.parse_args()
    PAGE.write_text(written(PAGE.read_text(encoding="utf-8"), options.folder), encoding="utf-8")
    print(PAGE)


if __name__ == "__main__":
    main()
