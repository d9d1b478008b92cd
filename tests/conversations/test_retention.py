"""Inboxes keep conversations for as long as they say, and no longer."""

from datetime import timedelta

import held
import make
import pytest
from django.utils import timezone

from besedka import cli
from besedka.conversations import erasure, retention
from besedka.conversations.models import Act, Contact, Conversation, Identity, Inbox

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("media")]


def aged(conversation: Conversation, days: float) -> Conversation:
    then = timezone.now() - timedelta(days=days)
    return make.change(conversation, last_message_at=then, active_at=then)


def sweep() -> int:
    fenced = retention.sweep_many(timezone.now())
    assert erasure.finish()
    return fenced


def test_an_inbox_that_says_nothing_keeps_everything():
    aged(held.contact(), 10_000)

    assert retention.look(timezone.now()) == []
    assert sweep() == 0


def test_what_is_older_than_its_inbox_keeps_is_erased_with_its_files_and_nothing_else_is():
    inbox = make.inbox_with_bot(kept_days=30)
    old, young = aged(held.contact(inbox), 31), aged(held.contact(inbox), 29)
    elsewhere = aged(held.contact(make.inbox_with_bot()), 1_000)
    before = held.numbers(young.pk)

    [told] = retention.look(timezone.now())
    fenced = sweep()

    assert (told.conversations, told.messages, told.files) == (1, 4, 1)
    assert fenced == 1
    assert held.numbers(old.pk) == {"conversations.Message": 1}
    assert held.numbers(young.pk) == before
    assert held.numbers(elsewhere.pk) == held.numbers(young.pk)
    assert len(held.files()) == 4
    assert not Identity.objects.filter(contact=old.contact_id).exists()
    assert Act.objects.get(act="erased").details["why"] == "kept_days"
    assert retention.look(timezone.now())[0].conversations == 0


def test_who_writes_elsewhere_still_is_known_there():
    token = make.token()
    old = aged(held.contact(make.inbox_with_bot(kept_days=30), token), 31)
    live = held.contact(make.inbox_with_bot(), token)

    sweep()

    old.refresh_from_db()
    live.refresh_from_db()
    assert old.contact_id != live.contact_id
    assert Contact.objects.get(pk=old.contact_id).erased_at is not None
    assert Contact.objects.get(pk=live.contact_id).name == held.SECRET
    assert make.say(make.address(live.inbox, token), "hello").conversation_id == live.pk
    begins_anew = make.say(make.address(old.inbox, token), "hello")
    assert (begins_anew.seq, begins_anew.conversation_id == old.pk) == (1, False)


def test_who_writes_at_the_last_moment_keeps_everything():
    inbox = make.inbox_with_bot(kept_days=30)
    conversation = aged(held.contact(inbox), 31)
    chosen = [conversation.pk]
    before = timezone.now() - timedelta(days=30)

    make.say(make.address_of(conversation), "I am still here")

    assert erasure.begin_old_many(chosen, before=before) == []
    assert sweep() == 0


def test_an_episode_that_was_closed_lately_counts_from_its_closing():
    conversation = aged(held.contact(make.inbox_with_bot(kept_days=30)), 31)

    make.close([conversation.pk])

    assert sweep() == 0


def test_a_sweep_takes_no_more_than_it_is_to():
    inbox = make.inbox(kept_days=1)
    for _ in range(3):
        aged(Conversation.objects.get(pk=make.say(make.address(inbox), "hello").conversation_id), 2)

    assert retention.sweep_many(timezone.now(), limit=1) == 3  # it takes them fifty at a time
    assert retention.sweep_many(timezone.now(), limit=1) == 0


@pytest.mark.django_db(transaction=True)
def test_a_dry_run_tells_what_would_go_and_leaves_it(capsys):
    old = aged(held.contact(make.inbox_with_bot(kept_days=30)), 31)

    dry = cli.main(["erase-old", "--dry-run"])
    told, kept = capsys.readouterr().out, held.numbers(old.pk)
    done = cli.main(["erase-old"])

    assert (dry, done) == (0, 0)
    assert "Shop: keeps 30 days; older: conversations 1, messages 4, files 1." in told
    assert len(kept) > 5
    assert held.numbers(old.pk) == {"conversations.Message": 1}


def test_an_inbox_keeps_at_least_a_day(admin_client):
    inbox = make.inbox()
    form = {"name": "Shop", "kind": "site", "hand_off": "unsure", "language": "en", "kept_days": "0"}
    form |= {"popular_questions": "[]", "allowed_origins": "[]"}

    page = admin_client.post(f"/admin/conversations/inbox/{inbox.pk}/change/", form)

    assert page.status_code == 200
    assert Inbox.objects.get(pk=inbox.pk).kept_days is None


def test_setting_a_bound_says_what_it_will_erase(admin_client):
    inbox = make.inbox()
    aged(Conversation.objects.get(pk=make.say(make.address(inbox), "hello").conversation_id), 40)
    form = {"name": "Shop", "kind": "site", "hand_off": "unsure", "language": "en", "kept_days": "30"}
    form |= {"popular_questions": "[]", "allowed_origins": "[]"}

    page = admin_client.post(
        f"/admin/conversations/inbox/{inbox.pk}/change/", form, follow=True, headers={"accept-language": "en"}
    )

    assert Inbox.objects.get(pk=inbox.pk).kept_days == 30
    assert "1 conversations are older" in page.content.decode()
