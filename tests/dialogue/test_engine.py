"""Walks through scenarios: what is said, asked and called, and where a walk stands."""

import pytest

from besedka.dialogue import effects, state
from besedka.dialogue.effects import Ask, Call, Effect, Finish, HandOff, Say, Wait
from besedka.dialogue.engine import MAX_STEPS, Outcome, advance, replay, triggered
from besedka.dialogue.events import (
    Answered,
    CallFailed,
    CallReturned,
    Event,
    Resumed,
    Said,
    Started,
    TimedOut,
    Unanswered,
)
from besedka.dialogue.graph import Graph
from besedka.dialogue.state import State
from tests.dialogue.written import graph, scenario, step


def walk(of: Graph, *happened: Event) -> Outcome:
    """What the last of these events comes to, after the start of scenario 1 and the others."""
    return replay(of, [Started("1"), *happened])[-1]


def said(outcome: Outcome) -> list[str]:
    """What the visitor is shown."""
    return [effect.text for effect in outcome.effects if isinstance(effect, Say | Ask)]


def last(outcome: Outcome) -> Effect:
    return outcome.effects[-1]


WELCOME = graph(
    step(1, "message", message="Hello!"),
    step(
        2, "question", question="Your name?", response_template="Nice to meet you, {user_input}!", save_as="name"
    ),
    step(3, "condition", conditions={"ann": 4, "bob": 5}, responses={"ann": "The Ann!"}, default_response="Hm."),
    step(4, "message", message="Bye, {name}."),
    step(5, "message", message="The end."),
)


def test_it_walks_until_something_is_asked():
    outcome = walk(WELCOME)

    assert said(outcome) == ["Hello!", "Your name?"]
    assert isinstance(last(outcome), Ask)
    assert outcome.state.waits == "answer"


def test_an_answer_is_thanked_and_chooses_the_way():
    outcome = walk(WELCOME, Said("Ann B."))

    assert said(outcome) == ["Nice to meet you, Ann B.!", "The Ann!", "Bye, Ann B..", "The end."]
    assert last(outcome) == Finish()
    assert outcome.state.over


def test_what_no_keyword_fits_gets_the_default_and_goes_on():
    assert said(walk(WELCOME, Said("Carl"))) == ["Nice to meet you, Carl!", "Hm.", "Bye, Carl.", "The end."]


def test_keywords_are_parts_of_the_answer_in_any_case_and_the_first_one_counts():
    assert said(walk(WELCOME, Said("BOB and ANN")))[1] == "The Ann!"


AGE = graph(
    step(1, "question", question="How old?", validation_rules={"type": "number", "min": 18}, save_as="age"),
    step(2, "message", message="{age}, then."),
    step(3, "message", following=3, message="never"),
)


def test_what_does_not_fit_is_asked_again_with_what_is_wrong():
    outcome = walk(AGE, Said("old"))

    assert said(outcome) == ["A number is needed, such as 1500."]
    assert outcome.state.waits == "answer"


def test_after_three_answers_that_do_not_fit_a_person_is_called():
    outcome = walk(AGE, Said("a"), Said("b"), Said("c"))

    assert last(outcome) == HandOff(effects.NO_FIT)
    assert outcome.state.over


def test_the_author_may_have_another_way_for_that():
    of = graph(
        step(1, "question", question="?", validation_rules={"type": "date"}, attempts=2, on_exhausted=3),
        step(2, "message", message="thanks"),
        step(3, "message", message="You wrote {user_input}; never mind."),
    )

    assert said(walk(of, Said("a"), Said("b"))) == ["You wrote b; never mind."]


def test_a_value_is_kept_as_what_it_was_read():
    outcome = walk(AGE, Said("1 500"))

    assert outcome.state.variables["age"] == 1500
    assert said(outcome)[0] == "1500, then."


def test_buttons_are_shown_and_pressed():
    of = graph(
        step(1, "question", question="Cat or dog?", buttons=[{"label": "A cat", "value": "cat"}], save_as="pet"),
        step(2, "message", message="{pet}"),
    )

    assert walk(of).effects[0].buttons[0].label == "A cat"
    assert said(walk(of, Said("A cat", "cat"))) == ["cat"]
    assert said(walk(of, Said("a hamster"))) == ["a hamster"]


def test_rules_on_variables_choose_the_way():
    rich = {"value": {"variable": "budget"}, "op": "at_least", "with": 10_000}
    of = graph(
        step(1, "question", question="Budget?", validation_rules={"type": "number"}, save_as="budget"),
        step(2, "condition", branches=[{"if": rich, "then": 4, "say": "Then a thoroughbred."}], else_=3),
        step(3, "handoff", message="Let us see.", reason="small_budget"),
        step(4, "message", message="Look here."),
    )

    assert said(walk(of, Said("20 000"))) == ["Then a thoroughbred.", "Look here."]
    assert last(walk(of, Said("500"))) == HandOff("small_budget", "Let us see.")


