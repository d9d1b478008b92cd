"""Scenarios in turns: begun, gone on with, interrupted, waited for; pinned to what they began on."""

import asyncio
from datetime import timedelta

import make
import pytest
from django.utils import timezone

from besedka.answers.answerer import Answer, HandOffBecause
from besedka.bots import executions, scenarios
from besedka.bots.models import Execution, Graph, Step
from besedka.conversations import leases, ownership
from besedka.conversations.models import Conversation, Message, Turn
from besedka.knowledge.index import Index
from besedka.turns import claim, run, shelves, staff

pytestmark = pytest.mark.django_db

NAME = ("question", {"question": "What is your name?", "save_as": "name", "validation_rules": {"min_length": 2}})
GREET = ("message", {"message": "Hello, {name}!"})


async def model(prompt, aloud, /):
    return Answer(f"model on {prompt.question}", (), 0.9, "test")


async def silent_model(prompt, aloud, /):
    return HandOffBecause("low_confidence")


@pytest.fixture(autouse=True)
def empty_shelf(monkeypatch):
    async def nothing(source_ids):
        return Index([])

    monkeypatch.setattr(shelves, "index_of", nothing)


@pytest.fixture
def inbox():
    return make.inbox_with_bot()


@pytest.fixture
def bot(inbox):
    return make.bot_of(inbox)


class Visitor:
    """Somebody who talks to the bot of an inbox, turn by turn."""

    def __init__(self, inbox, answerer=model):
        self.address, self.answerer = make.address(inbox), answerer
        self.pk = 0

    def say(self, *texts):
        for text in texts:
            self.pk = make.say(self.address, text).conversation_id
        return self.turn()

    def turn(self):
        """What the bot says in the turn that is due; None where none is."""
        before = self.last_seq()
        task = self.claim()
        if task is None:
            return None
        run.commit_many([self.think(task)])
        return list(self.messages(after=before))

    def claim(self):
        staff.forget()
        [task] = claim.claim_many([self.pk])
        return task

    def think(self, task):
        return asyncio.run(run.think(task, self.answerer))

    def last_seq(self):
        return Conversation.objects.get(pk=self.pk).last_seq

    def messages(self, after=0):
        rows = Message.objects.filter(conversation=self.pk, author="bot", seq__gt=after).order_by("seq")
        return rows.values_list("text", flat=True)

    def owner(self):
        return Conversation.objects.get(pk=self.pk).owner


@pytest.fixture
def visitor(inbox):
    return Visitor(inbox)


def test_the_first_words_begin_a_scenario_that_asks_and_goes_on(bot, visitor):
    make.scenario(bot, ("message", {"message": "Welcome!"}), NAME, GREET)

    assert visitor.say("hi") == ["Welcome!", "What is your name?"]
    assert visitor.say("Anna") == ["Hello, Anna!"]
    execution = Execution.objects.get()
    assert execution.is_completed
    assert execution.state["variables"] == {"name": "Anna"}
    assert visitor.say("and now?") == ["model on and now?"]


def test_a_scenario_without_triggers_is_never_begun(bot, visitor):
    make.scenario(bot, NAME, on_start=False)

    assert visitor.say("hi") == ["model on hi"]
    assert Execution.objects.count() == 0


def test_a_keyword_or_a_command_begins_a_scenario_at_any_time(bot, visitor):
    make.scenario(bot, NAME, GREET, on_start=False, keywords=["Подобрать питомца"], commands=["/pets"])

    assert visitor.say("hi") == ["model on hi"]
    assert visitor.say("подобрать  ПИТОМЦА") == ["What is your name?"]
    assert visitor.say("Anna") == ["Hello, Anna!"]
    assert visitor.say("/pets") == ["What is your name?"]
    assert [e.is_completed for e in Execution.objects.order_by("pk")] == [True, False]


def test_an_answer_that_does_not_fit_is_asked_for_again_and_then_a_person_is_called(bot, visitor):
    make.scenario(bot, NAME, GREET)
    visitor.say("hi")

    said = [visitor.say("x") for _ in range(3)]

    assert said == [["Too short: at least 2 characters are needed."]] * 2 + [[]]
    assert visitor.owner() == "queue"
    assert Turn.objects.order_by("pk").last().reason == "no_fitting_answer"


def test_what_came_of_each_step_is_in_the_trace(bot, visitor):
    scenario = make.scenario(bot, ("message", {"message": "Welcome!"}), NAME)

    visitor.say("hi")

    way = Turn.objects.get().trace["walk"]["way"]
    first, second = (str(pk) for pk in scenario.steps.order_by("pk").values_list("pk", flat=True))
    assert [(trod["step"], trod["what"]) for trod in way] == [(first, "said"), (second, "asked")]


