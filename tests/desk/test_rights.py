"""To whom a conversation can be handed over, and who is told of a changed post."""

import json

import make
import pytest

from besedka.conversations import signals
from besedka.conversations.changes import Change
from besedka.conversations.models import Inbox
from besedka.conversations.rows import Row
from besedka.desk import outside
from besedka.desk.models import Operator
from besedka.problems import Invalid, NotFound

pytestmark = pytest.mark.django_db


def operator_of(name, **fields):
    user = make.operator(name)
    post = Operator.objects.create(user=user, **{"is_enabled": True, **fields})
    return user, post


def handed_over(conversation, to):
    """What became of handing this conversation over, and who answers then."""
    [result] = outside.transfer_many([Change(conversation.pk, conversation.operator_id, over=True, to=to)])
    conversation.refresh_from_db()
    return result, conversation.operator_id


def test_a_conversation_is_handed_over_to_who_serves_its_inbox_and_to_nobody_else():
    anna, _ = operator_of("anna")
    here, post = operator_of("here")
    elsewhere, away = operator_of("elsewhere")
    disabled, _ = operator_of("disabled", is_enabled=False)
    author = make.operator("author")
    conversation = make.held_by(anna)
    post.inboxes.add(conversation.inbox)
    away.inboxes.add(make.inbox())
    off, _ = operator_of("off")
    off.is_active = False
    off.save()

    for nobody in (elsewhere.pk, disabled.pk, author.pk, off.pk, 999_999_999):
        refused, still = handed_over(conversation, nobody)
        assert isinstance(refused, Invalid)
        assert (refused.details, still) == ({"field": "to"}, anna.pk)
    done, now = handed_over(conversation, here.pk)
    assert isinstance(done, Row)
    assert now == here.pk


def test_of_many_each_is_refused_or_done_in_its_place():
    anna, _ = operator_of("anna")
    boris, _ = operator_of("boris")
    first, second, third = (make.held_by(anna) for _ in range(3))
    author = make.operator("author")

    results = outside.transfer_many(
        [
            Change(first.pk, anna.pk, to=author.pk),
            Change(second.pk, anna.pk, to=boris.pk),
            Change(999_999_999, anna.pk, to=boris.pk),
            Change(third.pk, anna.pk),
        ]
    )

    assert [type(result) for result in results] == [Invalid, Row, NotFound, Row]
    assert (results[1].id, results[3].id) == (second.pk, third.pk)


def test_over_http_nobody_is_handed_over_to_who_may_not_answer(client):
    anna, _ = operator_of("anna")
    conversation, author = make.held_by(anna), make.operator("author")
    client.force_login(anna)

    where = f"/api/v1/desk/conversations/{conversation.pk}/transfer/"
    answer = client.post(where, json.dumps({"owner_version": 1, "to": author.pk}), content_type="application/json")

    assert (answer.status_code, answer.json()["field"]) == (400, "to")


@pytest.fixture
def told(monkeypatch, django_capture_on_commit_callbacks):
    """Whom a change tells to look again."""

    def of(change):
        heard = []
        with monkeypatch.context() as patch:
            patch.setattr(signals, "deliver", lambda kinds: heard.extend(kinds.get(signals.RIGHTS, ())))
            with django_capture_on_commit_callbacks(execute=True):
                change()
        return sorted(set(heard))

    return of


def test_a_change_of_a_post_is_told_to_its_operator_and_ends_nothing_but_the_loss_of_it(told):
    anna, post = operator_of("anna")
    inbox = make.inbox()
    topic = [signals.topic_of_user(anna.pk)]

    def change(**fields):
        Operator(pk=post.pk, user=anna, **{"is_enabled": True, **fields}).save()

    before = anna.fingerprint
    assert told(lambda: post.inboxes.add(inbox)) == topic
    assert told(lambda: post.inboxes.clear()) == topic
    assert told(lambda: change(is_supervisor=True)) == topic
    assert told(lambda: change(is_supervisor=True, capacity=3)) == []
    anna.refresh_from_db()
    assert anna.fingerprint == before
    assert told(lambda: change(is_enabled=False)) == topic
    anna.refresh_from_db()
    assert anna.fingerprint != before
    assert told(lambda: Inbox.objects.filter(pk=inbox.pk).delete()) == []
