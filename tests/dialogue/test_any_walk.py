"""Whatever an author wrote and a visitor typed: a walk ends or waits, is the same again, and breaks nothing."""

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from besedka.dialogue import state
from besedka.dialogue.effects import Ask, Call, Finish, HandOff, Say
from besedka.dialogue.engine import MAX_STEPS, replay
from besedka.dialogue.events import (
    Answered,
    CallFailed,
    CallReturned,
    Resumed,
    Said,
    Started,
    TimedOut,
    Unanswered,
)
from besedka.dialogue.graph import read

IDS = st.integers(1, 6).map(str)
SCENARIOS = st.sampled_from(["a", "b"])
NAMES = st.sampled_from(["x", "y", "имя"])
TEXTS = st.sampled_from(["Hello", "{x}", "{y} {user_input}", "{имя}{{x}}", "{secret.KEY}", ""]) | st.text(
    max_size=20
)
BUTTONS = st.lists(st.fixed_dictionaries({"label": st.sampled_from(["yes", "no", "5"])}), min_size=1, max_size=3)
SUBJECTS = st.just({"answer": True}) | st.builds(lambda name: {"variable": name}, NAMES)
COMPARED = st.builds(
    lambda value, other: {"value": value, "op": "equals", "with": other}, SUBJECTS, TEXTS
) | st.builds(lambda value, other: {"value": value, "op": "more", "with": other}, SUBJECTS, st.integers(-9, 9))
RULES = st.recursive(
    COMPARED,
    lambda inner: (
        st.builds(lambda parts: {"all": parts}, st.lists(inner, min_size=1, max_size=3))
        | st.builds(lambda part: {"not": part}, inner)
    ),
    max_leaves=5,
)


def content(kind: str, **fields: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({"kind": st.just(kind), "content": st.fixed_dictionaries(fields)})


STEPS = st.one_of(
    content("message", message=TEXTS),
    content(
        "question",
        question=TEXTS,
        buttons=BUTTONS,
        save_as=NAMES,
        on_exhausted=IDS,
        validation_rules=st.fixed_dictionaries({"type": st.sampled_from(["text", "number", "choice", "date"])}),
    ),
    content("condition", conditions=st.dictionaries(st.sampled_from(["yes", "no", "5"]), IDS, min_size=1)),
    content(
        "condition", branches=st.lists(st.fixed_dictionaries({"if": RULES, "then": IDS}), min_size=1, max_size=2)
    ),
    content("api_call", url=st.just("https://example.com/{x}"), headers=st.just({"X-A": "{y}"}), on_error=IDS),
    content("answer", prompt=TEXTS, save_as=NAMES),
    content("handoff", message=TEXTS),
    content("set", variables=st.dictionaries(NAMES, TEXTS | st.integers() | st.none(), min_size=1)),
    content("jump", scenario=SCENARIOS, step=IDS, back=st.booleans()),
    content("wait", seconds=st.integers(1, 9), on_timeout=IDS),
)


@st.composite
def documents(draw: st.DrawFn) -> dict[str, Any]:
    scenarios = {}
    for name in ("a", "b"):
        steps = [draw(STEPS) | {"id": number, "next": draw(st.none() | IDS)} for number in range(1, 7)]
        scenarios[name] = {"steps": steps, "triggers": {"keywords": [f"go {name}"]}}
    return {"scenarios": scenarios}


EVENTS = st.one_of(
    st.builds(Started, SCENARIOS),
    st.builds(
        Said, st.sampled_from(["yes", "5", "go a", "go b", "{x}"]) | st.text(max_size=20), st.none() | TEXTS
    ),
    st.builds(CallReturned, st.integers(1, 5).map(str), st.integers(100, 599), st.none() | TEXTS),
    st.builds(CallFailed, st.integers(1, 5).map(str), TEXTS, st.booleans()),
    st.builds(Answered, TEXTS),
    st.builds(Unanswered, st.just("provider_failed")),
    st.just(TimedOut()),
    st.just(Resumed()),
)


@settings(max_examples=300, deadline=None)
@given(documents(), st.lists(EVENTS, max_size=12))
def test_any_walk_ends_or_waits_within_its_limits_and_is_the_same_again(written, happened):
    graph = read(written)

    outcomes = replay(graph, [Started("a"), *happened])

    for outcome in outcomes:
        assert len(outcome.effects) <= 3 * MAX_STEPS
        assert outcome.state.trodden <= MAX_STEPS
        assert len(outcome.state.variables) <= state.MAX_VARIABLES
        assert outcome.state.waits or outcome.state.over
        waiting = [e for e in outcome.effects if not isinstance(e, Say)]
        assert len(waiting) <= 1  # nothing is wanted after something that is waited for
        if isinstance(waiting[0] if waiting else None, Ask):
            assert outcome.state.waits == "answer"
        if isinstance(waiting[0] if waiting else None, Finish | HandOff):
            assert outcome.state.over
        if isinstance(waiting[0] if waiting else None, Call):
            assert not any(c in v for v in waiting[0].headers.values() for c in "\r\n\0")
            assert waiting[0].url.startswith("https://example.com/")
    assert replay(graph, [Started("a"), *happened]) == outcomes


@settings(max_examples=100, deadline=None)
@given(documents(), st.lists(EVENTS, max_size=8))
def test_a_walk_that_is_put_away_and_taken_up_again_goes_the_same_way(written, happened):
    graph = read(written)
    at = state.State()

    for event in [Started("a"), *happened]:
        kept = state.load(state.dump(at))
        assert kept == at
        at = replay(graph, [event], kept)[0].state

    assert at == replay(graph, [Started("a"), *happened])[-1].state
