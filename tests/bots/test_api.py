"""Bots, scenarios and steps over HTTP: written, read, narrowed, refused, and nobody else's."""

import json

import make
import pytest
from django.test import Client

from besedka.bots.models import Bot, Scenario, Step

pytestmark = pytest.mark.django_db
BOTS, SCENARIOS, STEPS = "/api/bots/", "/api/scenarios/", "/api/steps/"


class Program:
    """A program that somebody has signed in."""

    def __init__(self, user):
        self.user = user
        self._client = Client()
        self._client.force_login(user)

    def __getattr__(self, method):
        def call(address, body=None):
            data = None if body is None else json.dumps(body)
            extra = {} if body is None else {"data": data, "content_type": "application/json"}
            return getattr(self._client, method)(address, **extra)

        return call


@pytest.fixture
def anna():
    return Program(make.operator("anna"))


@pytest.fixture
def boris():
    return Program(make.operator("boris"))


@pytest.fixture
def scenario(anna):
    bot = anna.post(BOTS, {"name": "Anna's"}).json()["id"]
    return anna.post(SCENARIOS, {"name": "Welcome", "bot": bot}).json()


def step(who, scenario, kind="message", content=None, **fields):
    content = {"message": "Hello"} if content is None else content
    return who.post(STEPS, {"scenario": scenario["id"], "step_type": kind, "content": content, **fields})


def test_a_bot_is_made_read_changed_and_deleted(anna):
    made = anna.post(BOTS, {"name": "Consultant", "bot_type": "chat", "creativity_level": 0.9, "created_by": 999})
    bot = made.json()
    address = f"{BOTS}{bot['id']}/"

    assert made.status_code == 201
    assert list(bot) == [
        "id", "name", "description", "bot_type", "gpt_model", "creativity_level", "max_tokens", "system_prompt",
        "is_active", "created_by", "created_at", "updated_at", "scenarios",
    ]  # fmt: skip
    assert (bot["created_by"], bot["max_tokens"], bot["is_active"]) == (anna.user.pk, 1000, True)
    assert anna.get(address).json() == bot
    assert anna.patch(address, {"name": "Other"}).json()["name"] == "Other"
    assert anna.put(address, {"name": "Third"}).json()["name"] == "Third"
    assert anna.delete(address).status_code == 204
    assert anna.get(address).status_code == 404


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", ""), ("name", None), ("name", {}), ("name", "x" * 201), ("name", "a\0b"), ("bot_type", "other"),
        ("creativity_level", 0.4), ("creativity_level", 1.6), ("creativity_level", "nan"),
        ("creativity_level", True), ("creativity_level", "much"), ("max_tokens", 0), ("max_tokens", 10**20),
        ("max_tokens", 1.5),
        ("is_active", "maybe"), ("system_prompt", "x" * 20_001), ("description", []),
    ],
)  # fmt: skip
def test_a_wrong_bot_is_refused_with_the_field(field, value, anna):
    refused = anna.post(BOTS, {"name": "Bot", field: value})

    assert refused.status_code == 400
    assert refused["Content-Type"] == "application/problem+json"
    if value != "a\0b":  # that is refused before any field is looked at
        assert field in {error["field"] for error in refused.json()["errors"]}
    assert Bot.objects.count() == 0


def test_paths_work_with_and_without_their_slash_and_no_post_is_redirected(anna, scenario):
    for address in (
        "/api/bots",
        "/api/bots/",
        "/api/scenarios",
        "/api/steps",
        "/api/executions",
        "/api/executions/",
    ):
        assert anna.get(address).status_code == 200
    assert anna.post("/api/bots", {"name": "Bot"}).status_code == 201
    address = f"{SCENARIOS}{scenario['id']}/steps"
    assert anna.post(address, {"step_type": "message", "content": {"message": "Hi"}}).status_code == 201


def test_lists_are_narrowed_by_named_fields_only(anna):
    anna.post(BOTS, {"name": "One"})
    anna.post(BOTS, {"name": "Two", "is_active": False, "bot_type": "completion"})

    def names(query):
        return [bot["name"] for bot in anna.get(BOTS + query).json()]

    assert names("") == ["One", "Two"]
    assert names("?is_active=&bot_type=") == ["One", "Two"]
    assert names("?is_active=true") == names("?bot_type=chat") == ["One"]
    assert names("?is_active=false&bot_type=completion") == ["Two"]
    for wrong in (
        "?is_active=maybe", "?bot_type=x", "?created_by__password__startswith=a", "?order_by=name", "?name__in=1",
        "?is_active=%00", "?ordering=created_by", "?id=1",
    ):  # fmt: skip
        assert anna.get(BOTS + wrong).status_code == 400, wrong


