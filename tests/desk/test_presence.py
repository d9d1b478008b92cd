"""Who looks at a conversation, as processes tell each other."""

from collections.abc import Iterator

import msgspec
import pytest

from besedka.desk import presence


@pytest.fixture(autouse=True)
def nobody() -> Iterator[None]:
    """Nobody looks at anything."""
    kept = (presence._looking, presence._elsewhere, presence._changed)
    yield
    for one in kept:
        one.clear()


def told(conversation_id, *people):
    """What another process says, as it comes out of Redis."""
    return msgspec.json.decode(
        msgspec.json.encode({str(conversation_id): [presence.Told(*one) for one in people]})
    )


def names(conversation_id):
    return [(one["name"], one["typing"]) for one in presence.who(conversation_id)]


def test_colleagues_of_another_process_are_seen_beside_those_of_this_one():
    presence.come(7, 1, "Anna")

    presence.Hearsay().hear("there", told(7, (2, "Boris", 1.0), (3, "Vera", None)))

    assert names(7) == [("Anna", False), ("Boris", True), ("Vera", False)]


def test_who_has_left_there_is_not_seen_here_any_more():
    hearsay = presence.Hearsay()
    hearsay.hear("there", told(7, (2, "Boris", None)))

    hearsay.hear("there", told(7))

    assert names(7) == []


def test_who_writes_in_one_window_and_looks_in_another_writes():
    presence.come(7, 2, "Boris")

    presence.Hearsay().hear("there", told(7, (2, "Boris", 0.5)))

    assert names(7) == [("Boris", True)]


def test_a_process_that_says_nothing_more_is_not_believed_for_ever(monkeypatch):
    presence.Hearsay().hear("there", told(7, (2, "Boris", None)))
    assert 0 < presence.fades_in_s(7) <= presence.BELIEVED_S

    monkeypatch.setattr(presence, "BELIEVED_S", 0)

    assert names(7) == []


def test_what_has_changed_is_told_once_and_everything_again_from_time_to_time(monkeypatch):
    hearsay = presence.Hearsay()
    presence.come(7, 1, "Anna")

    first, then = hearsay.tell(), hearsay.tell()
    presence.leave(7, 1)
    left = hearsay.tell()
    presence.come(8, 1, "Anna")
    hearsay.tell()
    monkeypatch.setattr(presence, "REPEATED_S", 0)

    assert [list(first), then, left] == [["7"], None, {"7": []}]
    assert list(hearsay.tell()) == ["8"]


def test_nonsense_is_refused():
    with pytest.raises(ValueError, match="Expected"):
        presence.Hearsay().hear("there", {"7": "Anna"})
