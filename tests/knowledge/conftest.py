"""What is handed in to become knowledge needs somebody who works at it."""

from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from besedka.conversations import signals
from besedka.knowledge import admin, api, submissions, workshop


@pytest.fixture
def working(transactional_db: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Every import is begun the moment it is handed in, by a thread of its own, as in a running server."""

    def hear(kinds: Mapping[str, Any]) -> None:
        if kinds.get(submissions.SIGNAL):
            workshop.begin()

    for edge in (api, admin):
        monkeypatch.setattr(edge, "WAIT_S", 60.0)  # a busy machine takes longer than people want to wait
    workshop.open_again()  # whoever worked before may have closed it
    signals.relay_to(hear)
    yield
    signals._hub.relays.remove(hear)
    workshop.close()
    workshop.open_again()
