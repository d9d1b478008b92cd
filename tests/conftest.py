"""What every test shares: a home of its own, and one running server for those that only talk to it."""

import os
import tempfile
from collections.abc import Iterator

# Before Django reads its settings.
os.environ.setdefault("BESEDKA_HOME", tempfile.mkdtemp(prefix="besedka-tests-"))

import pytest
import running

from besedka.accounts import registration
from besedka.bots import scenarios
from besedka.turns import staff


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


@pytest.fixture(autouse=True)
def nobody_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    """What this process remembers of a database that is gone with the last test, and of who asked there."""
    monkeypatch.setattr(registration, "_new_accounts", registration.Rate("registrations", burst=10, per_s=1 / 60))
    staff.forget()
    scenarios.forget()
