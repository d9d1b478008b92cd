"""Each trial's figures stand beside its name in the table of all of them."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from faults import book


@pytest.fixture(autouse=True)
def _written_down(record_property: Callable[[str, Any], None]) -> Iterator[None]:
    book.open_for(record_property)
    yield
    book.open_for(None)
