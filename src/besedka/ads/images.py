"""Pictures of ads: as people and programs send them, and as we keep them, a larger one and a thumbnail."""

import base64
import binascii
import logging
import re
import secrets
from collections.abc import Iterator
from typing import Any, NamedTuple

from django.core.files import File

from besedka import pictures
from besedka.media import store
from besedka.pictures import MAX_BYTES, ImageInvalid
from besedka.problems import Unavailable

logger = logging.getLogger(__name__)

MAX_BASE64 = MAX_BYTES * 4 // 3 + 100_000  # characters: with line breaks and what stands before
FOLDER = "ads"  # of the store
SHOWN, SMALL = (1600, 1600), (480, 480)  # pixels that a kept picture and its thumbnail have at most

_DATA_URL = re.compile(r"data:([^;,]{0,100});base64,", re.IGNORECASE)
_ENDING = re.compile(r"\.([^./\\]{1,20})$")


class Encoded(NamedTuple):
    """A picture of ours: WebP, without metadata."""

    shown: bytes
    small: bytes
    width: int
    height: int


def from_base64(text: object) -> Encoded:
    """The picture in this base64 text or data URL, encoded anew. Raises `ImageInvalid`."""
    if not isinstance(text, str) or not text.strip():
        raise _refusal("The picture is no base64 text.")
    if len(text) > MAX_BASE64:
        raise _refusal(f"A picture has at most {MAX_BYTES} bytes.")
    head = _DATA_URL.match(text)
    if head and not head[1].lower().startswith("image/"):
        raise _refusal("The data URL names another type than a picture.")
    body = "".join((text[head.end() :] if head else text).split())
    try:
        content = base64.b64decode(body, validate=True)
    except (binascii.Error, ValueError):
        raise _refusal("The picture is no base64 text.") from None
    return encode(content, ending=head[1].lower().removeprefix("image/") if head else "")


def from_file(content: bytes, *, name: str) -> Encoded:
    """The picture in this file, encoded anew; an ending that names another format is refused."""
    ending = _ENDING.search(name)
    return encode(content, ending=ending[1].lower() if ending else "")


def encode(content: bytes, *, ending: str = "") -> Encoded:
    """The picture as we keep it, twice; see `pictures.rewrite`. Raises `ImageInvalid`."""
    try:
        shown, small = pictures.rewrite(content, (SHOWN, SMALL), ending=ending, form="WEBP")
    except ImageInvalid as refusal:
        raise _refusal(refusal.detail) from None
    return Encoded(shown.content, small.content, shown.width, shown.height)


def keep(picture: Encoded) -> str:
    """The picture is stored under the random name that is returned; not half of it. Raises `Unavailable`."""
    name = secrets.token_hex(16)
    try:
        store.write(stored_name(name), picture.shown)
        store.write(stored_name(name, small=True), picture.small)
    except BaseException:
        forget(name)
        raise
    return name


def read_back(name: str, width: int, height: int) -> Encoded | None:
    """A picture of this size that was kept under this name; None where it is gone. Raises `Unavailable`."""
    try:
        shown, small = store.read(stored_name(name)), store.read(stored_name(name, small=True))
    except FileNotFoundError:
        return None
    return Encoded(shown, small, width, height)


def forget(name: str) -> None:
    """There is no file of this picture any more; no name is no picture.

    Where that cannot be done now, sweeping does it: whoever forgets a picture has done what was wanted already.
    """
    if not name:
        return
    for small in (False, True):
        try:
            store.remove(stored_name(name, small=small))
        except Unavailable as problem:
            logger.warning("a picture that nobody shows stays for a while: %s", problem.detail)


def files() -> Iterator[tuple[str, float]]:
    """The names in the store of all that lies there, and the second since 1970 in which each was written."""
    return store.stored(FOLDER)


def opened(file: str) -> "File[Any]":
    """What is called so; the caller closes it. Raises `FileNotFoundError`, `Unavailable`."""
    return store.opened(f"{FOLDER}/{file}")


def stored_name(name: str, *, small: bool = False) -> str:
    """What this picture is called in the store, or its thumbnail."""
    return f"{FOLDER}/{file_name(name, small=small)}"


def file_name(name: str, *, small: bool = False) -> str:
    """What its file is called."""
    return f"{name}-small.webp" if small else f"{name}.webp"


def _refusal(sentence: str) -> ImageInvalid:
    return ImageInvalid(sentence, field="image")
