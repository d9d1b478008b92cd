"""What was measured, as numbers, as a table and as a picture."""

import itertools
import json
import operator
import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import matplotlib
from load_books import Verdict
from load_people import COME_AGAIN
from load_watch import Track
from matplotlib import pyplot

matplotlib.use("agg")  # no screen

Times = dict[str, list[tuple[float, float]]]  # (moment, milliseconds) by what was measured
COMPARE = {"<=": operator.le, ">=": operator.ge, "<": operator.lt, ">": operator.gt, "==": operator.eq}
FIRST_MINUTE_S = 60.0


@dataclass
class Measured:
    """One run."""

    options: dict[str, Any]
    begin: float  # everybody is there
    end: float
    verdict: Verdict
    times: Times = field(default_factory=dict)
    errors: dict[str, int] = field(default_factory=dict)
    refusals: dict[str, int] = field(default_factory=dict)
    tracks: dict[str, Track] = field(default_factory=dict)
    generators: dict[str, float] = field(default_factory=dict)  # shares of a core
    load_before: float = 0.0


def spread(values: Sequence[float]) -> dict[str, float]:
    """How many, and the usual percentiles."""
    ordered = sorted(values)
    if not ordered:
        return {"n": 0}
    at = {"p50": 0.5, "p95": 0.95, "p99": 0.99, "max": 1.0}
    found = {name: round(ordered[min(len(ordered) - 1, int(len(ordered) * part))], 2) for name, part in at.items()}
    return {"n": len(ordered), **found}


def figures(run: Measured) -> dict[str, float]:
    """Every number of a run under a flat name, as `post_p95_ms`: what `--require` asks for."""
    found: dict[str, float] = {}
    for name, times in run.times.items():
        measured = spread([ms for moment, ms in times if run.begin <= moment <= run.end])
        for part, value in measured.items():
            found[f"{_slug(name)}_{part}" + ("" if part == "n" else "_ms")] = value
    seconds = run.end - run.begin
    found["messages_a_second"] = round(
        sum(found.get(f"{n}_n", 0) for n in ("post", "send_over_a_socket")) / seconds, 1
    )
    found["errors"] = sum(run.errors.values())
    found["come_again"] = sum(count for what, count in run.refusals.items() if what.endswith(COME_AGAIN))
    found |= {name: getattr(run.verdict, name) for name in ("lost", "doubled", "reordered", "late", "silent")}
    growths = []
    for name, track in run.tracks.items():
        steady = track.between(run.begin, run.end)
        if len(steady.moments) < 2:
            continue
        took = steady.moments[-1] - steady.moments[0]
        early, last = _memory(track, run)
        found[f"{_slug(name)}_cpu"] = round((steady.cpu_s[-1] - steady.cpu_s[0]) / took, 3)
        found[f"{_slug(name)}_memory_mb"] = round(last, 1)
        found[f"{_slug(name)}_files"] = steady.files[-1]
        if name in OURS or name.startswith("web"):
            growths.append((early, last))
    if growths:
        early, last = (sum(part) for part in zip(*growths, strict=True))
        found["memory_mb"] = round(last, 1)
        found["memory_growth_percent"] = round((last / early - 1) * 100, 2)
    found["generator_cpu"] = round(sum(run.generators.values()), 3)
    return found


OURS = ("worker", "beat", "telegram")  # beside the web processes


def _memory(track: Track, run: Measured) -> tuple[float, float]:
    """Megabytes after the first minute (of a short run: after its first quarter) and at the end."""
    mark = run.begin + min(FIRST_MINUTE_S, (run.end - run.begin) / 4)
    window = max(5.0, min(10.0, (run.end - run.begin) / 10))
    early, last = track.between(mark, mark + window), track.between(run.end - window, run.end)
    return _mean(early.memory_mb), _mean(last.memory_mb)


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values) if values else 0.0


