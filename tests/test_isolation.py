"""What belongs to somebody else is as if it were not there; and nobody writes what is not theirs to write."""

import json
import statistics
import time
import uuid
from typing import Any

import make
import pytest
from django.apps import apps
from django.db.models import Model
from everyone import Callers, World, world
from inside import Inside, with_door
from test_who_may import PK, STEP, TABLE, address, body

from besedka.accounts.models import User
from besedka.ads.models import Ad
from besedka.bots.models import Bot, Execution, Scenario, Step
from besedka.conversations import rooms
from besedka.conversations.models import Conversation

FAR_AWAY = 999_999_999
OWNED = {"bots": Bot, "scenarios": Scenario, "steps": Step, "executions": Execution}
# What a client could like to set, with the worst that it could say.
FORBIDDEN: dict[str, Any] = {
    "id": 1,
    "pk": 1,
    "owner": "operator",
    "owner_id": 1,
    "operator": 1,
    "created_by": 1,
    "created_by_id": 1,
    "author": 1,
    "user": 1,
    "user_id": 1,
    "is_staff": True,
    "is_superuser": True,
    "is_author": True,
    "rights_version": 0,
    "groups": [1],
    "user_permissions": [1],
    "is_enabled": True,
    "is_supervisor": True,
    "over": True,
    "status": "closed",
    "seq": 1,
    "role": "administrator",
    "workspace": 1,
    "price_paid": 0,
    "delivered_at": "2000-01-01T00:00:00Z",
    "created_at": "2000-01-01T00:00:00Z",
    "version": 99,
    "graph_hash": "0" * 64,
    "programs_inbox": 1,
    "api_key": "sk-stolen",
    "api_key_sealed": "x",
}
# What of these a route takes for its own and rightful purpose.
RIGHTFUL = {"api/v1/execute": {"id"}, "api/v1/desk": {"operator"}}


def is_missing(response: Any) -> bool:
    return response.status_code == 404


def told(response: Any) -> Any:
    """The refusal without what differs from one to the next."""
    refusal = response.json()
    refusal.pop("request_id", None)
    return response.status_code, response["Content-Type"], refusal


def of_author(things: World, path: str) -> Any:
    kind = path.removeprefix("api/").partition("/")[0]
    return {
        "bots": things.bot,
        "scenarios": things.scenario,
        "steps": things.step,
        "executions": things.execution,
    }[kind]


@pytest.mark.parametrize("path", [path for path in TABLE if PK in path])
def test_anothers_is_answered_as_what_is_not_there(db, path):
    things = world()
    callers = Callers(things.people)
    own = of_author(things, path)
    neighbours = [own.pk, FAR_AWAY, 0, 10**17]
    for method in TABLE[path]:
        what = body(path, method, things)
        where = address(path, things)
        answers = [
            told(callers.ask("author2", method, where.replace(f"/{own.pk}", f"/{pk}", 1), what))
            for pk in neighbours
        ]
        assert answers[0][0] == 404
        assert answers == [answers[0]] * len(answers), method
    for odd in (uuid.uuid4(), "-1", "1e3", "٣", "0x1", "9" * 30):
        assert is_missing(callers.ask("author2", "GET", address(path, things).replace(f"/{own.pk}", f"/{odd}", 1)))


def test_a_conversation_of_another_inbox_is_answered_as_what_is_not_there(db):
    things = world()
    callers = Callers(things.people)
    here = things.conversation.pk
    change = {
        "owner_version": 1,
        "text": "x",
        "to": things.people["elsewhere"].pk,
        "until": "2199-01-01T00:00:00Z",
    }
    for method, end in [
        ("GET", "messages/"),
        ("POST", "messages/"),
        *(("POST", f"{act}/") for act in ("claim", "return", "transfer", "close", "reopen", "snooze")),
    ]:
        answers = [
            told(callers.ask("elsewhere", method, f"/api/v1/desk/conversations/{pk}/{end}", change))
            for pk in (here, FAR_AWAY)
        ]
        assert answers[0][0] == 404
        assert answers[0] == answers[1], end


@pytest.mark.parametrize(
    ("path", "field", "kind"),
    [
        ("/api/scenarios/", "bot", Bot),
        ("/api/steps/", "scenario", Scenario),
        ("/api/executions/", "bot", Bot),
        ("/api/executions/", "scenario", Scenario),
        ("/api/executions/", "current_step", Step),
        ("/api/steps/", "next_step", Step),
        ("/api/scenarios/", "initial_step", Step),
    ],
)
def test_anothers_cannot_be_named_and_the_refusal_is_that_of_what_is_not_there(db, path, field, kind):
    things = world()
    callers = Callers(things.people)
    whole = {"name": "n", "bot": things.bot.pk, "user_session": "s", "scenario": things.scenario.pk, **STEP}
    answers = []
    for pk in (things.others[kind].pk, FAR_AWAY):
        response = callers.ask("author", "POST", path, {**whole, field: pk})
        assert response.status_code == 400
        answers.append(str(response.json()["errors"]).replace(str(pk), "…"))

    assert answers[0] == answers[1]


def test_in_a_step_no_scenario_and_no_step_of_another_author_can_be_named(db):
    things = world()
    callers = Callers(things.people)
    named = (things.others[Scenario].pk, FAR_AWAY)
    answers = []
    for pk in named:
        step = {"name": "s", "step_type": "jump", "content": {"scenario": pk}, "scenario": things.scenario.pk}
        response = callers.ask("author", "POST", "/api/steps/", step)
        answers.append((response.status_code, str(response.json()["errors"]).replace(str(pk), "…")))

    assert answers[0][0] == 400
    assert answers[0] == answers[1]


