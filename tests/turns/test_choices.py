"""Reading an answer to a suggestion."""

from datetime import UTC, datetime

import pytest

from besedka.conversations.leases import Claim
from besedka.conversations.wire import Entry
from besedka.turns import choices

NOW = datetime(2026, 3, 1, tzinfo=UTC)
OFFERED = ["How much is delivery?", "When is it open?", "None of these, call a person"]


def claim(*texts: str, offered: list[str] | None = None, misses: int = 0) -> Claim:
    said = tuple(Entry(1, at, "contact", text, None, NOW) for at, text in enumerate(texts, 3))
    last = Entry(1, 2, "bot", "Perhaps:", None, NOW, {"choices": offered, "misses": misses}) if offered else None
    return Claim(1, 1, 0, "k", 3, 3, 0, 1, said, NOW, last)


@pytest.mark.parametrize(
    "said", ["2", " 2.", "2)", "«2»", "When is it open?", "when is it open", "WHEN IS IT OPEN?!"]
)
def test_a_number_or_the_text_of_a_button_is_its_question(said):
    assert choices.question(claim(said, offered=OFFERED)) == "When is it open?"


@pytest.mark.parametrize("said", ["4", "0", "22", "-1", "²", "٢", "two", "When is it open on Sunday?"])
def test_anything_else_is_a_question_of_its_own(said):
    assert choices.question(claim(said, offered=OFFERED)) == said


def test_a_number_that_answers_nothing_stays_a_number():
    assert choices.question(claim("2")) == "2"


def test_a_burst_is_one_question():
    assert choices.question(claim("2", "no, wait", offered=OFFERED)) == "2\nno, wait"


def test_misses_are_counted_by_what_the_bot_said_last():
    assert choices.misses(claim("x", offered=OFFERED, misses=2)) == 2
    assert choices.misses(claim("x")) == 0
