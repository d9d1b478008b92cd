"""A ticket: one use, a minute, bound to who asked for it, and nowhere in the database as it is."""

from datetime import timedelta

import make
import pytest
from at_once import together
from django.utils import timezone

from besedka.accounts import tickets
from besedka.accounts.models import Ticket

pytestmark = pytest.mark.django_db


@pytest.fixture
def anna():
    return make.operator("anna")


def test_a_ticket_lets_its_holder_in_once(anna):
    ticket = tickets.issue(anna.pk)

    first, second = tickets.redeem_many([ticket, ticket])

    assert (first.user_id, first.name) == (anna.pk, "anna")
    assert isinstance(second, tickets.TicketInvalid)
    assert ticket not in str(list(Ticket.objects.values()))


def test_a_ticket_lives_a_minute(anna):
    now = timezone.now()
    ticket, other = tickets.issue(anna.pk, now=now), tickets.issue(anna.pk, now=now)

    [late] = tickets.redeem_many([ticket], now=now + timedelta(seconds=61))
    [in_time] = tickets.redeem_many([other], now=now + timedelta(seconds=59))

    assert isinstance(late, tickets.TicketInvalid)
    assert isinstance(in_time, tickets.Person)


def test_old_tickets_are_forgotten(anna):
    now = timezone.now()
    tickets.issue(anna.pk, now=now - timedelta(hours=2))

    tickets.issue(anna.pk, now=now)

    assert Ticket.objects.count() == 1


def test_who_was_switched_off_is_not_let_in_and_not_known(anna):
    ticket = tickets.issue(anna.pk)
    anna.is_active = False
    anna.save()

    assert isinstance(tickets.redeem_many([ticket])[0], tickets.TicketInvalid)
    assert tickets.known_many([anna.pk, 999_999]) == [None, None]


@pytest.mark.django_db(transaction=True)
def test_of_those_who_show_a_ticket_at_once_to_several_processes_one_is_let_in(transactional_db):
    ticket = tickets.issue(make.operator("anna").pk)

    let_in = together(*(lambda: tickets.redeem_many([ticket])[0] for _ in range(12)))

    assert sum(isinstance(one, tickets.Person) for one in let_in) == 1
