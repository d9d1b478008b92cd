import pictures
import pytest

from besedka.conversations import uploads
from besedka.conversations.uploads import FileEmpty, FileKindRefused, FileTooLarge, Upload
from besedka.pictures import ImageInvalid

PAGE = b"<html><script>alert(1)</script></html>"
DRAWING = b'<?xml version="1.0"?>\n<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>'
PDF = b"%PDF-1.7\n"


def examined(data: bytes, name: str = "x", media_type: str = "") -> uploads.Examined:
    return uploads.examine(Upload(name=name, media_type=media_type, data=data))


@pytest.mark.parametrize(
    ("form", "media_type", "name"),
    [("JPEG", "image/jpeg", "a.jpg"), ("PNG", "image/png", "a.png"), ("WEBP", "image/webp", "a.webp")],
)
def test_a_picture_stays_what_it_is_and_is_written_anew(form, media_type, name):
    taken = examined(pictures.of(form, size=(60, 40)), name, "application/x-whatever")

    assert (taken.name, taken.media_type) == (name, media_type)
    assert pictures.opened(taken.data).format == form
    assert pictures.opened(taken.data).size == (60, 40)


def test_a_gif_becomes_a_png_under_a_name_that_says_so():
    taken = examined(pictures.of("GIF"), "cat.gif", "image/gif")

    assert (taken.name, taken.media_type, pictures.opened(taken.data).format) == ("cat.png", "image/png", "PNG")


def test_a_large_picture_is_made_smaller():
    assert pictures.opened(examined(pictures.of("JPEG", size=(5000, 3000))).data).size == (2560, 1536)


def test_what_a_camera_wrote_beside_the_picture_is_gone():
    taken = examined(pictures.with_gps(), "IMG_1.JPG", "image/jpeg")

    assert b"Secret" not in taken.data
    assert not pictures.opened(taken.data).getexif()
    assert pictures.opened(taken.data).size == (20, 60)  # and it stands upright
    assert taken.name == "IMG_1.JPG"


def test_what_hides_behind_a_picture_is_not_kept():
    for form in pictures.ENDINGS:
        assert b"script" not in examined(pictures.of(form) + b"/*" + PAGE).data


@pytest.mark.parametrize(
    ("name", "becomes"),
    [
        ("x.png.html", "x.png"),
        ("x.html", "x.png"),
        ("../../x", "x.png"),
        ("C:\\Windows\\x.PNG", "x.PNG"),
        ("con.png", "_con.png"),
        ("", "file.png"),
        ("photo", "photo.png"),
    ],
)
def test_a_picture_is_called_what_it_is(name, becomes):
    assert examined(pictures.of("PNG"), name).name == becomes


@pytest.mark.parametrize(
    ("data", "name", "media_type"),
    [
        (PAGE, "x.png", "image/png"),
        (PAGE, "x", "image/png"),
        (b"\x89PNG\r\n\x1a\n" + PAGE, "x.png", ""),
        (b"GIF89a/*" + PAGE, "x.gif", ""),
        (b"GIF89a=1;alert(1)//", "x.js", "text/javascript"),
        (b"\xff\xd8\xff" + PAGE, "x.txt", "text/plain"),
        (pictures.of("PNG", size=(400, 300))[:-40], "x.png", ""),
        (pictures.png_of_size(50_000, 50_000), "bomb.png", ""),
        (pictures.png_of_size(8_000, 8_000), "bomb.png", ""),
        (pictures.animated("GIF"), "x.gif", ""),
        (b"not a picture", "x.jpeg", ""),
    ],
    ids=range(11),
)
def test_what_says_it_is_a_picture_and_is_none_is_refused(data, name, media_type):
    with pytest.raises((ImageInvalid, FileKindRefused)) as refusal:
        examined(data, name, media_type)

    assert refusal.value.code in ("image_invalid", "file_kind_refused")


