"""What a trial says about itself, for the table of all of them; without a table nobody listens."""

from collections.abc import Callable
from typing import Any

Record = Callable[[str, Any], None]

_records: list[Record] = []


def open_for(record: Record | None) -> None:
    """From now on figures are this test's; None: nobody's."""
    _records[:] = [record] if record else []


def note(**figures: Any) -> None:
    """These are figures of the test that runs; of a figure that is noted again the last counts."""
    for record in _records:
        for name, value in figures.items():
            record(name, value)
