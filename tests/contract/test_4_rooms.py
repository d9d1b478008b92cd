"""Contract §4: the support chat over WebSocket, with tickets, for customers and staff."""

import json
import threading
import uuid

import httpx2
import pytest
import running
from authors import Author
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

pytestmark = pytest.mark.xdist_group("site")

MAKE = """
from besedka.accounts.models import User
for name, staff in (("{0}", False), ("{1}", False), ("{2}", True), ("{3}", True)):
    User.objects.create_user(name, password="a long password", is_staff=staff)
"""


@pytest.fixture(scope="module")
def people(site):
    """Two customers and two of the staff."""
    names = [f"{role}-{uuid.uuid4().hex[:6]}" for role in ("anna", "boris", "support", "helper")]
    site.shell(MAKE.format(*names))
    return [Author(site, name, "a long password") for name in names]


@pytest.fixture
def anna(people):
    return people[0]


@pytest.fixture
def boris(people):
    return people[1]


@pytest.fixture
def support(people):
    return people[2]


@pytest.fixture
def helper(people):
    return people[3]


def ticket(who):
    return who.get("/api/ws_token/")["uuid"]


def room_of(who):
    return who.get("/api/v1/support_chat")["room_name"]


def enter(site, who, room, ticket_=None, slash="/"):
    """A connection into a room."""
    address = site.url.replace("http", "ws")
    return connect(f"{address}/ws/chat/{room}{slash}?uuid={ticket_ or ticket(who)}", open_timeout=10)


def hears(socket):
    return json.loads(socket.recv(timeout=10))


def code_of(socket):
    """The code with which a connection is ended."""
    try:
        while True:
            socket.recv(timeout=10)
    except ConnectionClosed as closed:
        return closed.rcvd.code


def refused(site, who, room, ticket_):
    """The code with which somebody is shown out."""
    with enter(site, who, room, ticket_) as socket:
        return code_of(socket)


def test_a_customer_and_staff_talk_and_each_hears_everything(site, anna, support):
    room = room_of(anna)
    assert room_of(anna) == room

    with enter(site, anna, room) as customer, enter(site, support, room, slash="") as staff:
        customer.send(json.dumps({"message": "Здравствуйте!"}))
        assert hears(customer)["message"] == hears(staff)["message"] == "Здравствуйте!"
        staff.send(json.dumps({"message": "Слушаю вас."}))
        answer, echo = hears(customer), hears(staff)

    assert (answer["message"], answer["user"]) == ("Слушаю вас.", "support")
    assert echo == answer
    with enter(site, anna, room) as again:
        assert [hears(again)["message"] for _ in range(2)] == ["Здравствуйте!", "Слушаю вас."]


def test_staff_sees_all_rooms_and_which_of_them_it_has_not_read(site, boris, support):
    room = room_of(boris)

    def read():
        chats = support.get("/api/v1/chats_list")["chats"]
        return {chat["chat_name"]: chat["support_read"] for chat in chats}[str(room)]

    with enter(site, boris, room) as customer:
        customer.send(json.dumps({"message": "Есть кто?"}))
        hears(customer)
        assert read() is False
        with enter(site, support, room) as staff:
            hears(staff)
            staff.send(json.dumps({"message": "Да"}))
            hears(staff)
        assert read() is True


def test_the_second_of_the_staff_is_told_who_was_faster(site, boris, support, helper):
    room = room_of(boris)
    with enter(site, support, room) as first, enter(site, helper, room) as second:
        first.send(json.dumps({"message": "Это мой разговор"}))
        second.send(json.dumps({"message": "И мой"}))
        frames = []
        while not frames or "code" not in frames[-1]:
            frames.append(hears(second))

    assert frames[-1]["code"] == "taken"
    assert frames[-1]["owner"] == support.auth[0]


def test_a_ticket_works_once(site, anna):
    room, one = room_of(anna), ticket(anna)
    with enter(site, anna, room, one):
        pass

    assert refused(site, anna, room, one) == 4401
    assert refused(site, anna, room, str(uuid.uuid4())) == 4401
    assert refused(site, anna, room, "x" * 500) == 4401
    address = site.url.replace("http", "ws")
    with connect(f"{address}/ws/chat/{room}/") as socket:
        assert code_of(socket) == 4401


