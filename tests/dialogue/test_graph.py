"""What an author writes is read whole or refused with the place of every fault."""

import time

import pytest

from besedka.dialogue.graph import MAX_STEPS, Fault, GraphError, read, read_content
from tests.dialogue.written import document, scenario, step

SET = {"value": {"answer": True}, "op": "is_set"}
CONTRACT = {
    "message": {"message": "Hello"},
    "question": {
        "question": "Your name?",
        "response_template": "Nice to meet you, {user_input}!",
        "validation_rules": {"min_length": 5, "max_length": 500},
    },
    "condition": {
        "conditions": {"cat": 1, "dog": "1"},
        "responses": {"cat": "Meow"},
        "default_response": "Neither?",
    },
    "api_call": {"url": "https://example.com/orders", "method": "POST", "success_message": "Done."},
}


@pytest.mark.parametrize("kind", CONTRACT)
def test_every_kind_of_step_of_old_clients_is_read(kind):
    read(document(step(1, kind, **CONTRACT[kind])))


def test_ids_may_be_numbers_or_texts():
    graph = read(document(step(1, "message", following="2", message="a"), step("2", "message", message="b")))

    assert graph.scenarios["1"].after == {"1": "2", "2": None}


def test_steps_follow_one_another_unless_they_say_otherwise():
    steps = [
        step(1, "message", following=3, message="a"),
        step(2, "message", message="b"),
        step(3, "message", message="c"),
    ]

    graph = read(document(*steps))

    assert graph.scenarios["1"].after == {"1": "3", "2": "3", "3": None}


def faults(written: object) -> list[Fault]:
    with pytest.raises(GraphError) as caught:
        read(written)
    return caught.value.faults


def test_every_fault_is_named_with_its_place():
    found = faults(
        document(
            step(1, "question", question="?", validation_rules={"min_length": "five"}),
            step(2, "message", mesage="a slip"),
            step(3, "dance", message="what?"),
        )
    )

    assert [fault.path for fault in found] == [
        "scenarios.1.steps.0.content.validation_rules.min_length",
        "scenarios.1.steps.1.content.message",
        "scenarios.1.steps.1.content.mesage",
        "scenarios.1.steps.2.kind",
    ]


@pytest.mark.parametrize(
    ("steps", "path"),
    [
        ([step(1, "message", following=9, message="a")], "steps.0.next"),
        ([step(1, "condition", conditions={"a": 9})], "steps.0.content.conditions.a"),
        ([step(1, "question", question="?", on_exhausted=9)], "steps.0.content.on_exhausted"),
        ([step(1, "condition", branches=[{"if": SET, "then": 9}])], "steps.0.content.branches.0.then"),
        ([step(1, "condition", conditions={"a": 1}, else_=9)], "steps.0.content.else"),
        ([step(1, "api_call", url="https://example.com", on_error=9)], "steps.0.content.on_error"),
        ([step(1, "wait", seconds=5, on_timeout=9)], "steps.0.content.on_timeout"),
        ([step(1, "jump", scenario=9)], "steps.0.content.scenario"),
        ([step(1, "jump", scenario=1, step=9)], "steps.0.content.step"),
        ([step(1, "message", message="a"), step(1, "message", message="b")], "steps.1.id"),
    ],
)  # fmt: skip
def test_a_step_that_is_not_there_is_named_where_it_is_asked_for(steps, path):
    assert [fault.path for fault in faults(document(*steps))] == [f"scenarios.1.{path}"]


def test_a_first_step_that_is_not_there_is_refused():
    assert faults({"scenarios": {"1": scenario(start=5)}})[0].path == "scenarios.1.start"


def test_one_step_can_be_read_before_the_others_are_there():
    read(document(step(1, "message", following=9, message="a")), references=False)


