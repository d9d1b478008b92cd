"""The engine: a graph, where a walk stands, and what happened, to where it stands then and what is to be done.

Deterministic and without any effect of its own: the same three give the same outcome, so a walk can be replayed.
It ends or waits after at most `MAX_STEPS` steps, whatever the graph.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from besedka.dialogue import effects, events, rules, steps
from besedka.dialogue.calls import picked
from besedka.dialogue.effects import Effect
from besedka.dialogue.events import Event
from besedka.dialogue.graph import Graph
from besedka.dialogue.state import Place, State
from besedka.dialogue.walk import MAX_PLACES, MAX_STEPS, Trod, Walk, call_failed, scalar

__all__ = ["MAX_STEPS", "Outcome", "Trod", "advance", "replay", "triggered"]


@dataclass(frozen=True)
class Outcome:
    """Where the walk stands now, what is to be done in this order, and the way it took."""

    state: State
    effects: tuple[Effect, ...]
    way: tuple[Trod, ...]


def advance(graph: Graph, state: State, event: Event) -> Outcome:
    """Return what becomes of this walk when this happens.

    What does not fit to where the walk stands changes nothing and is noted in the way: a reply that comes twice or
    too late is expected.
    """
    walk = Walk(graph, state)
    _HAPPENS[type(event)](walk, event)
    walk.go()
    return Outcome(walk.state(), tuple(walk.effects), tuple(walk.way))


def triggered(graph: Graph, text: str, *, first: bool = False) -> str | None:
    """Return the scenario that these words begin: by command, by keyword, or as the `first` ones of a visitor.

    A keyword counts when it is all that was said. Of several scenarios the first one in the graph.
    """
    said = _plain(text)
    for scenario in graph.scenarios.values():
        if said in map(_plain, (*scenario.triggers.commands, *scenario.triggers.keywords)):
            return scenario.id
    if first:
        return next((scenario.id for scenario in graph.scenarios.values() if scenario.triggers.on_start), None)
    return None


def replay(graph: Graph, happened: Iterable[Event], state: State | None = None) -> list[Outcome]:
    """Return what became of a walk at each of these events, one after the other."""
    outcomes = []
    at = state if state is not None else State()
    for event in happened:
        outcomes.append(advance(graph, at, event))
        at = outcomes[-1].state
    return outcomes


# What happens to a walk that waits.


def _started(walk: Walk, event: events.Started) -> None:
    scenario = walk.graph.scenarios.get(event.scenario)
    if scenario is None:
        walk.note(f"there is no scenario {event.scenario}")
        return
    walk.trodden, walk.over, walk.places = 0, False, []
    for name, value in event.variables.items():
        walk.keep(name, value)
    walk.begin(scenario, step=event.step)


def _said(walk: Walk, event: events.Said) -> None:
    if walk.waits not in ("answer", "time"):
        walk.note("nothing was asked")
        return
    walk.trodden = 0
    step = walk.here()
    content = step.content if step else None
    if isinstance(content, steps.Question):
        _answered_question(walk, content, event)
        return
    walk.answer = event.value if event.value is not None else event.text
    if isinstance(content, steps.Wait):
        walk.note("was answered")
        walk.keep(content.save_as, walk.answer)
        walk.follow(content.on_answer)
        return
    walk.note("this step is not there")  # it was, when it was waited for
    walk.move(None)


def _answered_question(walk: Walk, question: steps.Question, event: events.Said) -> None:
    if rules.pressed_button(question.buttons, event.text, event.value) is None and _interrupted(walk, event.text):
        return
    read = rules.read(question, event.text, event.value)
    if isinstance(read, rules.Fits):
        walk.answer = read.text
        walk.note("was answered")
        walk.keep(question.save_as, read.value)
        walk.say(question.response_template)
        walk.follow()
        return
    walk.attempts += 1
    walk.note(f"does not fit, {walk.attempts} of {question.attempts}")
    if walk.attempts < question.attempts:
        walk.ask_again(read.sentence)
    elif question.on_exhausted is not None:
        walk.answer = event.text
        walk.follow(question.on_exhausted)
    else:
        walk.hand_off(effects.NO_FIT)


def _interrupted(walk: Walk, text: str) -> bool:
    """Whether these words begin another scenario; then the question is asked again when that is complete."""
    other = triggered(walk.graph, text)
    if other is None or other == walk.scenario or any(place.scenario == other for place in walk.places):
        return False
    if len(walk.places) >= MAX_PLACES:
        return False
    walk.note(f"interrupted by scenario {other}")
    walk.places.append(Place(walk.scenario, walk.step, asks=True, attempts=walk.attempts))
    walk.begin(walk.graph.scenarios[other])
    return True


def _returned(walk: Walk, event: events.CallReturned) -> None:
    content = _called(walk, event.key)
    if content is None:
        return
    if not 200 <= event.status < 300:  # a redirect is not followed, so it is no success
        call_failed(walk, content, f"status {event.status}")
        return
    walk.note(f"returned {event.status}")
    walk.keep(content.save_as, scalar(event.body))
    for name, path in content.save.items():
        walk.keep(name, scalar(picked(event.body, path)))
    walk.say(content.success_message)
    walk.follow()


def _failed(walk: Walk, event: events.CallFailed) -> None:
    content = _called(walk, event.key)
    if content is not None:
        call_failed(walk, content, event.reason, unknown=event.unknown)


def _called(walk: Walk, key: str) -> steps.ApiCall | None:
    """The step whose call has this key; None, and noted, when that is not what is waited for."""
    step = walk.here()
    if (
        walk.waits != "call"
        or key != str(walk.calls)
        or step is None
        or not isinstance(step.content, steps.ApiCall)
    ):
        walk.note(f"no call {key} is waited for")
        return None
    return step.content


def _model_answered(walk: Walk, event: events.Answered) -> None:
    step = walk.here()
    if walk.waits != "model" or step is None or not isinstance(step.content, steps.Answer):
        walk.note("no answer of a model is waited for")
        return
    walk.note("the model answered")
    walk.keep(step.content.save_as, event.text)
    if step.content.say:
        walk.effects.append(effects.Say(event.text))
    walk.follow()


def _unanswered(walk: Walk, event: events.Unanswered) -> None:
    if walk.waits != "model":
        walk.note("no answer of a model is waited for")
        return
    walk.note(f"the model did not answer: {event.reason}")
    walk.hand_off(event.reason)


def _timed_out(walk: Walk, event: events.TimedOut) -> None:
    step = walk.here()
    if walk.waits != "time" or step is None or not isinstance(step.content, steps.Wait):
        walk.note("no time is waited for")
        return
    walk.note("time is up")
    walk.follow(step.content.on_timeout)


def _resumed(walk: Walk, event: events.Resumed) -> None:
    if walk.waits != "answer":
        walk.note("nothing was asked")
        return
    walk.note("asked again")
    walk.ask_again()


_HAPPENS: Mapping[type, Callable[[Walk, Any], None]] = {
    events.Started: _started,
    events.Said: _said,
    events.CallReturned: _returned,
    events.CallFailed: _failed,
    events.Answered: _model_answered,
    events.Unanswered: _unanswered,
    events.TimedOut: _timed_out,
    events.Resumed: _resumed,
}


def _plain(text: str) -> str:
    return " ".join(text.casefold().replace("ё", "е").split())
