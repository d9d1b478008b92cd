"""Files that are not what they say, or not whole, or made to hurt: each has its problem, and none takes long."""

import contextlib
import io
import random
import time
import zipfile
import zlib
from datetime import UTC, datetime
from pathlib import Path

import knowledge_files
import pytest
from hypothesis import given, settings
from hypothesis.strategies import binary, sampled_from

from besedka.knowledge import chunks, imports, recognition, rows
from besedka.knowledge.formats import apart, refusals
from besedka.knowledge.models import Source
from besedka.knowledge.recognition import FormatUnknown
from besedka.problems import Problem

NOW = datetime(2026, 1, 2, 3, 4, tzinfo=UTC)
PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 20


def take(name: str, content: bytes) -> imports.Imported:
    return imports.import_file(content, name=name, title="Shop", now=NOW)


@pytest.mark.parametrize("name", ["shop", "shop.docx", "shop.exe", ".csv", "shop.csv.png", "", "../../etc/passwd"])
def test_a_name_of_no_format_is_refused(name: str):
    with pytest.raises(FormatUnknown):
        take(name, b"question,answer\na,A\n")


def test_a_file_that_is_not_what_its_name_says_is_refused():
    files = {kind: knowledge_files.of(kind) for kind in knowledge_files.KINDS} | {
        "png": PNG,
        "zip": b"PK\x03\x04" + b"x" * 99,
        "noise": random.Random(1).randbytes(9999),
    }
    with pytest.raises(FormatUnknown, match=r"'shop\.pdf' is called PDF, and is something else"):
        take("C:\\shop.pdf", PNG)
    lies = [
        (said, is_)
        for said in knowledge_files.KINDS
        for is_ in files
        # One text may be another; what is no CSV, HTML or JSON lines says so by itself.
        if said != is_ and not (said in ("csv", "md", "txt") and is_ in ("csv", "md", "txt", "jsonl", "html"))
    ]

    taken = []
    for said, is_ in lies:
        try:
            recognition.recognise(f"file.{said}", files[is_])
            taken.append((said, is_))
        except FormatUnknown:
            pass

    assert taken == []


def test_a_page_that_is_called_a_text_is_refused():
    for name in ("a.txt", "a.md", "a.csv"):
        with pytest.raises(FormatUnknown):
            take(name, b"\xef\xbb\xbf <!-- x --> <!DOCTYPE HTML><html><p>Text")


@pytest.mark.parametrize("kind", knowledge_files.KINDS)
def test_an_empty_file_is_refused(kind: str):
    with pytest.raises(Problem):
        take(f"shop.{kind}", b"")


@pytest.mark.parametrize("kind", ["xlsx", "pdf"])
@pytest.mark.parametrize("kept", [0.1, 0.5, 0.9])
def test_a_file_that_was_cut_off_is_refused(kind: str, kept: float):
    whole = knowledge_files.of(kind, [(f"Question {n}", f"Answer {n}. ") for n in range(9)])

    with pytest.raises((refusals.FileBroken, rows.NothingToImport, FormatUnknown)):
        take(f"shop.{kind}", whole[: int(len(whole) * kept)])


def test_a_document_of_nothing_to_read_is_refused():
    for name, content in (
        ("a.md", b"# Only\n\n## Headings\n"),
        ("a.txt", b" \n\n\t\n"),
        ("a.html", b"<html><script>x</script>"),
        ("a.jsonl", b"{}\n"),
        ("a.xlsx", knowledge_files.xlsx([("question", "answer")])),
        ("a.pdf", knowledge_files.pdf([""])),
    ):
        with pytest.raises(rows.NothingToImport):
            take(name, content)


def test_a_workbook_without_our_columns_is_refused():
    with pytest.raises(rows.ColumnsUnknown):
        take("a.xlsx", knowledge_files.xlsx([("a", "b"), (1, 2)]))


def test_an_encrypted_pdf_is_refused_and_one_that_only_must_not_be_changed_is_read(db):
    with pytest.raises(refusals.FileEncrypted):
        take("a.pdf", knowledge_files.pdf(["Secret."], password="word"))

    assert take("a.pdf", knowledge_files.pdf(["Open to read."], owner="word")).added == 1


def test_a_pdf_of_too_many_pages_is_refused():
    with pytest.raises(refusals.TooManyPages) as refusal:
        take("a.pdf", knowledge_files.pdf(["x."] * 2001))

    assert refusal.value.details == {"limit": 2000}


def test_a_pdf_whose_pages_go_in_circles_is_refused_or_read_to_an_end(db):
    whole = knowledge_files.pdf(["One.", "Two."])

    for circle in (
        whole.replace(b"/Kids [", b"/Kids [ 1 0 R ", 1),
        whole.replace(b"/Kids [", b"/Kids [ 4 0 R ", 1),
    ):
        with contextlib.suppress(Problem):
            take("a.pdf", circle)


def test_a_pdf_that_swells_is_refused():
    swelling = zlib.compress(b"BT /F1 12 Tf (x) Tj ET " * 20_000_000, 9)
    stream = b"<< /Length %d /Filter /FlateDecode >>\nstream\n%s\nendstream" % (len(swelling), swelling)
    parts = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 9 9] /Resources << >> /Contents 4 0 R >>",
        stream,
    ]
    body, places = b"%PDF-1.4\n", []
    for number, part in enumerate(parts, 1):
        places.append(len(body))
        body += b"%d 0 obj\n%s\nendobj\n" % (number, part)
    table = b"xref\n0 5\n0000000000 65535 f \n" + b"".join(b"%010d 00000 n \n" % at for at in places)
    trailer = b"trailer << /Size 5 /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF" % len(body)

    begun = time.monotonic()
    with pytest.raises(Problem):
        take("a.pdf", body + table + trailer)

    assert time.monotonic() - begun < apart.MAX_SECONDS


