import json
from datetime import datetime

import make
import pytest
from django.test import Client

from besedka.conversations import ownership, search_index
from besedka.conversations.models import Act, Message
from besedka.desk.models import Operator

pytestmark = pytest.mark.django_db
LIST = "/api/v1/desk/conversations/"


def operator_of(name, **fields):
    user = make.operator(name)
    Operator.objects.create(user=user, is_enabled=True, **fields)
    return user


@pytest.fixture
def anna():
    return operator_of("anna")


@pytest.fixture
def asks(client, anna):
    """What an operator's request is answered with: status and body."""
    client.force_login(anna)

    def ask(method, path, body=None):
        options = {} if body is None else {"data": json.dumps(body), "content_type": "application/json"}
        response = getattr(client, method)(path, **options)
        return response.status_code, response.json()

    return ask


def waiting():
    conversation = make.conversation()
    ownership.ask_for_person_many([make.address_of(conversation)])
    conversation.refresh_from_db()
    return conversation


def test_who_waits_longest_stands_first(asks):
    first, second = waiting(), waiting()

    status, page = asks("get", f"{LIST}?list=waiting&size=1")
    _, rest = asks("get", f"{LIST}?list=waiting&after={first.pk}")

    assert (status, [card["id"] for card in page["cards"]], page["more"]) == (200, [first.pk], True)
    assert [card["id"] for card in rest["cards"]] == [second.pk]


def test_a_conversation_is_claimed_answered_and_closed(asks, anna):
    one = f"{LIST}{waiting().pk}"

    _, card = asks("post", f"{one}/claim/", {"owner_version": 1})
    status, sent = asks("post", f"{one}/messages/", {"text": "Слушаю", "owner_version": card["owner_version"]})
    _, log = asks("get", f"{one}/messages/?after={sent['seq'] - 1}")
    _, closed = asks("post", f"{one}/close/", {"owner_version": card["owner_version"]})

    assert (status, log["messages"][0]["text"], log["messages"][0]["operator"]["name"]) == (201, "Слушаю", "anna")
    assert (closed["status"], closed["operator"]) == ("closed", None)
    assert [act.act for act in Act.objects.filter(actor=anna).order_by("pk")] == [
        "claimed",
        "sent",
        "read",
        "closed",
    ]


def test_who_is_too_late_is_refused_with_who_answers(asks, client):
    conversation = waiting()
    boris = operator_of("boris")
    ownership.claim_many([ownership.Change(conversation.pk, boris.pk)])

    claim = asks("post", f"{LIST}{conversation.pk}/claim/", {"owner_version": 1})
    reply = asks("post", f"{LIST}{conversation.pk}/messages/", {"text": "x", "owner_version": 1})

    for status, body in (claim, reply):
        assert (status, body["code"], body["owner"]) == (409, "taken", "boris")
        assert "messages" not in body
    assert not Message.objects.filter(conversation=conversation, author="operator").exists()


def test_a_reply_that_is_sent_again_is_said_once(asks):
    one = f"{LIST}{waiting().pk}/messages/"
    body = {"text": "раз", "owner_version": 1, "client_id": "k"}

    assert asks("post", one, body)[1]["seq"] == asks("post", one, body)[1]["seq"]
    assert asks("post", one, {**body, "text": "два"})[0] == 422


def test_a_supervisor_may_act_over_the_owners_head_and_nobody_else(client, anna):
    conversation = make.held_by(anna)
    boris, clara = operator_of("boris"), operator_of("clara", is_supervisor=True)
    answers = []
    for who in (boris, clara):
        client.force_login(who)
        body = {"owner_version": 1, "to": who.pk}
        answers.append(
            client.post(f"{LIST}{conversation.pk}/transfer/", json.dumps(body), content_type="application/json")
        )

    assert [answer.status_code for answer in answers] == [409, 200]
    assert answers[1].json()["operator"]["id"] == clara.pk


@pytest.mark.parametrize("kind", ["application/json", "text/plain", "application/x-www-form-urlencoded"])
@pytest.mark.parametrize("method", ["post", "put", "patch", "delete"])
@pytest.mark.parametrize("act", ["claim", "close", "messages"])
def test_what_another_site_sends_with_an_operators_cookie_is_refused(anna, method, kind, act):
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(anna)
    conversation = waiting()
    body = json.dumps({"owner_version": 1, "text": "x"})

    answer = getattr(browser, method)(
        f"{LIST}{conversation.pk}/{act}/", body, content_type=kind, headers={"Origin": "https://evil.example"}
    )

    assert answer.status_code == 403
    assert not [name for name in answer.headers if name.startswith("Access-Control-")]
    conversation.refresh_from_db()
    assert (conversation.owner, conversation.status) == ("queue", "open")


