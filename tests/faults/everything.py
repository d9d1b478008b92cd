"""Every fault, for as long as it takes: the tests of faults in their long form, and a table of what came of them.

    make faults
    make faults ARGS="-k disk"

It writes the table to build/faults.md, and all figures to build/faults.json. It exits with 1 when anything was
lost, doubled or came out of order, or when a fault could not be made here. How long it takes is said by the same
variables that a single test reads; those that are set already are left as they are. Two run at once, as in
`make test`; `ARGS="-n 0"` runs them one after the other.
"""

import json
import os
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import groups
import services

ROOT = Path(__file__).resolve().parents[2]
BUILD = ROOT / "build"
TESTS = [
    "tests/faults",
    "tests/telegram",
    "tests/door/test_handing_out.py",
    "tests/answers/test_providers.py",
    "tests/conversations/test_leases.py",
]
TOGETHER = ["tests/door/test_together.py"]  # several processes are for PostgreSQL
BROWSER = ["tests/browser/test_both_ways.py"]  # apart from the others: Playwright keeps an event loop running
LONG = {
    "BESEDKA_TIMEOUT_S": "7200",  # of each test
    "BESEDKA_KILLS": "200",  # of the server under load
    "BESEDKA_SWALLOWED": "1000",  # rounds in which answers are swallowed
    "BESEDKA_ROUNDS": "10",  # of workers, web processes and beats that die
    "BESEDKA_AWAY_S": "60",  # of a broker that is away
    "BESEDKA_CLAIMS": "500",  # conversations that several operators claim at once
    "BESEDKA_MESSAGES": "1000000",  # that are there when the schema changes
    "BESEDKA_TOGETHER_S": "60",  # of two releases at once
    "BESEDKA_FAULT_S": "300",  # of each fault that lasts
    "BESEDKA_BOTH_WAYS_S": "600",  # of a browser on a bad line
    "BESEDKA_SOCKETS": "1000",  # that never read
    "BESEDKA_ASKERS": "10",  # visitors that meet each trouble of a model
    "BESEDKA_RETRY_AFTER_S": "30",  # that Telegram asks for
}
FIGURES = {
    "messages": "messages",
    "retries": "sent again",
    "slowest_s": "slowest answer, s",
    "back_s": "slowest return, s",
    "lost": "lost",
    "doubled": "doubled",
    "disordered": "out of order",
}


def main(arguments: list[str]) -> int:
    """Run them all; 0 when each held."""
    trials = run(TESTS, arguments) + run(TOGETHER, arguments, services.address("PostgreSQL"))
    trials += run(BROWSER, arguments)
    BUILD.mkdir(exist_ok=True)
    (BUILD / "faults.json").write_text(json.dumps(trials, ensure_ascii=False, indent=1))
    (BUILD / "faults.md").write_text(table(trials))
    print(table(trials))
    return 0 if trials and all(trial["verdict"] == "held" for trial in trials) else 1


def run(tests: list[str], arguments: list[str], database: str = "") -> list[dict[str, Any]]:
    """Run these, those without a database of their own on this one (SQLite); what came of each."""
    with tempfile.TemporaryDirectory(prefix="besedka-faults-") as folder:
        report = Path(folder, "faults.xml")
        command = [sys.executable, "-m", "pytest", "-v", f"--junitxml={report}"]
        command += ["-o", "junit_family=xunit1", "-o", "junit_duration_report=call"]  # the other has no figures
        command += ["-n", "2", "--dist", "loadgroup", *tests, *arguments]
        environment = {**LONG, **os.environ, "DATABASE_URL": database}
        subprocess.run(command, cwd=ROOT, env=environment, check=False)
        return read(report)


def read(report: Path) -> list[dict[str, Any]]:
    """What each test tried, its figures, and what came of it."""
    trials = []
    for case in ET.parse(report).iter("testcase"):
        figures = {one.attrib["name"]: one.attrib["value"] for one in case.iter("property")}
        what = groups.plain(case.attrib["name"]).removeprefix("test_").replace("_", " ")
        where = case.attrib["classname"].removeprefix("tests.")
        took_s = round(float(case.attrib["time"]))
        trials.append({"case": where, "what": what, "took_s": took_s, **figures, "verdict": verdict(case)})
    return trials


def verdict(case: "ET.Element[str]") -> str:
    """In a word."""
    if case.find("failure") is not None or case.find("error") is not None:
        return "BROKEN"
    return "not tried" if case.find("skipped") is not None else "held"


def table(trials: list[dict[str, Any]]) -> str:
    """In Markdown. What counted no messages is told in a line for each file, unless it did not hold."""
    names = ["case", "what was done", *FIGURES.values(), "seconds", "verdict"]
    lines = [f"| {' | '.join(names)} |", "|" + " --- |" * len(names)]
    plain: dict[str, list[dict[str, Any]]] = {}
    for trial in trials:
        if trial["verdict"] == "held" and "messages" not in trial:
            plain.setdefault(trial["case"], []).append(trial)
            continue
        figures = [str(trial.get(name, "")) for name in FIGURES]
        cells = [trial["case"], trial["what"], *figures, str(trial["took_s"]), trial["verdict"]]
        lines.append(f"| {' | '.join(cells)} |")
    for case, held in plain.items():
        cells = [case, f"{len(held)} more", *[""] * len(FIGURES), str(sum(t["took_s"] for t in held)), "held"]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
