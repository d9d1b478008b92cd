"""A contact's data is erased: everywhere, whatever is under way, however often it is interrupted."""

import logging
from datetime import timedelta
from pathlib import Path

import held
import make
import pytest
from django.apps import apps
from django.db import connection
from django.utils import timezone

from besedka import cli
from besedka.bots import executions
from besedka.bots.models import Execution
from besedka.conversations import (
    attachments,
    contacts,
    deliveries,
    erasure,
    holdings,
    leases,
    log,
    often,
    scrubbing,
    visits,
    wire,
)
from besedka.conversations.attachments import Kept
from besedka.conversations.erasure import Begun
from besedka.conversations.models import Act, Attachment, Contact, Conversation, Delivery, Identity, Message
from besedka.conversations.often import AskedTooOften
from besedka.conversations.uploads import Upload
from besedka.conversations.visits import Visit
from besedka.media import store
from besedka.problems import NotFound

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("media")]

# Tables of all installed apps that hold nothing of a contact, and why. Whoever adds a model puts it here, or
# declares it as something that is held of a conversation (`conversations.holdings`).
HOLDS_NONE = {
    "accounts.User": "accounts are people's own; a contact is tied to one by its identity, which goes",
    "accounts.Ticket": "a digest that belongs to an account and is used up in a minute",
    "accounts.LinkToken": "a digest that belongs to an account and is used up in minutes",
    "accounts.MirrorChat": "of accounts: where copies of their messages go; taken back by themselves",
    "accounts.MirrorToken": "of accounts",
    "accounts.SecondFactor": "of accounts",
    "accounts.TelegramLink": "operators'; a contact is known in Telegram by its identity",
    "admin.LogEntry": "acts of administrators; contacts and conversations are read only there",
    "ads.Ad": "belongs to an account, and is public until its author withdraws it",
    "ads.Sent": "which form an ad was published by; goes with it",
    "answers.Spend": "numbers of tokens a day",
    "auth.Group": "of accounts",
    "auth.Permission": "of accounts",
    "axes.AccessAttempt": "wrong tries to sign in, with name and address; swept when they count no more",
    "axes.AccessAttemptExpiration": "of these",
    "axes.AccessFailureLog": "never written",
    "axes.AccessLog": "never written",
    "bots.Bot": "the company's own",
    "bots.Graph": "scenarios as their authors wrote them",
    "bots.Placement": "the company's own",
    "bots.Scenario": "the company's own",
    "bots.Secret": "the company's own",
    "bots.Step": "the company's own",
    "contenttypes.ContentType": "names of tables",
    "conversations.Act": "who did what and when, in numbers; outlives the conversation on purpose",
    "conversations.Inbox": "the company's own",
    "conversations.Post": "which process does what for all of them",
    "desk.CannedReply": "the company's own",
    "desk.Operator": "operators'",
    "desk.Routing": "the company's own",
    "knowledge.Import": "the company's own files, on their way to become sources; gone in a month",
    "knowledge.ImportPart": "of these; gone as soon as they have become one",
    "knowledge.Passage": "the company's own; an answer of a person is written down as theirs",
    "knowledge.Source": "the company's own",
    "sessions.Session": "of accounts",
    "telegram.Post": "which process talks to Telegram",
    "telegram.Update": "of operators; emptied when it was handled, gone in a week; parked ones in 30 days",
    "token_blacklist.BlacklistedToken": "of accounts",
    "token_blacklist.OutstandingToken": "of accounts",
    "turns.BotSource": "the company's own",
}
# What the fence and the removal treat by themselves.
BY_HAND = {"Contact", "Identity", "Conversation", "Message", "Wording", "Attachment"}


def erase(*contact_ids: int, **fields) -> None:
    results = erasure.begin_many(contact_ids, **fields)
    assert all(isinstance(result, Begun) for result in results)
    assert erasure.finish()


def test_every_table_is_known_to_hold_something_of_a_contact_or_nothing():
    declared = {holding.label for holding in holdings.all_of()} | {f"conversations.{name}" for name in BY_HAND}
    models = {model._meta.label for model in apps.get_models()}

    assert declared & HOLDS_NONE.keys() == set()
    assert models - declared - HOLDS_NONE.keys() == set()
    assert declared | HOLDS_NONE.keys() <= models


def test_nothing_of_a_contact_is_left_anywhere(caplog, django_capture_on_commit_callbacks):
    conversation = held.contact()
    token = Identity.objects.get(contact=conversation.contact_id)
    before = held.places(held.SECRET, held.STEM, token.known_as)
    boss = make.administrator("Анна")

    with caplog.at_level(logging.INFO, "besedka"), django_capture_on_commit_callbacks(execute=True):
        erase(conversation.contact_id, actor_id=boss.pk)

    assert len(before) >= 10, before
    assert held.numbers(conversation.pk) == {"conversations.Message": 1}
    assert held.places(held.SECRET, held.STEM, token.known_as) == {}
    assert held.files() == []
    assert held.SECRET not in caplog.text
    assert f"contact {conversation.contact_id} is erased (asked, by {boss.pk}): conversations 1" in caplog.text


