"""Pictures of ads: as people and programs send them, and as we keep them, a larger one and a thumbnail."""

import base64
import binascii
import contextlib
import os
import re
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from django.conf import settings

from besedka import pictures
from besedka.pictures import MAX_BYTES, ImageInvalid

MAX_BASE64 = MAX_BYTES * 4 // 3 + 100_000  # characters: with line breaks and what stands before
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
    """The picture lies in its folder under the random name that is returned; not half of it."""
    name = secrets.token_hex(16)
    folder().mkdir(parents=True, exist_ok=True)
    try:
        path(name).write_bytes(picture.shown)
        path(name, small=True).write_bytes(picture.small)
    except BaseException:
        forget(name)
        raise
    return name


def read_back(name: str, width: int, height: int) -> Encoded | None:
    """A picture of this size that was kept under this name; None where it is gone."""
    try:
        return Encoded(path(name).read_bytes(), path(name, small=True).read_bytes(), width, height)
    except FileNotFoundError:
        return None


def forget(name: str) -> None:
    """There is no file of this picture any more; no name is no picture."""
    if name:
        path(name).unlink(missing_ok=True)
        path(name, small=True).unlink(missing_ok=True)


def files() -> Iterator[tuple[Path, float]]:
    """All that lies there, with the second since 1970 in which it was written. What goes meanwhile is left out."""
    if not folder().is_dir():
        return
    with os.scandir(folder()) as entries:
        for entry in entries:
            with contextlib.suppress(FileNotFoundError):
                yield Path(entry.path), entry.stat().st_mtime


def folder() -> Path:
    """Where pictures of ads lie."""
    return Path(settings.MEDIA_ROOT) / "ads"


def path(name: str, *, small: bool = False) -> Path:
    """Where this picture lies, or its thumbnail."""
    return folder() / file_name(name, small=small)


def file_name(name: str, *, small: bool = False) -> str:
    """What its file is called."""
    return f"{name}-small.webp" if small else f"{name}.webp"


def _refusal(sentence: str) -> ImageInvalid:
    return ImageInvalid(sentence, field="image")
