"""What somebody wants to send along with a message, looked at before any of it is kept: name, kind, size."""

import mimetypes
import re
import unicodedata

import msgspec

from besedka import pictures
from besedka.conversations.contacts import Address
from besedka.pictures import ImageInvalid
from besedka.problems import Problem

MAX_BYTES = 10 * 1024 * 1024
NAME_LENGTH = 100  # code points
BOX = (2560, 2560)  # pixels that a kept picture has at most
UNKNOWN = "application/octet-stream"

# Whoever opens one of these on a computer or phone runs it, or sees a page that may pretend to be anything.
_REFUSED = """
app appimage appref-ms apk bat chm cmd com command cpl deb desktop dll dmg elf exe gadget hta
htm html inf iqy jar jnlp js jse lnk mht mhtml mjs msc msi msix msp pif pkg ps1 psm1 reg rpm scf
scr settingcontent-ms sh shtml svg svgz swf sys url vb vbe vbs webloc workflow ws wsf wsh xht
xhtml xll xsl xslt
"""
_REFUSED_ENDINGS = frozenset(_REFUSED.split())
_REFUSED_TYPES = frozenset(
    {
        "application/ecmascript",
        "application/hta",
        "application/java-archive",
        "application/javascript",
        "application/vnd.android.package-archive",
        "application/x-msdownload",
        "application/x-sh",
        "application/xhtml+xml",
        "image/svg+xml",
        "multipart/form-data",  # a form around a file: what we would keep is not what was meant
        "text/ecmascript",
        "text/html",
        "text/javascript",
    }
)
_PROGRAMS = (b"\x7fELF", b"#!", b"\xcf\xfa\xed\xfe", b"\xca\xfe\xba\xbe")
_PAGES = (b"<!doctype html", b"<html", b"<head", b"<body", b"<script", b"<svg", b"<iframe")
_AUDIO = {b"OggS": "audio/ogg", b"ID3": "audio/mpeg", b"fLaC": "audio/flac", b"\x1a\x45\xdf\xa3": "audio/webm"}
_PICTURE_ENDINGS = frozenset(ending for endings in pictures.FORMATS.values() for ending in endings)
_PICTURE_TYPES = frozenset({"image/jpeg", "image/png", "image/webp", "image/gif"})
_DEVICES = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\.|$)", re.IGNORECASE)  # that Windows takes for no files
_UNFIT = re.compile(r"""["'`<>|?*:;]""")
_MEDIA_TYPE = re.compile(r"[a-z]{1,20}/[a-z0-9][a-z0-9.+-]{0,77}")


class FileTooLarge(Problem):
    """A file has at most 10 MB."""

    code = "file_too_large"
    status = 413


class FileEmpty(Problem):
    """There is nothing in this file."""

    code = "file_empty"


class FileKindRefused(Problem):
    """Files of this kind are not taken: programs, scripts and pages."""

    code = "file_kind_refused"
    status = 415


class Upload(msgspec.Struct, frozen=True, kw_only=True):
    """A file for a conversation: for the one with that id, or for the one at that address, which may be new."""

    name: str
    media_type: str
    data: bytes
    conversation_id: int | None = None
    address: Address | None = None
    led_to: int | None = None  # the conversation that there was at the address when the file set out


class Examined(msgspec.Struct, frozen=True):
    """A file that may be kept. Of a picture `data` is what we wrote ourselves."""

    name: str
    media_type: str
    data: bytes


def examine(upload: Upload) -> Examined:
    """The file as it is to be kept: pictures written anew, everything else as it came, under a harmless name.

    Takes up to a second for a picture. Raises `FileTooLarge`, `FileEmpty`, `FileKindRefused`, `ImageInvalid`.
    """
    data = upload.data
    if not data:
        raise FileEmpty()
    if len(data) > MAX_BYTES:
        raise FileTooLarge(limit_bytes=MAX_BYTES)
    name = cleaned(upload.name)
    ending = _ending(name)
    declared = upload.media_type.partition(";")[0].strip().lower()
    if pictures.looks_like_one(data):
        [picture] = pictures.rewrite(data, [BOX])
        media_type = f"image/{picture.form.lower()}"
        return Examined(_renamed(name, pictures.FORMATS[picture.form]), media_type, picture.content)
    if ending in _REFUSED_ENDINGS or declared in _REFUSED_TYPES:
        raise FileKindRefused()
    if ending in _PICTURE_ENDINGS or declared in _PICTURE_TYPES:
        raise ImageInvalid("Its name or type says that it is a picture, and it is none.")
    if _runs(data):
        raise FileKindRefused()
    return Examined(name, _media_type(name, declared, data), data)


def cleaned(name: str) -> str:
    """The name without folders and without what deceives or harms where it is shown or stored; never empty."""
    last = re.split(r"[/\\]", name)[-1]
    visible = "".join(c for c in last if unicodedata.category(c) not in ("Cc", "Cf", "Cs", "Co", "Zl", "Zp"))
    kept = " ".join(_UNFIT.sub("_", unicodedata.normalize("NFC", visible)).split()).strip(". ")
    if _DEVICES.match(kept):
        kept = f"_{kept}"
    if len(kept) > NAME_LENGTH:
        ending = f".{_ending(kept)}" if 0 < len(_ending(kept)) <= 10 else ""
        kept = kept[: NAME_LENGTH - len(ending)].rstrip(". ") + ending
    return kept or "file"


def is_picture(media_type: str) -> bool:
    """Whether a kept file is a picture that we wrote ourselves; no other is called one."""
    return media_type in _PICTURE_TYPES


def _ending(name: str) -> str:
    stem, dot, ending = name.rpartition(".")
    return ending.lower() if dot and stem else ""


def _renamed(name: str, endings: tuple[str, ...]) -> str:
    """The name with an ending that says what the file is, in the place of one that says something else."""
    if _ending(name) in endings:
        return name
    stem = name.rpartition(".")[0] if _ending(name) else name
    if _ending(stem) in endings:
        return stem
    return f"{stem[: NAME_LENGTH - 5]}.{endings[0]}"


def _runs(data: bytes) -> bool:
    """Whether it begins as programs, scripts or pages do, whatever it is called."""
    beginning = data[:1024].removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    drawing = beginning.startswith(b"<?xml") and (b"<svg" in beginning or b"<html" in beginning)
    windows = data.startswith(b"MZ") and b"\0" in data[:64]
    return windows or drawing or data.startswith(_PROGRAMS) or beginning.startswith(_PAGES)


def _media_type(name: str, declared: str, data: bytes) -> str:
    """What it says it is, for people to see. Sound is called sound only where it begins as such."""
    audio = _audio(data, declared)
    if audio is not None:
        return audio
    for said in (declared, mimetypes.guess_type(name)[0] or ""):
        if said not in ("", UNKNOWN) and _MEDIA_TYPE.fullmatch(said) and not said.startswith(("image/", "audio/")):
            return said
    return UNKNOWN


def _audio(data: bytes, declared: str) -> str | None:
    for beginning, media_type in _AUDIO.items():
        if data.startswith(beginning):
            return None if declared.startswith("video/") else media_type
    if data[:4] == b"RIFF" and data[8:12] == b"WAVE":
        return "audio/wav"
    if data[:1] == b"\xff" and data[1:2] in (b"\xfb", b"\xf3", b"\xf2"):
        return "audio/mpeg"
    if data[4:8] == b"ftyp" and (data[8:11] == b"M4A" or declared.startswith("audio/")):
        return "audio/mp4"
    return None