def test_what_stays_is_who_erased_it_and_when():
    conversation = held.contact(make.inbox(language="ru"))
    boss = make.administrator("Анна")
    now = timezone.now()

    erase(conversation.contact_id, actor_id=boss.pk, now=now)

    conversation.refresh_from_db()
    contact = Contact.objects.get(pk=conversation.contact_id)
    act = Act.objects.get(act="erased")
    [[left]] = log.read_many([log.Want(conversation.pk, 0, 100)])
    assert (act.actor, act.at, act.conversation_id) == (boss, now, conversation.pk)
    assert act.details == {"contact": contact.pk, "why": "asked", "messages": 4, "files": 2}
    assert (left.seq, left.author, left.text) == (5, "system", "Данные удалены.")
    assert left.payload == {"event": "erased", "by": "Анна"}
    assert (contact.name, contact.email, contact.phone) == ("Данные удалены", "", "")
    assert (conversation.status, conversation.owner, conversation.erasing_since) == ("erased", "queue", None)


def test_others_keep_everything():
    inbox = make.inbox_with_bot()
    mine, theirs = held.contact(inbox), held.contact(inbox)
    before, files = held.numbers(theirs.pk), len(held.files())

    erase(mine.contact_id)

    assert held.numbers(theirs.pk) == before
    assert len(held.files()) == files - 2
    assert Identity.objects.filter(contact=theirs.contact_id).exists()


def test_the_same_token_begins_an_empty_conversation_as_somebody_new():
    inbox, token = make.inbox_with_bot(), make.token()
    conversation = held.contact(inbox, token)
    address = make.address(inbox, token)

    erase(conversation.contact_id)

    assert visits.look_many([Visit(address, 0)]) == [None]
    entry = make.say(address, "hello again")
    assert (entry.seq, entry.conversation_id == conversation.pk) == (1, False)
    assert Conversation.objects.get(pk=entry.conversation_id).contact_id != conversation.contact_id


def test_all_conversations_of_a_contact_go_in_all_inboxes():
    token = make.token()
    first, second = held.contact(make.inbox_with_bot(), token), held.contact(make.inbox_with_bot(), token)

    erase(first.contact_id)

    assert first.contact_id == second.contact_id
    assert held.places(held.SECRET, held.STEM) == {}
    assert Act.objects.filter(act="erased").count() == 2


def test_erasing_again_changes_nothing_and_nobody_is_not_found():
    conversation = held.contact()
    erase(conversation.contact_id)

    again, nobody = erasure.begin_many([conversation.contact_id, 987_654])

    assert isinstance(again, Begun)
    assert again.conversation_ids == ()
    assert isinstance(nobody, NotFound)
    assert Act.objects.filter(act="erased").count() == 1


@pytest.mark.usefixtures("either_store")
def test_it_goes_on_from_wherever_it_was_interrupted():
    conversation = held.contact(messages=20)
    erasure.begin_many([conversation.contact_id])
    steps = 0

    while not erasure.go_on(limit=3).emptied:  # each of these could have been another process, after a crash
        steps += 1
    assert erasure.finish()

    assert steps > 5
    assert not Conversation.objects.filter(erasing_since__isnull=False).exists()
    assert held.places(held.SECRET, held.STEM) == {}
    assert held.files() == []


@pytest.mark.usefixtures("either_store")
def test_bytes_that_are_gone_already_do_not_stop_it():
    conversation = held.contact()
    for file in Attachment.objects.all():
        store.remove(attachments.name_of(file.key))

    erase(conversation.contact_id)

    assert not Attachment.objects.exists()


def test_nothing_that_waits_to_go_out_goes_out():
    conversation = held.contact()
    waiting = Delivery.objects.filter(state="waiting").count()

    erasure.begin_many([conversation.contact_id])

    assert waiting > 0
    assert deliveries.begin_many([deliveries.Beginning("telegram")]) == [[]]
    assert not Delivery.objects.exclude(state="delivered").exists()


def test_a_conversation_behind_the_fence_takes_no_message_of_anybody():
    conversation = held.contact()
    operator = make.operator("boris")
    erasure.begin_many([conversation.contact_id])

    appends = [
        log.Append("operator", "hello", conversation_id=conversation.pk, operator_id=operator.pk),
        log.Append("contact", "hello", conversation_id=conversation.pk),
        log.Append(
            "bot", "hello", conversation_id=conversation.pk, fence=log.Fence(conversation.owner_version, "")
        ),
    ]

    assert [type(result) for result in log.append_many(appends)] == [NotFound] * 3
    assert Message.objects.filter(conversation=conversation, text="hello").count() == 0


