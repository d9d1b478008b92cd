"""Everything that is known of a contact, in one archive that harms nobody who opens it."""

import io
import json
import zipfile
from datetime import timedelta

import held
import make
import pytest
import running
import s3
from django.utils import timezone

from besedka import cli
from besedka.conversations import attachments, contacts, erasure, export, holdings, often
from besedka.conversations.attachments import Kept
from besedka.conversations.models import Act, Attachment, Contact, Turn
from besedka.conversations.often import AskedTooOften
from besedka.conversations.uploads import Upload
from besedka.media import store
from besedka.problems import NotFound, Unavailable

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("media")]


def taken(contact_id: int) -> zipfile.ZipFile:
    pieces = list(export.archive(export.record(contact_id, actor_id=None)))
    return zipfile.ZipFile(io.BytesIO(b"".join(pieces)))


def document(contact_id: int):
    return json.loads(taken(contact_id).read("contact.json"))


def test_an_export_has_everything_that_is_held():
    conversation = held.contact(messages=150)

    found = document(conversation.contact_id)

    [told] = found["conversations"]
    assert found["format"] == "besedka-contact/1"
    assert found["contact"]["name"] == held.SECRET
    assert [one["kind"] for one in found["contact"]["known_by"]] == ["token"]
    assert [message["seq"] for message in told["messages"]] == list(range(1, 152))
    for holding in holdings.all_of():
        if holding.name:
            assert told[holding.name], holding.name
            assert set(told[holding.name][0]) == set(holding.fields)
    assert told["notes"][0]["text"] == f"это {held.SECRET}"
    assert told["executions"][0]["state"] == {"variables": {"name": held.SECRET}}


@pytest.mark.usefixtures("either_store")
def test_the_files_lie_beside_it_as_they_are():
    conversation = held.contact()
    archive = taken(conversation.contact_id)

    [told] = json.loads(archive.read("contact.json"))["conversations"]

    [path] = [file["path"] for file in told["files"]]
    assert told["messages"][0]["payload"]["file"]["path"] == path
    assert archive.read(path).decode() == f"%PDF {held.SECRET}"


def test_all_conversations_of_a_contact_are_in_it_and_nobody_elses():
    token = make.token()
    first, second = held.contact(make.inbox_with_bot(), token), held.contact(make.inbox_with_bot(), token)
    other = held.contact()

    found = document(first.contact_id)

    assert [one["id"] for one in found["conversations"]] == [first.pk, second.pk]
    assert other.pk not in [one["id"] for one in found["conversations"]]


def test_no_secret_is_in_it():
    inbox, token = make.inbox_with_bot(), make.token()
    conversation = held.contact(inbox, token)
    prompt = [{"role": "system", "content": "You are the SECRET bot"}, {"role": "user", "content": "hello"}]
    Turn.objects.update(trace={"usage": {"prompt": prompt, "calls": 1}})

    text = taken(conversation.contact_id).read("contact.json").decode()

    assert "SECRET bot" not in text
    assert json.loads(text)["conversations"][0]["turns"][0]["trace"]["usage"]["prompt"] == prompt[1:]
    assert token not in text
    assert contacts.address(inbox.pk, token).known_as not in text
    assert not any(key in text for key in Attachment.objects.values_list("key", flat=True))


@pytest.mark.parametrize(
    "said",
    [
        "<script>alert(1)</script>",
        "</script><img src=x onerror=alert(1)>",
        "=cmd|' /C calc'!A0",
        "\u202eexe.gpj",
        "\u2028",
    ],
)
def test_nothing_in_it_is_markup_or_turns_text_around(said):
    address = make.address(make.inbox())
    entry = make.say(address, said)
    conversation_id = entry.conversation_id
    contact = Contact.objects.get(conversations=conversation_id)
    Contact.objects.filter(pk=contact.pk).update(name=said)

    raw = taken(contact.pk).read("contact.json").decode()

    assert not set(raw) & set("<>&\u2028\u2029\u202e")
    assert json.loads(raw)["conversations"][0]["messages"][0]["text"] == said
    assert not raw.startswith(("=", "+", "-", "@"))


