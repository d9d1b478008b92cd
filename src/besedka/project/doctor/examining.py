"""`besedka doctor` looks at all that an installation lives from, and says what to do about what is wrong."""

import json
import os
import sys
from collections.abc import Callable, Iterable, Iterator
from typing import TextIO

from besedka.project.doctor import configuration, outside, scaled, storage
from besedka.project.doctor.findings import DOUBTFUL, FINE, WRONG, Finding, told, wrong

MARKS = {FINE: ("✓", "ok", "32"), DOUBTFUL: ("!", "!", "33"), WRONG: ("✗", "X", "31")}


def examine(*, url: str | None = None, ask_models: bool = False) -> Iterator[Finding]:
    """Everything that is found, as it is found. A part whose examination breaks down is a finding, too."""
    parts: list[tuple[str, Callable[[], Iterable[Finding]]]] = [
        ("settings", configuration.checked),
        ("settings", configuration.secret_file),
        ("disk", storage.folders),
        ("files", storage.bucket),
        ("database", storage.database),
        ("redis", outside.redis),
        ("broker", scaled.broker),
        ("beat", scaled.beat),
        ("flower", scaled.flower),
        ("metrics", scaled.metrics),
        ("telegram", outside.telegram),
        ("models", lambda: outside.models(ask=ask_models)),
        ("address", lambda: outside.address(url)),
    ]
    for name, part in parts:
        try:
            yield from part()
        except Exception as error:  # one broken part must not hide the others
            yield wrong(
                name, f"it cannot be examined: {told(error)}", "This is a fault of ours: please report it."
            )


def report(findings: Iterable[Finding], out: TextIO, *, as_json: bool) -> int:
    """Write down what is found; 1 where something is wrong, else 0."""
    seen = []
    for finding in findings:
        seen.append(finding)
        if not as_json:
            print(_line(finding, out), file=out, flush=True)
    failed = any(finding.state == WRONG for finding in seen)
    if as_json:
        json.dump({"ok": not failed, "findings": [one.as_json() for one in seen]}, out, ensure_ascii=False)
        out.write("\n")
    return 1 if failed else 0


def _line(finding: Finding, out: TextIO) -> str:
    mark, plain, colour = MARKS[finding.state]
    encoding = getattr(out, "encoding", None) or "utf-8"
    arrow = "→"
    try:
        f"{mark}{arrow}".encode(encoding)
    except UnicodeEncodeError:  # a terminal of another age
        mark, arrow = plain, "->"
    if out.isatty() and "NO_COLOR" not in os.environ:
        mark = f"\033[{colour}m{mark}\033[0m"
    line = f"{mark} {finding.part:<10} {finding.said}"
    line = f"{line}\n  {'':<10} {arrow} {finding.advice}" if finding.advice else line
    return line.encode(encoding, "replace").decode(encoding)


def examine_and_report(*, url: str | None, ask_models: bool, as_json: bool) -> int:
    """What the command does; its exit code."""
    return report(examine(url=url, ask_models=ask_models), sys.stdout, as_json=as_json)
