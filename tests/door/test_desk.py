"""The desk over its WebSocket: lists, claiming, answering, resuming; and who is shown out."""

import json
import threading
import time
import uuid

import httpx2
import make
import pytest
from console import operator
from websockets.exceptions import ConnectionClosed

from besedka.door import house

pytestmark = pytest.mark.xdist_group("site")


@pytest.fixture(scope="module")
def anna(site):
    return operator(site, f"anna-{uuid.uuid4().hex[:6]}")


@pytest.fixture(scope="module")
def boris(site):
    return operator(site, f"boris-{uuid.uuid4().hex[:6]}", supervisor=True)


class Visitor:
    """Somebody on a page of the shop, who has asked for a person."""

    def __init__(self, site, *texts):
        self.site, self.token = site, make.token() + uuid.uuid4().hex[:8]
        for text in texts:
            self.says(text)
        self.post("/api/v1/conversation/handoff", {})
        self.conversation = int(
            site.select(
                "SELECT c.id FROM conversations_conversation c JOIN conversations_identity i "
                f"ON i.contact_id = c.contact_id WHERE i.shown = '{self.token[:5]}' ORDER BY c.id DESC LIMIT 1"
            )[0][0]
        )

    def post(self, path, body):
        return httpx2.post(self.site.url + path, json=body, headers={"chat-token": self.token}, timeout=30)

    def says(self, text):
        assert self.post("/api/v1/conversation/messages", {"text": text}).status_code == 201

    def sees(self, after=0):
        """The texts of people in the log."""
        path = f"{self.site.url}/api/v1/conversation/messages?after={after}"
        found = httpx2.get(path, headers={"chat-token": self.token}, timeout=30).json()["messages"]
        return [(message["author"], message["text"]) for message in found if message["author"] != "system"]


@pytest.fixture
def visitor(site):
    return Visitor(site, "Здравствуйте")


def version_of(desk, conversation):
    return desk.asks("open", conversation=conversation)["card"]["owner_version"]


def test_who_waits_stands_in_the_list_without_asking_again(site, anna):
    with anna.sit_down() as desk:
        desk.asks("watch", list="waiting", size=100)
        visitor = Visitor(site, "Где мой заказ?")

        while True:
            shown = desk.hears("list", list="waiting")
            card = next((card for card in shown["cards"] if card["id"] == visitor.conversation), None)
            if card is not None and card["reason"]:
                break

    assert (card["owner"], card["operator"], card["reason"]) == ("queue", None, "asked_for_person")
    assert card["last"]["author"] in ("contact", "bot")
    assert card["unread"] >= 1


def test_an_operator_claims_answers_and_closes_and_the_visitor_sees_it(anna, visitor):
    with anna.sit_down() as desk:
        version = version_of(desk, visitor.conversation)
        card = desk.asks("claim", conversation=visitor.conversation, owner_version=version)["card"]
        version = card["owner_version"]
        sent = desk.asks("send", conversation=visitor.conversation, owner_version=version, text="Слушаю вас")
        visitor.says("Нужна помощь")
        heard = desk.hears("message", author="contact", text="Нужна помощь")
        closed = desk.asks("close", conversation=visitor.conversation, owner_version=version)["card"]

    assert card["operator"] == {"id": anna.user_id, "name": anna.name.title()}
    assert heard["seq"] > sent["seq"]
    assert (closed["status"], closed["operator"]) == ("closed", None)
    assert ("operator", "Слушаю вас") in visitor.sees()


def test_the_first_message_claims(anna, visitor):
    with anna.sit_down() as desk:
        version = version_of(desk, visitor.conversation)
        card = desk.asks("send", conversation=visitor.conversation, owner_version=version, text="Да?")["card"]

    assert card["operator"]["id"] == anna.user_id


def test_a_command_that_is_sent_again_does_nothing_twice(anna, visitor):
    with anna.sit_down() as desk:
        version = version_of(desk, visitor.conversation)
        fields = {
            "conversation": visitor.conversation,
            "owner_version": version,
            "text": "раз",
            "id": uuid.uuid4().hex,
        }
        first, second = desk.asks("send", **fields), desk.asks("send", **fields)
        note = {"conversation": visitor.conversation, "text": "строгий", "id": uuid.uuid4().hex}
        one, two = desk.asks("note", **note), desk.asks("note", **note)

    assert first["seq"] == second["seq"]
    assert one["note"]["id"] == two["note"]["id"]
    assert [text for author, text in visitor.sees() if author == "operator"] == ["раз"]