def _slug(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")


@dataclass(frozen=True)
class Requirement:
    """One line of `--require`, and what came of it."""

    asked: str
    found: float | None
    reached: bool


def required(asked: Sequence[str], found: dict[str, float]) -> list[Requirement]:
    """What came of each, as `post_p95_ms<=100`. Raises `ValueError` for one that is none."""
    results = []
    for one in asked:
        read = re.fullmatch(r"(\w+)\s*(<=|>=|<|>|==)\s*([\d.]+)", one.strip())
        if read is None:
            raise ValueError(f"{one!r} is not of the form name<=number")
        value = found.get(read[1])
        results.append(
            Requirement(one, value, value is not None and bool(COMPARE[read[2]](value, float(read[3]))))
        )
    return results


def markdown(run: Measured, found: dict[str, float], requirements: Sequence[Requirement]) -> str:
    """The report for people."""
    o = run.options
    lines = [
        f"# Load: {o['visitors']} visitors, {o['rate']:g} messages/s, {(run.end - run.begin) / 60:.1f} minutes",
        "",
        f"{o['shape']}. Load average before: {run.load_before:.1f} on {o['cores']} cores. "
        f"The generator took {found['generator_cpu']:.2f} of a core"
        + (
            f" and was {found['generator_late_p99_ms']:.0f} ms late (p99)."
            if "generator_late_p99_ms" in found
            else "."
        ),
        "",
        "| milliseconds | number | p50 | p95 | p99 | max |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for name in sorted(run.times):
        of = spread([ms for moment, ms in run.times[name] if run.begin <= moment <= run.end])
        if of["n"]:
            lines.append(f"| {name} | {of['n']} | {of['p50']} | {of['p95']} | {of['p99']} | {of['max']} |")
    lines += [
        "",
        "| process | cores | MB after a minute | MB at the end | descriptors |",
        "| --- | --- | --- | --- | --- |",
    ]
    for name, track in sorted(run.tracks.items()):
        early, last = _memory(track, run)
        cpu, files = found.get(f"{_slug(name)}_cpu", 0), found.get(f"{_slug(name)}_files", 0)
        lines.append(f"| {name} | {cpu:.2f} | {early:.1f} | {last:.1f} | {files:.0f} |")
    v = run.verdict
    lines += [
        "",
        f"Books: {v.promised} promised, {v.stored} stored, {v.received} received; "
        f"**{v.lost} lost, {v.doubled} doubled, {v.reordered} reordered, "
        f"{v.late} not told by themselves, {v.silent} without an answer**.",
        "",
        *(f"- {example}" for example in v.examples),
        f"Errors that nobody promised: {_counted(run.errors)}. Part of the game: {_counted(run.refusals)}.",
        "",
    ]
    lines += [
        f"- {r.asked}: {'—' if r.found is None else r.found} {'reached' if r.reached else '**NOT reached**'}"
        for r in requirements
    ]
    return "\n".join(lines) + "\n"


def _counted(counts: dict[str, int]) -> str:
    return ", ".join(f"{what} {number}" for what, number in sorted(counts.items())) or "none"


def draw(run: Measured, path: Path) -> None:
    """The run over time: what was written and read, how long it took, memory, descriptors, processors."""
    picture, ((counts, times), (memory, cpu)) = pyplot.subplots(2, 2, figsize=(13, 8), layout="constrained")
    for name in ("POST", "send over a socket", "poll", "answer of a bot"):
        _per_second(counts, run, name)
    for name in ("POST", "poll", "delivery to a socket", "delivery to the desk"):
        _p95(times, run, name)
    for name, track in sorted(run.tracks.items()):
        if not track.moments:
            continue
        at = [moment - run.begin for moment in track.moments]
        memory.plot(at, track.memory_mb, label=f"{name} ({track.files[-1]} files)")
        pairs = list(zip(at, track.cpu_s, strict=True))
        cpu.plot(at[1:], [(b[1] - a[1]) / (b[0] - a[0]) for a, b in itertools.pairwise(pairs)], label=name)
    titles = {counts: "a second", times: "p95 of five seconds, ms", memory: "memory, MB", cpu: "cores"}
    for axes, title in titles.items():
        axes.set(title=title, xlabel="seconds since everybody is there")
        axes.set_ylim(bottom=0)
        axes.grid(alpha=0.3)
        axes.axvline(0, color="grey", linewidth=0.8)
        if axes.get_legend_handles_labels()[0]:
            axes.legend(fontsize="small")
    picture.savefig(path, dpi=90)
    pyplot.close(picture)


def _per_second(axes: Any, run: Measured, name: str) -> None:
    count: dict[int, int] = {}
    for moment, _ in run.times.get(name, ()):
        at = int(moment - run.begin)
        count[at] = count.get(at, 0) + 1
    if count:
        axes.plot(sorted(count), [count[at] for at in sorted(count)], label=name)


def _p95(axes: Any, run: Measured, name: str) -> None:
    within: dict[int, list[float]] = {}
    for moment, milliseconds in run.times.get(name, ()):
        within.setdefault(int((moment - run.begin) // 5) * 5, []).append(milliseconds)
    if within:
        axes.plot(sorted(within), [spread(within[at])["p95"] for at in sorted(within)], label=name)


def write(run: Measured, folder: Path, name: str, asked: Sequence[str]) -> tuple[str, list[Requirement]]:
    """The table, the numbers and the picture, in this folder; the table, and what came of the requirements."""
    folder.mkdir(parents=True, exist_ok=True)
    found = figures(run)
    requirements = required(asked, found)
    table = markdown(run, found, requirements)
    (folder / f"{name}.md").write_text(table, encoding="utf-8")
    whole = {
        "options": run.options,
        "load_before": run.load_before,
        "seconds": run.end - run.begin,
        "figures": found,
        "books": asdict(run.verdict),
        "errors": run.errors,
        "refusals": run.refusals,
        "requirements": [asdict(one) for one in requirements],
        "processes": {
            track.name: {
                "seconds": [round(moment - run.begin, 1) for moment in track.moments],
                "memory_mb": [round(one, 1) for one in track.memory_mb],
                "files": track.files,
                "cpu_s": [round(one, 2) for one in track.cpu_s],
            }
            for track in run.tracks.values()
        },
    }
    (folder / f"{name}.json").write_text(json.dumps(whole, ensure_ascii=False, indent=1), encoding="utf-8")
    draw(run, folder / f"{name}.png")
    return table, requirements
