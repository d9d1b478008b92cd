"""Who waits is offered to operators outside, and taken back from them when somebody else was faster."""

import make
import pytest
from django.utils import timezone

from besedka.accounts.models import TelegramLink
from besedka.conversations import deliveries, ownership
from besedka.conversations.changes import Change
from besedka.conversations.deliveries import Beginning, Delivered
from besedka.conversations.models import Delivery
from besedka.desk import invitations
from besedka.desk.models import Invitation, Operator
from besedka.desk.outside import TELEGRAM

pytestmark = pytest.mark.django_db


@pytest.fixture
def outside():
    """Anna, who is on duty with her telephone."""
    anna = make.operator("anna")
    Operator.objects.create(user=anna, is_enabled=True, on_duty_since=timezone.now())
    TelegramLink.objects.create(user=anna, telegram_id=77, chat_id=77, created_at=timezone.now())
    return anna


def owed():
    """What is to be brought yet, by its kind."""
    unsent = Delivery.objects.filter(state__in=("waiting", "sending")).order_by("pk")
    return [body["kind"] for body in unsent.values_list("body", flat=True)]


def invited():
    """A conversation that waits, with an invitation to it."""
    waiting = make.conversation(owner="queue", waiting_since=timezone.now())
    invitations.sweep_many([100])
    return waiting


def taken(waiting):
    """Somebody else takes it, and the next sweep finds that."""
    ownership.claim_many([Change(waiting.pk, make.operator("boris").pk)])
    invitations.sweep_many([100])


def test_an_invitation_that_has_not_left_yet_never_does(outside):
    waiting = invited()
    assert owed() == ["invitation"]

    taken(waiting)

    assert owed() == []
    assert Invitation.objects.get().withdrawn_at is not None


def test_one_that_is_on_its_way_is_withdrawn_behind_it(outside):
    waiting = invited()
    [[due]] = deliveries.begin_many([Beginning(TELEGRAM, 10)])

    taken(waiting)
    assert owed() == ["invitation", "withdraw"]

    deliveries.delivered_many([Delivered(due.id, "1")])
    assert owed() == ["withdraw"]


def test_who_waits_again_is_offered_again(outside):
    waiting = invited()
    Operator.objects.update(on_duty_since=None)
    invitations.sweep_many([100])
    assert owed() == []

    Operator.objects.update(on_duty_since=timezone.now())
    invitations.sweep_many([100])

    assert owed() == ["invitation"]
    assert Invitation.objects.get(conversation=waiting).withdrawn_at is None
