import pytest
from hypothesis import given
from hypothesis.strategies import binary, text

from besedka.knowledge import rows
from besedka.knowledge.rows import Refused, Row
from besedka.problems import Problem


@pytest.mark.parametrize(
    "content",
    [
        "question,answer,topic\nЧто?,То,Т\n",
        "TOPIC;Question;ANSWER\r\nТ;Что?;То\r\n",
        "answer\tid\ttopic\tquestion\nТо\t7\tТ\tЧто?\n",
        "\ufeff question , answer ,topic\n\n Что? , То ,Т",
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8", "cp1251"])
def test_columns_come_in_any_order_delimiter_and_encoding(content: str, encoding: str):
    table = rows.read_csv(
        content.encode(encoding) if encoding == "utf-8" else content.lstrip("\ufeff").encode(encoding)
    )

    assert (table.rows, table.errors) == ([Row("Т", "Что?", "То")], [])


def test_a_topic_is_not_needed():
    assert rows.read_csv("question,answer\nЧто?,То").rows == [Row("", "Что?", "То")]


def test_every_line_that_cannot_be_used_is_named_with_its_reason():
    content = (
        "question,answer\n"
        "good,yes\n"
        ",no question\n"
        '"two\nlines",\n'
        "nul,a\0b\n"
        "long," + "x" * (rows.MAX_ANSWER + 1) + "\n"
        '"quoted"badly,no\n'
        "surrogate,\ud800\n"
        "good too,yes\n"
    )

    table = rows.read_csv(content)

    assert [row.question for row in table.rows] == ["good", "good too"]
    assert [(error.line, error.reason.split(":")[0]) for error in table.errors] == [
        (3, "question is empty"),
        (4, "answer is empty"),
        (6, "answer has a NUL character"),
        (7, "answer has 20001 characters, at most 20000 are kept"),
        (8, "not CSV"),
        (9, "answer has characters that are not text"),
    ]


def test_one_broken_byte_costs_its_line_and_not_the_file():
    content = "question,answer\nКогда?,Завтра\nКто?,Мы".encode() + b"\xff"

    table = rows.read_csv(content)

    assert table.rows == [Row("", "Когда?", "Завтра")]
    assert table.errors == [Refused(3, "answer has characters that are not text")]


@pytest.mark.parametrize("content", ["", "\n\n", "a,b\n1,2", "question\nq", "question,topic\nq,t"])
def test_a_file_that_does_not_name_its_columns_is_refused(content: str):
    with pytest.raises(rows.ColumnsUnknown):
        rows.read_csv(content)


def test_a_file_with_no_row_to_use_is_refused_so_that_it_wipes_nothing():
    with pytest.raises(rows.NothingToImport) as refusal:
        rows.read_csv("question,answer\n,\nq,\n")

    assert refusal.value.details == {"errors": [[3, "answer is empty"]]}


def test_a_file_that_is_too_large_is_refused_unread():
    with pytest.raises(rows.FileTooLarge):
        rows.read_csv(b"x" * (rows.MAX_BYTES + 1))


def test_a_file_with_too_many_rows_is_refused(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(rows, "MAX_ROWS", 2)

    with pytest.raises(rows.TooManyRows):
        rows.read_csv("question,answer\n1,1\n2,2\n3,3\n")


@given(content=binary() | text())
def test_any_file_is_read_or_refused(content: bytes | str):
    header = "question,answer\n"

    for file in (content, header + content if isinstance(content, str) else header.encode() + content):
        try:
            table = rows.read_csv(file)
        except Problem:
            continue
        for row in table.rows:
            row.answer.encode()
