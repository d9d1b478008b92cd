"""Models to talk to."""

from collections.abc import Iterator

import llm_stub
import pytest
from llm_stub import Stub


@pytest.fixture
def stub(settings) -> Iterator[Stub]:
    """A model on a server of its own, which may be reached although it is on this machine."""
    with llm_stub.running() as running:
        settings.OUTBOUND_ALLOW = {f"127.0.0.1:{running.port}"}
        yield running
