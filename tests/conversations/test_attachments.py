from datetime import timedelta

import held
import make
import pictures
import pytest
import running
import s3
from django.utils import timezone

from besedka.conversations import attachments, log, wire
from besedka.conversations.attachments import ALL_BYTES, UNSENT, Kept, QuotaExceeded, Taking, Upload
from besedka.conversations.log import Append, IdempotencyKeyReused
from besedka.conversations.models import Attachment
from besedka.media import store
from besedka.problems import NotFound, Problem, Unavailable

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("either_store")]


def upload(where, data: bytes = b"%PDF-1.7", name: str = "a.pdf") -> Upload:
    place = {"conversation_id": where} if isinstance(where, int) else {"address": where}
    return Upload(name=name, media_type="", data=data, **place)


def keep(where, **fields) -> Kept:
    [kept] = make.keep([upload(where, **fields)])
    if isinstance(kept, Problem):
        raise kept
    return kept


def read(key: str) -> bytes:
    with attachments.opened(key) as file:
        return file.read()


def send(to, file: str, text: str = "", client_id: str | None = None, author: str = "contact"):
    where = {"conversation_id": to} if isinstance(to, int) else {"address": to}
    [result] = log.append_many([Append(author=author, text=text, client_id=client_id, file=file, **where)])
    return result


def test_a_file_lies_under_a_name_of_its_own_and_is_read_back():
    address = make.address(make.inbox())

    kept = keep(address, data=b"%PDF-1.7 hello", name="../счёт.pdf")

    assert (kept.name, kept.media_type, kept.size) == ("счёт.pdf", "application/pdf", 14)
    assert held.files() == [kept.key]
    assert attachments.read(kept.key) == kept
    assert read(kept.key) == b"%PDF-1.7 hello"


def test_keys_say_nothing_about_each_other():
    address = make.address(make.inbox())

    first, second = keep(address).key, keep(address).key

    assert len(first) == len(second) == 32
    assert first[:8] != second[:8]


def test_a_refused_file_leaves_nothing_and_spoils_no_other():
    address = make.address(make.inbox())
    nowhere = make.address(make.inbox())
    gone = type(nowhere)(987_654, "x" * 64)

    results = make.keep(
        [upload(address), upload(address, b""), upload(address, b"<svg/>"), upload(gone), upload(987_654)]
    )

    assert isinstance(results[0], Kept)
    refusals = ["file_empty", "file_kind_refused", "not_found", "not_found"]
    assert [getattr(result, "code", "") for result in results[1:]] == refusals
    assert held.files() == [results[0].key]


def test_a_first_message_may_be_a_file():
    address = make.address(make.inbox())
    kept = keep(address)

    entry = send(address, kept.key)

    assert entry.payload == {
        "file": {"key": kept.key, "name": "a.pdf", "media_type": "application/pdf", "size": 8}
    }
    assert wire.message(entry)["file"]["url"] == f"/files/{kept.key}"
    assert Attachment.objects.get().conversation_id == entry.conversation_id


def test_a_message_sent_twice_carries_its_file_once():
    address = make.address(make.inbox())
    kept, other = keep(address), keep(address)

    first = send(address, kept.key, "here", client_id="1")
    again = send(address, kept.key, "here", client_id="1")
    another = send(address, other.key, "here", client_id="1")

    assert again.seq == first.seq
    assert isinstance(another, IdempotencyKeyReused)


@pytest.mark.parametrize("together", [True, False])
def test_a_file_is_sent_once(together):
    address = make.address(make.inbox())
    kept = keep(address)
    appends = [Append(author="contact", text=text, address=address, file=kept.key) for text in ("one", "two")]

    if together:
        first, second = log.append_many(appends)
    else:
        [first], [second] = log.append_many(appends[:1]), log.append_many(appends[1:])

    assert first.payload["file"]["key"] == kept.key
    assert isinstance(second, NotFound)
    assert second.details == {"field": "file"}


def test_nobody_sends_the_file_of_another():
    inbox = make.inbox()
    mine, theirs = make.address(inbox), make.address(inbox)
    elsewhere = type(theirs)(make.inbox().pk, theirs.known_as)
    conversation = make.conversation(owner="queue")
    of_theirs, of_staff = keep(theirs), keep(conversation.pk)

    assert isinstance(send(mine, of_theirs.key), NotFound)
    assert isinstance(send(elsewhere, of_theirs.key), NotFound)
    assert isinstance(send(mine, of_staff.key), NotFound)
    assert isinstance(send(mine, "0" * 32), NotFound)
    assert isinstance(send(theirs, of_theirs.key), wire.Entry)


def test_staff_sends_a_file_into_the_conversation_it_was_kept_for():
    conversation = make.conversation(owner="queue")

    entry = send(conversation.pk, keep(conversation.pk).key, author="operator")

    assert entry.payload["file"]["name"] == "a.pdf"


