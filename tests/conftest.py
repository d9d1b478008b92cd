"""What every test shares: a home of its own, and one running server for those that only talk to it."""

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

# Before Django reads its settings.
os.environ.setdefault("BESEDKA_HOME", tempfile.mkdtemp(prefix="besedka-tests-"))

import pytest
import running
import s3

from besedka.accounts import registration
from besedka.bots import scenarios
from besedka.turns import staff


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """In its long form a test may take what it needs, whatever it is given otherwise."""
    if seconds := os.environ.get("BESEDKA_TIMEOUT_S"):
        for item in items:
            item.add_marker(pytest.mark.timeout(float(seconds)), append=False)


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[running.Server]:
    """A server without limits on how fast it may be asked."""
    with running.server(tmp_path_factory.mktemp("site") / "home", BESEDKA_ACCESS_LOG="on") as server:
        yield server


@pytest.fixture(scope="session")
def limited_site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[running.Server]:
    """A server as it comes: with limits."""
    with running.server(tmp_path_factory.mktemp("limited") / "home", BESEDKA_RATE_LIMITS="on") as server:
        yield server


@pytest.fixture(scope="session")
def s3_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[s3.Server]:
    """An S3 server."""
    with s3.server(tmp_path_factory.mktemp("s3")) as server:
        yield server


@pytest.fixture
def bucket(s3_server: s3.Server, settings: Any) -> str:
    """Files lie in a bucket of the test's own; its name."""
    name = s3_server.bucket()
    settings.STORAGES = s3.storages(name, s3_server.port)
    return name


@pytest.fixture(params=["folder", "s3"])
def either_store(request: pytest.FixtureRequest, settings: Any, tmp_path: Path) -> str:
    """Files lie in a folder of the test's own, or in a bucket."""
    settings.MEDIA_ROOT = tmp_path / "media"
    if request.param == "s3":
        request.getfixturevalue("bucket")
    return str(request.param)


@pytest.fixture(autouse=True)
def nobody_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    """What this process remembers of a database that is gone with the last test, and of who asked there."""
    monkeypatch.setattr(registration, "_new_accounts", registration.Rate("registrations", burst=10, per_s=1 / 60))
    staff.forget()
    scenarios.forget()
