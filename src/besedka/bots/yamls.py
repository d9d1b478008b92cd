"""YAML as we take it: the values that JSON has, each with the line where it stands; and as we write it.

No anchors (a few hundred bytes of them become gigabytes), no tags, no key twice, no dates that were meant as text.
"""

import re
from collections.abc import Iterator
from typing import Any, NamedTuple

import yaml

from besedka.problems import Problem

MAX_BYTES = 2_000_000
MAX_DEPTH = 40
MAX_PARTS = 200_000  # values in a file
WIDTH = 110  # characters of a line that we write

_INT, _FLOAT, _BOOL, _NULL, _STR, _TIME = (
    f"tag:yaml.org,2002:{kind}" for kind in ("int", "float", "bool", "null", "str", "timestamp")
)
_ENDLESS = re.compile(r"[+-]?\.(inf|nan)", re.IGNORECASE)
_NUMBER = re.compile(r"[+-]?\d+(\.\d*)?([eE][+-]?\d+)?")


class FileUnreadable(Problem):
    """This file cannot be read."""

    code = "file_unreadable"


class Read(NamedTuple):
    """What a file says, and the line (from 1) of each value by its path: names and positions joined by points."""

    value: Any
    lines: dict[str, int]

    def line_of(self, path: str) -> int:
        """The line of the value at this path, or of the nearest one around it."""
        while path not in self.lines and path:
            path = path.rpartition(".")[0]
        return self.lines.get(path, 1)


def read(text: str) -> Read:
    """Return what the file says; raises `FileUnreadable` with the line of the fault."""
    if len(text.encode("utf-8", "replace")) > MAX_BYTES:
        raise FileUnreadable(f"The file is larger than {MAX_BYTES} bytes.", line=1)
    try:
        _check(text)
        lines: dict[str, int] = {}
        return Read(_value(yaml.compose(text, Loader=yaml.CSafeLoader), "", lines), lines)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
        line = mark.line + 1 if mark is not None else 1
        reason = getattr(error, "problem", None) or getattr(error, "reason", None) or "this is no YAML"
        raise FileUnreadable(f"Line {line}: {reason}.", line=line) from None


def write(value: Any) -> str:
    """The value as people read and compare it: in its own order, long texts as blocks."""
    written: str = yaml.dump(value, Dumper=_Writer, allow_unicode=True, sort_keys=False, width=WIDTH)
    return written


def _check(text: str) -> None:
    depth = 0
    for number, event in enumerate(yaml.parse(text, Loader=yaml.CSafeLoader)):
        if number > MAX_PARTS:
            raise _refused(event, f"more than {MAX_PARTS} values")
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            raise _refused(event, "anchors and aliases are not taken")
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            if depth > MAX_DEPTH:
                raise _refused(event, f"more than {MAX_DEPTH} levels inside one another")
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1


def _value(node: Any, path: str, lines: dict[str, int]) -> Any:
    if node is None:
        return None
    lines[path] = node.start_mark.line + 1
    if isinstance(node, yaml.MappingNode):
        return dict(_pairs(node, path, lines))
    if isinstance(node, yaml.SequenceNode):
        return [_value(one, _below(path, str(at)), lines) for at, one in enumerate(node.value)]
    return _scalar(node)


def _pairs(node: yaml.MappingNode, path: str, lines: dict[str, int]) -> Iterator[tuple[str, Any]]:
    seen: set[str] = set()
    for key, one in node.value:
        if not isinstance(key, yaml.ScalarNode):
            raise _refused(key, "a key is a text")
        if key.value in seen:
            raise _refused(key, f"the key {key.value!r} stands here twice")
        seen.add(key.value)
        yield key.value, _value(one, _below(path, key.value), lines)


def _scalar(node: yaml.ScalarNode) -> Any:
    written = str(node.value)
    if "\0" in written:
        raise _refused(node, "a text contains a NUL character")
    if node.tag in (_STR, _TIME):
        return written
    if node.tag == _NULL:
        return None
    if node.tag == _BOOL:
        if written.lower() not in ("true", "false"):
            return written  # `yes` and `on` are words of answers more often than they are values
        return written.lower() == "true"
    if node.tag in (_INT, _FLOAT) and not _NUMBER.fullmatch(written) and not _ENDLESS.fullmatch(written):
        return written  # 1_000, 0x1F and 12:30 are texts
    if node.tag == _INT and len(written) <= 18:
        return int(written)
    if node.tag == _FLOAT and not _ENDLESS.fullmatch(written) and abs(number := float(written)) < 1e300:
        return number
    raise _refused(node, f"{node.tag.rpartition(':')[2]} is no kind of value here, or it is too large")


def _below(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


def _refused(at: Any, reason: str) -> yaml.YAMLError:
    error = yaml.MarkedYAMLError(problem=reason, problem_mark=at.start_mark)
    return error


class _Writer(yaml.CSafeDumper):
    """Texts of several lines as blocks."""

    def ignore_aliases(self, data: Any) -> bool:
        """The same value twice is written twice."""
        return True


def _text(writer: Any, text: str) -> Any:
    style = "|" if "\n" in text and not any(line.endswith(" ") for line in text.split("\n")) else None
    return writer.represent_scalar(_STR, text, style=style)


_Writer.add_representer(str, _text)
