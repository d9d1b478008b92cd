"""A turn inside of a scenario: what was said goes to the engine, and what the engine wants done is done.

Nothing of it is in the database until the turn is committed, so a worker that dies has said nothing: the next one
begins at the same place and comes the same way, but for calls outside, which the ledger knows.
"""

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Any

import msgspec
from django.utils import timezone

from besedka.answers import texts, wishes
from besedka.answers.answerer import ASKED_FOR_PERSON, HandOffBecause, Result
from besedka.bots.executions import Stand
from besedka.bots.scenarios import Published
from besedka.dialogue import effects, engine, events, rules, steps
from besedka.dialogue.effects import Effect
from besedka.dialogue.events import Event
from besedka.dialogue.graph import Graph
from besedka.dialogue.state import State
from besedka.turns import answering, calls
from besedka.turns.answering import Utterance
from besedka.turns.calls import Books
from besedka.turns.claim import Task

MAX_NOTED = 300  # places of the way in a trace
SECRET_LENGTH = 6  # a shorter one would hide what has nothing to do with it

# Words that go before any question: they end the walk, or begin the bot's first scenario anew.
STOP = frozenset(("стоп", "stop", "отмена", "отменить", "cancel", "quit", "/stop", "/cancel"))
MENU = frozenset(("меню", "menu", "/menu", "/start", "заново", "restart"))
_STOPPED = {"ru": "Хорошо, остановились. Спрашивайте, если что-нибудь понадобится.",
            "en": "All right, we have stopped. Ask me whenever you need anything."}  # fmt: skip

Think = Callable[[str], Awaitable[Result]]


class Walked(msgspec.Struct, frozen=True):
    """What came of a scenario in this turn: texts, perhaps a reason to hand off, and where it stands now.

    Where nothing was said, nobody called and nothing is waited for, the bot has to answer as without a scenario.
    """

    says: tuple[Utterance, ...] = ()
    hand_off: str | None = None
    stand: Stand | None = None
    waits: bool = False

    @property
    def is_reaction(self) -> bool:
        """Whether this is all that there is to do."""
        return bool(self.says) or self.hand_off is not None or self.waits


def is_under_way(task: Task) -> bool:
    """Whether this conversation is in the middle of a scenario, of this bot and in this episode."""
    current, bot = task.current, task.staff.bot
    if current is None or bot is None or current.state is None:
        return False
    if current.is_completed or current.state.over or current.bot_id != bot.id:
        return False
    return current.after_seq >= task.claim.episode_after and _graph(task) is not None


async def go_on(task: Task, think: Think, books: Books, trace: dict[str, Any]) -> Walked | None:
    """Go on though nobody said anything: time has passed, or a person has given the conversation back."""
    current = task.current
    assert current is not None
    assert current.state is not None
    event: Event | None = None
    if current.state.waits == "time" and (current.wake_at is None or current.wake_at <= timezone.now()):
        event = events.TimedOut()
    elif current.state.waits == "answer" and current.owner_version != task.claim.owner_version:
        event = events.Resumed()
    return None if event is None else await _walk(task, current.state, event, think, books, trace)


async def hear(task: Task, said: str, think: Think, books: Books, trace: dict[str, Any]) -> Walked:
    """Take what was said into the scenario that is under way; hard words go before."""
    current, graph = task.current, _graph(task)
    assert current is not None
    assert current.state is not None
    assert graph is not None
    state = current.state
    if not state.waits:  # set by hand to stand before a step
        state = msgspec.structs.replace(state, answer=said)
        began = events.Started(state.scenario, state.step)
        return await _walk(task, state, began, think, books, trace)
    plain = texts.normalise(said).strip(" .!")
    if not _is_pressed(graph, state, said):
        if wishes.wants_person(said):
            return Walked(hand_off=ASKED_FOR_PERSON)
        if plain in STOP:
            stopped = msgspec.structs.replace(state, over=True, waits="")
            language = texts.language_of(said, task.staff.language)
            return Walked((Utterance(_STOPPED[language]),), stand=_stand(task, stopped))
        if plain in MENU and engine.triggered(graph, said) is None:
            first = engine.triggered(graph, "", first=True)
            if first is not None:
                return await _walk(task, state, events.Started(first), think, books, trace)
    return await _walk(task, state, events.Said(said), think, books, trace)


async def begin(task: Task, said: str, think: Think, books: Books, trace: dict[str, Any]) -> Walked | None:
    """Begin the scenario that these words begin; None where they begin none."""
    published = task.staff.published
    if published is None:
        return None
    first = task.claim.from_seq == task.claim.episode_after + 1
    scenario = engine.triggered(published.graph, said, first=first)
    if scenario is None:
        return None
    state = State(answer=said)
    return await _walk(task, state, events.Started(scenario), think, books, trace, published)