def test_nobody_tells_by_the_time_whether_something_is_there(db):
    """Medians of tries that take turns; a machine that is busy slows both."""
    things = world()
    callers = Callers(things.people)
    took: dict[int, list[float]] = {things.bot.pk: [], FAR_AWAY: []}
    for _ in range(40):
        for pk, times in took.items():
            began = time.perf_counter()
            callers.ask("author2", "GET", f"/api/bots/{pk}/")
            times.append(time.perf_counter() - began)
    anothers, missing = (statistics.median(times) for times in took.values())

    assert 0.5 < anothers / missing < 2


def test_ads_of_another_are_read_and_not_changed(db):
    things = world()
    callers = Callers(things.people)
    one = f"/api/v1/ads/{things.ad.pk}/"

    assert callers.ask("author2", "GET", one).status_code == 200
    for method in ("PUT", "PATCH", "DELETE"):
        assert callers.ask("author2", method, one, make.AD).status_code == 403
        assert callers.ask("author2", method, f"/api/v1/ads/{FAR_AWAY}/", make.AD).status_code == 404


WRITING = [
    (path, method) for path, methods in TABLE.items() for method in methods if method in ("POST", "PUT", "PATCH")
]


def guarded(model: type[Model]) -> list[str]:
    """The columns of a table that no client writes, of those that it has."""
    writable = {Conversation: {"owner", "operator_id", "status"}}.get(model, set())
    columns = {field.attname for field in model._meta.concrete_fields}
    wanted = {*FORBIDDEN, "created_by_id", "is_active", "delivered_at", "user_session"}
    wanted.discard("version")  # it grows by itself
    if model is not User:
        wanted.discard("is_active")  # whether a bot answers is its author's to say
    return sorted((columns & wanted) - writable)


def rows() -> dict[tuple[str, int], tuple[Any, ...]]:
    """All of it, of all things of ours that were there."""
    return {
        (model._meta.label, row[0]): row
        for config in apps.get_app_configs()
        if config.name.startswith("besedka.")
        for model in config.get_models()
        for row in model._default_manager.values_list("pk", *guarded(model))
    }


@pytest.mark.parametrize(("path", "method"), WRITING)
def test_what_is_not_a_clients_to_write_is_passed_over_or_refused(db, path, method, monkeypatch):
    """The request says who it would like to be; it is done without that, or not at all."""
    things = world()
    callers = Callers(things.people)
    before, people = rows(), User.objects.count()
    rightful = next((names for start, names in RIGHTFUL.items() if path.startswith(start)), set())
    said = body(path, method, things)
    if not isinstance(said, dict):
        said = {}
    harm = {name: value for name, value in FORBIDDEN.items() if name not in said and name not in rightful}
    after: dict[tuple[str, int], tuple[Any, ...]] = {}
    monkeypatch.setattr("everyone.transaction.savepoint_rollback", lambda point: after.update(rows()))

    caller = "operator" if "/desk" in path else "author"
    status = callers.ask(caller, method, address(path, things), {**said, **harm}).status_code

    assert 200 <= status < 500
    assert {key: row for key, row in after.items() if key in before and row != before[key]} == {}
    assert User.objects.count() == people
    assert not Ad.objects.filter(version=FORBIDDEN["version"]).exists()
    for model in (Bot, Execution):
        assert not model.objects.filter(pk=1).exclude(pk__in=[key[1] for key in before]).exists()
    mine = things.people["author"].pk
    made = Bot.objects.exclude(pk__in=[pk for label, pk in before if label == "bots.Bot"])
    assert {bot.created_by_id for bot in made} <= {mine}
    assert "sk-stolen" not in str([bot.__dict__ for bot in Bot.objects.all()])


HARMFUL = {
    **FORBIDDEN,
    "is_active": False,
    "user_session": "another",
    "conversation_id": 1,
    "contact": 1,
    "inbox": 1,
}


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("/api/v1/gpt", {"message": "hello"}),
        ("/gpt", {"message": "hello"}),
        ("/api/v1/conversation/messages", {"text": "hello"}),
        ("/api/v1/conversation/handoff", {}),
    ],
)
def test_a_visitor_writes_words_and_nothing_else(path, said):
    inbox = make.inbox(is_default=True, first_owner="queue")
    foreign = make.conversation("queue")
    whose = ("owner", "operator_id", "status", "contact_id", "inbox_id", "last_seq", "owner_version")
    before = Conversation.objects.filter(pk=foreign.pk).values(*whose).get()
    token = make.token()

    async def write(inside: Inside) -> int:
        what = json.dumps({**HARMFUL, **said, "author": "operator"}).encode()
        answer = await inside.ask(
            "POST", path, token, events=({"type": "http.request", "body": what, "more_body": False},)
        )
        return answer.status

    assert with_door(write) in (200, 201)
    [mine] = Conversation.objects.filter(inbox=inbox)
    assert (mine.status, mine.owner, mine.operator_id) == ("open", "queue", None)
    written = mine.messages.exclude(author="system")
    assert [(one.author, one.operator_id) for one in written] == [("contact", None)] * bool(said)
    assert [one.seq for one in mine.messages.order_by("seq")] == list(range(1, mine.last_seq + 1))
    assert Conversation.objects.filter(pk=foreign.pk).values(*whose).get() == before


def test_a_room_of_another_is_not_told_by_its_number(db):
    things = world()
    room = rooms.open_room(things.people["contact"].pk, "contact")
    entrances = [
        rooms.Entrance(number, things.people["author"].pk, supports=False)
        for number in (room, room + 1, things.conversation.pk, FAR_AWAY)
    ]

    assert {str(result) for result in rooms.enter_many(entrances)} == {"There is nothing here for you."}
