"""The pages on which scenarios are built: forms for each type, a picture, a rehearsal that touches nobody."""

import json
from itertools import pairwise

import make
import pytest
from django.urls import reverse

from besedka.bots.builder import drawing, forms, layout, rules
from besedka.bots.models import Bot, Execution, Scenario, Step
from besedka.bots.secrets import secrets_of
from besedka.conversations.models import Message
from besedka.dialogue import graph
from besedka.turns.models import Call

QUESTION = (
    "question",
    {
        "question": "Your name?",
        "save_as": "name",
        "validation_rules": {"type": "text", "min_length": 2},
        "buttons": [{"label": "Anna"}, {"label": "I will not say", "value": "nobody"}],
        "attempts": 2,
        "on_exhausted": "@2",
    },
)


@pytest.fixture
def staff(client, db):
    client.force_login(make.administrator())
    return client


@pytest.fixture
def scenario(db):
    return make.scenario(make.bot(), QUESTION, ("message", {"message": "Hello, {name}!"}))


def values(page):
    """What a form on a page would send if nothing were changed."""
    form = page.context["adminform"].form
    sent = {}
    for name, field in form.fields.items():
        value = (
            field.prepare_value(form.initial.get(name, field.initial)) if hasattr(field, "prepare_value") else None
        )
        if isinstance(value, list):
            for column in range(len(field.widget.columns)):
                sent[f"{name}_{column}"] = [row[column] for row in value]
        elif value not in (None, False):
            sent[name] = value
    return sent


CONTENTS = [
    ("message", {"message": "Hi {name}", "buttons": [{"label": "Yes"}]}),
    QUESTION,
    ("condition", {"conditions": {"cat": "@2", "dog": "@1"}, "responses": {"cat": "Meow"}, "else": "@1"}),
    ("condition", {"branches": [{"if": {"value": {"variable": "age"}, "op": "less", "with": 18}, "then": "@2"}]}),
    ("condition", {"branches": [{"if": {"value": {"variable": "x"}, "op": "equals", "with": 1}, "then": "@2"}]}),
    (
        "condition",
        {"branches": [{"if": {"not": {"value": {"variable": "x"}, "op": "is_set"}}, "then": "@2"}], "else": "@1"},
    ),
    (
        "api_call",
        {
            "method": "POST", "url": "https://example.com/x", "headers": {"X-Key": "{secret.KEY}"},
            "json": {"a": ["{name}", 1]}, "save": {"t": "now.0.t"}, "on_error": "@2", "timeout_s": 5,
        },
    ),
    ("answer", {"prompt": "Greet {name}", "save_as": "greeting", "say": False}),
    ("handoff", {"message": "One moment", "reason": "asked"}),
    ("set", {"variables": {"x": "1"}}),
    ("wait", {"seconds": 60, "on_timeout": "@2"}),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "content"), CONTENTS)
def test_a_form_that_is_saved_without_a_change_changes_nothing(kind, content, staff):
    scenario = make.scenario(make.bot(), QUESTION, ("message", {"message": "x"}), (kind, content))
    step = scenario.steps.get(order=3)
    address = reverse("admin:bots_step_change", args=[step.pk])

    page = staff.get(address)
    saved = staff.post(address, values(page))

    assert saved.status_code == 302, saved.context["errors"] if saved.context else ""
    assert Step.objects.get(pk=step.pk).content == {**step.content, **({"say": False} if kind == "answer" else {})}
    assert set(graph.read_content(kind, step.content).model_fields_set)


@pytest.mark.parametrize("kind", Step.Type.values)
def test_each_type_of_step_has_a_form_for_a_new_one(kind, staff, scenario):
    page = staff.get(f"{reverse('admin:bots_step_add')}?scenario={scenario.pk}&step_type={kind}")

    assert page.status_code == 200
    assert set(forms.names(kind)) <= set(page.context["adminform"].form.fields)


def test_a_step_is_added_by_its_form_and_comes_last(staff, scenario):
    address = f"{reverse('admin:bots_step_add')}?scenario={scenario.pk}&step_type=message"

    done = staff.post(address, {"name": "Bye", "message": "Good bye"})

    step = Step.objects.get(name="Bye")
    assert done["Location"].startswith(reverse("admin:bots_scenario_change", args=[scenario.pk]))
    assert (step.step_type, step.content, step.order) == ("message", {"message": "Good bye"}, 3)


def test_a_fault_is_shown_at_its_field(staff, scenario):
    address = f"{reverse('admin:bots_step_add')}?scenario={scenario.pk}&step_type="

    call = staff.post(address + "api_call", {"url": "http://127.0.0.1/", "method": "GET"})
    question = staff.post(address + "question", {"question": "?", "check_type": "text", "check_pattern": "(a"})
    word = staff.post(address + "condition", {"conditions_0": ["cat"], "conditions_1": [""], "conditions_2": [""]})

    assert "url" in call.context["adminform"].form.errors
    assert "check_pattern" in question.context["adminform"].form.errors
    assert "conditions" in word.context["adminform"].form.errors
    assert scenario.steps.count() == 2


