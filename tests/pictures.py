"""Pictures as people and others send them."""

import base64
import io
import struct
import zlib
from typing import Any

from PIL import Image

ENDINGS = {"JPEG": "jpg", "PNG": "png", "WEBP": "webp", "GIF": "gif"}


def of(form: str = "PNG", *, size: tuple[int, int] = (40, 30), mode: str = "RGB", **options: Any) -> bytes:
    """A picture in this format."""
    written = io.BytesIO()
    Image.new(mode, size, "teal" if mode == "RGB" else 0).save(written, form, **options)
    return written.getvalue()


def animated(form: str = "GIF") -> bytes:
    """A picture of two frames."""
    written = io.BytesIO()
    frames = [Image.new("RGB", (20, 20), colour) for colour in ("teal", "orange")]
    frames[0].save(written, form, save_all=True, append_images=frames[1:])
    return written.getvalue()


def with_gps() -> bytes:
    """A photograph that says where it was taken, by whom, and lies on its side."""
    exif = Image.Exif()
    exif[0x0112] = 6  # turn it by 90 degrees
    exif[0x010F] = "SecretCamera"
    exif[0x8825] = {1: "N", 2: (55.0, 45.0, 7.0)}
    return of("JPEG", size=(60, 20), exif=exif.tobytes(), comment=b"SecretComment")


def png_of_size(width: int, height: int) -> bytes:
    """A PNG that says it has this size, and has next to no pixels."""
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    parts = [(b"IHDR", header), (b"IDAT", zlib.compress(b"\0" * 64)), (b"IEND", b"")]
    chunks = [
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        for kind, body in parts
    ]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


def base64_of(content: bytes) -> str:
    """The same in JSON."""
    return base64.b64encode(content).decode()


def opened(content: bytes) -> Image.Image:
    """The picture, decoded."""
    image = Image.open(io.BytesIO(content))
    image.load()
    return image
