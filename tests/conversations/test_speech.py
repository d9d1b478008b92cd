"""What the bot is saying before it is said."""

import pytest

from besedka.conversations import speech


@pytest.fixture(autouse=True)
def quiet():
    yield
    speech.silence(7)


def test_a_listener_hears_what_is_new_to_it():
    listener = speech.Listener()

    speech.aloud(7, "Good")
    [first] = listener.news(7)
    speech.aloud(7, "Good morning")
    [second] = listener.news(7)

    assert (first["type"], first["text"]) == ("delta", "Good")
    assert (second["text"], second["turn"]) == (" morning", first["turn"])
    assert listener.news(7) == []


def test_who_comes_late_hears_all_of_it_at_once():
    speech.aloud(7, "Good morning")
    speech.aloud(7, "Good morning, dear")

    assert [frame["text"] for frame in speech.Listener().news(7)] == ["Good morning, dear"]


def test_what_does_not_go_on_takes_back_what_was_said():
    listener = speech.Listener()
    speech.aloud(7, "Good")
    [first] = listener.news(7)

    speech.aloud(7, "Bad")
    end, again = listener.news(7)

    assert end == {"type": "delta_end", "turn": first["turn"]}
    assert (again["text"], again["turn"] != first["turn"]) == ("Bad", True)


def test_silence_takes_everything_back():
    listener = speech.Listener()
    speech.aloud(7, "Good")
    [first] = listener.news(7)

    speech.aloud(7, "")

    assert listener.news(7) == [{"type": "delta_end", "turn": first["turn"]}]
    assert speech.of(7) is None


def test_once_somebody_else_answers_what_was_shown_is_taken_back_and_no_more_is_shown():
    listener = speech.Listener()
    speech.aloud(7, "Good")
    [first] = listener.news(7)

    taken_back = listener.news(7, hushed=True)
    speech.aloud(7, "Good morning")

    assert taken_back == [{"type": "delta_end", "turn": first["turn"]}]
    assert listener.news(7, hushed=True) == speech.Listener().news(7, hushed=True) == []


def test_who_heard_nothing_need_not_forget_anything():
    listener = speech.Listener()
    speech.aloud(7, "Good")
    speech.silence(7)

    assert listener.news(7) == []


def test_who_dies_while_speaking_is_not_heard_for_ever(monkeypatch):
    speech.aloud(7, "Good")

    monkeypatch.setattr(speech, "FORGOTTEN_S", -1)

    assert speech.of(7) is None
    assert speech.Listener().news(7) == []