def test_what_an_operator_may_read_no_other_site_may(client, anna):
    client.force_login(anna)

    for path in (LIST, "/api/v1/desk/search/?q=x", "/api/ws_token/"):
        answer = client.get(path, headers={"Origin": "https://evil.example"})
        assert answer.status_code == 200
        assert not [name for name in answer.headers if name.startswith("Access-Control-")]


@pytest.mark.parametrize("who", ["customer", "not enabled", "switched off"])
def test_nobody_else_sits_at_the_desk(client, who):
    user = make.operator("dora")
    if who != "customer":
        Operator.objects.create(user=user, is_enabled=who != "not enabled")
    if who == "switched off":
        user.is_active = False
        user.save()
    client.force_login(user)

    assert client.get(LIST).status_code in (401, 403)
    assert client.post(f"{LIST}{waiting().pk}/claim/", {}).status_code in (401, 403)


def test_the_whole_history_is_searched_and_only_in_ones_own_inboxes(asks, anna):
    conversation = waiting()
    make.say(conversation.pk, "Где накладная 77-412?")
    search_index.index_more_many([100])

    _, mine = asks("get", "/api/v1/desk/search/?q=накладные")
    anna.operator.inboxes.add(make.inbox())
    _, elsewhere = asks("get", "/api/v1/desk/search/?q=накладные")

    [hit] = mine["found"]
    assert (hit["card"]["id"], hit["text"], mine["next"]) == (conversation.pk, "Где накладная 77-412?", None)
    assert hit["text"][slice(*hit["marks"][0])] == "накладная"
    assert elsewhere["found"] == []


def test_an_inbox_that_is_not_theirs_is_not_there(asks, anna):
    anna.operator.inboxes.add(make.inbox())
    conversation = waiting()

    assert asks("get", LIST)[1]["cards"] == []
    assert asks("get", f"{LIST}?inbox={conversation.inbox_id}")[1]["cards"] == []
    assert asks("get", f"{LIST}{conversation.pk}/messages/")[0] == 404
    assert asks("post", f"{LIST}{conversation.pk}/claim/", {"owner_version": 1})[0] == 404


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("?list=secrets", None, 400),
        ("?size=100000", None, 400),
        ("?after=abc", None, 400),
        ("99999999/messages/", None, 404),
        ("{}/claim/", {}, 400),
        ("{}/claim/", {"owner_version": -1}, 400),
        ("{}/claim/", {"owner_version": 1e400}, 400),
        ("{}/transfer/", {"owner_version": 1, "to": 999_999}, 400),
        ("{}/snooze/", {"owner_version": 1}, 400),
        ("{}/snooze/", {"owner_version": 1, "until": "2000-01-01T00:00:00Z"}, 400),
        ("{}/reopen/", {"owner_version": 1}, 409),
        ("{}/messages/", {"owner_version": 1, "text": " "}, 400),
        ("{}/messages/", {"owner_version": 1, "text": "a\0b"}, 400),
        ("{}/messages/", {"owner_version": 1, "text": "x" * 4_001}, 400),
    ],
)
def test_bad_input_gets_a_clear_refusal(asks, path, body, status):
    method = "get" if body is None else "post"

    answered, problem = asks(method, LIST + path.format(waiting().pk), body)

    assert answered == status
    assert problem["code"]


@pytest.mark.parametrize(
    ("until", "status"),
    [
        ("2027-02-31T00:00:00Z", 400),
        ("0000-01-01T00:00:00Z", 400),
        ("0001-01-01T00:00:00+14:00", 400),
        ("9999-12-31T23:59:59-14:00", 400),
        ("9999-12-31T23:59:59Z", 400),
        ("10000-01-01T00:00:00Z", 400),
        ("tomorrow", 400),
        (1e400, 400),
        (-1, 400),
        ("2027-03-28T02:30:00+01:00", 200),
        ("2027-03-28T02:30:00", 200),  # without a zone it is UTC
    ],
)
def test_a_time_is_stored_in_utc_or_refused(asks, until, status):
    one = waiting()

    answered, _ = asks("post", f"{LIST}{one.pk}/snooze/", {"owner_version": one.owner_version, "until": until})

    assert answered == status
    if status == 200:
        expected = "2027-03-28T01:30:00Z" if "+" in str(until) else "2027-03-28T02:30:00Z"
        one.refresh_from_db()
        assert one.snoozed_until == datetime.fromisoformat(expected)
