"""A draft tried out: the engine walks, nobody is written to, nothing is called and no model asked.

What the outside would have done the author says: what a call returned, what the model answered. Where the walk
stands travels with the page, so nothing is kept here.
"""

from collections.abc import Mapping
from typing import Any

from besedka.bots import scenarios
from besedka.bots.models import Scenario
from besedka.dialogue import effects, engine, events
from besedka.dialogue import graph as graphs
from besedka.dialogue import state as states
from besedka.dialogue.events import Event
from besedka.dialogue.graph import GraphError
from besedka.dialogue.state import State
from besedka.problems import Invalid

MOST_SAID = 4_000
MAX_BODY = 100_000


def rehearse(scenario: Scenario, written: Any) -> dict[str, Any]:
    """What the draft does when this happens: what it says, where it stands, what it waits for.

    Raises `Invalid` for what is no event or no state, and for a draft that cannot be run.
    """
    if not isinstance(written, Mapping):
        raise Invalid("This is an object with `happens`.")
    document = scenarios.document(scenario.bot_id, active_only=False)
    try:
        graph = graphs.read(document, references=False)
        state = State() if written.get("state") is None else states.load(written["state"])
    except GraphError as error:
        raise Invalid(f"The draft cannot be run: {error}") from None
    except ValueError as error:
        raise Invalid(str(error)) from None
    outcome = engine.advance(graph, state, _event(scenario, state, written))
    return {
        "says": [shown for effect in outcome.effects if (shown := _shown(effect)) is not None],
        "way": [{"scenario": trod.scenario, "step": trod.step, "what": trod.what} for trod in outcome.way],
        "state": states.dump(outcome.state),
        "waits": outcome.state.waits,
        "over": outcome.state.over,
        "here": outcome.state.step if outcome.state.scenario == str(scenario.pk) else None,
    }


def _event(scenario: Scenario, state: State, written: Mapping[str, Any]) -> Event:
    text, body = written.get("text", ""), written.get("body")
    if not isinstance(text, str) or len(text) > MOST_SAID or "\0" in text:
        raise Invalid(f"`text` is a text of at most {MOST_SAID} characters.", field="text")
    if len(str(body)) > MAX_BODY:
        raise Invalid("`body` is too large.", field="body")
    match written.get("happens"):
        case "started":
            return events.Started(str(scenario.pk))
        case "said":
            return events.Said(text)
        case "returned":
            return events.CallReturned(str(state.calls), 200, body)
        case "failed":
            return events.CallFailed(str(state.calls), text or "it was said to fail")
        case "answered":
            return events.Answered(text)
        case "timed_out":
            return events.TimedOut()
    raise Invalid("`happens` is one of started, said, returned, failed, answered, timed_out.", field="happens")


def _shown(effect: effects.Effect) -> dict[str, Any] | None:
    match effect:
        case effects.Say(text=text, buttons=buttons) | effects.Ask(text=text, buttons=buttons):
            return {"kind": "said", "text": text, "choices": [button.label for button in buttons]}
        case effects.Call(method=method, url=url):
            return {"kind": "call", "text": f"{method} {url}"}
        case effects.Answer(prompt=prompt):
            return {"kind": "model", "text": prompt or ""}
        case effects.HandOff(reason=reason, text=text):
            return {"kind": "handoff", "text": text or "", "reason": reason}
        case effects.Wait(seconds=seconds):
            return {"kind": "wait", "text": str(seconds)}
        case effects.Finish():
            return {"kind": "finish", "text": ""}
    return None
