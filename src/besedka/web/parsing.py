"""JSON as programs send it to Django's side: of a bounded size and depth, and without what no database stores."""

import json
from collections.abc import Iterator, Mapping
from typing import Any, NoReturn

from rest_framework.exceptions import ParseError
from rest_framework.parsers import JSONParser

from besedka.problems import BodyTooLarge

MAX_BODY = 6_000_000  # bytes: a bot with everything in it
MAX_DEPTH = 60  # lists and objects inside one another
MAX_PARTS = 200_000  # values in a body


class BoundedJSON(JSONParser):
    """JSON in UTF-8; of a name that stands twice the last counts."""

    def parse(
        self, stream: Any, media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> Any:
        """What the body says. Raises `BodyTooLarge`, `ParseError`."""
        view = (parser_context or {}).get("view")
        limit = getattr(view, "max_body_bytes", MAX_BODY)  # where a picture comes, more is taken
        body = stream.read(limit + 1)
        if len(body) > limit:
            raise BodyTooLarge(limit_bytes=limit)
        try:
            read = json.loads(body.decode("utf-8-sig"), parse_constant=_no_number)
        except UnicodeDecodeError:
            raise ParseError("The body is not UTF-8.") from None
        except RecursionError:
            raise ParseError("Lists and objects are too deep inside one another.") from None
        except ValueError as error:
            raise ParseError(f"The body is not JSON: {error}") from None
        for path, fault in _faults(read):
            raise ParseError(f"`{path}`: {fault}." if path else f"{fault}.")
        return read


def _no_number(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number of JSON")


def _faults(read: Any) -> Iterator[tuple[str, str]]:
    """What cannot be kept: zero bytes, halves of characters, numbers without end. Without recursion."""
    waiting: list[tuple[str, int, Any]] = [("", 0, read)]
    parts = 0
    while waiting:
        path, depth, value = waiting.pop()
        parts += 1
        if parts > MAX_PARTS:
            yield "", f"More than {MAX_PARTS} values are in the body"
            return
        if isinstance(value, str):
            yield from _text_faults(path, value)
        elif isinstance(value, float):
            if value in (float("inf"), float("-inf")):
                yield path, "The number is too large"
        elif isinstance(value, dict | list):
            if depth >= MAX_DEPTH:
                yield path[:200], f"Lists and objects are more than {MAX_DEPTH} deep inside one another"
                return
            pairs = value.items() if isinstance(value, dict) else enumerate(value)
            for name, one in pairs:
                if isinstance(name, str):
                    yield from _text_faults(path, name)
                waiting.append((f"{path}.{name}" if path else str(name), depth + 1, one))


def _text_faults(path: str, text: str) -> Iterator[tuple[str, str]]:
    if "\0" in text:
        yield path, "A text contains a NUL character"
    elif not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError:
            yield path, "A text contains half of a character (an unpaired surrogate)"
