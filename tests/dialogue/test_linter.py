"""What an author probably did not mean is told with its place."""

import pytest

from besedka.dialogue import linter
from besedka.dialogue.graph import read
from tests.dialogue.written import graph, scenario, step

BEGINS = {"triggers": {"on_start": True}}


def found(*steps: dict, **others: dict) -> list[tuple[str, str]]:
    """Paths and codes of the warnings about a scenario that begins by itself."""
    of = graph(*steps, **others)
    return [(w.path, w.code) for w in linter.warnings(of) if w.code != linter.NOT_BEGUN]


def test_a_sound_scenario_has_no_warnings():
    assert (
        found(
            step(1, "question", question="Name?", save_as="name"),
            step(2, "message", message="Hello, {name}, you said {user_input}."),
            step(3, "condition", conditions={"yes": 1}, default_response="Bye."),
        )
        == []
    )


def test_a_step_that_no_way_leads_to_is_named():
    steps = [
        step(1, "message", following=3, message="a"),
        step(2, "message", message="b"),
        step(3, "message", message="c"),
    ]

    assert found(*steps) == [("scenarios.1.steps.1", linter.UNREACHABLE)]


def test_what_comes_after_a_hand_off_or_a_jump_is_not_reached():
    steps = [step(1, "handoff"), step(2, "jump", scenario=1), step(3, "message", message="c")]

    assert [path for path, code in found(*steps) if code == linter.UNREACHABLE] == [
        "scenarios.1.steps.1",
        "scenarios.1.steps.2",
    ]


def test_a_step_that_another_scenario_jumps_to_is_reached():
    other = scenario(
        step(1, "message", following=3, message="x"),
        step(2, "message", message="y"),
        step(3, "message", message="z"),
    )

    assert found(step(1, "jump", scenario="other", step=2), other=other) == []


@pytest.mark.parametrize("following", [1, 2])
def test_a_circle_in_which_nobody_waits_is_named_once(following):
    steps = [
        step(1, "message", message="a"),
        step(2, "set", variables={"x": 1}),
        step(3, "message", following=following, message="b"),
    ]

    assert found(*steps) == [(f"scenarios.1.steps.{following - 1}", linter.CIRCLE)]


def test_a_circle_through_a_question_is_sound():
    assert found(step(1, "question", question="Again?"), step(2, "message", following=1, message="ok")) == []


def test_a_call_that_may_fail_wants_a_branch_for_it():
    assert found(step(1, "api_call", url="https://example.com")) == [
        ("scenarios.1.steps.0", linter.NO_ERROR_BRANCH)
    ]


def test_a_condition_that_may_end_in_silence_is_named():
    steps = [step(1, "question", question="?"), step(2, "condition", conditions={"yes": 1})]

    assert found(*steps) == [("scenarios.1.steps.1", linter.DEAD_END)]


def test_a_variable_that_nothing_sets_is_named_where_it_is_read():
    of = graph(step(1, "message", message="Hello, {name}"), step(2, "question", question="Name?", save_as="name"))

    warning = next(w for w in linter.warnings(of) if w.code == linter.UNSET)

    assert warning.path == "scenarios.1.steps.0"
    assert "{name}" in warning.sentence


def test_a_variable_that_one_way_sets_may_be_read():
    steps = [
        step(1, "question", question="?"),
        step(2, "condition", conditions={"yes": 3}, else_=4),
        step(3, "set", variables={"x": 1}),
        step(4, "message", message="{x}"),
    ]

    assert found(*steps) == []


def test_rules_read_variables_too():
    rule = {"value": {"variable": "age"}, "op": "more", "with": 5}
    steps = [
        step(1, "condition", branches=[{"if": rule, "then": 2}], default_response="?"),
        step(2, "message", message="a"),
    ]

    assert found(*steps) == [("scenarios.1.steps.0", linter.UNSET)]


def test_what_another_scenario_set_on_the_way_is_not_known_and_not_blamed():
    other = scenario(step(1, "question", question="Town?", save_as="town"))
    steps = [step(1, "jump", scenario="other", back=True), step(2, "message", message="{town}")]

    assert found(*steps, other=other) == []


def test_a_scenario_that_nothing_begins_is_named():
    of = graph(step(1, "message", message="a"), begun=scenario(step(1, "message", message="b"), **BEGINS))

    assert [(w.path, w.code) for w in linter.warnings(of)] == [("scenarios.1", linter.NOT_BEGUN)]


def test_a_chain_of_thousands_of_steps_is_looked_through():
    steps = [step(number, "message", message="a") for number in range(1_999)]

    assert found(*steps, step(1_999, "message", following=0, message="b")) == [
        ("scenarios.1.steps.0", linter.CIRCLE)
    ]


def test_a_step_that_is_named_and_was_deleted_is_told():
    document = {"scenarios": {"1": {"triggers": {"on_start": True}, "steps": [
        {"id": "2", "kind": "condition", "content": {"conditions": {"cat": "9"}, "default_response": "?"}},
    ]}}}  # fmt: skip

    flaws = linter.warnings(read(document, references=False))

    assert [(flaw.code, flaw.path) for flaw in flaws] == [
        ("missing_step", "scenarios.1.steps.0.content.conditions.cat")
    ]
