import asyncio
from collections.abc import Callable

import make
import pytest

from besedka.answers.answerer import Answer, HandOffBecause, Prompt
from besedka.conversations import episodes, ownership
from besedka.conversations.models import Conversation, Message, Turn
from besedka.knowledge.index import Index
from besedka.turns import claim, run, shelves
from besedka.turns.claim import Task
from besedka.turns.run import Thought


async def certain(prompt: Prompt, /) -> Answer:
    """An answerer that knows everything."""
    return Answer(f"about {prompt.question}", (), 0.9, "test")


@pytest.fixture(autouse=True)
def empty_shelf(monkeypatch):
    """These turns need no knowledge; looking for it would leave the test's transaction."""

    async def nothing(source_ids: tuple[int, ...]) -> Index:
        return Index([])

    monkeypatch.setattr(shelves, "index_of", nothing)


def task_of(conversation: Conversation) -> Task:
    [task] = claim.claim_many([conversation.pk])
    assert task is not None
    return task


def think(task: Task, answerer: Callable = certain) -> Thought:
    return asyncio.run(run.think(task, answerer))


def said_by_bot(conversation: Conversation) -> list[str]:
    messages = Message.objects.filter(conversation=conversation, author="bot").order_by("seq")
    return list(messages.values_list("text", flat=True))


pytestmark = pytest.mark.django_db


def test_an_answer_is_said_and_recorded_with_its_reason():
    conversation = make.conversation()

    due = run.commit_many([think(task_of(conversation))])

    assert due == [False]
    assert said_by_bot(conversation) == ["about hello"]
    turn = Turn.objects.get()
    assert (turn.outcome, turn.from_seq, turn.upto_seq) == ("answered", 1, 1)
    assert turn.trace["model"] == "test"
    assert turn.trace["question"] == "hello"


def test_who_is_not_sure_calls_a_person():
    async def unsure(prompt: Prompt, /) -> HandOffBecause:
        return HandOffBecause("low_confidence")

    conversation = make.conversation()
    run.commit_many([think(task_of(conversation), unsure)])

    conversation.refresh_from_db()
    assert conversation.owner == "queue"
    assert said_by_bot(conversation) == []
    assert Turn.objects.get().reason == "low_confidence"


def test_who_asks_for_a_person_gets_one_without_a_word_of_the_bot():
    conversation = make.conversation()
    make.say(conversation.pk, "позовите оператора")

    run.commit_many([think(task_of(conversation))])

    assert said_by_bot(conversation) == []
    assert Turn.objects.get().reason == "asked_for_person"


@pytest.mark.parametrize("take_over", ["ask", "close"])
def test_an_answer_that_comes_after_somebody_else_took_over_is_not_shown_but_kept(take_over):
    conversation = make.conversation()
    thought = think(task_of(conversation))
    if take_over == "ask":
        ownership.ask_for_person_many([make.address_of(conversation)])
    else:
        episodes.close_many([conversation.pk])

    run.commit_many([thought])

    assert said_by_bot(conversation) == []
    turn = Turn.objects.get()
    assert turn.outcome == "dropped"
    assert turn.trace["said"] == ["about hello"]


def test_a_late_wish_to_hand_off_changes_nothing_either():
    async def unsure(prompt: Prompt, /) -> HandOffBecause:
        return HandOffBecause("low_confidence")

    conversation = make.conversation()
    thought = think(task_of(conversation), unsure)
    episodes.close_many([conversation.pk])
    make.say(conversation.pk, "a new episode")

    run.commit_many([thought])

    conversation.refresh_from_db()
    assert conversation.owner == "bot"
    assert not Message.objects.filter(conversation=conversation, author="system").exists()


def test_three_lines_during_a_turn_are_answered_once_and_none_is_skipped():
    conversation = make.conversation()
    thought = think(task_of(conversation))
    for line in ("one", "two", "three"):
        make.say(conversation.pk, line)

    due = run.commit_many([thought])
    run.commit_many([think(task_of(conversation))])

    assert due == [True]
    assert said_by_bot(conversation) == ["about hello", "about one\ntwo\nthree"]
    assert claim.claim_many([conversation.pk]) == [None]


def test_an_answerer_that_hangs_ends_with_a_person(monkeypatch):
    async def hanging(prompt: Prompt, /) -> Answer:
        await asyncio.sleep(60)
        raise AssertionError

    monkeypatch.setattr(run, "DEADLINE_S", 0.05)
    conversation = make.conversation()

    thought = think(task_of(conversation), hanging)

    assert thought.hand_off == "deadline"


def test_an_answerer_that_breaks_ends_with_a_person_not_in_silence():
    async def broken(prompt: Prompt, /) -> Answer:
        raise ZeroDivisionError

    conversation = make.conversation()
    run.commit_many([think(task_of(conversation), broken)])

    conversation.refresh_from_db()
    assert conversation.owner == "queue"
    assert Turn.objects.get().trace["error"] == "ZeroDivisionError"


def test_a_turn_that_died_too_often_is_given_to_a_person():
    conversation = make.conversation()
    Conversation.objects.update(attempts=run.MAX_ATTEMPTS)

    thought = think(task_of(conversation))

    assert thought.hand_off == "turn_failed"


def test_an_inbox_whose_bot_is_switched_off_gives_the_turn_to_a_person():
    conversation = make.conversation()
    make.Bot.objects.update(is_active=False)

    assert think(task_of(conversation)).hand_off == "no_bot"


def test_a_bot_sees_only_what_this_contact_said():
    first, second = make.conversation(), make.conversation()
    make.say(second.pk, "a secret")

    thought = think(task_of(first))

    assert "secret" not in str(thought.trace)


def test_committing_takes_as_many_statements_for_one_as_for_many(django_assert_num_queries):
    thoughts = [think(task_of(make.conversation())) for _ in range(10)]

    with django_assert_num_queries(6):  # rows, messages, ends; rows again, turns, leases
        run.commit_many(thoughts)
