"""The books of `make load` find what is wrong: a load that can only say "all is well" would say nothing."""

import importlib
import types
from typing import Any

import pytest
import running

Log = list[tuple[int, str, str, str | None]]
LOG: Log = [(1, "contact", "hello 1", "a-1"), (2, "bot", "Hi!", None), (3, "contact", "hello 2", "a-2")]
SOCKET = [(seq, author, text) for seq, author, text, _ in LOG]
OLD = [(None, "bot", "Hi!")]
PROMISES = [("a-1", "hello 1", 1), ("a-2", "hello 2", 3)]


@pytest.fixture
def books(monkeypatch: pytest.MonkeyPatch) -> types.ModuleType:
    """The module; it lives beside the other benchmarks."""
    monkeypatch.syspath_prepend(str(running.ROOT / "benchmarks"))
    return importlib.import_module("load_books")


@pytest.fixture
def report(monkeypatch: pytest.MonkeyPatch) -> types.ModuleType:
    """What makes a report of it."""
    monkeypatch.syspath_prepend(str(running.ROOT / "benchmarks"))
    return importlib.import_module("load_report")


def judged(
    books: types.ModuleType,
    *,
    log: Log = LOG,
    kind: str = "socket",
    received: Any = SOCKET,
    pushed: int | None = None,
    operators: Any = (),
) -> dict[str, int]:
    """Which faults are found, for one visitor who was promised two messages."""
    visitor = [kind, "a", PROMISES, received, len(received) if pushed is None else pushed, len(PROMISES)]
    logs = {"a": [books.Entry(*entry) for entry in log]}
    verdict = books.judge([{"visitors": [visitor], "operators": list(operators)}], [], logs)
    counts = {name: getattr(verdict, name) for name in ("lost", "doubled", "reordered", "late", "silent")}
    return {name: count for name, count in counts.items() if count}


def test_books_that_add_up_have_no_fault(books):
    assert judged(books) == {}
    assert judged(books, kind="legacy", received=OLD) == {}


def test_a_promised_message_that_is_not_stored_is_lost(books):
    assert judged(books, log=LOG[:2], received=SOCKET[:2]) == {"lost": 1}


def test_a_message_that_is_stored_twice_is_doubled(books):
    twice: Log = [*LOG, (4, "contact", "hello 2", "a-2")]

    assert judged(books, log=twice, received=[entry[:3] for entry in twice]) == {"doubled": 1}


def test_a_hole_in_the_log_is_found(books):
    holed: Log = [*LOG, (5, "bot", "Bye!", None)]

    assert judged(books, log=holed, received=[entry[:3] for entry in holed]) == {"reordered": 1}


@pytest.mark.parametrize(
    ("received", "fault"),
    [
        pytest.param(SOCKET[:2], "lost", id="less than there is"),
        pytest.param([*SOCKET, SOCKET[2]], "doubled", id="one of them twice"),
        pytest.param([SOCKET[1], SOCKET[0], SOCKET[2]], "reordered", id="in another order"),
    ],
)
def test_a_reader_has_the_log_and_nothing_else(books, received, fault):
    assert judged(books, received=received) == {fault: 1}


def test_an_old_client_is_handed_each_answer_once(books):
    assert judged(books, kind="legacy", received=[]) == {"lost": 1}
    assert judged(books, kind="legacy", received=OLD * 2) == {"doubled": 1}


def test_a_connection_that_had_to_ask_was_not_told(books):
    assert judged(books, pushed=2) == {"late": 1}


def test_an_operators_answer_is_stored_once(books):
    answered: Log = [*LOG, (4, "operator", "Yes.", None)]
    received = [entry[:3] for entry in answered]

    assert judged(books, log=answered, received=received, operators=[(7, "Yes.", 4)]) == {}
    assert judged(books, operators=[(7, "Yes.", 4)]) == {"lost": 1}


def test_what_is_required_is_compared_and_a_figure_that_is_missing_is_not_reached(report):
    found = {"post_p95_ms": 80.0, "errors": 0.0}

    results = report.required(["post_p95_ms<=100", "post_p95_ms < 80", "errors==0", "poll_p95_ms<=1"], found)

    assert [one.reached for one in results] == [True, False, True, False]
    with pytest.raises(ValueError, match="is not of the form"):
        report.required(["fast"], found)