def test_a_burst_is_taken_together(bot, visitor):
    make.scenario(bot, NAME, GREET)
    visitor.say("hi")

    assert visitor.say("Anna", "Maria") == ["Hello, Anna\nMaria!"]


def test_buttons_are_shown_and_pressed_by_label_and_number(bot, visitor):
    question = {"question": "Pet?", "save_as": "name", "buttons": [{"label": "Cat"}, {"label": "Operator"}]}
    make.scenario(bot, ("question", question), GREET)

    visitor.say("hi")
    asked = Message.objects.filter(author="bot").get()
    assert asked.payload == {"choices": ["Cat", "Operator"]}
    assert visitor.say("operator") == ["Hello, Operator!"]  # a button, not a wish


def test_a_wish_for_a_person_goes_before_a_question_which_is_asked_again_when_they_are_done(bot, visitor):
    make.scenario(bot, NAME, GREET)
    visitor.say("hi")

    assert visitor.say("позовите оператора, пожалуйста") == []
    assert visitor.owner() == "queue"
    make.return_to_bot([visitor.pk])
    assert visitor.turn() == ["What is your name?"]
    assert visitor.turn() is None
    assert visitor.say("Anna") == ["Hello, Anna!"]


def test_stop_ends_a_scenario_and_menu_begins_it_anew(bot, visitor):
    make.scenario(bot, NAME, GREET)
    visitor.say("hi")

    assert visitor.say("Меню") == ["What is your name?"]
    assert visitor.say("стоп") == ["Хорошо, остановились. Спрашивайте, если что-нибудь понадобится."]
    assert Execution.objects.get().is_completed
    assert visitor.say("Anna") == ["model on Anna"]


def test_an_edit_and_a_deletion_do_not_touch_a_walk_that_is_under_way(bot, visitor, inbox):
    scenario = make.scenario(bot, NAME, GREET)
    visitor.say("hi")
    Step.objects.filter(scenario=scenario).delete()
    scenarios.changed(bot.pk)
    scenario.delete()
    scenarios.changed(bot.pk)
    make.scenario(bot, ("message", {"message": "All is new"}))
    scenarios.forget()

    assert visitor.say("Anna") == ["Hello, Anna!"]
    assert Visitor(inbox).say("hi") == ["All is new"]
    assert Execution.objects.get(conversation=visitor.pk).scenario is None


def test_graphs_are_kept_once_and_only_those_that_somebody_walks(bot, inbox):
    make.scenario(bot, NAME)
    for name in ("One", "Two", "Three"):
        Step.objects.update(name=name)
        scenarios.changed(bot.pk)

    Visitor(inbox).say("hi")
    Visitor(inbox).say("hi")

    assert Graph.objects.count() == 1
    assert Execution.objects.count() == 2


def test_the_model_speaks_where_a_step_asks_it_to(bot, visitor):
    make.scenario(bot, NAME, ("answer", {"prompt": "Greet {name}", "save_as": "greeting"}), GREET)
    visitor.say("hi")

    assert visitor.say("Anna") == ["model on Greet Anna", "Hello, Anna!"]


def test_a_model_that_does_not_answer_in_a_scenario_calls_a_person(bot, inbox):
    make.scenario(bot, ("answer", {"prompt": "Greet"}), GREET)
    visitor = Visitor(inbox, silent_model)

    assert visitor.say("hi") == []
    assert visitor.owner() == "queue"
    assert Turn.objects.get().reason == "low_confidence"


def test_a_scenario_may_hand_over_with_a_text_of_its_own(bot, visitor):
    make.scenario(bot, ("handoff", {"message": "A person will call you.", "reason": "wants_a_dog"}))

    assert visitor.say("hi") == ["A person will call you."]
    assert visitor.owner() == "queue"


def test_circles_end_with_a_person(bot, visitor):
    make.scenario(bot, ("set", {"variables": {"x": "1"}}), ("condition", {"conditions": {"h": "@1"}}))

    assert visitor.say("h") == []
    assert visitor.owner() == "queue"
    assert Turn.objects.get().reason == "too_many_steps"


def test_a_scenario_that_says_nothing_leaves_the_answer_to_the_bot(bot, visitor):
    make.scenario(bot, ("set", {"variables": {"x": "1"}}))

    assert visitor.say("hi") == ["model on hi"]
    assert Execution.objects.get().is_completed