def test_a_workbook_that_swells_is_refused_before_it_is_unpacked():
    zeros = bytes(40 * 1024 * 1024)

    begun = time.monotonic()
    with pytest.raises(refusals.UnpacksTooLarge):
        take("a.xlsx", knowledge_files.zipped(workbook=zeros, styles=zeros, sharedStrings=zeros))

    assert time.monotonic() - begun < 10


def test_a_workbook_that_lies_about_what_it_unpacks_to_is_refused():
    zeros = bytes(40 * 1024 * 1024)
    whole = knowledge_files.xlsx([("question", "answer"), ("a", "A")])
    file = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(whole)) as old, zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as new:
        for part in old.namelist():
            new.writestr(part, old.read(part) + (zeros if part.endswith("sheet1.xml") else b""))
    size = len(zeros).to_bytes(4, "little")[2:]
    lying = file.getvalue().replace(size, b"\0\0")

    with pytest.raises(Problem):
        take("a.xlsx", lying)


def test_a_workbook_of_entities_is_refused():
    entities = b"".join(b'<!ENTITY e%d "%s">' % (n, b"&e%d;" % (n - 1) * 50) for n in range(1, 9))
    bomb = b'<!DOCTYPE x [<!ENTITY e0 "xxxxxxxxxx">%s]>' % entities
    whole = knowledge_files.xlsx([("question", "answer"), ("a", "A")])
    file = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(whole)) as old, zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as new:
        for part in old.namelist():
            new.writestr(part, bomb + old.read(part).replace(b"question", b"&e8;"))

    with pytest.raises(refusals.FileBroken):
        take("a.xlsx", file.getvalue())


def test_a_table_of_a_million_columns_is_refused():
    begun = time.monotonic()

    with pytest.raises(rows.ColumnsUnknown):
        take("a.csv", b"question,answer," + b"x," * 1_000_000 + b"\na,A\n")
    with pytest.raises(rows.ColumnsUnknown):
        take("a.xlsx", knowledge_files.xlsx([("question", "answer", *["x"] * 16_000)]))

    assert time.monotonic() - begun < 10


def test_a_file_too_large_is_refused_unread(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setattr(rows, "MAX_BYTES", 10)
    monkeypatch.setattr(imports, "MAX_BYTES", 10)
    path = tmp_path / "a.md"
    path.write_bytes(b"x" * 11)

    for content in (path,):
        with pytest.raises(rows.FileTooLarge):
            imports.import_file(content, name="a.md", title="Shop", now=NOW)


def test_a_file_that_takes_for_ever_is_given_up(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(apart, "MAX_SECONDS", 2)
    deep = b"<div>" * 400_000 + b"text"

    begun = time.monotonic()
    with pytest.raises(refusals.TakesTooMuch):
        take("a.html", deep)

    assert time.monotonic() - begun < 6


@pytest.mark.skipif(not Path("/proc").exists(), reason="needs limits of memory")
def test_a_file_that_takes_all_memory_is_given_up(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(apart, "MAX_MEMORY", 200 * 1024 * 1024)

    with pytest.raises(refusals.TakesTooMuch):
        take("a.md", b"# a\n\nt [x\n\n" * 200_000)


@pytest.mark.skipif(not Path("/proc/thread-self/children").exists(), reason="asks Linux about its processes")
def test_no_secret_goes_along_to_where_files_are_read(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("SECRET_KEY", "s3cret")
    seen: list[bytes] = []

    def look(done: int, of: int) -> None:
        seen.extend(
            Path(f"/proc/{child}/environ").read_bytes()
            for child in Path("/proc/thread-self/children").read_text().split()
        )

    apart.read("pdf", knowledge_files.pdf(["One."] * 300), look)

    assert any(b"PATH=" in environment for environment in seen)
    assert not any(b"s3cret" in environment for environment in seen)


def test_what_is_refused_leaves_the_source_as_it_was(db):
    take("shop.md", b"# A\n\nText.")
    before = Source.objects.values().get()

    for name, content in (("a.pdf", b"%PDF-1.7 broken"), ("a.md", b"# Only a heading"), ("a.png", PNG)):
        with pytest.raises(Problem):
            take(name, content)

    assert Source.objects.values().get() == before


@pytest.mark.parametrize("module", ["workbook", "pdf", "html", "markdown", "plain", "tuning", "comma"])
def test_what_a_reader_raises_about_noise_is_a_problem(module: str):
    noise = random.Random(module)

    for _ in range(3):
        with contextlib.suppress(Problem):
            apart.read(module, noise.randbytes(2000), lambda done, of: None)


@settings(max_examples=200)
@given(content=binary(max_size=200), kind=sampled_from(["comma", "plain", "tuning"]))
def test_any_text_is_read_or_refused_here(content: bytes, kind: str):
    for beginning in (b"", b'{"request": [{"role": "user", "text": "a"}], "response": "b"}\n', b"A\n===\nb\n"):
        try:
            table = apart.reader(kind).read(beginning + content, lambda done, of: None)
        except Problem:
            continue
        assert all("\0" not in text and len(text.encode()) for row in table.rows for text in row[1:])
        assert kind != "plain" or all(len(row.answer) <= chunks.MAX_CHUNK for row in table.rows)
