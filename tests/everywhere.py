"""Runs the tests on every database that answers, and says in one line what it left out.

SQLite first, with everything there is; then what touches a database again on PostgreSQL and on MariaDB. With
`BESEDKA_REQUIRE_ALL=on` a database, a Redis or a browser that is missing is a failure.
"""

import json
import os
import socket
import subprocess
import sys
import tempfile
import urllib.parse
from pathlib import Path
from typing import NamedTuple

SERVICES = {
    "PostgreSQL": ("BESEDKA_TEST_POSTGRESQL", "postgresql://postgres@127.0.0.1:5432/besedka"),
    "MariaDB": ("BESEDKA_TEST_MARIADB", "mysql://root@127.0.0.1:3306/besedka"),
    "Redis": ("BESEDKA_TEST_REDIS", "redis://127.0.0.1:6379/15"),
}
SOME_FAILED = 1  # how pytest says it
FEW = 5  # that may have met a limit of time
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
    "tests/dialogue",
    *(f"tests/answers/test_{name}.py" for name in PURE),
    *(f"tests/telegram/test_{name}.py" for name in ("client", "emulators", "processes", "splitting", "wire")),
    *(f"tests/project/test_{name}.py" for name in ("pulse", "starting")),
    "tests/test_house.py",
    "tests/test_outbound.py",
    "tests/test_sealed.py",
    "tests/knowledge/test_formats.py",
    "tests/knowledge/test_formats_broken.py",
    "tests/knowledge/test_formats_chunks.py",
]


class Round(NamedTuple):
    """One run of pytest: on which database, with what."""

    name: str
    url: str
    options: list[str]


def main(arguments: list[str]) -> int:
    """Run all rounds; 0 when each of them passed."""
    urls = {name: os.environ.get(variable, standard) for name, (variable, standard) in SERVICES.items()}
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
    rounds += [Round(name, urls[name], without) for name in ("PostgreSQL", "MariaDB") if name not in missing]
    failed = [one.name for one in rounds if not passes(one, urls, arguments)]
    print(
        f"Failed on: {'; '.join(failed)}." if failed else f"Passed on: {'; '.join(r.name for r in rounds)}.",
        flush=True,
    )
    return 1 if failed else 0


def passes(one: Round, urls: dict[str, str], arguments: list[str]) -> bool:
    """Whether pytest passes in this round. A few that failed are tried again, alone, and it is said which.

    Two workers, their servers and a browser share what cores there are; what fails only beside others has met a
    limit of time, what fails alone is broken.
    """
    print(f"── {one.name}", flush=True)
    environment = {variable: urls[service] for service, (variable, _) in SERVICES.items()}
    environment = {**os.environ, **environment, "DATABASE_URL": one.url}
    with tempfile.TemporaryDirectory(prefix="besedka-round-") as memory:
        command = [sys.executable, "-m", "pytest", "-q", *one.options, *arguments, "-o", f"cache_dir={memory}"]
        beside = subprocess.run([*command, "-n", "2", "--dist", "loadgroup"], env=environment, check=False)
        if beside.returncode != SOME_FAILED:
            return beside.returncode == 0
        failed = json.loads(Path(memory, "v/cache/lastfailed").read_text())
        if len(failed) > FEW:
            return False
        print(f"── {one.name}: again, alone: {', '.join(failed)}", flush=True)
        alone = subprocess.run([*command, "-n", "0", "--last-failed"], env=environment, check=False)
        return alone.returncode == 0


def answers(url: str) -> bool:
    """Whether something listens there."""
    parts = urllib.parse.urlsplit(url)
    try:
        with socket.create_connection((parts.hostname or "127.0.0.1", parts.port or 0), timeout=1):
            return True
    except OSError:
        return False


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
