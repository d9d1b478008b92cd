"""Runs the tests on every database that answers, and says in one line what it left out.

SQLite first, with everything there is; then what touches a database again on PostgreSQL, and on MariaDB what has
SQL of its own or is what clients rely on. With `BESEDKA_REQUIRE_ALL=on` a database, a Redis or a browser that is
missing is a failure.
"""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

import groups
from services import SERVICES, address, answers

SOME_FAILED = 1  # how pytest says it
FEW = 8  # that may have met a limit of time
CHROMIUM = Path("/usr/bin/chromium")
BROWSER = "tests/browser"  # apart from the others: Playwright keeps an event loop running
PURE = [
    "aimock",
    "clarifying",
    "guards",
    "moods",
    "offline",
    "personas",
    "prompting",
    "providers",
    "refusals",
    "small_talk",
    "wishes",
]
ONCE = [  # need no database, or look after theirs themselves
    "tests/faults",
    "tests/deploy",
    "tests/load",
    "tests/dialogue",
    *(f"tests/answers/test_{name}.py" for name in PURE),
    *(f"tests/telegram/test_{name}.py" for name in ("client", "emulators", "processes", "splitting", "wire")),
    *(f"tests/project/test_{name}.py" for name in ("pulse", "starting")),
    "tests/test_docs.py",
    "tests/test_house.py",
    "tests/test_outbound.py",
    "tests/test_sealed.py",
    "tests/knowledge/test_formats.py",
    "tests/knowledge/test_formats_broken.py",
    "tests/knowledge/test_formats_chunks.py",
]

SQL = [  # on every database
    *(f"tests/{name}" for name in ("accounts", "bots", "contract", "conversations", "desk", "telegram", "turns")),
    "tests/ads/test_searching.py",
    "tests/test_collisions.py",
]


class Round(NamedTuple):
    """One run of pytest: on which database, with what."""

    name: str
    url: str
    options: list[str]


def main(arguments: list[str]) -> int:
    """Run all rounds; 0 when each of them passed."""
    urls = {name: address(name) for name in SERVICES}
    missing = [name for name, url in urls.items() if not answers(url)]
    if not CHROMIUM.exists():
        missing.append("Chromium")
    if missing:
        print(f"Left out, as they are not here: {', '.join(missing)}.", flush=True)
        if os.environ.get("BESEDKA_REQUIRE_ALL") == "on":
            return 1
    rounds = [Round("SQLite", "", [f"--ignore={BROWSER}"])]
    if "Chromium" not in missing:
        rounds.append(Round("SQLite, in Chromium", "", [BROWSER]))
    without = [f"--ignore={path}" for path in (BROWSER, *ONCE)]
    if "PostgreSQL" not in missing:
        rounds.append(Round("PostgreSQL", urls["PostgreSQL"], without))
    if "MariaDB" not in missing:
        rounds.append(Round("MariaDB", urls["MariaDB"], [*SQL, *without]))
    there = {variable: "" if name in missing else urls[name] for name, (variable, _) in SERVICES.items()}
    failed = [one.name for one in rounds if not passes(one, there, arguments)]
    print(
        f"Failed on: {'; '.join(failed)}." if failed else f"Passed on: {'; '.join(r.name for r in rounds)}.",
        flush=True,
    )
    return 1 if failed else 0


def passes(one: Round, there: dict[str, str], arguments: list[str]) -> bool:
    """Whether pytest passes in this round, with what is `there`.

    A few that failed are tried again, alone, and it is said which.

    Two workers, their servers and a browser share what cores there are; what fails only beside others has met a
    limit of time, what fails alone is broken.
    """
    print(f"── {one.name}", flush=True)
    environment = {**os.environ, **there, "DATABASE_URL": one.url}
    with tempfile.TemporaryDirectory(prefix="besedka-round-") as memory:
        own = ["-q", "--durations=12", "-o", f"cache_dir={memory}"]
        command = [sys.executable, "-m", "pytest", *own, *one.options, *arguments]
        beside = subprocess.run([*command, "-n", "2", "--dist", "loadgroup"], env=environment, check=False)
        if beside.returncode != SOME_FAILED:
            return beside.returncode == 0
        failed = json.loads(Path(memory, "v/cache/lastfailed").read_text())
        if len(failed) > FEW:
            return False
        alone = [groups.plain(test) for test in failed]
        print(f"── {one.name}: again, alone: {', '.join(alone)}", flush=True)
        again = subprocess.run(
            [sys.executable, "-m", "pytest", *own, *arguments, "-n", "0", *alone], env=environment, check=False
        )
        return again.returncode == 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
