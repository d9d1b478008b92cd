"""Who may not be here any more is shown out of the desk and of rooms, and who may not come is not let in."""

from collections.abc import Callable
from typing import Any

import make
import pytest
from asgiref.sync import sync_to_async
from django.db import connection
from inside import Inside, Socket, with_door

from besedka.accounts import tickets
from besedka.accounts.models import User
from besedka.conversations import rooms
from besedka.desk.models import Operator
from besedka.door import desk_socket, legacy_rooms

pytestmark = pytest.mark.django_db(transaction=True)
SHORT_S = 0.1
SHOWN_OUT, NOT_AT_DESK, COME_AGAIN = 4401, 4403, 1012


@pytest.fixture(autouse=True)
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    """One looks again often."""
    monkeypatch.setattr(desk_socket, "RECHECK_S", SHORT_S)
    monkeypatch.setattr(legacy_rooms, "RECHECK_S", SHORT_S)


@pytest.fixture
def anna() -> User:
    """An operator, and one of the staff."""
    user = User.objects.create_user("anna", password="a long password", is_staff=True)
    Operator.objects.create(user=user, is_enabled=True)
    return user


@pytest.fixture
def boris() -> User:
    """A customer."""
    return User.objects.create_user("boris", password="a long password")


def switch_off(user: User) -> None:
    User.objects.filter(pk=user.pk).update(is_active=False)


def disable(user: User) -> None:
    Operator.objects.filter(user=user).update(is_enabled=False)


def change_password(user: User) -> None:
    changed = User.objects.get(pk=user.pk)
    changed.set_password("another long password")
    changed.save()


def promote(user: User) -> None:
    Operator.objects.filter(user=user).update(is_supervisor=True)


def dismiss(user: User) -> None:
    User.objects.filter(pk=user.pk).update(is_staff=False)


def leave_alone(user: User) -> None:
    """Nothing happens."""


def ended(path: str, user: User, act: Callable[[User], None], *, before: bool = False) -> int:
    """How a connection of this person ends, to whom this happens while it stands, or before it is made."""

    def do() -> None:
        try:
            act(user)
        finally:
            connection.close()

    ticket = tickets.issue(user.pk)

    async def connect(inside: Inside) -> int:
        if before:
            await sync_to_async(do, thread_sensitive=False)()
        socket = Socket(inside, path, ticket)
        if not before:
            await socket.greeted()
            await sync_to_async(do, thread_sensitive=False)()
        return await socket.ends(2 if act is leave_alone else 10)

    code: int = with_door(connect)
    return code


@pytest.mark.parametrize(
    ("act", "code"),
    [(switch_off, SHOWN_OUT), (change_password, SHOWN_OUT), (disable, NOT_AT_DESK), (promote, COME_AGAIN)],
)
def test_who_may_not_sit_at_the_desk_any_more_is_shown_out(anna, act, code):
    assert ended("/ws/desk", anna, act) == code


@pytest.mark.parametrize(("act", "code"), [(switch_off, SHOWN_OUT), (disable, NOT_AT_DESK)])
def test_a_ticket_of_somebody_who_was_switched_off_since_opens_no_desk(anna, act, code):
    assert ended("/ws/desk", anna, act, before=True) == code


def test_who_may_sit_at_the_desk_stays(anna):
    assert ended("/ws/desk", anna, leave_alone) == 0


def room_of(user: User) -> str:
    """The address of this customer's room, in which something was said."""
    room = rooms.open_room(user.pk, user.username)
    make.say(room, "hello")
    return f"/ws/chat/{room}/"


@pytest.mark.parametrize("act", [switch_off, change_password])
def test_a_customer_whose_account_is_not_theirs_any_more_is_shown_out_of_the_room(boris, act):
    assert ended(room_of(boris), boris, act) == SHOWN_OUT


@pytest.mark.parametrize("act", [switch_off, change_password, dismiss, disable])
def test_staff_that_is_none_any_more_is_shown_out_of_the_customers_room(anna, boris, act):
    assert ended(room_of(boris), anna, act) == SHOWN_OUT


def test_a_ticket_of_somebody_who_was_switched_off_since_opens_no_room(boris):
    assert ended(room_of(boris), boris, switch_off, before=True) == SHOWN_OUT


def test_who_may_be_in_a_room_stays(boris):
    assert ended(room_of(boris), boris, leave_alone) == 0


def test_nobody_stays_longer_than_a_minute_after_that(monkeypatch):
    monkeypatch.undo()

    assert desk_socket.RECHECK_S <= 30
    assert legacy_rooms.RECHECK_S <= 30


def test_what_is_said_after_the_end_is_no_fault_of_ours(anna, caplog):
    """The list goes on for a moment, and the client speaks on: both meet a connection that we have closed."""
    ticket = tickets.issue(anna.pk)

    async def speak_on(inside: Inside) -> int:
        socket = Socket(inside, "/ws/desk", ticket, deaf=True)
        await socket.greeted()
        socket.says(type="watch", id="1", list="waiting")
        await socket.hears("list")
        await sync_to_async(disable_and_forget, thread_sensitive=False)(anna)
        code = await socket.ends()
        for _ in range(3):
            socket.says(type="ping")
            socket.says(type="watch", id="2", list="open")
        await socket.leave()
        return code

    assert with_door(speak_on) == NOT_AT_DESK
    assert [record for record in caplog.records if record.levelname == "ERROR" or record.exc_info] == []


def disable_and_forget(user: User) -> None:
    try:
        disable(user)
    finally:
        connection.close()


@pytest.mark.parametrize("file", ["a\0b", "../../etc/passwd", "", "0" * 31, "0" * 33, "A" * 32])
def test_the_key_of_a_file_has_a_shape(anna, caplog, file):
    ticket = tickets.issue(anna.pk)
    conversation = make.held_by(anna)

    async def send(inside: Inside) -> dict[str, Any]:
        socket = Socket(inside, "/ws/desk", ticket)
        await socket.greeted()
        where = {"conversation": conversation.pk, "owner_version": 1}
        socket.says(type="send", id="1", text="look", file=file, **where)
        error = await socket.hears("error")
        await socket.leave()
        return error

    refused = with_door(send)

    assert (refused["code"], refused["field"], refused["id"]) == ("invalid", "file", "1")
    assert [record for record in caplog.records if record.exc_info] == []
