"""Of two who change the same bot, scenario or step at once one wins, the other is told, and nothing is lost."""

import json
import threading
from collections.abc import Callable

import make
import pytest
from django.db import connection
from django.test import Client

from besedka.bots.models import Bot, Scenario, Step


def program(user) -> Client:
    client = Client()
    client.force_login(user)
    return client


def send(client: Client, method: str, address: str, body: object = None, **headers: str):
    return client.generic(
        method,
        address,
        json.dumps(body),
        content_type="application/json",
        headers={"Accept": "application/json"} | headers,
    )


@pytest.fixture
def scenario(db):
    owner = make.operator("anna")
    return make.scenario(
        make.bot(created_by=owner), ("message", {"message": "One"}), ("message", {"message": "Two"})
    )


@pytest.fixture
def anna(scenario):
    return program(scenario.bot.created_by)


def addresses(scenario: Scenario) -> dict[str, str]:
    step = scenario.steps.order_by("pk").first()
    return {
        "bot": f"/api/bots/{scenario.bot_id}/",
        "scenario": f"/api/scenarios/{scenario.pk}/",
        "step": f"/api/steps/{step.pk}/",
    }


def at_once(acts: list[Callable[[], int]]) -> list[int]:
    """The statuses of all, begun at the same time."""
    ready, statuses = threading.Barrier(len(acts)), []

    def run(act: Callable[[], int]) -> None:
        try:
            ready.wait()
            statuses.append(act())
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=(act,)) for act in acts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sorted(statuses)


@pytest.mark.parametrize("kind", ["bot", "scenario", "step"])
def test_only_the_state_that_was_read_is_changed(anna, scenario, kind):
    address = addresses(scenario)[kind]
    etag = anna.get(address)["ETag"]

    won = send(anna, "PATCH", address, {"name": "First"}, **{"If-Match": etag})
    lost = [send(anna, "PATCH", address, {"name": "Second"}, **{"If-Match": etag})]
    lost.append(send(anna, "PUT", address, {**won.json(), "name": "Third"}, **{"If-Match": etag}))
    lost.append(send(anna, "DELETE", address, **{"If-Match": f'W/{won["ETag"]}, "x"'}))

    assert (won.status_code, won["ETag"]) == (200, anna.get(address)["ETag"])
    for answer in lost:
        assert (answer.status_code, answer.json()["code"]) == (412, "changed_meanwhile")
        assert answer["Content-Type"] == "application/problem+json"
        assert answer.json()["etag"] == won["ETag"]
    assert anna.get(address).json()["name"] == "First"
    assert send(anna, "PATCH", address, {"name": "Any"}, **{"If-Match": "*"}).status_code == 200
    assert send(anna, "DELETE", address, **{"If-Match": anna.get(address)["ETag"]}).status_code == 204
    assert send(anna, "DELETE", address, **{"If-Match": "*"}).status_code == 404


@pytest.mark.parametrize("kind", ["bot", "scenario", "step"])
def test_without_the_header_the_later_change_wins_as_ever(anna, scenario, kind):
    address = addresses(scenario)[kind]

    for name in ("First", "Second"):
        assert send(anna, "PATCH", address, {"name": name}).json()["name"] == name


def test_a_step_changes_its_scenario_and_its_bot_too(anna, scenario):
    before = {kind: anna.get(address)["ETag"] for kind, address in addresses(scenario).items()}

    send(anna, "PATCH", addresses(scenario)["step"], {"content": {"message": "Other"}})

    for kind, address in addresses(scenario).items():
        assert anna.get(address)["ETag"] != before[kind]


def test_what_begins_a_scenario_has_a_state_as_well(anna, scenario):
    address = addresses(scenario)["scenario"] + "triggers/"
    etag = anna.get(address)["ETag"]

    won = send(anna, "PUT", address, {"keywords": ["раз"]}, **{"If-Match": etag})
    lost = send(anna, "PUT", address, {"keywords": ["два"]}, **{"If-Match": etag})

    assert (won.status_code, lost.status_code, anna.get(address).json()["keywords"]) == (200, 412, ["раз"])


def test_nobody_learns_the_state_of_what_is_anothers(scenario):
    boris = program(make.operator("boris"))

    for address in addresses(scenario).values():
        assert send(boris, "PATCH", address, {"name": "x"}, **{"If-Match": '"x"'}).status_code == 404


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("kind", ["bot", "scenario", "step"])
def test_of_changes_and_deletions_at_once_exactly_one_wins(scenario, kind):
    user, address = scenario.bot.created_by, addresses(scenario)[kind]
    etag = program(user).get(address)["ETag"]

    def act(number: int) -> Callable[[], int]:
        method, body = ("DELETE", None) if number % 3 == 0 else ("PATCH", {"name": f"Name {number}"})
        client = program(user)
        return lambda: send(client, method, address, body, **{"If-Match": etag}).status_code

    statuses = at_once([act(number) for number in range(6)])

    assert sum(status in (200, 204) for status in statuses) == 1
    assert set(statuses) <= {200, 204, 404, 412}


@pytest.mark.django_db(transaction=True)
def test_changes_of_different_fields_at_once_are_all_kept(scenario):
    user, places = scenario.bot.created_by, addresses(scenario)
    written = [
        ("bot", {"name": "A bot"}),
        ("bot", {"description": "About it"}),
        ("bot", {"max_tokens": 77}),
        ("scenario", {"name": "A scenario"}),
        ("scenario", {"description": "How it goes"}),
        ("step", {"name": "A step"}),
        ("step", {"content": {"message": "Said"}}),
    ]
    clients, another = [program(user) for _ in written], program(user)
    acts = [
        lambda client=client, kind=kind, body=body: send(client, "PATCH", places[kind], body).status_code
        for client, (kind, body) in zip(clients, written, strict=True)
    ]

    new = {"scenario": scenario.pk, "step_type": "message", "content": {"message": "New"}}
    acts.append(lambda: send(another, "POST", "/api/steps/", new).status_code)

    assert at_once(acts) == [200] * 7 + [201]
    bot, kept = Bot.objects.get(), Scenario.objects.get()
    step = Step.objects.get(pk=places["step"].split("/")[-2])
    assert (bot.name, bot.description, bot.max_tokens) == ("A bot", "About it", 77)
    assert (kept.name, kept.description, kept.steps.count()) == ("A scenario", "How it goes", 3)
    assert (step.name, step.content) == ("A step", {"message": "Said"})
    assert bot.scenarios_version >= 6
