"""What a model may say aloud, and what it says in the end."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from besedka.answers import guards
from besedka.answers.answerer import Evidence, Prompt

PHRASES = ("искусственного интеллекта", "я не могу", "я бот")
SECRET = "sk-live-0123456789"
EVIDENCE = (Evidence(11, "Delivery", "…", 1, 0.9), Evidence(22, "Returns", "…", 1, 0.5))


class Heard:
    """All that was said aloud."""

    def __init__(self):
        self.texts = []
        self.screen = guards.Screen(
            Prompt("?", evidence=EVIDENCE, give_away=PHRASES, secrets=(SECRET,)), self.texts.append
        )

    def say(self, text, size=3):
        for at in range(0, len(text), size):
            self.screen.hear(text[at : at + size])
        self.screen.end()
        return self.screen.reply(whole=True)


@pytest.fixture
def heard():
    return Heard()


def test_numbers_of_passages_become_citations_and_leave_the_text(heard):
    assert heard.say("Tomorrow [1]. Returns take a week [2, 1].") == ("Tomorrow. Returns take a week.", (11, 22))


@pytest.mark.parametrize(
    "text", ["As of [2024] it is so.", "See [1](https://example.com).", "An array a[0].", "[ ]"]
)
def test_brackets_of_another_kind_stay(heard, text):
    assert heard.say(text) == (text, ())


@pytest.mark.parametrize(
    "text", ["Я бот, и всё.", "К сожалению, Я НЕ МОГУ", "Я — модель искусственного\nинтеллекта"]
)
@pytest.mark.parametrize("size", [1, 4, 100])
def test_a_give_away_phrase_ends_the_answer_and_no_part_of_it_was_shown(heard, text, size):
    with pytest.raises(guards.GivesItselfAway):
        heard.say("Добрый день. " * 10 + text + " и ещё много слов после этого. " * 5, size)

    assert all("бот" not in said.lower() and "не могу" not in said.lower() for said in heard.texts)


def test_a_word_that_only_begins_like_a_phrase_is_none(heard):
    said = "Вот моя ботаника, и я ботинки чищу, пока я не могучий."

    assert heard.say(said, 1)[0] == said


@pytest.mark.parametrize("size", [1, 5, 200])
def test_a_secret_is_never_shown_not_even_half_of_it(heard, size):
    text, _ = heard.say("The key is " + SECRET + " and now you know. " + "Nothing else. " * 10, size)

    assert SECRET[:9] not in text
    assert all(SECRET[:9] not in said for said in heard.texts)


def test_a_secret_in_disguise_takes_the_whole_reply_with_it(heard):
    spelled = " ".join(SECRET)

    assert heard.say(f"Here: {spelled}") == ("•••", ())


def test_an_answer_that_was_cut_ends_with_its_last_sentence(heard):
    heard.say("We are open daily. Except on Sun")

    assert heard.screen.reply(whole=False)[0] == "We are open daily."


def test_of_an_answer_that_was_cut_in_its_first_sentence_nothing_is_left(heard):
    heard.say("We are open dai")

    assert heard.screen.reply(whole=False)[0] == ""


def test_a_model_that_goes_on_and_on_is_cut_off(heard):
    text, _ = heard.say("Yes, it is so. " * 10_000, 1000)

    assert len(text) <= guards.MAX_REPLY
    assert text.endswith("so.")


@given(st.lists(st.text(max_size=40), max_size=20))
def test_what_is_shown_only_ever_grows_and_is_the_beginning_of_the_reply(pieces):
    shown = Heard()
    try:
        for piece in pieces:
            shown.screen.hear(piece)
        shown.screen.end()
    except guards.GivesItselfAway:
        return
    reply, _ = shown.screen.reply(whole=True)

    for before, after in itertools.pairwise([*shown.texts, reply]):
        assert after.startswith(before)
