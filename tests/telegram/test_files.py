"""Photos, documents and voice, both ways, through aiogram over real HTTP."""

import make
import pictures
import pytest
from telegram_people import led, logged, operator
from telegram_server import CUT, Does, wait_until

from besedka.conversations import attachments
from besedka.conversations.models import Message
from besedka.conversations.uploads import Upload
from besedka.telegram import handling

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("running")]
VOICE = b"OggS" + b"\0" * 200
PDF = b"%PDF-1.4 and more"


@pytest.fixture(autouse=True)
def apart(settings, tmp_path, monkeypatch):
    settings.MEDIA_ROOT = tmp_path
    monkeypatch.setattr(handling, "PAUSE_S", 0.01)


@pytest.fixture
def anna(telegram):
    return operator(telegram)


@pytest.fixture
def conversation(telegram, anna):
    return led(telegram, anna)


def carried(conversation):
    """The last file of the operator: its message, its name and type, its bytes."""
    found = Message.objects.filter(conversation=conversation, author="operator").order_by("seq").last()
    if found is None or "file" not in (found.payload or {}):
        return None
    kept = attachments.read(found.payload["file"]["key"])
    with attachments.opened(kept.key) as file:
        return found.text, kept.name, kept.media_type, file.read()


def upload(conversation, name, media_type, data, text=""):
    """A visitor sends a file."""
    [kept] = make.keep(
        [Upload(name=name, media_type=media_type, data=data, address=make.address_of(conversation))]
    )
    make.say(make.address_of(conversation), text, file=kept.key)


def picture():
    return pictures.of("JPEG")


def test_a_photo_reaches_the_visitor_in_its_largest_size(telegram, anna, conversation):
    telegram.keep("small", "photos/s.jpg", b"never asked for")
    telegram.keep("large", "photos/l.jpg", picture())

    anna.sends(
        photo=[
            {"file_id": "small", "width": 90, "height": 60},
            {"file_id": "large", "width": 800, "height": 600},
        ],
        caption="Вот",
    )

    text, _, media_type, data = wait_until(lambda: carried(conversation))
    assert (text, media_type, data[:2]) == ("Вот", "image/jpeg", b"\xff\xd8")


@pytest.mark.parametrize(
    ("content", "name", "media_type", "data"),
    [
        ({"voice": {"file_id": "f", "mime_type": "audio/ogg"}}, "voice", "audio/ogg", VOICE),
        (
            {"document": {"file_id": "f", "file_name": "счёт.pdf", "mime_type": "application/pdf"}},
            "счёт.pdf",
            "application/pdf",
            PDF,
        ),
    ],
)
def test_documents_and_voice_reach_the_visitor(telegram, anna, conversation, content, name, media_type, data):
    telegram.keep("f", "files/f", data)

    anna.sends(**content)

    _, kept_name, _, kept = wait_until(lambda: carried(conversation))
    assert kept_name.startswith(name)
    assert kept == data


def test_each_part_of_an_album_is_carried_in_order(telegram, anna, conversation):
    telegram.keep("f", "photos/f.jpg", picture())

    for number in range(3):
        anna.sends(photo=[{"file_id": "f", "width": 8, "height": 6}], caption=f"{number}", media_group_id="album")

    said = [("operator", str(number)) for number in range(3)]
    wait_until(lambda: [one for one in logged(conversation) if one[0] == "operator"] == said)


def test_what_visitors_send_arrives_as_what_it_is(telegram, anna, conversation):
    upload(conversation, "a.jpg", "image/jpeg", picture(), "look")
    upload(conversation, "a.ogg", "audio/ogg", VOICE)
    upload(conversation, "счёт.pdf", "application/pdf", PDF, "x" * 2000)

    wait_until(lambda: "x" * 2000 in anna.texts)
    shown = [(one.kind, one.text[:9]) for one in anna.sees[-4:]]
    assert shown == [("photo", "look"), ("voice", ""), ("document", ""), ("text", "x" * 9)]
    assert anna.sees[-2].file == ("счёт.pdf", PDF)


def test_a_photo_that_telegram_does_not_take_comes_as_a_document(telegram, anna, conversation):
    telegram.always["sendPhoto"] = Does(400, "Bad Request: PHOTO_INVALID_DIMENSIONS")

    upload(conversation, "a.jpg", "image/jpeg", picture(), "look")

    wait_until(lambda: [one.kind for one in anna.sees if one.text == "look"] == ["document"])


def test_a_file_that_comes_at_the_third_try_comes(telegram, anna, conversation):
    telegram.keep("f", "files/f.pdf", PDF)
    telegram.fails("download", *[CUT] * 4)

    anna.sends(document={"file_id": "f", "file_name": "a.pdf"})
    anna.writes("after")

    wait_until(lambda: ("operator", "after") in logged(conversation))
    assert [author for author, _ in logged(conversation)].count("operator") == 2


@pytest.mark.parametrize(
    ("document", "told"),
    [
        ({"file_id": "gone"}, "файл не удалось получить"),
        ({"file_id": "f", "file_size": 11_000_000}, "файл слишком большой"),
        ({"file_id": "f", "file_name": "a.exe"}, "такие файлы мы не принимаем"),
    ],
)
def test_what_cannot_be_carried_is_said_and_its_text_goes_all_the_same(
    telegram, anna, conversation, document, told
):
    telegram.keep("f", "files/f", b"MZ data")

    anna.sends(document=document, caption="text")

    wait_until(lambda: any(told in text for text in anna.texts))
    wait_until(lambda: ("operator", "text") in logged(conversation))
    assert carried(conversation) is None


def test_a_file_without_a_client_is_told_so(telegram, anna):
    telegram.keep("f", "files/f.pdf", PDF)

    anna.sends(document={"file_id": "f"})

    wait_until(lambda: anna.texts == ["Сейчас у вас нет клиента. Ничего не передано."])
    assert telegram.of("download") == []