def test_a_wait_ends_by_time_or_by_an_answer(bot, inbox):
    wait = ("wait", {"seconds": 60, "message": "One moment", "on_timeout": "@3", "on_answer": "@2"})
    make.scenario(bot, wait, ("handoff", {}), ("message", {"message": "Still there?"}))
    patient, hasty = Visitor(inbox), Visitor(inbox)
    assert patient.say("hi") == hasty.say("hi") == ["One moment"]

    assert executions.wake_many(timezone.now(), limit=10) == []
    later = timezone.now() + timedelta(seconds=61)
    assert hasty.say("hello?") == []
    woken = executions.wake_many(later, limit=10)
    leases.stir_many(woken)

    assert woken == [patient.pk]
    assert executions.wake_many(later, limit=10) == []
    assert patient.turn() == ["Still there?"]
    assert hasty.owner() == "queue"


def test_time_that_passes_while_a_person_answers_ends_the_wait_when_they_are_done(bot, visitor):
    make.scenario(bot, ("wait", {"seconds": 60}), ("message", {"message": "Time is up"}))
    visitor.say("hi")
    ownership.ask_for_person_many([visitor.address])
    woken = executions.wake_many(timezone.now() + timedelta(seconds=61), limit=10)

    assert leases.stir_many(woken) == [False]
    make.return_to_bot([visitor.pk])
    assert visitor.turn() == ["Time is up"]


def test_a_person_who_gives_back_before_the_time_has_come_changes_nothing(bot, visitor):
    make.scenario(bot, ("wait", {"seconds": 60}), ("message", {"message": "Time is up"}))
    visitor.say("hi")
    ownership.ask_for_person_many([visitor.address])
    make.return_to_bot([visitor.pk])

    assert visitor.turn() == []
    assert Turn.objects.filter(outcome="answered").count() == 1


def test_a_new_episode_begins_from_the_start(bot, visitor):
    make.scenario(bot, NAME, GREET)
    visitor.say("hi")
    make.close([visitor.pk])

    assert visitor.say("hello again") == ["What is your name?"]
    assert Execution.objects.filter(is_current=True).count() == 1
    assert Execution.objects.count() == 2


def test_a_worker_that_dies_between_steps_says_nothing_twice(bot, visitor):
    make.scenario(bot, ("message", {"message": "Welcome!"}), NAME)
    visitor.pk = make.say(visitor.address, "hi").conversation_id
    first = visitor.claim()
    thought = visitor.think(first)
    Conversation.objects.update(lease_until=timezone.now() - timedelta(seconds=1))

    assert visitor.turn() == ["Welcome!", "What is your name?"]
    run.commit_many([thought])  # it comes back from the dead

    assert list(visitor.messages()) == ["Welcome!", "What is your name?"]
    assert Execution.objects.count() == 1


def test_a_walk_that_another_owner_interrupted_stays_where_it_was(bot, visitor):
    make.scenario(bot, NAME, GREET)
    visitor.say("hi")
    make.say(visitor.address, "Anna")
    thought = visitor.think(visitor.claim())
    ownership.ask_for_person_many([visitor.address])
    run.commit_many([thought])

    execution = Execution.objects.get()
    assert (execution.is_completed, execution.state["waits"]) == (False, "answer")


def test_an_execution_whose_state_cannot_be_read_keeps_nobody_from_an_answer(bot, visitor):
    make.scenario(bot, NAME, GREET)
    visitor.say("hi")
    Execution.objects.update(state={"version": 99})

    assert visitor.say("Anna") == ["model on Anna"]


def test_a_scenario_that_was_deleted_in_the_middle_of_its_first_turn_is_walked_all_the_same(bot, visitor):
    scenario = make.scenario(bot, NAME, GREET)
    visitor.pk = make.say(visitor.address, "hi").conversation_id
    thought = visitor.think(visitor.claim())
    scenario.delete()
    run.commit_many([thought])

    assert Execution.objects.get().scenario is None
    assert visitor.say("Anna") == ["Hello, Anna!"]


def test_turns_cost_as_many_queries_however_many_there_are(bot, inbox, django_assert_max_num_queries):
    make.scenario(bot, NAME, GREET)
    visitors = [Visitor(inbox) for _ in range(20)]
    for one in visitors:
        one.say("hi")
        make.say(one.address, "Anna")

    staff.forget()
    with django_assert_max_num_queries(15):
        tasks = claim.claim_many([one.pk for one in visitors])
    thoughts = [visitors[0].think(task) for task in tasks]
    with django_assert_max_num_queries(200):  # SQLite takes a row at a time
        run.commit_many(thoughts)
    assert Message.objects.filter(text="Hello, Anna!").count() == 20
