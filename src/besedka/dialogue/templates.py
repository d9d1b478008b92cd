"""Texts with `{names}` in them. Each name is put in once; what comes in is never looked at again.

There is nothing but names: no attributes, no calls, no formats. What else stands in braces stays as it is.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from urllib.parse import quote

Value = str | int | float | bool | None

LAST_ANSWER = "user_input"
# Between these a secret's name stands in a filled template, until whoever performs the call puts the secret in. No
# value can bring them in: they are taken out of all.
OPEN, CLOSE = "\ue000", "\ue001"
MAX_FILLED = 50_000  # characters of a text once its names are put in

_NAME = re.compile(r"\{([^\W\d]\w{0,59})\}")
_SECRET = re.compile(r"\{secret\.([A-Za-z_][A-Za-z0-9_]{0,59})\}")
_MARKED = re.compile(f"{OPEN}([A-Za-z_][A-Za-z0-9_]*){CLOSE}")
_NO_MARKS = {ord(OPEN): None, ord(CLOSE): None}
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_HOST_END = re.compile(r"https?://[^/?#]+", re.IGNORECASE)


class Unfit(ValueError):
    """A value cannot stand where the template puts it; the message says which and why."""


def text(template: str, variables: Mapping[str, Value], answer: str) -> str:
    """Return the text with values in it as people read them; a variable that is not set leaves nothing."""
    return _filled(template, variables, answer, shown)


def url(template: str, variables: Mapping[str, Value], answer: str) -> str:
    """Return the address; a value is encoded so that it stays within its part of the path or query.

    Raises `Unfit` for a value that is `.` or `..`, which would climb in the path.
    """
    host = _HOST_END.match(template)
    end = host.end() if host else 0

    def escape(value: Value) -> str:
        raw = shown(value)
        if raw in (".", ".."):
            raise Unfit("a value of the address is only points")
        return quote(raw, safe="")

    return template[:end] + _filled(template[end:], variables, answer, escape)


def header(template: str, variables: Mapping[str, Value], answer: str) -> str:
    """Return the value of a header. Raises `Unfit` for a line break or another control character in it."""
    filled = _filled(template, variables, answer, shown, secrets=True)
    if _CONTROL.search(filled):
        raise Unfit("the value of a header would have a line break or another control character")
    return filled


def inside(template: object, variables: Mapping[str, Value], answer: str) -> object:
    """Return the same lists, objects and values, with the names in their texts put in.

    A text that is one name and nothing else becomes its value as it is: a number stays a number.
    """
    if isinstance(template, str):
        whole = _NAME.fullmatch(template)
        if whole:
            return _value(whole.group(1), variables, answer)
        return _filled(template, variables, answer, shown, secrets=True)
    if isinstance(template, Mapping):
        return {key: inside(one, variables, answer) for key, one in template.items()}
    if isinstance(template, list | tuple):
        return [inside(one, variables, answer) for one in template]
    return template


def with_secrets(filled: object, secrets: Mapping[str, str]) -> object:
    """Return what `inside` and `header` gave, with secrets in their places; raises `Unfit` for an unknown one."""
    if isinstance(filled, str):
        return _MARKED.sub(lambda found: _secret(found.group(1), secrets), filled)
    if isinstance(filled, Mapping):
        return {key: with_secrets(one, secrets) for key, one in filled.items()}
    if isinstance(filled, list | tuple):
        return [with_secrets(one, secrets) for one in filled]
    return filled


def names_in(template: object) -> Iterator[str]:
    """The variables that a template reads, in their order; the last answer is none of them."""
    written = template if isinstance(template, str) else json.dumps(template, ensure_ascii=False, default=str)
    for found in _NAME.finditer(written):
        if found.group(1) != LAST_ANSWER:
            yield found.group(1)


def secrets_in(template: object) -> Iterator[str]:
    """The secrets that a template names; whoever performs the call puts them in."""
    written = template if isinstance(template, str) else json.dumps(template, ensure_ascii=False, default=str)
    for found in _SECRET.finditer(written):
        yield found.group(1)


def shown(value: Value) -> str:
    """Return a value as people read it."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def _filled(
    template: str,
    variables: Mapping[str, Value],
    answer: str,
    escape: Callable[[Value], str],
    secrets: bool = False,
) -> str:
    clean = template.translate(_NO_MARKS)
    marked = _SECRET.sub(lambda found: f"{OPEN}{found.group(1)}{CLOSE}", clean) if secrets else clean
    filled = _NAME.sub(lambda found: escape(_value(found.group(1), variables, answer)), marked)
    return filled[:MAX_FILLED]


def _secret(name: str, secrets: Mapping[str, str]) -> str:
    if name not in secrets:
        raise Unfit(f"there is no secret {name}")
    return secrets[name]


def _value(name: str, variables: Mapping[str, Value], answer: str) -> Value:
    value = answer if name == LAST_ANSWER else variables.get(name)
    return value.translate(_NO_MARKS) if isinstance(value, str) else value