async def _walk(
    task: Task,
    state: State,
    happens: Event,
    think: Think,
    books: Books,
    trace: dict[str, Any],
    began: Published | None = None,
) -> Walked:
    """Let the engine advance until it waits; perform what it asks for in between."""
    graph = began.graph if began is not None else _graph(task)
    assert graph is not None
    walked = _Walking(task, trace.setdefault("walk", {"graph": graph.content_hash[:12], "way": []}))
    event: Event | None = happens
    while event is not None:
        outcome = engine.advance(graph, state, event)
        state = outcome.state
        walked.note(outcome.way)
        event = None
        for effect in outcome.effects:
            if isinstance(effect, effects.Call):
                event = await calls.perform(
                    effect,
                    walk=f"{task.claim.conversation_id}:{task.claim.from_seq}",
                    conversation_id=task.claim.conversation_id,
                    secrets=task.staff.call_secrets,
                    books=books,
                )
            elif isinstance(effect, effects.Answer):
                event = walked.answered(await think(effect.prompt or state.answer))
            else:
                walked.take(effect)
    if began is None and task.graph is None and task.staff.published is not None:
        began = task.staff.published  # an execution that was made by hand begins only now
    stand = _stand(task, state, began, walked.wake_at)
    return Walked(tuple(walked.says), walked.hand_off, stand, bool(state.waits))


class _Walking:
    """What a walk has led to so far, in this turn."""

    def __init__(self, task: Task, trace: dict[str, Any]) -> None:
        self._task, self._way = task, trace["way"]
        self.says: list[Utterance] = []
        self.hand_off: str | None = None
        self.wake_at: datetime | None = None
        self._model_said: Utterance | None = None

    def note(self, way: tuple[engine.Trod, ...]) -> None:
        """Write down where it came along, as far as a trace reaches."""
        room = MAX_NOTED - len(self._way)
        self._way += [{"scenario": trod.scenario, "step": trod.step, "what": trod.what} for trod in way[:room]]

    def take(self, effect: Effect) -> None:
        """Keep what has to be said, or done when the turn is committed."""
        if isinstance(effect, effects.Say | effects.Ask):
            self.says.append(self._utterance(effect))
        elif isinstance(effect, effects.HandOff):
            if effect.text:
                self.says.append(Utterance(self._clean(effect.text)))
            self.hand_off = effect.reason
        elif isinstance(effect, effects.Wait):
            self.wake_at = timezone.now() + timedelta(seconds=effect.seconds)

    def answered(self, result: Result) -> Event:
        """What the model's answer is to the engine."""
        if isinstance(result, HandOffBecause):
            return events.Unanswered(result.reason)
        self._model_said = answering.uttered(self._task, result)
        return events.Answered(result.text)

    def _utterance(self, effect: effects.Say | effects.Ask) -> Utterance:
        spoken = self._model_said
        if spoken is not None and effect.text == spoken.text and not effect.buttons:
            return spoken
        payload = {"choices": [button.label for button in effect.buttons]} if effect.buttons else {}
        return Utterance(self._clean(effect.text), payload)

    def _clean(self, text: str) -> str:
        """The text without secrets that somebody else's reply may have brought back."""
        for secret in self._task.staff.call_secrets.values():
            if len(secret) >= SECRET_LENGTH:
                text = text.replace(secret, "•••")
        return text


def _stand(
    task: Task, state: State, began: Published | None = None, wake_at: datetime | None = None
) -> Stand | None:
    bot = task.staff.bot
    if bot is None:
        return None
    return Stand(
        conversation_id=task.claim.conversation_id,
        bot_id=bot.id,
        current=task.current,
        state=state,
        scenario_id=int(state.scenario) if state.scenario.isdigit() else None,
        owner_version=task.claim.owner_version,
        wake_at=wake_at,
        after_seq=task.claim.from_seq - 1,
        began=began,
    )


def _graph(task: Task) -> Graph | None:
    """The graph that this walk goes by: the one that it began on; if it has not begun, what is there now."""
    if task.current is not None and task.current.graph_hash is not None:
        return task.graph
    return task.staff.published.graph if task.staff.published is not None else None


def _is_pressed(graph: Graph, state: State, said: str) -> bool:
    """Whether these words are one of the buttons under the question that waits."""
    scenario = graph.scenarios.get(state.scenario)
    step = scenario.steps.get(state.step or "") if scenario is not None else None
    if step is None or not isinstance(step.content, steps.Question):
        return False
    return rules.pressed_button(step.content.buttons, said) is not None
