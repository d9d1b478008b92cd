"""What becomes of a file of each format, as `import_file` leaves it."""

import json
import sys
from datetime import UTC, date, datetime
from pathlib import Path

import knowledge_files
import pytest

from besedka.knowledge import imports, recognition, rows
from besedka.knowledge.imports import Imported
from besedka.knowledge.models import Passage, Source

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 1, 2, 3, 4, tzinfo=UTC)
LATER = datetime(2026, 1, 3, 3, 4, tzinfo=UTC)


def take(name: str, content: bytes | str | Path, **more: str) -> Imported:
    raw = content.encode() if isinstance(content, str) else content
    return imports.import_file(raw, name=name, title="Shop", **{"now": NOW, **more})


def passages() -> list[tuple[str, str, str]]:
    return list(Passage.objects.order_by("position").values_list("topic", "question", "answer"))


def counts(imported: Imported) -> tuple[int, int, int, int]:
    return imported.added, imported.changed, imported.removed, imported.unchanged


@pytest.mark.parametrize("kind", knowledge_files.KINDS)
def test_a_file_of_each_format_becomes_a_source(kind: str):
    imported = take(f"shop.{kind}", knowledge_files.of(kind), url="https://shop.example/faq")

    source = Source.objects.get()
    assert (imported.added, imported.errors, imported.is_new) == (2, [], True)
    assert (source.kind, source.url) == (recognition.SUFFIXES[f".{kind}"].kind, "https://shop.example/faq")
    assert [(question, answer) for _, question, answer in passages()] == list(knowledge_files.SECTIONS)


@pytest.mark.parametrize("kind", knowledge_files.KINDS)
def test_importing_again_changes_nothing_and_a_mended_file_only_what_was_mended(kind: str):
    first, second = knowledge_files.SECTIONS
    take(f"shop.{kind}", knowledge_files.of(kind))
    ids = dict(Passage.objects.values_list("question", "pk"))

    again = take(f"shop.{kind}", knowledge_files.of(kind), now=LATER)
    version = Source.objects.get().version
    mended = take(f"shop.{kind}", knowledge_files.of(kind, [first, (second[0], "Cash only."), ("New", "Yes.")]))
    shorter = take(f"shop.{kind}", knowledge_files.of(kind, [first]))

    assert (counts(again), version) == ((0, 0, 0, 2), 1)
    assert counts(mended) == (1, 1, 0, 1)
    assert counts(shorter) == (0, 0, 2, 1)
    assert Passage.objects.get().pk == ids[first[0]]


def test_editing_one_section_leaves_the_chunks_of_the_others():
    long = "A sentence of some length that says nothing. " * 100
    sections = [(name, f"{name}. {long}") for name in ("One", "Two", "Three")]
    took = take("shop.md", knowledge_files.of("md", sections)).added

    sections[0] = ("One", "Short now.")
    mended = take("shop.md", knowledge_files.of("md", sections))

    assert took == 12
    assert counts(mended) == (0, 1, 3, 8)


def test_a_link_stays_until_another_is_given():
    take("shop.md", "# A\n\nText.", url="https://shop.example/")
    take("shop.md", "# A\n\nOther text.")
    kept = Source.objects.get().url
    take("shop.md", "# A\n\nOther text.", url="")

    assert (kept, Source.objects.get().url) == ("https://shop.example/", "")


BAD_LINKS = ["javascript:alert(1)", "ftp://a.b/", "//a.b/", "https://", "https://u:p@a.b/", "https://a.b/ c", "x"]
BAD_LINKS += ["https://[", "https://a.b/<i>", "https://a.b/" + "x" * 2000, "https://a.b:99999/", "http://a\tb/"]


@pytest.mark.parametrize("url", [*BAD_LINKS, "http://a.b\n", 'https://a.b/"', "http://a.b/\0"])
def test_a_link_that_visitors_must_not_be_shown_is_refused(url: str):
    with pytest.raises(rows.LinkUnfit):
        take("shop.md", "# A\n\nText.", url=url)

    assert not Source.objects.exists()


