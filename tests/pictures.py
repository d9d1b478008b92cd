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


def jpeg_of_scans(scans: int, size: tuple[int, int] = (3_000, 3_000)) -> bytes:
    """A JPEG whose last scan stands in it so many times: small, and long to decode."""
    whole = of("JPEG", size=size, progressive=True)
    last = whole.rfind(b"\xff\xda")
    return whole[:last] + whole[last:-2] * scans + whole[-2:]


def jpeg_of_segments(segments: int) -> bytes:
    """A JPEG with so many pieces of EXIF in front."""
    whole, exif = of("JPEG"), b"Exif\0\0" + b"x" * 92
    return whole[:2] + (b"\xff\xe1" + struct.pack(">H", len(exif) + 2) + exif) * segments + whole[2:]


def gif_of_frames(frames: int) -> bytes:
    """A GIF that moves for long."""
    whole = of("GIF", mode="P")
    first = whole.index(b",")
    return whole[:first] + whole[first:-1] * frames + b";"


def apng_of_frames(frames: int) -> bytes:
    """A PNG that says it has so many frames."""
    whole = animated("PNG")
    at = whole.index(b"acTL")
    said = b"acTL" + struct.pack(">II", frames, 0)
    return whole[:at] + said + struct.pack(">I", zlib.crc32(said)) + whole[at + 16 :]


PAGE = b"<html><script>alert(1)</script></html>"
DRAWING = b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>'


def hostile() -> dict[str, tuple[bytes, str, str]]:
    """What is no picture, or more than one: content, name and type that it is sent with."""
    png, gif = of("PNG"), of("GIF")
    return {
        "page called a picture": (PAGE, "x.png", "image/png"),
        "page inside a picture": (b"\x89PNG\r\n\x1a\n" + PAGE, "x.png", "image/png"),
        "page behind a picture": (png + PAGE, "x.png", "image/png"),
        "script that is a picture too": (b"GIF89a=1;alert(1)//" + PAGE, "x.gif", "image/gif"),
        "script behind a picture": (gif + b"/*" + PAGE + b"*/=1;alert(1)", "x.gif", "image/gif"),
        "drawing": (DRAWING, "x.svg", "image/svg+xml"),
        "drawing called a picture": (DRAWING, "x.png", "image/png"),
        "picture called a page": (png, "x.png.html", "text/html"),
        "picture called a program": (png, "x.exe", "image/png"),
        "half a picture": (of("PNG", size=(400, 300))[:-40], "x.png", "image/png"),
        "other ending": (of("JPEG"), "x.gif", "image/gif"),
        "no pixels": (png_of_size(0, 0), "x.png", "image/png"),
        "too many pixels": (png_of_size(50_000, 50_000), "x.png", "image/png"),
        "moves": (gif_of_frames(10_000), "x.gif", "image/gif"),
        "says it moves": (apng_of_frames(10_000), "x.png", "image/png"),
        "many scans": (jpeg_of_scans(20_000), "x.jpg", "image/jpeg"),
        "many segments": (jpeg_of_segments(60_000), "x.jpg", "image/jpeg"),
        "path as a name": (png, "../../../../tmp/x.png", "image/png"),
        "device as a name": (png, "con.png", "image/png"),
        "long name": (png, "x" * 500 + ".png", "image/png"),
        "lines in the name": (png, 'a"b\r\nSet-Cookie: x=1.png', "image/png"),
        "place and camera": (with_gps(), "x.jpg", "image/jpeg"),
    }


def base64_of(content: bytes) -> str:
    """The same in JSON."""
    return base64.b64encode(content).decode()


def opened(content: bytes) -> Image.Image:
    """The picture, decoded."""
    image = Image.open(io.BytesIO(content))
    image.load()
    return image