@pytest.mark.parametrize(
    ("data", "name", "media_type"),
    [
        (DRAWING, "x.svg", ""),
        (DRAWING, "x", "image/svg+xml"),
        (DRAWING, "x.txt", "text/plain"),
        (PAGE, "x.png.html", ""),
        (PAGE, "x.pdf", "application/pdf"),
        (b"\xef\xbb\xbf \n" + PAGE, "x", ""),
        (b"hello", "x.HTM", ""),
        (b"hello", "x.txt", "text/html; charset=utf-8"),
        (b"MZ\x90\0\3\0\0\0", "invoice.pdf", ""),
        (b"anything", "invoice.pdf.exe", ""),
        (b"anything", "invoice.exe. . ", ""),
        (b"anything", "invoice\u202efdp.exe", ""),
        (b"#!/bin/sh\nrm -rf /", "notes.txt", ""),
        (b"\x7fELF\2\1\1", "x", ""),
        (b"--x\r\nContent-Disposition: form-data", "x.txt", "multipart/form-data; boundary=x"),
    ],
    ids=range(15),
)
def test_programs_scripts_and_pages_are_refused(data, name, media_type):
    with pytest.raises(FileKindRefused):
        examined(data, name, media_type)


@pytest.mark.parametrize(
    ("data", "name", "said", "media_type"),
    [
        (PDF, "a.pdf", "application/pdf", "application/pdf"),
        (PDF, "a.pdf", "", "application/pdf"),
        (b"MZ means Micro Zone", "a.txt", "text/plain; charset=utf-8", "text/plain"),
        (b"text", "a", "no media type", "application/octet-stream"),
        (b"text", "a", "image/heic", "application/octet-stream"),
        (b"not sound", "a.mp3", "audio/mpeg", "application/octet-stream"),
        (b"OggS\0\2", "voice.oga", "audio/ogg", "audio/ogg"),
        (b"ID3\4", "a.mp3", "", "audio/mpeg"),
        (b"\0\0\0\x20ftypM4A ", "a.m4a", "audio/x-m4a", "audio/mp4"),
        (b"\0\0\0\x20ftypisom", "a.mp4", "video/mp4", "video/mp4"),
        (b"RIFF\0\0\0\0WAVEfmt ", "a.wav", "", "audio/wav"),
        (b"PK\3\4", "a.docx", "", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"),
    ],
    ids=range(12),
)
def test_everything_else_is_kept_as_it_is(data, name, said, media_type):
    taken = examined(data, name, said)

    assert (taken.data, taken.name, taken.media_type) == (data, name, media_type)


@pytest.mark.parametrize(
    ("name", "becomes"),
    [
        ("отчёт за май.pdf", "отчёт за май.pdf"),
        ("../../etc/passwd", "passwd"),
        ("..", "file"),
        ("", "file"),
        (" . ", "file"),
        ("a\"b'c\r\nSet-Cookie: x=1.pdf", "a_b_cSet-Cookie_ x=1.pdf"),
        ("gpj\u202e.pdf", "gpj.pdf"),
        ("a\u200b\0\x1b[31m.pdf", "a[31m.pdf"),
        ("nul", "_nul"),
        ("COM1.txt", "_COM1.txt"),
        ("contract.pdf", "contract.pdf"),
        (".htaccess", "htaccess"),
        ("x" * 500 + ".pdf", "x" * 96 + ".pdf"),
        ("x" * 500, "x" * 100),
        ("x." + "y" * 500, "x." + "y" * 98),
    ],
)
def test_a_name_keeps_what_harms_nobody(name, becomes):
    assert uploads.cleaned(name) == becomes


def test_nothing_and_too_much_are_refused():
    with pytest.raises(FileEmpty):
        examined(b"")
    with pytest.raises(FileTooLarge):
        examined(b"\0" * (uploads.MAX_BYTES + 1))
    assert len(examined(b"\0" * uploads.MAX_BYTES).data) == uploads.MAX_BYTES