def test_who_comes_second_is_told_who_was_faster_and_sees_nothing_more(anna, boris, visitor):
    with anna.sit_down() as first, boris.sit_down() as second:
        version = version_of(first, visitor.conversation)
        first.asks("claim", conversation=visitor.conversation, owner_version=version)
        refused = second.asks("claim", conversation=visitor.conversation, owner_version=version)
        answer = second.asks("send", conversation=visitor.conversation, owner_version=version, text="Я тут")

    assert (refused["code"], refused["status"], refused["owner"]) == ("taken", 409, anna.name.title())
    assert "messages" not in refused
    assert answer["code"] == "taken"
    assert ("operator", "Я тут") not in visitor.sees()


def test_of_many_who_claim_at_once_one_has_it(anna, boris, site):
    visitors = [Visitor(site) for _ in range(10)]
    with anna.sit_down() as first, boris.sit_down() as second:
        desks = (first, second)
        versions = [version_of(first, one.conversation) for one in visitors]
        results = [[], []]

        def claim_all(which):
            for one, version in zip(visitors, versions, strict=True):
                results[which].append(
                    desks[which].asks("claim", conversation=one.conversation, owner_version=version)["type"]
                )

        threads = [threading.Thread(target=claim_all, args=(which,)) for which in (0, 1)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    assert [sorted(pair) for pair in zip(*results, strict=True)] == [["done", "error"]] * 10


def test_a_stale_version_is_refused_with_who_answers_now(anna, boris, visitor):
    with anna.sit_down() as first, boris.sit_down() as second:
        version = version_of(first, visitor.conversation)
        mine = first.asks("claim", conversation=visitor.conversation, owner_version=version)["card"]
        refused = second.asks("close", conversation=visitor.conversation, owner_version=version)
        theirs = second.asks(
            "transfer", conversation=visitor.conversation, owner_version=mine["owner_version"], to=boris.user_id
        )["card"]
        late = first.asks(
            "send", conversation=visitor.conversation, owner_version=mine["owner_version"], text="поздно"
        )

    assert (refused["code"], refused["owner"]) == ("stale_owner", anna.name.title())
    assert theirs["operator"]["id"] == boris.user_id
    assert late["code"] in ("taken", "stale_owner")
    assert late["owner"] == boris.name.title()


def test_a_conversation_is_put_off_taken_up_given_back_and_reopened(anna, visitor):
    with anna.sit_down() as desk:
        where = {"conversation": visitor.conversation}
        version = version_of(desk, visitor.conversation)
        snoozed = desk.asks("snooze", **where, owner_version=version, until="2199-01-01T00:00:00Z")["card"]
        visitor.says("Я ещё здесь")
        opened = desk.asks("open", **where)["card"]
        returned = desk.asks("return", **where, owner_version=opened["owner_version"])["card"]
        again = desk.asks("claim", **where, owner_version=returned["owner_version"])["card"]
        closed = desk.asks("close", **where, owner_version=again["owner_version"])["card"]
        reopened = desk.asks("reopen", **where, owner_version=closed["owner_version"])["card"]

    assert (snoozed["status"], snoozed["snoozed_until"]) == ("snoozed", "2199-01-01T00:00:00.000000Z")
    assert (opened["status"], opened["operator"]["id"]) == ("open", anna.user_id)
    assert returned["owner"] == "bot"
    assert (reopened["status"], reopened["episode"]) == ("open", closed["episode"] + 1)
    versions = [one["owner_version"] for one in (snoozed, returned, again, closed, reopened)]
    assert versions == sorted(set(versions))


def test_nothing_is_missed_over_a_lost_connection(anna, visitor):
    with anna.sit_down() as desk:
        opened = desk.asks("open", conversation=visitor.conversation)
        seen = opened["messages"][-1]["seq"]
    for number in range(5):
        visitor.says(f"строка {number}")
    with anna.sit_down() as desk:
        again = desk.asks("open", conversation=visitor.conversation, after=seen)
        visitor.says("и ещё")
        live = desk.hears("message", text="и ещё")

    seqs = [message["seq"] for message in again["messages"]] + [live["seq"]]
    assert seqs == list(range(seen + 1, live["seq"] + 1))


def test_colleagues_see_who_looks_and_who_writes(anna, boris, visitor):
    with anna.sit_down() as first, boris.sit_down() as second:
        first.asks("open", conversation=visitor.conversation)
        second.asks("open", conversation=visitor.conversation)
        while len(first.hears("presence")["people"]) < 2:
            pass
        second.tells(type="typing", conversation=visitor.conversation)
        writing = first.hears("presence")["people"]
        second.asks("leave", conversation=visitor.conversation)
        alone = first.hears("presence")["people"]

    assert [one["id"] for one in writing if one["typing"]] == [boris.user_id]
    assert [one["id"] for one in alone] == [anna.user_id]


def test_unread_is_what_lies_behind_the_cursor_on_every_device(anna, visitor):
    with anna.sit_down() as desk, anna.sit_down() as other:
        where = {"conversation": visitor.conversation}
        card = desk.asks("claim", **where, owner_version=version_of(desk, visitor.conversation))["card"]
        other.asks("watch", list="mine", size=100)
        visitor.says("новое")
        desk.hears("message", text="новое")
        last = desk.asks("open", **where)["messages"][-1]["seq"]
        desk.asks("read", **where, seq=last)
        until = time.monotonic() + 10
        unread = None
        while unread != 0 and time.monotonic() < until:
            cards = other.hears("list", list="mine")["cards"]
            unread = next((one["unread"] for one in cards if one["id"] == visitor.conversation), unread)

    assert card["unread"] >= 1
    assert unread == 0


def test_a_note_is_for_colleagues_only(anna, boris, visitor):
    with anna.sit_down() as first, boris.sit_down() as second:
        second.asks("open", conversation=visitor.conversation)
        first.asks("note", conversation=visitor.conversation, text="постоянный покупатель")
        note = second.hears("note")["note"]

    assert (note["text"], note["operator"]["id"]) == ("постоянный покупатель", anna.user_id)
    assert not any("постоянный" in text for _, text in visitor.sees())


def test_the_contact_is_described_and_colleagues_see_it(anna, boris, visitor):
    with anna.sit_down() as first, boris.sit_down() as second:
        second.asks("open", conversation=visitor.conversation)
        first.asks("describe", conversation=visitor.conversation, name="Иван", phone="+7 916 1234567")
        contact = second.hears("contact")["contact"]

    assert (contact["name"], contact["phone"], contact["email"]) == ("Иван", "+7 916 1234567", "")


def test_an_operators_own_message_can_be_edited_and_no_other(anna, visitor):
    with anna.sit_down() as desk:
        where = {"conversation": visitor.conversation}
        first = desk.asks("send", **where, owner_version=version_of(desk, visitor.conversation), text="Дра")
        version = first["card"]["owner_version"]
        edit = desk.asks("send", **where, owner_version=version, text="Да", edits=first["seq"])
        foreign = desk.asks("send", **where, owner_version=version, text="Нет", edits=1)

    assert edit["type"] == "done"
    assert (foreign["code"], foreign["field"]) == ("invalid", "edits")


def test_of_two_edits_of_one_message_the_first_counts_and_the_other_is_told(anna, visitor):
    where = {"conversation": visitor.conversation}
    with anna.sit_down() as desk, anna.sit_down() as other:
        first = desk.asks("send", **where, owner_version=version_of(desk, visitor.conversation), text="Дра")
        where["owner_version"] = first["card"]["owner_version"]
        counts = desk.asks("send", **where, text="Да", edits=first["seq"])
        late = other.asks("send", **where, text="Драма", edits=first["seq"])
        again = other.asks("send", **where, text="Да!", edits=counts["seq"])

    assert (late["code"], late["status"], late["seq"]) == ("changed_meanwhile", 412, counts["seq"])
    assert again["type"] == "done"
    texts = [text for author, text in visitor.sees() if author == "operator"]
    assert texts == ["Дра", "Да", "Да!"]


def test_visitors_see_their_place_and_it_moves(site, anna):
    first, second = Visitor(site), Visitor(site)

    def place(visitor):
        answer = httpx2.get(
            f"{site.url}/api/v1/conversation", headers={"chat-token": visitor.token}, timeout=30
        ).json()
        return answer.get("queue_place")

    until = time.monotonic() + 10
    while (place(first) is None or place(second) is None) and time.monotonic() < until:
        time.sleep(0.1)
    before = place(first), place(second)
    with anna.sit_down() as desk:
        version = version_of(desk, first.conversation)
        desk.asks("claim", conversation=first.conversation, owner_version=version)
        until = time.monotonic() + 10
        while place(second) == before[1] and time.monotonic() < until:
            time.sleep(0.1)

    assert before[1] == before[0] + 1
    assert (place(first), place(second)) == (None, before[1] - 1)


def test_a_ticket_lets_in_once(anna):
    ticket = anna.ticket()

    with anna.sit_down(ticket), anna.connect(ticket) as second:
        assert json.loads(second.recv())["code"] == "ticket_invalid"
        with pytest.raises(ConnectionClosed) as closed:
            second.recv()
    assert closed.value.rcvd.code == 4401


def test_of_fifty_with_one_ticket_one_gets_in(anna):
    ticket, codes = anna.ticket(), []

    def come():
        with anna.connect(ticket) as socket:
            codes.append(json.loads(socket.recv()).get("code", "ready"))

    threads = [threading.Thread(target=come) for _ in range(50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(codes) == ["ready", *["ticket_invalid"] * 49]


def test_a_cookie_signs_nobody_in_and_foreign_pages_are_refused(site, anna):
    with anna.connect("none", additional_headers={"Cookie": "sessionid=whatever"}) as socket:
        assert json.loads(socket.recv())["code"] == "ticket_invalid"
    for origin in ("https://evil.example", "null", f"http://127.0.0.1.evil.example:{site.port}"):
        with anna.connect(origin=origin) as socket:
            assert json.loads(socket.recv())["code"] == "origin_not_allowed"
    with anna.sit_down(origin=f"http://127.0.0.1:{site.port}") as desk:
        assert desk.ready["me"]["id"] == anna.user_id


def test_who_is_no_operator_is_refused(site):
    name = f"carl-{uuid.uuid4().hex[:6]}"
    customer = operator(site, name)
    site.shell(
        f"from besedka.desk.models import Operator; Operator.objects.filter(user__username={name!r}).delete()"
    )

    with customer.connect() as socket:
        assert json.loads(socket.recv())["code"] == "not_at_desk"
        with pytest.raises(ConnectionClosed) as closed:
            socket.recv()
    assert closed.value.rcvd.code == 4403


@pytest.mark.parametrize(
    "frame",
    [
        "no json",
        "[]",
        '{"type": "chat_message"}',
        '{"type": "claim", "id": "1"}',
        '{"type": "claim", "id": "1", "conversation": NaN, "owner_version": 1}',
        '{"type": "claim", "id": "", "conversation": 1, "owner_version": 1}',
        '{"type": "claim", "id": "1", "conversation": -1, "owner_version": 1}',
        '{"type": "open", "id": "1", "conversation": 99999999999999999999}',
        '{"type": "open", "id": "1", "conversation": 2147483647}',
        '{"type": "watch", "id": "1", "list": "secrets"}',
        '{"type": "snooze", "id": "1", "conversation": 1, "owner_version": 1, "until": "2026-02-31T00:00:00Z"}',
        '{"type": "snooze", "id": "1", "conversation": 1, "owner_version": 1, "until": "0001-01-01T00:00+14:00"}',
        '{"type": "snooze", "id": "1", "conversation": 1, "owner_version": 1, "until": "9999-12-31T23:59-14:00"}',
        '{"type": "snooze", "id": "1", "conversation": 1, "owner_version": 1, "until": "2027-03-28T02:30:00"}',
        '{"type": "send", "id": "1", "conversation": 1, "owner_version": 1, "text": "a\\u0000b"}',
        '{"type": "note", "id": "1", "conversation": 1, "text": "   "}',
    ],
)
def test_a_faulty_frame_gets_an_error_and_the_connection_stays(anna, frame):
    with anna.sit_down() as desk:
        desk.socket.send(frame)
        error = desk.hears("error")
        desk.tells(type="ping")
        desk.hears("pong")

    assert error["status"] in (400, 404)


def test_an_operator_of_another_inbox_finds_nothing(site, visitor):
    name = f"dora-{uuid.uuid4().hex[:6]}"
    dora = operator(site, name)
    site.shell(
        "from besedka.desk.models import Operator; from besedka.conversations.models import Inbox\n"
        f"inbox = Inbox.objects.create(name='Elsewhere {name}')\n"
        f"Operator.objects.get(user__username={name!r}).inboxes.add(inbox)"
    )

    time.sleep(house.DIRECTORY_S + 1)  # until every process knows the new inbox
    with dora.sit_down() as desk:
        desk.asks("watch", list="waiting", size=100)
        shown = desk.hears("list")
        answers = [
            desk.asks("open", conversation=visitor.conversation),
            desk.asks("claim", conversation=visitor.conversation, owner_version=1),
            desk.asks("note", conversation=visitor.conversation, text="x"),
        ]

    assert shown["order"] == []
    assert [inbox["name"] for inbox in desk.ready["inboxes"]] == [f"Elsewhere {name}"]
    assert {answer["code"] for answer in answers} == {"not_found"}


def test_without_the_upgrade_there_is_no_page_here(site):
    assert httpx2.get(f"{site.url}/ws/desk").status_code == 404


def bring(site, conversation, ticket, body=b"%PDF-1.4 a contract", **headers):
    """An operator's file on its way."""
    return httpx2.post(
        f"{site.url}/api/v1/desk/files?conversation={conversation}&name=contract.pdf",
        content=body,
        headers={"ticket": ticket, "content-type": "application/pdf", **headers},
        timeout=30,
    )


def test_an_operator_sends_a_file_and_the_visitor_fetches_it(site, anna, visitor):
    kept = bring(site, visitor.conversation, anna.ticket())
    with anna.sit_down() as desk:
        where = {"conversation": visitor.conversation, "owner_version": version_of(desk, visitor.conversation)}
        sent = desk.asks("send", **where, file=kept.json()["key"])
    path = f"{site.url}/api/v1/conversation/messages?after={sent['seq'] - 1}"
    [message] = httpx2.get(path, headers={"chat-token": visitor.token}, timeout=30).json()["messages"]

    assert kept.status_code == 201
    assert (message["author"], message["file"]["name"]) == ("operator", "contract.pdf")
    assert httpx2.get(site.url + message["file"]["url"], timeout=30).content == b"%PDF-1.4 a contract"


def test_files_at_the_desk_take_a_ticket_each(site, anna, visitor):
    ticket = anna.ticket()

    codes = [
        bring(site, visitor.conversation, "none").status_code,
        bring(site, visitor.conversation, ticket, origin="https://evil.example").status_code,
        bring(site, 2_000_000_000, ticket).status_code,
        bring(site, visitor.conversation, ticket).status_code,
    ]

    assert codes == [401, 403, 404, 401]


def test_who_is_on_duty_with_a_hand_free_is_offered_the_oldest(site):
    dora = operator(site, f"dora-{uuid.uuid4().hex[:6]}")
    site.shell(
        "from besedka.desk.models import Operator; from besedka.conversations.models import Inbox\n"
        f"inbox = Inbox.objects.create(name='Quiet', public_key='pk_quiet_{dora.name}', first_owner='queue')\n"
        f"post = Operator.objects.get(user__username={dora.name!r})\n"
        "post.inboxes.add(inbox); post.capacity = 1; post.save()"
    )
    time.sleep(house.DIRECTORY_S + 1)  # until every process knows the new inbox

    def comes(token):
        where = f"{site.url}/api/v1/conversation/messages?inbox=pk_quiet_{dora.name}"
        answer = httpx2.post(where, json={"text": "Есть кто?"}, headers={"chat-token": token}, timeout=30)
        assert answer.status_code == 201

    with dora.sit_down() as desk:
        comes(make.token() + "first")
        desk.hears("counts")
        desk.asks("duty", on=True)
        first = until_offered(desk)
        comes(make.token() + "second")
        claimed = desk.asks("claim", conversation=first, owner_version=version_of(desk, first))["card"]
        busy = until_offered(desk, is_free=False)
        desk.asks("close", conversation=first, owner_version=claimed["owner_version"])
        second = until_offered(desk)
        desk.asks("duty", on=False)

    assert desk.ready["counts"]["offer"] is None
    assert busy is None
    assert second not in (None, first)


def until_offered(desk, *, is_free=True):
    """What the next counters offer, or that they offer nothing any more."""
    while True:
        offer = desk.hears("counts")["counts"]["offer"]
        if (offer is not None) == is_free:
            return offer
