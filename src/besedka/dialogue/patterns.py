"""Patterns that an author wrote, run in time that grows with the text alone: RE2 never goes back."""

from functools import lru_cache

import re2

MAX_PATTERN = 500  # characters
MAX_MEMORY = 1 << 20  # bytes that RE2 may use for one pattern


class PatternUnfit(ValueError):
    """RE2 cannot run this pattern; the message says why."""


def check(pattern: str) -> None:
    """The pattern can be run. Raises `PatternUnfit`."""
    _compiled(pattern)


def matches(pattern: str, text: str) -> bool:
    """Whether the whole text is as the pattern says; letters of either case."""
    return _compiled(pattern).fullmatch(text) is not None


@lru_cache(maxsize=1_000)
def _compiled(pattern: str):  # type: ignore[no-untyped-def]
    if len(pattern) > MAX_PATTERN:
        raise PatternUnfit(f"a pattern has at most {MAX_PATTERN} characters")
    options = re2.Options()
    options.max_mem = MAX_MEMORY
    options.case_sensitive = False
    options.log_errors = False
    try:
        return re2.compile(pattern, options)
    except re2.error as fault:
        reason = fault.args[0]
        raise PatternUnfit(
            reason.decode("utf-8", "replace") if isinstance(reason, bytes) else str(reason)
        ) from None
