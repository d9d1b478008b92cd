"""aimock: a server of models that nobody here wrote, from npm, with answers that a test gives it."""

import contextlib
import fcntl
import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
import running

HOME = Path(__file__).with_name("aimock")
CLI = HOME / "node_modules" / "@copilotkit" / "aimock" / "dist" / "cli.js"


@contextlib.contextmanager
def serving(fixtures: list[dict[str, Any]], folder: Path, *arguments: str) -> Iterator[str]:
    """The address of a server that answers by these fixtures. Skips the test where there is no Node to run it."""
    _install()
    (folder / "fixtures.json").write_text(json.dumps({"fixtures": fixtures}))
    port = running.free_port()
    command = ["node", str(CLI), "-p", str(port), "-f", str(folder / "fixtures.json"), *arguments]
    with (folder / "aimock.log").open("wb") as log:
        server = subprocess.Popen([*command, "--log-level", "warn"], stdout=log, stderr=log)
    try:
        running.wait_for_port(port)
        yield f"http://127.0.0.1:{port}"
    finally:
        server.terminate()
        server.wait()


def journal(address: str) -> list[dict[str, Any]]:
    """What the server was asked."""
    entries: list[dict[str, Any]] = httpx2.get(f"{address}/__aimock/journal").json()
    return entries


def _install() -> None:
    """It lies in its folder; the first test that needs it fetches it, by the lock file, and the others wait."""
    if shutil.which("npm") is None or shutil.which("node") is None:
        if os.environ.get("BESEDKA_REQUIRE_ALL") == "on":
            pytest.fail("aimock needs Node and npm")
        pytest.skip("aimock needs Node and npm")
    with (HOME / ".installing").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not CLI.exists():
            subprocess.run(["npm", "ci", "--no-audit", "--no-fund", "--silent"], cwd=HOME, check=True)
