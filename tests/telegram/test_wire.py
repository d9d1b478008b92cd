import contextlib
import json

import pytest
from hypothesis import given
from hypothesis.strategies import binary, booleans, dictionaries, floats, integers, lists, none, recursive, text

from besedka.telegram import acts, wire

CHAT = {"id": 7, "type": "private"}
ANNA = {"id": 7, "is_bot": False, "first_name": "Анна"}
ANYTHING = recursive(
    none() | booleans() | integers() | floats() | text(),
    lambda inner: lists(inner, max_size=4) | dictionaries(text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
FIELDS = dictionaries(text(max_size=3) | text("abcdefghijklmnopqrstuvwxyz_", max_size=10), ANYTHING, max_size=4)


def message(**content):
    said = {"message_id": 5, "date": 9, "chat": CHAT, "from": ANNA, **content}
    return wire.read(json.dumps({"update_id": 1, "message": said}))


@given(ANYTHING)
def test_whatever_comes_is_read_or_refused(body):
    with contextlib.suppress(wire.Unreadable):
        acts.act(wire.read(json.dumps({"update_id": 1, "message": body, "callback_query": body})))


@given(FIELDS)
def test_whatever_stands_in_a_message_is_read_or_refused(content):
    with contextlib.suppress(wire.Unreadable):
        acts.act(message(**content))


@given(binary(max_size=200))
def test_whatever_is_no_json_is_refused(body):
    with contextlib.suppress(wire.Unreadable):
        wire.read(body.decode("latin-1"))


def test_lists_deep_inside_one_another_are_refused():
    with pytest.raises(wire.Unreadable):
        wire.read("[" * 100_000)


def test_what_no_database_keeps_is_left_out():
    assert acts.act(message(text="a\u0000b\ud800")).text == "ab�"


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("/start", "start"),
        ("/start@besedka_bot", "start"),
        ("/start now", "start"),
        ("/START", "start"),
        ("/finish", "finish"),
        ("/help", "help"),
        ("/whatever", "help"),
        ("/", "help"),
        ("hello", "say"),
        ("see /start", "say"),
    ],
)
def test_commands_are_told_from_texts(text, kind):
    assert acts.act(message(text=text)).kind == kind


SIZES = [{"file_id": "s", "width": 90, "height": 90}, {"file_id": "l", "width": 900, "height": 900}]
PDF = {"file_id": "l", "file_name": "a.pdf", "mime_type": "application/pdf"}


@pytest.mark.parametrize(
    ("content", "name", "media_type"),
    [
        ({"photo": SIZES}, "photo-5.jpg", "image/jpeg"),
        ({"voice": {"file_id": "l", "duration": 3}}, "voice-5.ogg", "audio/ogg"),
        ({"document": PDF}, "a.pdf", "application/pdf"),
    ],
)
def test_files_are_carried_the_largest_size_of_a_photo(content, name, media_type):
    file = acts.act(message(caption="look", **content)).file

    assert (file.file_id, file.name, file.media_type) == ("l", name, media_type)


@pytest.mark.parametrize("kind", ["sticker", "location", "contact", "poll", "video_note", "dice", "passport_data"])
def test_what_cannot_be_carried_is_named(kind):
    found = acts.act(message(**{kind: {"emoji": "🎲"}}))

    assert found.kind == "unsupported"
    assert found.what in (kind, "contact_card", "other")


@pytest.mark.parametrize("kind", ["group", "supergroup", "channel"])
def test_groups_are_none_of_our_business(kind):
    assert acts.act(message(text="/start", chat={"id": -100, "type": kind})).kind == "nothing"


def test_other_updates_are_none_of_our_business():
    assert acts.act(wire.read('{"update_id": 5, "my_chat_member": {}}')).kind == "nothing"
