"""The API does what its description says, for whatever a generator makes up from it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import running

pytestmark = [pytest.mark.xdist_group("site"), pytest.mark.timeout(600)]

EXAMPLES = os.environ.get("BESEDKA_EXAMPLES", "25")  # for each operation
CHECKS = "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance"
ENDLESS = "/stream$"  # an answer that never ends cannot be compared with anything


def test_no_made_up_request_breaks_anything(site, tmp_path):
    (tmp_path / "schemathesis.toml").write_text('[parameters]\n"query.wait" = 0\n')  # nobody has to wait for news
    command = [
        str(Path(sys.executable).with_name("schemathesis")),
        *("run", f"{site.url}/api/schema/?format=json"),
        *("--checks", CHECKS),
        *("--exclude-path-regex", ENDLESS),
        *("--max-examples", EXAMPLES),
        *("--request-timeout", "40"),
        *("--auth", f"admin:{running.PASSWORD}"),
        *("--workers", "1"),  # more break CPython 3.11: "AST constructor recursion depth mismatch"
        "--no-color",
    ]

    finished = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, check=False)

    assert finished.returncode == 0, finished.stdout[-6_000:]
    assert "Traceback" not in site.log.read_text(errors="replace")