@pytest.mark.parametrize("url", BAD_LINKS)
def test_a_row_with_such_a_link_is_left_out(url: str):
    imported = take("shop.csv", f"question,answer,url\na,A,http://localhost:80/x?y#z\nb,B,{url}\n")

    assert imported.errors == [rows.Refused(3, "url is no http or https link")]
    assert Passage.objects.get().url == "http://localhost:80/x?y#z"


def test_a_row_may_have_a_link_of_its_own_and_to_change_it_is_a_change():
    take("shop.csv", "question,answer,url\na,A,https://a.b/1\nb,B,\n")

    changed = take("shop.csv", "question,answer,url\na,A,https://a.b/2\nb,B,\n")

    assert counts(changed) == (0, 1, 0, 1)
    assert list(Passage.objects.order_by("position").values_list("url", flat=True)) == ["https://a.b/2", ""]


def test_markdown_keeps_lists_and_tables_readable():
    take(
        "shop.md",
        "---\nauthor: nobody\n---\n# Shop\n\n## Where\n\nWe are **here**,\n[on the map](https://map.example/1):\n\n"
        "- one\n- two\n  1. inner\n\n| City | Price |\n|---|---|\n| Tver | 100 |\n| Omsk | 200 |\n\n"
        "```\ncode  as it is\n```\n<!-- a note --><b>bold</b> page\n",
    )

    assert passages() == [
        (
            "Shop › Where",
            "Where",
            "We are here, on the map (https://map.example/1):\n\n- one\n- two\n  1. inner\n\n"
            "City: Tver; Price: 100\nCity: Omsk; Price: 200\n\ncode  as it is\n\nbold page",
        )
    ]


def test_of_a_page_only_the_content_is_taken():
    take(
        "shop.html",
        "<!doctype html><title>Shop</title><style>a{}</style><nav><a href=/>Home</a></nav>"
        "<script>alert(1)</script><h2>Hours</h2><div>From <b>nine</b> to<br>six</div><p hidden>secret</p>"
        "<ul><li>Mon<li>Tue</ul>"
        "<table><tr><td>layout<h3>Inner</h3>text</table><footer>©</footer>",
    )

    assert passages() == [
        ("Shop › Hours", "Hours", "From nine to\nsix\n\n- Mon\n- Tue\n\nlayout"),
        ("Shop › Hours › Inner", "Inner", "text"),
    ]


@pytest.mark.parametrize("charset", ["windows-1251", "koi8-r", "utf-8"])
def test_a_page_is_read_in_the_charset_that_it_declares(charset: str):
    take("shop.html", f"<meta charset={charset}><h1>Где?</h1><p>Здесь.".encode(charset))

    assert passages() == [("Где?", "Где?", "Здесь.")]


@pytest.mark.parametrize("kind", ["md", "txt", "csv", "html"])
@pytest.mark.parametrize("charset", ["cp1251", "utf-16", "utf-8-sig"])
def test_text_is_read_in_the_encodings_that_people_have(kind: str, charset: str):
    content = knowledge_files.of(kind, [("Где?", "Здесь и только здесь.")]).decode()

    take(f"shop.{kind}", content.encode(charset))

    assert [passage[1:] for passage in passages()] == [("Где?", "Здесь и только здесь.")]


@pytest.mark.parametrize("kind", ["md", "txt"])
def test_a_line_of_a_text_that_is_no_text_is_left_out_and_named(kind: str):
    imported = take(
        f"shop.{kind}", "Good and long enough.\n\nb\0d\n\nУра, и ещё раз ура.".encode() + b"\n\n\xff\xfe\n"
    )

    assert [line for line, _ in imported.errors] == [3, 7]
    assert "b" not in "".join(answer for *_, answer in passages()).replace("enough", "")