def test_a_page_is_given_when_it_is_asked_for(anna, django_assert_max_num_queries):
    user = anna.user
    Bot.objects.bulk_create(Bot(name=f"Bot {number}", created_by=user) for number in range(250))

    with django_assert_max_num_queries(5 + 2):  # two of the session
        page = anna.get(f"{BOTS}?page_size=100").json()

    assert (page["count"], len(page["results"]), page["previous"]) == (250, 100, None)
    assert len(anna.get(f"{BOTS}?page=3&page_size=100").json()["results"]) == 50
    assert len(anna.get(f"{BOTS}?limit=7&offset=245").json()["results"]) == 5
    assert len(anna.get(f"{BOTS}?page_size=100000").json()["results"]) == 250
    for wrong in (
        "?page=-1",
        "?page_size=1e9",
        "?page=abc",
        "?limit=99999999999999999999",
        "?offset=-1",
        "?offset=100001",
        "?page=1002",
    ):
        assert anna.get(BOTS + wrong).status_code == 400, wrong
    assert anna.get(f"{BOTS}?page=0").status_code == anna.get(f"{BOTS}?page=99").status_code == 404


def test_what_is_anothers_is_not_there(anna, boris, scenario):
    own = step(anna, scenario).json()["id"]
    for address in (f"{BOTS}{scenario['bot']}/", f"{SCENARIOS}{scenario['id']}/", f"{STEPS}{own}/"):
        missing = boris.get(address.replace(address.split("/")[-2], "999999"))
        for call in (boris.get, boris.put, boris.patch, boris.delete):
            refused = call(address)
            assert refused.status_code == 404
            assert {**refused.json(), "request_id": ""} == {**missing.json(), "request_id": ""}
    for address in (BOTS, SCENARIOS, STEPS):
        assert boris.get(address).json() == []
    assert boris.get(f"{SCENARIOS}{scenario['id']}/steps/").status_code == 404
    assert boris.get(f"{BOTS}99999999999999999999/").status_code == 404


def test_staff_sees_everything(anna, scenario):
    staff = Program(make.administrator())

    assert [one["id"] for one in staff.get(SCENARIOS).json()] == [scenario["id"]]
    assert staff.patch(f"{BOTS}{scenario['bot']}/", {"name": "Ours"}).json()["created_by"] == anna.user.pk


def test_nothing_of_anothers_can_be_named(anna, boris, scenario):
    foreign = step(anna, scenario).json()["id"]
    bot = boris.post(BOTS, {"name": "Boris's"}).json()["id"]
    own = boris.post(SCENARIOS, {"name": "Mine", "bot": bot}).json()
    mine = step(boris, own).json()["id"]

    assert boris.post(SCENARIOS, {"name": "x", "bot": scenario["bot"]}).status_code == 400
    assert step(boris, scenario).status_code == 400
    assert step(boris, own, next_step=foreign).status_code == 400
    assert boris.patch(f"{STEPS}{mine}/", {"next_step": foreign}).status_code == 400
    assert boris.patch(f"{STEPS}{mine}/", {"scenario": scenario["id"]}).status_code == 400
    assert boris.patch(f"{SCENARIOS}{own['id']}/", {"initial_step": foreign}).status_code == 400
    assert boris.patch(f"{SCENARIOS}{own['id']}/", {"bot": scenario["bot"]}).status_code == 400
    refused = step(boris, own, "condition", {"conditions": {"yes": foreign}})
    assert refused.status_code == 400
    assert refused.json()["errors"][0]["field"] == "content.conditions.yes"
    jump = step(boris, own, "jump", {"scenario": str(scenario["id"])})
    assert jump.json()["errors"][0]["field"] == "content.scenario"


def test_even_staff_cannot_join_steps_of_two_scenarios(anna, scenario):
    other = anna.post(SCENARIOS, {"name": "Other", "bot": scenario["bot"]}).json()
    one, two = step(anna, scenario).json()["id"], step(anna, other).json()["id"]

    assert anna.patch(f"{STEPS}{one}/", {"next_step": two}).status_code == 400
    assert anna.patch(f"{SCENARIOS}{scenario['id']}/", {"initial_step": two}).status_code == 400
    assert anna.patch(f"{SCENARIOS}{scenario['id']}/", {"initial_step": one}).status_code == 200
    assert anna.patch(f"{STEPS}{one}/", {"scenario": other["id"]}).status_code == 400