CALL = graph(
    step(
        1,
        "api_call",
        url="https://example.com/orders/{user_input}",
        save={"total": "order.total", "items": "order.items", "none": "x.y"},
        success_message="It is {total}.",
        error_message="Our shop does not reply.",
        on_error=3,
        on_unknown=4,
    ),
    step(2, "message", following=5, message="ok"),
    step(3, "message", following=5, message="error"),
    step(4, "message", following=5, message="unknown"),
    step(5, "message", message="end"),
)


def test_a_call_is_made_and_its_reply_kept():
    asked = walk(CALL)
    call = last(asked)
    assert isinstance(call, Call)
    reply = {"order": {"total": 5, "items": ["a"]}}

    outcome = advance(CALL, asked.state, CallReturned(call.key, 200, reply))

    assert said(outcome) == ["It is 5.", "ok", "end"]
    assert outcome.state.variables == {"total": 5, "items": '["a"]', "none": None}


@pytest.mark.parametrize(
    ("event", "way"),
    [
        (CallReturned("1", 500, "oops"), "error"),
        (CallReturned("1", 302, ""), "error"),
        (CallFailed("1", "timeout"), "error"),
        (CallFailed("1", "crash", unknown=True), "unknown"),
    ],
)
def test_a_call_that_fails_takes_its_branch(event, way):
    assert said(walk(CALL, event)) == ["Our shop does not reply.", way, "end"]


def test_without_a_branch_a_failed_call_calls_a_person():
    of = graph(
        step(1, "api_call", url="https://example.com", error_message="Sorry."), step(2, "message", message="sold!")
    )

    assert last(walk(of, CallFailed("1", "timeout"))) == HandOff(effects.CALL_FAILED, "Sorry.")
    assert last(walk(of, CallFailed("1", "crash", unknown=True))) == HandOff(effects.CALL_UNKNOWN, "Sorry.")


def test_a_reply_that_comes_twice_or_too_late_changes_nothing():
    done = walk(CALL, CallReturned("1", 200, {}))

    again = advance(CALL, done.state, CallReturned("1", 200, {}))

    assert again.effects == ()
    assert again.state.variables == done.state.variables
    assert again.way[0].what == "no call 1 is waited for"


def test_a_visitors_line_break_in_a_header_fails_the_call_and_is_not_sent():
    of = graph(
        step(1, "question", question="Token?"),
        step(2, "api_call", url="https://example.com", headers={"X-Token": "{user_input}"}, on_error=3),
        step(3, "message", message="error"),
    )

    outcome = walk(of, Said("a\r\nX-Evil: 1"))

    assert not any(isinstance(effect, Call) for effect in outcome.effects)
    assert said(outcome) == ["error"]


def test_the_model_speaks_where_the_author_lets_it():
    of = graph(
        step(1, "answer", prompt="Praise {user_input}", save_as="praise"), step(2, "message", message="[{praise}]")
    )

    assert last(walk(of)) == effects.Answer("Praise ")
    assert said(walk(of, Answered("Lovely!"))) == ["Lovely!", "[Lovely!]"]
    assert last(walk(of, Unanswered("provider_failed"))) == HandOff("provider_failed")


def test_values_are_set_with_names_in_them():
    of = graph(
        step(1, "set", variables={"n": 5, "text": "n is {n}", "same": "{n}", "gone": None}),
        step(2, "message", message="{text}; {same}; {gone}"),
    )

    outcome = walk(of)

    assert said(outcome) == ["n is 5; 5; "]
    assert outcome.state.variables["same"] == 5


MENU = graph(
    step(1, "question", question="Which town?", save_as="town", validation_rules={"min_length": 2}),
    step(2, "message", message="{town}!"),
    hours=scenario(
        step(1, "message", message="From 9 to 18."), triggers={"keywords": ["Часы работы"], "commands": ["/hours"]}
    ),
)


@pytest.mark.parametrize("words", ["часы  РАБОТЫ", "/hours"])
def test_a_keyword_interrupts_a_question_and_comes_back_to_it(words):
    outcome = walk(MENU, Said(words))

    assert said(outcome) == ["From 9 to 18.", "Which town?"]
    assert said(advance(MENU, outcome.state, Said("Тверь"))) == ["Тверь!"]


def test_an_interruption_uses_up_no_attempt():
    outcome = walk(MENU, Said("a"), Said("b"), Said("/hours"), Said("/hours"))

    assert outcome.state.attempts == 2
    assert outcome.state.waits == "answer"