def test_a_workbook_is_read_sheet_by_sheet_with_cells_as_one_would_type_them():
    imported = take(
        "shop.xlsx",
        knowledge_files.xlsx(
            [("notes",), ("nothing",)],
            [("Answer", "Question", "other"), (5.0, "how many?", 1), (None, "no answer"), (), (True, "sure?")],
            [("topic", "question", "answer"), ("Days", "when?", date(2026, 5, 1))],
        ),
    )

    assert passages() == [("", "how many?", "5"), ("", "sure?", "TRUE"), ("Days", "when?", "2026-05-01")]
    assert imported.errors == [rows.Refused(3, "answer is empty")]


def test_pages_of_pictures_are_named_and_empty_ones_passed_over():
    imported = take("shop.pdf", knowledge_files.pdf(["Text.", "", ""], pictures=[3]))

    assert imported.errors == [rows.Refused(3, "the page has no text, only pictures")]
    assert imported.added == 1


def test_a_workbook_as_excel_writes_it_keeps_its_texts_apart():
    whole = knowledge_files.xlsx([("question", "answer"), ("where?", "here")])

    take("shop.xlsx", knowledge_files.with_shared_strings(whole, ["question", "answer", "where?", "here"]))

    assert passages() == [("", "where?", "here")]


def test_a_pdf_is_read_across_its_pages():
    imported = take(
        "shop.pdf",
        knowledge_files.pdf(
            ["We deliver to every town in the", "country. Islands too.", "Cards."], outline=["Delivery"]
        ),
    )

    assert imported.errors == []
    assert passages() == [
        ("Delivery", "Delivery", "We deliver to every town in the country. Islands too.\n\nCards.")
    ]


def test_both_tuning_formats_are_questions_and_answers():
    yandex = {"request": [{"role": "system", "text": "s"}, {"role": "user", "text": "q1"}], "response": "a1"}
    turns = [("system", "s"), ("user", "not this"), ("user", "q2"), ("assistant", "a2"), ("user", "q3")]
    openai = {"messages": [{"role": role, "content": said} for role, said in [*turns, ("assistant", "a3")]]}
    parts = {"messages": [{"role": "user", "content": [{"type": "text", "text": "q4"}]}, {"role": "tool"}]}
    parts["messages"].append({"role": "assistant", "content": "a4"})
    lines = [*map(json.dumps, (yandex, openai, parts)), "", "{", '{"messages": 1}', "[" * 9999, '{"request": "x"}']

    imported = take("shop.jsonl", "\n".join([*lines, '{"a": ' + "1" * 5000 + "}", json.dumps(yandex) + " x"]))

    assert [passage[1:] for passage in passages()] == [("q1", "a1"), ("q2", "a2"), ("q3", "a3"), ("q4", "a4")]
    assert [line for line, _ in imported.errors] == [5, 6, 7, 8, 9, 10]


def test_a_half_of_a_character_in_json_costs_its_line():
    line = '{"request": [{"role": "user", "text": "%s"}], "response": "a"}'

    imported = take("shop.jsonl", line % "\\ud83d" + "\n" + line % "\\ud83d\\ude00")

    assert [error.line for error in imported.errors] == [1]
    assert passages() == [("", "😀", "a")]


def test_progress_is_told_up_to_the_end():
    told: list[tuple[int, int]] = []

    imports.import_file(
        knowledge_files.pdf(["One."] * 7),
        name="a.pdf",
        title="Shop",
        now=NOW,
        progress=lambda *at: told.append(at),
    )

    assert told == [*((page, 7) for page in range(1, 8)), (1, 1)]


def test_the_server_never_loads_the_libraries_that_read_files_apart():
    known = [known for known in recognition.FORMATS if known.apart]

    take("shop.md", "# A\n\nText.")

    assert {known.kind for known in known} == {"xlsx", "markdown", "html", "pdf"}
    assert not {f"besedka.knowledge.formats.{known.module}" for known in known} & set(sys.modules)