def test_a_refused_message_takes_no_file_along():
    address = make.address(make.inbox())
    kept = keep(address)
    stale = Append(author="contact", text="", address=address, file=kept.key, fence=log.Fence(7, ""))

    [refused] = log.append_many([stale])

    assert isinstance(refused, log.Stale)
    assert isinstance(send(address, kept.key), wire.Entry)


def test_whoever_stores_a_message_elsewhere_takes_the_file_itself():
    conversation = make.conversation(owner="queue")
    taking = Taking(keep(conversation.pk).key, conversation.pk)

    [taken, again, foreign] = attachments.take_many([taking, taking, Taking("0" * 32, conversation.pk)])

    assert isinstance(taken, Kept)
    assert isinstance(again, NotFound)
    assert isinstance(foreign, NotFound)


def test_a_message_without_a_file_asks_for_none(monkeypatch):
    address = make.address(make.inbox())
    make.say(address, "hello")
    monkeypatch.setattr(attachments.Attachment, "objects", None)

    assert make.say(address, "hello again").seq == 2


def test_the_twenty_first_unsent_file_is_refused_and_sending_makes_room():
    address = make.address(make.inbox())
    results = make.keep([upload(address) for _ in range(UNSENT + 1)])

    assert isinstance(results[UNSENT], QuotaExceeded)
    assert isinstance(attachments.room_many([attachments.Room(None, address)])[0], QuotaExceeded)
    assert len(held.files()) == UNSENT
    send(address, results[0].key)
    assert keep(address)
    assert keep(make.address(make.inbox()))


def test_a_conversation_has_so_many_bytes():
    address = make.address(make.inbox())
    kept = keep(address)
    Attachment.objects.update(size=ALL_BYTES - 8)
    send(address, kept.key)

    assert keep(address, data=b"8 bytes.")
    with pytest.raises(QuotaExceeded):
        keep(address, data=b"!")


def test_what_a_contact_leaves_lying_takes_no_room_from_staff():
    conversation = make.conversation(owner="queue")
    address = make.address_of(conversation)
    make.keep([upload(address) for _ in range(UNSENT)])

    assert keep(conversation.pk)


def test_what_nobody_sent_in_a_day_is_swept():
    address = make.address(make.inbox())
    sent, unsent, fresh = keep(address), keep(address), keep(address)
    send(address, sent.key)
    now = timezone.now()
    day = timedelta(hours=24, seconds=1)
    Attachment.objects.exclude(key=fresh.key).update(created_at=now - day)

    removed = attachments.sweep_many(now)

    assert removed == 1
    assert held.files() == sorted([sent.key, fresh.key])
    with pytest.raises(NotFound):
        attachments.read(unsent.key)


def test_bytes_that_no_row_knows_are_swept_once_they_are_old():
    kept = keep(make.address(make.inbox()))
    for key in ("0" * 32, "f" * 32):
        store.write(attachments.name_of(key), b"left by a crash")
    now = timezone.now()
    Attachment.objects.update(created_at=now + timedelta(hours=2))

    early = attachments.sweep_many(now + timedelta(hours=23))
    late = attachments.sweep_many(now + timedelta(hours=25))

    assert (early, late) == (0, 2)
    assert held.files() == [kept.key]


def test_what_cannot_be_swept_while_the_store_is_away_is_swept_later(s3_server, settings):
    bucket, now = s3_server.bucket(), timezone.now()
    settings.STORAGES = s3.storages(bucket, s3_server.port)
    keep(make.address(make.inbox()))
    Attachment.objects.update(created_at=now - timedelta(hours=25))

    settings.STORAGES = s3.storages(bucket, running.free_port())
    with pytest.raises(Unavailable):
        attachments.sweep_many(now)
    settings.STORAGES = s3.storages(bucket, s3_server.port)
    waiting = held.files()
    removed = attachments.sweep_many(now + timedelta(hours=25))

    assert (len(waiting), removed) == (1, 1)
    assert held.files() == []


def test_a_file_that_was_refused_goes_later_where_its_store_is_away(s3_server, settings, caplog):
    settings.STORAGES = s3.storages(s3_server.bucket(), s3_server.port)
    written = attachments.write(upload(make.address(make.inbox())))

    settings.STORAGES = s3.storages("x", running.free_port())
    attachments.discard(written)

    assert "stays for a day" in caplog.text


def test_a_file_whose_bytes_are_gone_is_not_there():
    kept = keep(make.address(make.inbox()), data=pictures.of("PNG"))
    store.remove(attachments.name_of(kept.key))

    with pytest.raises(NotFound):
        attachments.opened(kept.key)


def test_old_clients_read_where_the_file_is():
    address = make.address(make.inbox())
    with_text, without = keep(address), keep(address)

    first, second = send(address, with_text.key, "look"), send(address, without.key)

    assert wire.plain(first, site="https://x") == f"look\na.pdf: https://x/files/{with_text.key}"
    assert wire.plain(second) == f"a.pdf: /files/{without.key}"
