"""What is under way here: the conversation, the delivery, the task; every line of the log says so."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar

_NOTHING: Mapping[str, str | int] = {}
_known: ContextVar[Mapping[str, str | int]] = ContextVar("about", default=_NOTHING)


@contextmanager
def these(**ids: str | int | None) -> Iterator[None]:
    """Until it ends, lines of this task, and of those that it begins, say that they are about these."""
    begun = _known.set(_with(ids))
    try:
        yield
    finally:
        _known.reset(begun)


def note(**ids: str | int | None) -> None:
    """As `these`, from now on: to the end of this asyncio task; in a thread, until it is said anew."""
    _known.set(_with(ids))


def known() -> Mapping[str, str | int]:
    """By name, the ids of what is under way."""
    return _known.get()


def _with(ids: Mapping[str, str | int | None]) -> Mapping[str, str | int]:
    return {**_known.get(), **{name: known for name, known in ids.items() if known is not None}}
