"""One walk while it moves: what it is to come to each kind of step, until something is waited for."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from besedka.dialogue import effects, steps, templates
from besedka.dialogue.calls import ready
from besedka.dialogue.conditions import holds
from besedka.dialogue.effects import Effect
from besedka.dialogue.graph import Graph, Scenario, Step
from besedka.dialogue.state import MAX_VALUE, MAX_VARIABLES, Place, State
from besedka.dialogue.templates import Value

MAX_STEPS = 100  # between two things that the visitor says
MAX_PLACES = 20  # to come back to


@dataclass(frozen=True)
class Trod:
    """A step of the walk, and what came of it; `step` is empty for what happened between steps."""

    scenario: str
    step: str
    what: str


class Walk:
    """One advance: the state in pieces, while it changes."""

    def __init__(self, graph: Graph, state: State) -> None:
        self.graph = graph
        self.before = state
        self.scenario, self.step, self.waits = state.scenario, state.step, state.waits
        self.answer, self.attempts, self.over = state.answer, state.attempts, state.over
        self.trodden, self.calls = state.trodden, state.calls
        self.variables: dict[str, Value] = dict(state.variables)
        self.places = list(state.places)
        self.effects: list[Effect] = []
        self.way: list[Trod] = []
        self.going = False

    def state(self) -> State:
        """Where it stands; as it was before when nothing happened at all."""
        if not self.way and not self.effects and not self.going:
            return self.before
        return State(
            self.scenario,
            self.step,
            self.waits,
            self.answer,
            self.variables,
            self.attempts,
            self.trodden,
            self.calls,
            tuple(self.places),
            self.over,
        )

    def note(self, what: str) -> None:
        """This came of the step where the walk stands."""
        self.way.append(Trod(self.scenario, self.step or "", what))

    def say(self, text: str | None, buttons: tuple[steps.Button, ...] = ()) -> None:
        """Say this, with values in it; nothing when there is nothing to say."""
        if text:
            self.effects.append(effects.Say(self.filled(text), buttons))

    def filled(self, template: str) -> str:
        """The text with values in it."""
        return templates.text(template, self.variables, self.answer)

    def keep(self, name: str | None, value: Value) -> None:
        """Remember a value; what is too long is cut, what is too much is left out, and both are noted."""
        if name is None:
            return
        if isinstance(value, str) and len(value) > MAX_VALUE:
            value = value[:MAX_VALUE]
            self.note(f"{name} was cut to {MAX_VALUE} characters")
        if name not in self.variables and len(self.variables) >= MAX_VARIABLES:
            self.note(f"{name} is not kept: there are {MAX_VARIABLES} variables already")
            return
        self.variables[name] = value

    def move(self, step: str | None) -> None:
        """Go on at this step; nowhere when the scenario is complete."""
        self.step, self.waits, self.attempts, self.going = step, "", 0, True

    def follow(self, named: str | None = None) -> None:
        """Go on where the step says, else at what comes after it."""
        self.move(named if named is not None else self.after_here())

    def after_here(self) -> str | None:
        """The step that comes after this one if it does not say otherwise."""
        scenario = self.graph.scenarios.get(self.scenario)
        return scenario.after.get(self.step or "") if scenario else None

    def hand_off(self, reason: str, text: str | None = None) -> None:
        """A person goes on; this walk is over."""
        self.effects.append(effects.HandOff(reason, self.filled(text) if text else None))
        self._end()

    def _end(self) -> None:
        self.waits, self.over, self.going, self.places = "", True, False, []

    def here(self) -> Step | None:
        """The step where it stands."""
        scenario = self.graph.scenarios.get(self.scenario)
        return scenario.steps.get(self.step or "") if scenario else None

    def go(self) -> None:
        """Walk until something is waited for or it is over."""
        while self.going and not self.waits:
            if self.trodden >= MAX_STEPS:
                self.note("too many steps")
                self.hand_off(effects.TOO_LONG)
                return
            step = self.here()
            if step is None:
                self._return_or_finish()
                continue
            self.trodden += 1
            _ENTERS[type(step.content)](self, step.content)

    def _return_or_finish(self) -> None:
        if self.step is not None:
            self.note("this step is not there")
        if not self.places:
            self.note("complete")
            self.effects.append(effects.Finish())
            self._end()
            return
        place = self.places.pop()
        self.scenario, self.step = place.scenario, place.step
        if place.asks:
            self.attempts = place.attempts
            self.ask_again()

    def ask_again(self, sentence: str | None = None) -> None:
        """Ask what was asked before; with a sentence, that in its place."""
        step = self.here()
        if step is None or not isinstance(step.content, steps.Question):
            self.going = True
            return
        text = sentence if sentence is not None else self.filled(step.content.question)
        self.effects.append(effects.Ask(text, step.content.buttons))
        self.waits, self.going = "answer", False

    def begin(self, scenario: Scenario, *, step: str | None = None) -> None:
        """Go on in this scenario, at its first step or at this one."""
        self.scenario = scenario.id
        self.move(step if step is not None else scenario.first)


# What happens when a walk comes to a step.


def _message(walk: Walk, content: steps.Message) -> None:
    walk.note("said")
    walk.say(content.message, content.buttons)
    walk.follow()


def _question(walk: Walk, content: steps.Question) -> None:
    walk.note("asked")
    walk.ask_again()


def _condition(walk: Walk, content: steps.Condition) -> None:
    answer = walk.answer.casefold().replace("ё", "е")
    for keyword, step in content.conditions.items():
        if keyword.casefold().replace("ё", "е") in answer:
            walk.note(f"has {keyword!r}")
            walk.say(content.responses.get(keyword))
            walk.follow(step)
            return
    for at, branch in enumerate(content.branches):
        if holds(branch.when, walk.answer, walk.variables):
            walk.note(f"branch {at}")
            walk.say(branch.say)
            walk.follow(branch.then)
            return
    walk.note("none holds")
    walk.say(content.default_response)
    walk.follow(content.otherwise)


def _call(walk: Walk, content: steps.ApiCall) -> None:
    walk.calls += 1
    try:
        call = ready(content, str(walk.calls), walk.variables, walk.answer)
    except templates.Unfit as fault:
        call_failed(walk, content, str(fault))
        return
    walk.note(f"calls {content.method}")
    walk.effects.append(call)
    walk.waits = "call"


def call_failed(walk: Walk, content: steps.ApiCall, reason: str, *, unknown: bool = False) -> None:
    """Take the branch for it; without one a person goes on, since what comes after counts on the reply."""
    walk.note(f"the call failed: {reason}")
    step = content.on_unknown if unknown and content.on_unknown is not None else content.on_error
    if step is None:
        walk.hand_off(effects.CALL_UNKNOWN if unknown else effects.CALL_FAILED, content.error_message)
        return
    walk.say(content.error_message)
    walk.follow(step)


def _answer(walk: Walk, content: steps.Answer) -> None:
    walk.note("asks the model")
    walk.effects.append(effects.Answer(walk.filled(content.prompt) if content.prompt else None))
    walk.waits = "model"


def _hand_off(walk: Walk, content: steps.HandOff) -> None:
    walk.note("hands off")
    walk.hand_off(content.reason or effects.SCENARIO, content.message)


def _set(walk: Walk, content: steps.Set) -> None:
    walk.note("set")
    for name, value in content.variables.items():
        walk.keep(name, scalar(templates.inside(value, walk.variables, walk.answer)))
    walk.follow()


def _jump(walk: Walk, content: steps.Jump) -> None:
    scenario = walk.graph.scenarios.get(content.scenario)
    if scenario is None:
        walk.note(f"there is no scenario {content.scenario}")
        walk.move(None)
        return
    walk.note(f"to scenario {content.scenario}")
    if content.back:
        if len(walk.places) >= MAX_PLACES:
            walk.hand_off(effects.TOO_DEEP)
            return
        walk.places.append(Place(walk.scenario, walk.after_here()))
    walk.begin(scenario, step=content.step)


def _wait(walk: Walk, content: steps.Wait) -> None:
    walk.note(f"waits {content.seconds} s")
    walk.say(content.message)
    walk.effects.append(effects.Wait(content.seconds))
    walk.waits = "time"


_ENTERS: Mapping[type, Callable[[Walk, Any], None]] = {
    steps.Message: _message,
    steps.Question: _question,
    steps.Condition: _condition,
    steps.ApiCall: _call,
    steps.Answer: _answer,
    steps.HandOff: _hand_off,
    steps.Set: _set,
    steps.Jump: _jump,
    steps.Wait: _wait,
}


def scalar(value: object) -> Value:
    """Return a value as it is remembered: lists and objects as JSON."""
    if value is None or isinstance(value, str | int | float | bool):
        return value
    return msgspec.json.encode(value).decode()
