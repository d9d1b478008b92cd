import base64

import pictures
import pytest
from PIL import Image

from besedka.ads import images
from besedka.ads.images import ImageInvalid

HTML = b"<html><script>alert(1)</script></html>"
SVG = b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>'


@pytest.mark.parametrize("form", pictures.ENDINGS)
def test_a_picture_of_any_format_becomes_webp_with_a_thumbnail(form):
    kept = images.from_file(pictures.of(form, size=(1000, 700)), name=f"dog.{pictures.ENDINGS[form]}")

    assert [pictures.opened(one).format for one in (kept.shown, kept.small)] == ["WEBP", "WEBP"]
    assert (kept.width, kept.height) == pictures.opened(kept.shown).size == (1000, 700)
    assert pictures.opened(kept.small).size == (480, 336)


def test_a_large_picture_is_made_smaller_and_a_small_one_not_larger():
    large, small = images.encode(pictures.of("JPEG", size=(4000, 3000))), images.encode(pictures.of(size=(1, 1)))

    assert (large.width, large.height) == (1600, 1200)
    assert (small.width, small.height) == (1, 1)


def test_what_a_camera_wrote_beside_the_picture_is_gone():
    taken = pictures.with_gps()

    kept = images.encode(taken)

    assert b"SecretCamera" in taken
    assert b"SecretComment" in taken
    for written in (kept.shown, kept.small):
        assert b"Secret" not in written
        assert b"EXIF" not in written
        assert not pictures.opened(written).getexif()


def test_a_picture_that_lies_on_its_side_is_turned_upright():
    kept = images.encode(pictures.with_gps())

    assert (kept.width, kept.height) == (20, 60)


@pytest.mark.parametrize(
    ("mode", "kept"), [("RGBA", "RGBA"), ("LA", "RGBA"), ("P", "RGB"), ("1", "RGB"), ("L", "RGB")]
)
def test_pictures_of_all_modes_are_taken(mode, kept):
    assert pictures.opened(images.encode(pictures.of("PNG", mode=mode)).shown).mode == kept


def test_what_hides_behind_a_picture_is_not_kept():
    polyglot = pictures.of("GIF") + b"/*" + HTML

    kept = images.encode(polyglot)

    assert b"script" not in kept.shown + kept.small


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"x",
        HTML,
        SVG,
        b"%PDF-1.7",
        b"GIF89a/*" + HTML,
        b"\x89PNG\r\n\x1a\n" + HTML,
        pictures.of("PNG", size=(400, 300))[:-40],
        pictures.of("JPEG", size=(400, 300))[:400],
        pictures.of("WEBP", size=(400, 300))[:60],
        pictures.of("BMP"),
        pictures.of("TIFF"),
        pictures.of("ICO"),
        pictures.of("PDF"),
        pictures.animated("GIF"),
        pictures.animated("WEBP"),
        pictures.animated("PNG"),
        pictures.png_of_size(0, 0),
        pictures.png_of_size(0, 10),
        pictures.png_of_size(50_000, 50_000),
        pictures.png_of_size(30_000, 1),
        pictures.png_of_size(8_000, 8_000),
        pictures.png_of_size(100, 100),
        b"\0" * (images.MAX_BYTES + 1),
    ],
    ids=range(24),
)
def test_what_is_no_picture_is_refused(content):
    with pytest.raises(ImageInvalid) as refusal:
        images.encode(content)

    assert (refusal.value.code, refusal.value.details) == ("image_invalid", {"field": "image"})


@pytest.mark.parametrize("content", [pictures.jpeg_of_scans(101), pictures.jpeg_of_segments(2_001)], ids=range(2))
def test_a_jpeg_of_too_many_parts_is_refused_before_it_is_decoded(content, monkeypatch):
    monkeypatch.setattr(Image, "open", None)

    with pytest.raises(ImageInvalid, match="at most 100 scans and 2000 segments"):
        images.encode(content)


@pytest.mark.parametrize(
    "content",
    [
        pictures.jpeg_of_scans(80, (300, 300)),
        pictures.jpeg_of_segments(1_500),
        pictures.of("JPEG", progressive=True, exif=b"Exif\0\0" + b"\xff\xda" * 5_000),
        pictures.of("JPEG") + b"\xff\xda" * 5_000,  # telephones put a film behind the picture
        pictures.of("JPEG")[:2] + b"\xff" * 1_000 + pictures.of("JPEG")[2:],
    ],
    ids=range(5),
)
def test_a_jpeg_of_many_parts_is_a_picture(content):
    assert images.encode(content).width in (40, 300)


@pytest.mark.parametrize("name", ["dog.html", "dog.png.html", "dog.jpg", "dog.svg", "dog.PHP"])
def test_an_ending_that_says_something_else_is_refused(name):
    with pytest.raises(ImageInvalid):
        images.from_file(pictures.of("PNG"), name=name)


@pytest.mark.parametrize(
    "name",
    ["dog.png", "DOG.PNG", "blob", "", "../../x.png", "con.png", "x" * 500 + ".png", 'a"b\r\n.png', "a.b/c"],
)
def test_whatever_else_a_name_says_does_not_matter(name, media):
    kept = images.keep(images.from_file(pictures.of("PNG"), name=name))

    assert {file.name for file in media.iterdir()} == {f"{kept}.webp", f"{kept}-small.webp"}


@pytest.mark.parametrize("line", ["{}", "data:image/png;base64,{}", "DATA:image/PNG;base64,{}", " \n{}\r\n"])
def test_base64_is_taken_bare_and_as_a_data_url(line):
    content = pictures.base64_of(pictures.of("PNG"))

    assert images.from_base64(line.format(content)).width == 40


def test_base64_may_have_lines():
    assert images.from_base64(base64.encodebytes(pictures.of("PNG", size=(300, 300))).decode()).width == 300


PNG = pictures.base64_of(pictures.of("PNG"))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "  ",
        "not base64!",
        PNG[:-1],
        PNG[:-10] + "=" + PNG[-10:],
        "data:text/html;base64," + PNG,
        "data:image/jpeg;base64," + PNG,
        "data:image/svg+xml;base64," + pictures.base64_of(SVG),
        "data:image/png," + PNG,
        "data:image/png;base64,",
        pictures.base64_of(HTML),
        "A" * (images.MAX_BASE64 + 1),
        "привет",
        5,
        [PNG],
        {"filepath": "/etc/passwd"},
        True,
    ],
    ids=range(17),
)
def test_base64_that_is_no_picture_is_refused(text):
    with pytest.raises(ImageInvalid):
        images.from_base64(text)


def test_a_picture_is_there_whole_or_not_at_all(media):
    picture = images.encode(pictures.of())

    with pytest.raises(TypeError):
        images.keep(picture._replace(small="not bytes"))

    assert list(media.iterdir()) == []


def test_a_forgotten_picture_is_gone_and_may_be_forgotten_again(media):
    name = images.keep(images.encode(pictures.of()))

    images.forget(name)
    images.forget(name)
    images.forget("")

    assert list(media.iterdir()) == []