def test_steps_come_one_after_another(anna, scenario):
    step(anna, scenario, content={"message": "1"})
    step(anna, scenario, content={"message": "2"})
    step(anna, scenario, content={"message": "0"}, order=0)

    listed = anna.get(f"{SCENARIOS}{scenario['id']}/").json()["steps"]

    assert [one["content"]["message"] for one in listed] == ["0", "1", "2"]
    assert anna.get(f"{SCENARIOS}{scenario['id']}/steps/").json() == listed
    assert anna.get(f"{STEPS}?scenario_id={scenario['id']}").json() == listed
    assert list(listed[0]) == [
        "id", "name", "step_type", "scenario", "content", "order", "next_step", "created_at"
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "content", "field"),
    [
        ("message", {}, "content.message"),
        ("message", {"message": "x", "massage": "y"}, "content.massage"),
        ("message", [], "content"),
        ("message", "x", "content"),
        ("question", {"question": "?", "validation_rules": {"min": 9, "max": 1}}, "content.validation_rules"),
        ("question", {"question": "?", "validation_rules": {"pattern": "(a"}}, "content.validation_rules.pattern"),
        ("condition", {"conditions": {"yes": 999_999}}, "content.conditions.yes"),
        ("condition", {"default_response": "?"}, "content"),
        ("api_call", {"url": "file:///etc/passwd"}, "content.url"),
        ("api_call", {"url": "http://127.0.0.1/"}, "content.url"),
        ("api_call", {"url": "http://localhost:9999/"}, "content.url"),
        ("api_call", {"url": "http://2130706433/"}, "content.url"),
        ("api_call", {"url": "http://[::ffff:127.0.0.1]/"}, "content.url"),
        ("api_call", {"url": "http://user@example.com/"}, "content.url"),
        ("api_call", {"url": "https://example.com:6379/"}, "content.url"),
        ("api_call", {"url": "https://{host}/"}, "content.url"),
        ("api_call", {"url": "https://example.com/", "headers": {"X": "a\r\nb"}}, "content.headers"),
        ("nothing", {}, "step_type"),
    ],
)  # fmt: skip
def test_a_wrong_content_is_refused_with_its_place(kind, content, field, anna, scenario):
    refused = step(anna, scenario, kind, content)

    assert refused.status_code == 400
    assert field in {error["field"] for error in refused.json()["errors"]}, refused.json()
    assert Step.objects.count() == 0


def test_a_deep_content_is_refused(anna, scenario):
    deep: object = "x"
    for _ in range(50):
        deep = [deep]

    content = {"url": "https://example.com/", "method": "POST", "json": deep}
    assert step(anna, scenario, "api_call", content).status_code == 400


def test_an_address_may_have_values_in_its_path(anna, scenario):
    content = {"url": "https://example.com/{city}/weather?q={user_input}", "success_message": "{weather}"}

    assert step(anna, scenario, "api_call", content).status_code == 201


def test_what_begins_a_scenario_is_written_beside_it(anna, scenario):
    address = f"{SCENARIOS}{scenario['id']}/triggers/"

    assert anna.get(address).json() == {"on_start": True, "keywords": [], "commands": []}
    triggers = {"on_start": False, "keywords": ["pets"], "commands": ["/pets"]}
    assert anna.put(address, triggers).json() == triggers
    assert anna.put(address, {"commands": ["pets"]}).status_code == 400
    assert anna.put(address, {"keywords": [""]}).status_code == 400


def test_what_a_bot_may_do_is_written_beside_it(anna, boris, scenario):
    address = f"{BOTS}{scenario['bot']}/abilities/"

    assert anna.get(address).json() == {"finds_ads": False}
    assert anna.put(address, {"finds_ads": True}).json() == {"finds_ads": True}
    assert anna.get(address).json() == {"finds_ads": True}
    for wrong in ({}, {"finds_ads": "perhaps"}, {"finds_ads": None}, {"finds_ads": {}}):
        assert anna.put(address, wrong).status_code == 400
    assert boris.get(address).status_code == 404
    assert boris.put(address, {"finds_ads": False}).status_code == 404


def test_what_looks_wrong_is_told_and_not_refused(anna, scenario):
    step(anna, scenario, "api_call", {"url": "https://example.com/"})

    [flaw] = anna.get(f"{BOTS}{scenario['bot']}/warnings/").json()

    assert flaw["code"] == "call_without_error_branch"


def test_each_change_is_seen_by_the_next_walk(anna, scenario):
    def version():
        return Bot.objects.get(pk=scenario["bot"]).scenarios_version

    seen = [version()]
    made = step(anna, scenario).json()["id"]
    seen.append(version())
    anna.patch(f"{STEPS}{made}/", {"name": "First"})
    seen.append(version())
    anna.delete(f"{STEPS}{made}/")
    seen.append(version())
    anna.delete(f"{SCENARIOS}{scenario['id']}/")
    seen.append(version())

    assert seen == sorted(set(seen))


def test_strangers_are_asked_to_sign_in(client):
    for address in (BOTS, SCENARIOS, STEPS, "/api/executions/", f"{BOTS}1/", f"{BOTS}1/warnings/"):
        assert client.get(address).status_code == 401
        assert client.post(address, {}, content_type="application/json").status_code in (401, 405)


def test_pages_are_for_browsers_too(anna, scenario):
    for address in (BOTS, f"{BOTS}{scenario['bot']}/", SCENARIOS, STEPS, "/api/executions/"):
        page = anna._client.get(address, HTTP_ACCEPT="text/html")
        assert page.status_code == 200
        assert page["Content-Type"].startswith("text/html")


def test_nothing_secret_is_in_a_bot(anna, scenario):
    Bot.objects.filter(pk=scenario["bot"]).update(api_key_sealed="sealed-key")

    assert "sealed-key" not in json.dumps(anna.get(BOTS).json())
    assert Scenario.objects.count() == 1