def test_words_that_only_hold_a_keyword_are_an_answer():
    assert said(walk(MENU, Said("часы работы где?"))) == ["часы работы где?!"]


def test_scenarios_begin_by_command_keyword_or_the_first_words():
    of = graph(step(1, "message", message="hi"), hello=scenario(triggers={"on_start": True}))

    assert triggered(MENU, "/hours") == "hours"
    assert triggered(MENU, "hello") is None
    assert triggered(of, "anything", first=True) == "hello"
    assert triggered(of, "anything") is None


def test_a_jump_goes_into_another_scenario_and_back():
    of = graph(
        step(1, "jump", scenario="town", back=True),
        step(2, "message", message="{town}, then."),
        town=scenario(step(1, "question", question="Town?", save_as="town"), step(2, "message", message="Noted.")),
    )

    assert said(walk(of)) == ["Town?"]
    assert said(walk(of, Said("Tver"))) == ["Noted.", "Tver, then."]


def test_a_jump_without_back_does_not_return():
    of = graph(
        step(1, "jump", scenario="other", step=2),
        step(2, "message", message="never"),
        other=scenario(step(1, "message", message="skipped"), step(2, "message", message="here")),
    )

    assert said(walk(of)) == ["here"]
    assert last(walk(of)) == Finish()


def test_jumps_into_one_another_end():
    of = graph(step(1, "jump", scenario="1", back=True))

    assert last(walk(of)) == HandOff(effects.TOO_DEEP)


def test_a_circle_without_a_question_ends_at_the_limit():
    outcome = walk(graph(step(1, "message", following=1, message="again")))

    assert len(said(outcome)) == MAX_STEPS
    assert last(outcome) == HandOff(effects.TOO_LONG)


def test_a_circle_of_calls_ends_too():
    of = graph(step(1, "api_call", following=1, url="https://example.com"))
    at = walk(of)
    for _ in range(MAX_STEPS + 5):
        if not isinstance(last(at), Call):
            break
        at = advance(of, at.state, CallReturned(last(at).key, 200, None))

    assert last(at) == HandOff(effects.TOO_LONG)


def test_every_call_has_a_key_of_its_own():
    of = graph(step(1, "api_call", url="https://a.example"), step(2, "api_call", url="https://b.example"))
    first = walk(of)

    assert last(first).key != last(advance(of, first.state, CallReturned("1", 200))).key


WAIT = graph(
    step(1, "wait", seconds=60, message="Think about it.", on_timeout=3, on_answer=2, save_as="thought"),
    step(2, "message", following=4, message="Ah, {thought}."),
    step(3, "message", message="Still there?"),
    step(4, "message", message="Bye."),
)


def test_a_wait_ends_with_time_or_with_an_answer():
    assert last(walk(WAIT)) == Wait(60)
    assert said(walk(WAIT, TimedOut())) == ["Still there?", "Bye."]
    assert said(walk(WAIT, Said("yes"))) == ["Ah, yes.", "Bye."]
    assert walk(WAIT, Said("yes"), TimedOut()).effects == ()


def test_after_a_person_was_there_the_question_is_asked_again():
    outcome = walk(AGE, Said("a"), Resumed())

    assert said(outcome) == ["How old?"]
    assert outcome.state.attempts == 1


def test_what_is_said_when_nothing_was_asked_changes_nothing():
    done = walk(WELCOME, Said("Ann"))

    assert advance(WELCOME, done.state, Said("more")).effects == ()
    assert walk(WELCOME, Started("nobody")).effects == ()


def test_a_step_that_was_deleted_under_a_walk_ends_it():
    asked = walk(AGE)
    other = graph(step(5, "message", message="all new"))

    assert last(advance(other, asked.state, Said("20"))) == Finish()


def test_too_much_to_remember_is_left_out_and_noted():
    of = graph(step(1, "set", variables={f"v{at}": at for at in range(100)}), step(2, "message", message="ok"))
    full = State(variables={f"w{at}": at for at in range(150)})

    outcome = advance(of, full, Started("1"))

    assert len(outcome.state.variables) == state.MAX_VARIABLES
    assert any("not kept" in trod.what for trod in outcome.way)
    assert said(outcome) == ["ok"]


def test_the_way_says_which_step_did_what():
    assert [(trod.step, trod.what) for trod in walk(WELCOME).way] == [("1", "said"), ("2", "asked")]


def test_a_state_survives_as_json():
    asked = walk(MENU, Said("a"), Said("/hours"))

    assert state.load(state.dump(asked.state)) == asked.state
    for broken in ({"scenario": 5}, [], {"version": 99}):
        with pytest.raises(ValueError, match="state of a walk"):
            state.load(broken)
