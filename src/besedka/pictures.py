"""Pictures as strangers send them: checked by their header, decoded, written anew without what came with them."""

import io
import re
import threading
from collections.abc import Sequence
from typing import NamedTuple

from PIL import Image, ImageOps

from besedka.problems import Problem

MAX_BYTES = 10 * 1024 * 1024
MAX_PIXELS = 40_000_000
MAX_SIDE = 20_000  # pixels
QUALITY = 80  # of WebP, of 100
JPEG_QUALITY = 88  # of 100: it has been a JPEG before, and what was sharp is to stay so
MAX_SCANS = 100  # of a JPEG: cameras and editors write up to a dozen, and each is a walk over all pixels
MAX_SEGMENTS = 2_000  # of a JPEG: what a camera writes beside the pixels, up to 64 KB each
DECODED_AT_ONCE = 2  # a picture takes up to 160 MB while it is decoded
FORMATS = {"JPEG": ("jpg", "jpeg"), "PNG": ("png",), "WEBP": ("webp",), "GIF": ("gif",)}
BEGINNINGS = (b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"GIF87a", b"GIF89a")

# A marker of JPEG that has a length behind it, or the end; none of these stands inside of coded pixels.
_MARKER = re.compile(rb"\xff([^\x00\x01\xd0-\xd8\xff])")
_SCAN, _END = b"\xda", b"\xd9"

_decoding = threading.BoundedSemaphore(DECODED_AT_ONCE)


class ImageInvalid(Problem):
    """This is no picture that can be shown: JPEG, PNG, WebP and GIF are taken, up to 10 MB and 40 megapixels."""

    code = "image_invalid"


class Written(NamedTuple):
    """A picture of ours, without metadata. `form` is JPEG, PNG or WEBP."""

    content: bytes
    form: str
    width: int
    height: int


def looks_like_one(content: bytes) -> bool:
    """Whether it begins as pictures do that we can show. What comes behind the beginning is not looked at."""
    return content.startswith(BEGINNINGS) or (content[:4] == b"RIFF" and content[8:12] == b"WEBP")


def rewrite(
    content: bytes, boxes: Sequence[tuple[int, int]], *, ending: str = "", form: str | None = None
) -> list[Written]:
    """The picture turned upright, once for each box and no larger than that, and nothing of the bytes that came.

    The boxes go from large to small. Without a `form` it keeps the one it has; a GIF becomes a PNG. Size, pixels
    and frames are checked before anything is decoded. Whatever a decoder stumbles over is a fault of the picture.
    An `ending` that names another format is one too. Raises `ImageInvalid`.
    """
    if not 0 < len(content) <= MAX_BYTES:
        raise ImageInvalid(f"A picture has 1 to {MAX_BYTES} bytes, this one has {len(content)}.")
    with _decoding:
        try:
            _check_ends(content)
            _check_segments(content)
            with Image.open(io.BytesIO(content), formats=tuple(FORMATS)) as image:
                _check_header(image, ending)
                return _written(image, boxes, form or _own_form(image))
        except Problem:
            raise
        except Exception:  # a decoder of strangers' bytes fails in any way there is
            raise ImageInvalid("The picture cannot be read.") from None


def _check_header(image: Image.Image, ending: str) -> None:
    width, height = image.size
    if width < 1 or height < 1 or max(width, height) > MAX_SIDE or width * height > MAX_PIXELS:
        raise ImageInvalid(f"A picture has 1 to {MAX_PIXELS} pixels and sides up to {MAX_SIDE}.")
    form = "JPEG" if image.format == "MPO" else str(image.format)  # MPO: a JPEG with a second one behind it
    if form != image.format:
        image.seek(0)
    elif getattr(image, "is_animated", False):
        raise ImageInvalid("A picture has one frame, this one is animated.")
    if ending and ending not in FORMATS[form]:
        raise ImageInvalid(f"This is a {form}, its name or type says `{ending}`.")


def _check_ends(content: bytes) -> None:
    """A PNG goes on to its last chunk; a decoder is content with the pixels. Fails as the decoder does."""
    if content.startswith(b"\x89PNG"):
        with Image.open(io.BytesIO(content), formats=("PNG",)) as image:
            image.verify()


def _check_segments(content: bytes) -> None:
    """A JPEG of many parts is small and takes hours: all pixels are walked over for each scan."""
    at, scans, segments = 2, 0, 0
    while content.startswith(b"\xff\xd8") and (found := _MARKER.search(content, at)) and found[1] != _END:
        at = found.end() + int.from_bytes(content[found.end() : found.end() + 2])
        scans, segments = scans + (found[1] == _SCAN), segments + 1
        if scans > MAX_SCANS or segments > MAX_SEGMENTS:
            raise ImageInvalid(f"A JPEG has at most {MAX_SCANS} scans and {MAX_SEGMENTS} segments.")


def _own_form(image: Image.Image) -> str:
    return {"MPO": "JPEG", "GIF": "PNG"}.get(str(image.format), str(image.format))


def _written(image: Image.Image, boxes: Sequence[tuple[int, int]], form: str) -> list[Written]:
    if image.format in ("JPEG", "MPO"):
        image.draft("RGB", boxes[0])  # decoded no larger than is needed
    upright = ImageOps.exif_transpose(image)
    shown = upright.convert("RGBA" if upright.has_transparency_data else "RGB")
    shown.info.clear()  # what is not written by us does not go on: EXIF, XMP, texts, profiles
    written = []
    for box in boxes:
        shown.thumbnail(box)
        content, became = _saved(shown, form)
        written.append(Written(content, became, shown.width, shown.height))
    return written


def _saved(image: Image.Image, form: str) -> tuple[bytes, str]:
    """The bytes, and the format: a PNG that would be too large for a file of ours becomes a WebP."""
    options = {"WEBP": {"quality": QUALITY, "method": 4}, "JPEG": {"quality": JPEG_QUALITY, "optimize": True}}
    written = io.BytesIO()
    image.save(written, form, **options.get(form, {}))
    if form == "PNG" and written.tell() > MAX_BYTES:
        return _saved(image, "WEBP")
    return written.getvalue(), form