@pytest.mark.parametrize(
    ("kind", "content", "path"),
    [
        ("message", {}, "message"),
        ("message", {"message": "a" * 10_001}, "message"),
        ("message", {"message": "a", "buttons": [{"label": ""}]}, "buttons.0.label"),
        ("question", {"question": "?", "validation_rules": {"min": 9, "max": 2}}, "validation_rules"),
        ("question", {"question": "?", "validation_rules": {"type": "choice"}}, ""),
        ("question", {"question": "?", "validation_rules": {"pattern": "(a"}}, "validation_rules.pattern"),
        ("question", {"question": "?", "validation_rules": {"pattern": r"(?=a)b"}}, "validation_rules.pattern"),
        ("question", {"question": "?", "save_as": "a b"}, "save_as"),
        ("condition", {}, ""),
        ("condition", {"conditions": {"": 1}}, "conditions."),
        ("condition", {"conditions": {"a": 1}, "responses": {"b": "?"}}, ""),
        ("condition", {"branches": [{"if": {"all": []}, "then": 1}]}, "branches.0.if.all"),
        ("condition", {"branches": [{"if": {**SET, "op": "less", "with": "much"}, "then": 1}]}, "branches.0.if"),
        ("api_call", {"url": "ftp://example.com"}, "url"),
        ("api_call", {"url": "https://{host}/"}, "url"),
        ("api_call", {"url": "https://user@example.com/"}, "url"),
        ("api_call", {"url": "https://example.com{user_input}/"}, "url"),
        ("api_call", {"url": "https://example.com/{secret.KEY}"}, "url"),
        ("api_call", {"url": "https://example.com/", "query": {"key": "{secret.KEY}"}}, "query"),
        ("api_call", {"url": "https://example.com/", "headers": {"X-A": "a\r\nB: c"}}, "headers"),
        ("api_call", {"url": "https://example.com/", "headers": {"Host": "a"}}, "headers"),
        ("api_call", {"url": "https://example.com/", "json": {"a": 1}}, ""),
        ("api_call", {"url": "https://example.com/", "method": "TRACE"}, "method"),
        ("set", {"variables": {}}, "variables"),
        ("wait", {"seconds": 0}, "seconds"),
        ("dance", {}, "step_type"),
        ("message", "no object", ""),
        ("message", None, ""),
    ],
)  # fmt: skip
def test_a_content_that_cannot_be_run_is_refused_with_its_place(kind, content, path):
    with pytest.raises(GraphError) as caught:
        read_content(kind, content)

    assert caught.value.faults[0].path.startswith(path)
    assert caught.value.faults[0].sentence


@pytest.mark.parametrize(
    "written", [None, [], "scenarios", 5, {"scenarios": []}, {"scenarios": {"1": None}}, {"a": 1}]
)
def test_what_is_no_document_is_refused(written):
    assert faults(written)


def test_another_order_of_words_is_another_graph_for_the_first_one_that_fits_counts():
    def conditions(*words):
        return document(step(1, "condition", conditions=dict.fromkeys(words, 1), default_response="?"))

    assert read(conditions("a", "b")).content_hash == read(conditions("a", "b")).content_hash
    assert read(conditions("a", "b")).content_hash != read(conditions("b", "a")).content_hash


def test_too_many_steps_are_refused():
    steps = [step(number, "message", message="a") for number in range(MAX_STEPS + 1)]

    assert faults(document(*steps))[0].path == "scenarios.1.steps"


def test_a_hundred_thousand_steps_are_refused_at_once():
    written = document(*[step(number, "message", message="a") for number in range(100_000)])
    start = time.process_time()

    assert faults(written)
    assert time.process_time() - start < 3


def test_rules_inside_of_rules_without_end_are_refused():
    rule: dict[str, object] = {"value": {"answer": True}, "op": "is_set"}
    for _ in range(5_000):
        rule = {"not": rule}

    assert "deep" in faults(document(step(1, "condition", branches=[{"if": rule, "then": 1}])))[0].sentence


def test_numbers_that_json_does_not_have_are_refused():
    assert faults(document(step(1, "set", variables={"a": float("nan")})))