def test_of_fifty_who_show_one_ticket_one_comes_in(site, anna):
    room, one = room_of(anna), ticket(anna)
    codes = []

    def come():
        try:
            with enter(site, anna, room, one) as socket:
                socket.send(json.dumps({"message": "Я тут"}))
                while "code" not in (frame := hears(socket)):
                    if frame["message"] == "Я тут":
                        codes.append("in")
                        return
                codes.append(frame["code"])
        except ConnectionClosed as closed:
            codes.append(closed.rcvd.code if closed.rcvd else None)

    threads = [threading.Thread(target=come) for _ in range(50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert codes.count("in") == 1
    assert set(codes) <= {"in", "ticket_invalid", 4401}


def test_an_old_ticket_is_refused(site, anna):
    room, one = room_of(anna), ticket(anna)
    site.shell(
        "from datetime import timedelta\nfrom django.db.models import F\n"
        "from besedka.accounts.models import Ticket\n"
        "Ticket.objects.update(created_at=F('created_at') - timedelta(seconds=61))"
    )

    assert refused(site, anna, room, one) == 4401


def test_anothers_room_is_not_there(site, anna, boris, support):
    room = room_of(boris)

    assert refused(site, anna, room, None) == refused(site, anna, 999_999, None) == 4404
    assert refused(site, anna, "x", None) == refused(site, support, "9" * 30, None) == 4404


def test_who_is_switched_off_is_refused(site, people):
    name = f"gone-{uuid.uuid4().hex[:6]}"
    site.shell(
        f"from besedka.accounts.models import User\nUser.objects.create_user('{name}', password='a long password')"
    )
    who = Author(site, name, "a long password")
    room, one = room_of(who), ticket(who)
    site.shell(
        f"from besedka.accounts.models import User\nUser.objects.filter(username='{name}').update(is_active=False)"
    )

    assert refused(site, who, room, one) == 4401


@pytest.mark.parametrize(
    "frame", ["", "x", "[]", "{}", '{"message": 5}', '{"message": ""}', '{"message": "a\\u0000"}']
)
def test_a_faulty_frame_gets_an_error_and_the_room_goes_on(frame, site, anna):
    with enter(site, anna, room_of(anna)) as socket:
        socket.send(frame)
        while "code" not in (told := hears(socket)):
            pass
        socket.send(json.dumps({"message": "Дальше"}))
        while hears(socket).get("message") != "Дальше":
            pass

    assert told["code"] == "invalid"


def test_only_who_signed_in_gets_a_ticket_and_a_room_and_only_staff_the_list(site, anna):
    for path in ("/api/ws_token/", "/api/v1/support_chat", "/api/v1/chats_list"):
        assert httpx2.get(site.url + path).status_code == 401
    assert anna.ask("GET", "/api/v1/chats_list").status_code == 403


def test_no_ticket_is_in_the_log(site, anna):
    one = ticket(anna)
    with enter(site, anna, room_of(anna), one):
        pass

    assert one not in site.log.read_text(errors="replace")
    assert running.PASSWORD not in site.log.read_text(errors="replace")


ERASE = """
from besedka.conversations import erasure
from besedka.conversations.models import Conversation
erasure.begin_many([Conversation.objects.get(pk={room}).contact_id])
erasure.finish()
"""


def test_everybody_leaves_a_room_that_is_erased_and_its_customer_gets_an_empty_one(site, helper, support):
    customer = helper  # whoever has an account has a room
    room = room_of(customer)

    with enter(site, support, room) as socket:
        site.shell(ERASE.format(room=room))
        assert code_of(socket) == 4404

    another = room_of(customer)
    assert another != room
    assert refused(site, support, room, ticket(support)) == 4404
    assert str(room) not in {chat["chat_name"] for chat in support.get("/api/v1/chats_list")["chats"]}
    with enter(site, support, another) as socket:
        socket.send(json.dumps({"message": "hello"}))
        assert hears(socket)["message"] == "hello"
