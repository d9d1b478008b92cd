"""Pictures as strangers send them: checked by their header, decoded, written anew without what came with them."""

import base64
import binascii
import io
import re
import secrets
import threading
from pathlib import Path
from typing import NamedTuple

from django.conf import settings
from PIL import Image, ImageOps

from besedka.problems import Problem

MAX_BYTES = 10 * 1024 * 1024
MAX_BASE64 = MAX_BYTES * 4 // 3 + 100_000  # characters: with line breaks and what stands before
MAX_PIXELS = 40_000_000
MAX_SIDE = 20_000  # pixels
SHOWN, SMALL = (1600, 1600), (480, 480)  # pixels that a kept picture and its thumbnail have at most
QUALITY = 80  # of WebP, of 100
DECODED_AT_ONCE = 2  # a picture takes up to 160 MB while it is decoded
FORMATS = {"JPEG": ("jpg", "jpeg"), "PNG": ("png",), "WEBP": ("webp",), "GIF": ("gif",)}

_DATA_URL = re.compile(r"data:([^;,]{0,100});base64,", re.IGNORECASE)
_ENDING = re.compile(r"\.([^./\\]{1,20})$")
_decoding = threading.BoundedSemaphore(DECODED_AT_ONCE)


class ImageInvalid(Problem):
    """This is no picture that can be shown: JPEG, PNG, WebP and GIF are taken, up to 10 MB and 40 megapixels."""

    code = "image_invalid"


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
    """The picture as we keep it: turned upright, made smaller, and nothing of the bytes that came.

    Size, pixels and frames are checked before anything is decoded. Whatever a decoder stumbles over is a fault of
    the picture. Raises `ImageInvalid`.
    """
    if not 0 < len(content) <= MAX_BYTES:
        raise _refusal(f"A picture has 1 to {MAX_BYTES} bytes, this one has {len(content)}.")
    with _decoding:
        try:
            _check_ends(content)
            with Image.open(io.BytesIO(content), formats=tuple(FORMATS)) as image:
                _check_header(image, ending)
                return _encode(image)
        except Problem:
            raise
        except Exception:  # a decoder of strangers' bytes fails in any way there is
            raise _refusal("The picture cannot be read.") from None


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


def forget(name: str) -> None:
    """There is no file of this picture any more; no name is no picture."""
    if name:
        path(name).unlink(missing_ok=True)
        path(name, small=True).unlink(missing_ok=True)


def folder() -> Path:
    """Where pictures of ads lie."""
    return Path(settings.MEDIA_ROOT) / "ads"


def path(name: str, *, small: bool = False) -> Path:
    """Where this picture lies, or its thumbnail."""
    return folder() / file_name(name, small=small)


def file_name(name: str, *, small: bool = False) -> str:
    """What its file is called."""
    return f"{name}-small.webp" if small else f"{name}.webp"


def _check_header(image: Image.Image, ending: str) -> None:
    width, height = image.size
    if width < 1 or height < 1 or max(width, height) > MAX_SIDE or width * height > MAX_PIXELS:
        raise _refusal(f"A picture has 1 to {MAX_PIXELS} pixels and sides up to {MAX_SIDE}.")
    form = "JPEG" if image.format == "MPO" else str(image.format)  # MPO: a JPEG with a second one behind it
    if form != image.format:
        image.seek(0)
    elif getattr(image, "is_animated", False):
        raise _refusal("A picture has one frame, this one is animated.")
    if ending and ending not in FORMATS[form]:
        raise _refusal(f"This is a {form}, its name or type says `{ending}`.")


def _check_ends(content: bytes) -> None:
    """A PNG goes on to its last chunk; a decoder is content with the pixels. Fails as the decoder does."""
    if content.startswith(b"\x89PNG"):
        with Image.open(io.BytesIO(content), formats=("PNG",)) as image:
            image.verify()


def _encode(image: Image.Image) -> Encoded:
    if image.format in ("JPEG", "MPO"):
        image.draft("RGB", SHOWN)  # decoded no larger than is needed
    upright = ImageOps.exif_transpose(image)
    shown = upright.convert("RGBA" if upright.has_transparency_data else "RGB")
    shown.info.clear()  # what is not written by us does not go on: EXIF, XMP, texts, profiles
    shown.thumbnail(SHOWN)
    small = shown.copy()
    small.thumbnail(SMALL)
    return Encoded(_webp(shown), _webp(small), shown.width, shown.height)


def _webp(image: Image.Image) -> bytes:
    written = io.BytesIO()
    image.save(written, "WEBP", quality=QUALITY, method=4)
    return written.getvalue()


def _refusal(sentence: str) -> ImageInvalid:
    return ImageInvalid(sentence, field="image")