def test_what_is_no_type_or_no_scenario_has_no_form(staff, scenario):
    for query in ("", "?step_type=message", f"?scenario={scenario.pk}", f"?scenario={scenario.pk}&step_type=x"):
        assert staff.get(reverse("admin:bots_step_add") + query).status_code == 403
    assert staff.get(f"{reverse('admin:bots_step_add')}?scenario=999&step_type=message").status_code == 404


def test_the_page_of_a_scenario_shows_its_steps_picture_and_what_looks_wrong(staff, scenario):
    Step.objects.create(scenario=scenario, step_type="message", content={"message": "<script>x</script>"}, order=0)
    Scenario.objects.update(initial_step=scenario.steps.get(order=1))

    page = staff.get(reverse("admin:bots_scenario_change", args=[scenario.pk])).content.decode()

    assert "<svg" in page
    assert "Your name?" in page
    assert "<script>x</script>" not in page
    assert 'class="besedka-flaws"' in page


def test_saving_a_scenario_is_seen_by_the_next_walk(staff, scenario):
    bot = scenario.bot
    before = Bot.objects.get(pk=bot.pk).scenarios_version
    rows = list(scenario.steps.order_by("order"))
    form = {
        "name": "Renamed", "description": "", "is_active": "on", "keywords": "pets\nanimals\n",
        "commands": "/pets",
        "steps-TOTAL_FORMS": 2, "steps-INITIAL_FORMS": 2, "steps-MIN_NUM_FORMS": 0, "steps-MAX_NUM_FORMS": 1000,
        "steps-0-id": rows[0].pk, "steps-0-scenario": scenario.pk, "steps-0-order": 2, "steps-0-next_step": "",
        "steps-1-id": rows[1].pk, "steps-1-scenario": scenario.pk, "steps-1-order": 1, "steps-1-next_step": "",
    }  # fmt: skip

    done = staff.post(reverse("admin:bots_scenario_change", args=[scenario.pk]), form)

    assert done.status_code == 302
    scenario.refresh_from_db()
    assert (scenario.keywords, scenario.commands) == (["pets", "animals"], ["/pets"])
    assert [step.pk for step in scenario.steps.order_by("order")] == [rows[1].pk, rows[0].pk]
    assert Bot.objects.get(pk=bot.pk).scenarios_version > before


def rehearse(staff, scenario, **act):
    address = reverse("admin:bots_scenario_rehearse", args=[scenario.pk])
    return staff.post(address, json.dumps(act), content_type="application/json")


def test_a_draft_is_rehearsed_without_touching_anybody(staff):
    call = (
        "api_call",
        {"url": "https://example.com/", "save": {"t": "t"}, "success_message": "It is {t}", "on_error": "@4"},
    )
    scenario = make.scenario(
        make.bot(), QUESTION, call, ("answer", {"prompt": "Go on"}), ("handoff", {}), is_active=False
    )  # fmt: skip

    asked = rehearse(staff, scenario, happens="started").json()
    called = rehearse(staff, scenario, happens="said", text="Anna", state=asked["state"]).json()
    back = rehearse(staff, scenario, happens="returned", body={"t": 5}, state=called["state"]).json()
    over = rehearse(staff, scenario, happens="answered", text="Fine", state=back["state"]).json()

    assert asked["says"][0] == {"kind": "said", "text": "Your name?", "choices": ["Anna", "I will not say"]}
    assert (called["waits"], called["says"][-1]) == ("call", {"kind": "call", "text": "GET https://example.com/"})
    assert [said["text"] for said in back["says"]] == ["It is 5", "Go on"]
    assert [said["kind"] for said in over["says"]] == ["said", "handoff"]
    assert over["over"]
    assert Execution.objects.count() == Message.objects.count() == Call.objects.count() == 0


@pytest.mark.parametrize(
    "act",
    [
        {}, {"happens": "x"}, {"happens": "said", "text": 5}, {"happens": "said", "text": "x" * 5000},
        {"happens": "started", "state": {"version": 9}}, {"happens": "started", "state": "x"},
        {"happens": "returned", "body": "x" * 200_000},
    ],
)  # fmt: skip
def test_a_rehearsal_of_nonsense_is_refused(act, staff, scenario):
    assert rehearse(staff, scenario, **act).status_code == 400
    address = reverse("admin:bots_scenario_rehearse", args=[scenario.pk])
    assert staff.post(address, "{", content_type="application/json").status_code == 400
    assert staff.post(address, "[]", content_type="application/json").status_code == 400


def test_only_who_may_see_scenarios_rehearses_them(client, scenario):
    client.force_login(make.operator("anna"))
    assert rehearse(client, scenario, happens="started").status_code == 302
    helper = make.operator("boris")
    helper.is_staff = True
    helper.save()
    client.force_login(helper)
    assert rehearse(client, scenario, happens="started").status_code == 403


