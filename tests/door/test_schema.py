"""The API does what its description says, for whatever a generator makes up from it."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import running

pytestmark = pytest.mark.timeout(600)

EXAMPLES = os.environ.get("BESEDKA_EXAMPLES", "25")  # for each operation
SEED = os.environ.get("BESEDKA_SEED", "1")  # the same requests each time, or others: a number
CHECKS = "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance"
ENDLESS = "/stream$"  # an answer that never ends cannot be compared with anything


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[running.Server]:
    """A server of its own: who signs in as an administrator and tries everything also switches bots off."""
    with running.server(tmp_path_factory.mktemp("tried") / "home") as server:
        yield server


def test_no_made_up_request_breaks_anything(site, tmp_path):
    (tmp_path / "schemathesis.toml").write_text('[parameters]\n"query.wait" = 0\n')  # nobody has to wait for news
    command = [
        str(Path(sys.executable).with_name("schemathesis")),
        *("run", f"{site.url}/api/schema/?format=json"),
        *("--checks", CHECKS),
        *("--exclude-path-regex", ENDLESS),
        *("--max-examples", EXAMPLES),
        *("--seed", SEED),
        *("--request-timeout", "40"),
        *("--auth", f"admin:{running.PASSWORD}"),
        *("--workers", "1"),  # more break CPython 3.11: "AST constructor recursion depth mismatch"
        "--no-color",
    ]

    finished = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, check=False)

    assert finished.returncode == 0, finished.stdout[-6_000:]
    assert "Traceback" not in site.log.read_text(errors="replace")