@pytest.mark.usefixtures("either_store")
def test_a_file_that_set_out_before_the_erasure_does_not_arrive_after_it():
    inbox, token = make.inbox_with_bot(), make.token()
    conversation = held.contact(inbox, token)
    address = make.address(inbox, token)
    [led_to] = attachments.room_many([attachments.Room(None, address)])
    there = {"media_type": "", "data": b"%PDF", "name": "a.pdf"}
    uploads = [Upload(**there, address=address, led_to=led_to), Upload(**there, conversation_id=conversation.pk)]

    erase(conversation.contact_id)
    results = make.keep(uploads)

    assert led_to == conversation.pk
    assert [type(result) for result in results] == [NotFound, NotFound]
    assert held.files() == []
    [fresh] = make.keep([Upload(**there, address=address)])
    assert isinstance(fresh, Kept)


def test_a_scenario_that_waits_does_not_go_on():
    conversation = held.contact()
    Execution.objects.update(wake_at=timezone.now())
    erasure.begin_many([conversation.contact_id])

    roused = executions.wake_many(timezone.now(), limit=10)

    assert roused == [conversation.pk]
    assert leases.stir_many(roused) == [False]
    assert leases.claim_many(roused) == [None]


@pytest.mark.usefixtures("either_store")
def test_files_cannot_be_fetched_from_the_fence_on():
    conversation = held.contact()
    keys = list(Attachment.objects.values_list("key", flat=True))

    erasure.begin_many([conversation.contact_id])

    assert [type(found) for found in attachments.read_many(keys)] == [NotFound, NotFound]


def test_a_contact_without_a_conversation_is_erased_too():
    contact = Contact.objects.create(name=held.SECRET, created_at=timezone.now())
    Identity.objects.create(contact=contact, kind="token", known_as="x" * 64)

    erase(contact.pk)

    assert held.places(held.SECRET, "x" * 64) == {}
    assert Act.objects.get(act="erased").conversation_id is None


@pytest.mark.django_db(transaction=True)
def test_one_person_erases_so_many_contacts_in_an_hour(monkeypatch):
    boss, now = make.administrator(), timezone.now()
    monkeypatch.setitem(often.AN_HOUR, "erased", 2)
    first, second, third = (make.conversation("queue").contact_id for _ in range(3))
    erase(first, second, actor_id=boss.pk, now=now)

    with pytest.raises(AskedTooOften) as refused:
        erasure.begin_many([third], actor_id=boss.pk, now=now + timedelta(minutes=10))

    assert refused.value.details["retry_after"] == 3_000
    assert Contact.objects.get(pk=third).erased_at is None
    erase(third, actor_id=boss.pk, now=now + timedelta(minutes=61))


def test_the_desk_shows_an_erased_conversation_as_closed_and_what_became_of_it():
    conversation = held.contact()
    boss = make.administrator("Анна")

    erase(conversation.contact_id, actor_id=boss.pk)

    from_desk = wire.message(log.read_many([log.Want(conversation.pk, 0, 100)])[0][0])
    assert from_desk["payload"] == {"event": "erased"}


@pytest.mark.django_db(transaction=True)
def test_the_command_line_tells_what_would_go_and_then_does_it(capsys):
    first, second = held.contact(), held.contact()
    numbers = [str(first.contact_id), str(second.contact_id)]

    told = cli.main(["erase-contact", *numbers])
    kept = held.numbers(first.pk)
    done = cli.main(["erase-contact", *numbers, "987654", "--yes"])

    assert (told, done) == (0, 1)
    assert len(kept) > 5
    assert held.places(held.SECRET, held.STEM) == {}
    assert held.SECRET not in "".join(capsys.readouterr())


@pytest.mark.django_db(transaction=True)
def test_a_database_of_one_file_keeps_nothing_of_it_on_the_disk():
    if connection.vendor != "sqlite":
        pytest.skip("the file is SQLite's")
    conversation = held.contact(messages=30)
    token = Identity.objects.get(contact=conversation.contact_id).known_as
    path = Path(connection.settings_dict["NAME"])
    words = [held.SECRET.encode(), held.STEM.encode(), token.encode()]
    before = [word in path.read_bytes() + path.with_name(f"{path.name}-wal").read_bytes() for word in words]

    erase(conversation.contact_id)
    after = [word in path.read_bytes() for word in words]
    left = path.with_name(f"{path.name}-wal").stat().st_size

    assert before == [True, True, True]
    assert (after, left) == ([False, False, False], 0)
    assert "rewritten" in scrubbing.scrub()


def test_many_contacts_cost_few_queries(django_assert_max_num_queries):
    ids = [make.conversation("queue").contact_id for _ in range(40)]

    with django_assert_max_num_queries(320):
        erasure.begin_many(ids)
    with django_assert_max_num_queries(40):
        erasure.finish()

    assert contacts.find_many([]) == {}
    assert Message.objects.count() == 40