@pytest.mark.parametrize(
    "name", ["../../etc/passwd", "con.pdf", "a/b\\c.pdf", "=1+1.pdf", "счёт №1.pdf", "‮fdp.exe", ".." * 60, "\n"]
)
def test_names_of_files_lead_nowhere(name):
    path = export.safe_name(7, name)

    assert path.startswith("files/0007-")
    assert path.count("/") == 1
    assert ".." not in path.split("-")[0]
    assert not set(path) & set('\\:*?"<>|\n\u202e=')
    assert len(path) <= 80


def test_files_of_one_name_do_not_cover_each_other():
    address = make.address(make.inbox())
    for number in range(3):
        [kept] = make.keep([Upload(name="a.pdf", media_type="", data=f"%PDF {number}".encode(), address=address)])
        assert isinstance(kept, Kept)
        entry = make.say(address, "", file=kept.key)
    contact = Contact.objects.get(conversations=entry.conversation_id)

    names = taken(contact.pk).namelist()

    assert len(set(names)) == len(names) == 4


@pytest.mark.usefixtures("either_store")
def test_it_is_written_piece_by_piece():
    conversation = held.contact(messages=3)
    make.say(make.address_of(conversation), "x" * 4_000)
    file = Attachment.objects.filter(taken_at__isnull=False).get()
    store.remove(attachments.name_of(file.key))
    store.write(attachments.name_of(file.key), bytes(range(256)) * 20_000)

    pieces = list(export.archive(export.record(conversation.contact_id, actor_id=None)))

    assert max(map(len, pieces)) < 100_000
    assert zipfile.ZipFile(io.BytesIO(b"".join(pieces))).testzip() is None


@pytest.mark.usefixtures("either_store")
def test_a_file_that_is_erased_while_it_is_exported_is_missing_and_the_archive_is_whole():
    conversation = held.contact()
    outgoing = export.archive(export.record(conversation.contact_id, actor_id=None))
    begun = next(outgoing)

    erasure.begin_many([conversation.contact_id])
    erasure.finish()
    archive = zipfile.ZipFile(io.BytesIO(begun + b"".join(outgoing)))

    assert archive.testzip() is None
    assert archive.namelist() == ["contact.json"]
    json.loads(archive.read("contact.json"))


def test_an_export_whose_files_cannot_be_had_breaks_off(s3_server, settings):
    settings.STORAGES = s3.storages(s3_server.bucket(), s3_server.port)
    conversation = held.contact()
    outgoing = export.archive(export.record(conversation.contact_id, actor_id=None))
    next(outgoing)

    settings.STORAGES = s3.storages("x", running.free_port())

    with pytest.raises(Unavailable):
        list(outgoing)


def test_an_export_is_on_record_before_anything_goes_out():
    conversation, boss = held.contact(), make.administrator()

    export.record(conversation.contact_id, actor_id=boss.pk)

    act = Act.objects.get(act="exported")
    assert (act.actor, act.details) == (boss, {"contact": conversation.contact_id, "conversations": 1})
    with pytest.raises(NotFound):
        export.record(987_654, actor_id=boss.pk)


def test_an_archive_is_written_on_the_command_line_and_over_no_other_file(tmp_path, capsys):
    contact_id, file = str(held.contact().contact_id), tmp_path / "a.zip"

    codes = [cli.main(["export-contact", contact_id, str(file)]) for _ in range(2)]
    nobody = cli.main(["export-contact", "987654", str(tmp_path / "b.zip")])

    assert (codes, nobody) == ([0, 1], 1)
    assert zipfile.ZipFile(file).testzip() is None
    assert "messages 4" in capsys.readouterr().out
    assert not (tmp_path / "b.zip").exists()


@pytest.mark.django_db(transaction=True)
def test_one_person_exports_so_much_in_an_hour(monkeypatch):
    contact_id = make.conversation("queue").contact_id
    boss, other, now = make.administrator(), make.administrator("other"), timezone.now()
    monkeypatch.setitem(often.AN_HOUR, "exported", 3)
    for _ in range(3):
        export.record(contact_id, actor_id=boss.pk, now=now)

    with pytest.raises(AskedTooOften):
        export.record(contact_id, actor_id=boss.pk, now=now)

    assert Act.objects.filter(act="exported").count() == 3
    export.record(contact_id, actor_id=other.pk, now=now)
    export.record(contact_id, actor_id=boss.pk, now=now + timedelta(minutes=61))