def test_a_secret_goes_in_and_never_comes_out(staff):
    bot = make.bot()
    address = reverse("admin:bots_bot_change", args=[bot.pk])
    page = staff.get(address)
    form = {k: v for k, v in page.context["adminform"].form.initial.items() if v is not None and k != "is_active"}
    form |= {"give_away_phrases": "[]", "is_active": "on"}
    for prefix, total in (("scenarios", 0), ("botsource_set", 0), ("+", 0), ("secrets", 1)):
        form |= {f"{prefix}-TOTAL_FORMS": total, f"{prefix}-INITIAL_FORMS": 0}
    form |= {"secrets-0-name": "WEATHER", "secrets-0-value": "sk-0123456789", "secrets-0-bot": bot.pk}
    for formset in page.context["inline_admin_formsets"]:
        prefix = formset.formset.prefix
        form.setdefault(f"{prefix}-TOTAL_FORMS", 0)
        form.setdefault(f"{prefix}-INITIAL_FORMS", 0)

    done = staff.post(address, form)

    assert done.status_code == 302, done.context["errors"]
    assert secrets_of([bot.pk]) == {bot.pk: {"WEATHER": "sk-0123456789"}}
    assert "sk-0123456789" not in staff.get(address).content.decode()


def test_a_bot_is_exported_and_imported_on_its_pages(staff, scenario, tmp_path):
    exported = staff.get(reverse("admin:bots_bot_export", args=[scenario.bot_id]))
    file = tmp_path / "bot.yaml"
    file.write_bytes(exported.content)
    with file.open("rb") as upload:
        done = staff.post(reverse("admin:bots_bot_import"), {"file": upload})
    file.write_bytes(exported.content.replace(b"kind: message", b"kind: shout"))
    with file.open("rb") as upload:
        faulty = staff.post(reverse("admin:bots_bot_import"), {"file": upload})

    assert done.status_code == 302
    assert Bot.objects.count() == 2
    assert faulty.status_code == 400
    assert "scenarios." in faulty.content.decode()
    assert staff.post(reverse("admin:bots_bot_import")).status_code == 400
    assert staff.get("/admin/bots/bot/x/export/").status_code == 404


def test_the_page_of_an_execution_shows_its_way(staff, scenario):
    made = make.scenario(make.bot(), QUESTION, ("message", {"message": "x"}))
    conversation = make.conversation()
    Execution.objects.create(
        bot=made.bot, scenario=made, conversation_id=conversation.pk, is_current=True,
        state={"scenario": str(made.pk), "variables": {"name": "Anna"}},
        created_at=conversation.created_at, updated_at=conversation.created_at,
    )  # fmt: skip

    page = staff.get(reverse("admin:bots_execution_change", args=[Execution.objects.get().pk])).content.decode()

    assert "Anna" in page


# The picture


def drawn(*steps, **fields):
    """The picture of a scenario of these steps."""
    document = {"scenarios": {"1": {"name": "x", "steps": list(steps), **fields}}}
    return drawing.draw(graph.read(document).scenarios["1"], link="/step/{}/")


def message(key, **fields):
    return {"id": key, "kind": "message", "content": {"message": "Hi & <b>"}, **fields}


def test_a_picture_has_each_step_once_and_escapes_what_people_wrote():
    svg = drawn(message("a", name="A <i>"), message("b"), message("c", next="a"))

    assert svg.count("<rect") == 3
    assert "<b>" not in svg
    assert "<i>" not in svg
    assert "/step/a/" in svg


def test_steps_stand_below_what_leads_to_them_and_circles_lead_back():
    placed = layout.place(
        ["a", "b", "c", "d"], [("a", "b"), ("a", "d"), ("b", "c"), ("c", "a"), ("c", "d"), ("d", "d")]
    )

    assert [[node for node in layer if isinstance(node, str)] for layer in placed.layers] == [
        ["a"],
        ["b"],
        ["c"],
        ["d"],
    ]
    assert placed.back == {("c", "a"), ("d", "d")}
    assert len(placed.ways["a", "d"]) == 4  # it passes two layers


def test_nothing_and_too_much_have_no_picture():
    assert drawing.draw(graph.read({"scenarios": {"1": {}}}).scenarios["1"]).startswith("<svg")
    assert drawn(*(message(str(number)) for number in range(301))) == ""


def test_a_picture_of_a_long_chain_needs_no_recursion():
    nodes = [str(number) for number in range(5_000)]

    placed = layout.place(nodes, pairwise(nodes))

    assert len(placed.layers) == 5_000


def test_rules_that_are_more_than_a_row_can_say_stay_as_they_are():
    assert rules.rows_of([{"if": {"all": []}, "then": "1"}]) is None
    assert rules.rows_of([{"if": {"value": {"variable": "x"}, "op": "equals", "with": None}, "then": "1"}]) is None
    assert rules.rows_of([{"if": {"value": {"variable": "x"}, "op": "is_set"}, "then": "1", "say": "Hm"}]) is None
