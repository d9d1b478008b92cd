"""Small files of every format that knowledge is imported from, each of the same two sections or rows."""

import io
import json
import zipfile
from collections.abc import Sequence

from openpyxl import Workbook
from pypdf import PdfWriter
from pypdf.generic import DecodedStreamObject, DictionaryObject, NameObject

KINDS = ("csv", "xlsx", "md", "txt", "html", "pdf", "jsonl")
SECTIONS = (("Delivery", "We deliver on weekdays."), ("Payment", "Cards are taken."))

Sections = Sequence[tuple[str, str]]


def of(kind: str, sections: Sections = SECTIONS) -> bytes:
    """A file with these headings, or questions, and what stands under each."""
    match kind:
        case "csv":
            return ("question,answer\n" + "".join(f'"{q}","{a}"\n' for q, a in sections)).encode()
        case "xlsx":
            return xlsx([("question", "answer"), *sections])
        case "md":
            return "".join(f"# {q}\n\n{a}\n\n" for q, a in sections).encode()
        case "txt":
            return "".join(f"{q}\n=====\n\n{a}\n\n" for q, a in sections).encode()
        case "html":
            return "".join(f"<h1>{q}</h1><p>{a}</p>" for q, a in sections).encode()
        case "pdf":
            return pdf([a for _, a in sections], outline=[q for q, _ in sections])
        case "jsonl":
            turns = [[{"role": "user", "content": q}, {"role": "assistant", "content": a}] for q, a in sections]
            return "".join(json.dumps({"messages": turn}) + "\n" for turn in turns).encode()
    raise AssertionError(kind)


def xlsx(*sheets: Sequence[Sequence[object]]) -> bytes:
    """A workbook."""
    book = Workbook()
    for number, lines in enumerate(sheets):
        sheet = book.active if number == 0 else book.create_sheet()
        for line in lines:
            sheet.append(list(line))
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


def with_shared_strings(workbook: bytes, texts: Sequence[str]) -> bytes:
    """The workbook with these texts in a part of their own, and their numbers in the cells."""
    file = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(workbook)) as old, zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as new:
        for part in old.namelist():
            content = old.read(part).decode()
            if part.endswith("sheet1.xml"):
                for number, text in enumerate(texts):
                    content = content.replace(f"<is><t>{text}</t></is>", f"<v>{number}</v>")
                content = content.replace('t="inlineStr"', 't="s"')
            if part == "[Content_Types].xml":
                shared = "application/vnd.openxmlformats-officedocument.spreadsheetml.sharedStrings+xml"
                entry = f'<Override PartName="/xl/sharedStrings.xml" ContentType="{shared}"/></Types>'
                content = content.replace("</Types>", entry)
            new.writestr(part, content)
        kept = "".join(f"<si><t>{text}</t></si>" for text in texts)
        namespace = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
        new.writestr("xl/sharedStrings.xml", f'<sst xmlns="{namespace}">{kept}</sst>')
    return file.getvalue()


def zipped(**parts: bytes) -> bytes:
    """A zip with these parts under `xl/`."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, content in parts.items():
            packed.writestr(f"xl/{name}.xml", content)
    return file.getvalue()


def pdf(
    pages: Sequence[str],
    *,
    outline: Sequence[str] = (),
    pictures: Sequence[int] = (),
    password: str = "",
    owner: str | None = None,
) -> bytes:
    """A PDF with a page for each text of ASCII; the outline names the first ones, pages in `pictures` have one."""
    writer = PdfWriter()
    font = DictionaryObject(
        {
            NameObject("/Type"): NameObject("/Font"),
            NameObject("/Subtype"): NameObject("/Type1"),
            NameObject("/BaseFont"): NameObject("/Helvetica"),
        }
    )
    for number, text in enumerate(pages, 1):
        page = writer.add_blank_page(600, 800)
        fonts = DictionaryObject({NameObject("/F1"): font})
        page[NameObject("/Resources")] = DictionaryObject({NameObject("/Font"): fonts})
        if number in pictures:
            picture = DecodedStreamObject()
            picture.update({NameObject("/Subtype"): NameObject("/Image")})
            drawings = DictionaryObject({NameObject("/Im1"): writer._add_object(picture)})
            page["/Resources"][NameObject("/XObject")] = drawings
        lines = "".join(f"({line}) Tj 0 -14 Td " for line in text.split("\n"))
        drawn = DecodedStreamObject()
        drawn.set_data(f"BT /F1 12 Tf 40 760 Td {lines}ET".encode())
        page[NameObject("/Contents")] = writer._add_object(drawn)
    for number, title in enumerate(outline):
        writer.add_outline_item(title=title, page_number=number)
    if password or owner:
        writer.encrypt(password, owner, algorithm="AES-256")
    file = io.BytesIO()
    writer.write(file)
    return file.getvalue()
