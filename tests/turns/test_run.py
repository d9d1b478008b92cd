import asyncio
import time
from collections.abc import Callable
from datetime import timedelta

import make
import pace
import pytest
from django.db import OperationalError, transaction
from django.utils import timezone

from besedka.answers.answerer import Aloud, Answer, HandOffBecause, Prompt
from besedka.conversations import leases, ownership
from besedka.conversations.models import Conversation, Message, Turn
from besedka.knowledge.index import Index
from besedka.turns import claim, run, shelves
from besedka.turns.claim import Task
from besedka.turns.run import Thought


async def certain(prompt: Prompt, aloud: Aloud, /) -> Answer:
    """An answerer that knows everything."""
    return Answer(f"about {prompt.question}", (), 0.9, "test")


async def unsure(prompt: Prompt, aloud: Aloud, /) -> HandOffBecause:
    """An answerer that knows nothing."""
    return HandOffBecause("low_confidence")


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
        make.close([conversation.pk])

    run.commit_many([thought])

    assert said_by_bot(conversation) == []
    turn = Turn.objects.get()
    assert turn.outcome == "dropped"
    assert turn.trace["said"] == ["about hello"]


def test_a_late_wish_to_hand_off_changes_nothing_either():
    conversation = make.conversation()
    thought = think(task_of(conversation), unsure)
    make.close([conversation.pk])
    make.say(conversation.pk, "a new episode")

    run.commit_many([thought])

    conversation.refresh_from_db()
    assert conversation.owner == "bot"
    said = Message.objects.filter(conversation=conversation, author="system")
    assert [message.payload["event"] for message in said] == ["closed"]


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
    async def hanging(prompt: Prompt, aloud: Aloud, /) -> Answer:
        await asyncio.sleep(60)
        raise AssertionError

    monkeypatch.setattr(run, "DEADLINE_S", 0.05)
    conversation = make.conversation()

    thought = think(task_of(conversation), hanging)

    assert thought.hand_off == "deadline"


def test_an_answerer_that_breaks_ends_with_a_person_not_in_silence():
    async def broken(prompt: Prompt, aloud: Aloud, /) -> Answer:
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


def test_an_answer_that_comes_after_an_operator_took_over_is_not_shown_but_kept():
    conversation = make.conversation()
    thought = think(task_of(conversation))
    anna = make.operator("anna")
    make.change(conversation, owner="operator", operator=anna, owner_version=1, due_at=None, lease_key="")

    run.commit_many([thought])

    conversation.refresh_from_db()
    assert said_by_bot(conversation) == []
    assert (conversation.owner, conversation.operator) == ("operator", anna)
    assert Turn.objects.get().trace["said"] == ["about hello"]


def test_of_two_workers_with_the_same_turn_one_is_heard():
    conversation = make.conversation()
    slow = think(task_of(conversation))
    make.change(conversation, lease_until=timezone.now() - timedelta(seconds=1))
    quick = think(task_of(conversation))

    run.commit_many([quick])
    run.commit_many([slow])

    assert said_by_bot(conversation) == ["about hello"]
    assert [turn.outcome for turn in Turn.objects.order_by("pk")] == ["answered", "dropped"]


def test_of_two_workers_that_commit_together_one_is_heard():
    conversation = make.conversation()
    slow = think(task_of(conversation))
    make.change(conversation, lease_until=timezone.now() - timedelta(seconds=1))
    quick = think(task_of(conversation))

    run.commit_many([slow, quick])

    assert said_by_bot(conversation) == ["about hello"]


def test_a_turn_that_was_taken_away_hands_nothing_off():
    conversation = make.conversation()
    slow = think(task_of(conversation), unsure)
    make.change(conversation, lease_until=timezone.now() - timedelta(seconds=1))
    run.commit_many([think(task_of(conversation))])

    run.commit_many([slow])

    conversation.refresh_from_db()
    assert (conversation.owner, said_by_bot(conversation)) == ("bot", ["about hello"])


def test_who_hangs_is_handed_off_with_a_word_to_the_visitor(monkeypatch):
    async def hanging(prompt: Prompt, aloud: Aloud, /) -> Answer:
        await asyncio.sleep(60)
        raise AssertionError

    monkeypatch.setattr(run, "DEADLINE_S", 0.05)
    conversation = make.conversation()

    run.commit_many([think(task_of(conversation), hanging)])

    [notice] = Message.objects.filter(author="system")
    assert notice.payload == {"event": "handed_off", "reason": "deadline"}
    assert Turn.objects.get().trace["milliseconds"] >= 50


def test_thinking_opens_no_transaction(django_assert_num_queries):
    tasks = [task_of(make.conversation()) for _ in range(3)]

    with django_assert_num_queries(0):
        for task in tasks:
            think(task)


def test_the_bots_answer_and_its_trace_are_stored_together_or_not_at_all(monkeypatch):
    def away(*arguments: object) -> None:
        raise OperationalError("the database is gone")

    conversation = make.conversation()
    thought = think(task_of(conversation))
    monkeypatch.setattr(leases, "finish_many", away)

    with pytest.raises(OperationalError), transaction.atomic():
        run.commit_many([thought])

    assert said_by_bot(conversation) == []
    assert not Turn.objects.exists()


def test_what_was_said_before_the_close_is_not_answered_after_it():
    conversation = make.conversation()
    make.say(conversation.pk, "a secret of the first episode")
    make.close([conversation.pk])
    make.say(conversation.pk, "hello again")

    run.commit_many([think(task_of(conversation))])

    assert said_by_bot(conversation) == ["about hello again"]


def test_one_broken_turn_spoils_none_of_the_others():
    async def answers_some(prompt: Prompt, aloud: Aloud, /) -> Answer:
        if prompt.question == "poison":
            raise ValueError(prompt.question)
        return await certain(prompt, aloud)

    inbox = make.inbox_with_bot()
    said = [make.say(make.address(inbox), text) for text in ("a", "poison", "b")]
    conversations = [Conversation.objects.get(pk=entry.conversation_id) for entry in said]

    run.commit_many([think(task_of(conversation), answers_some) for conversation in conversations])

    assert [said_by_bot(conversation) for conversation in conversations] == [["about a"], [], ["about b"]]
    assert [Conversation.objects.get(pk=c.pk).owner for c in conversations] == ["bot", "queue", "bot"]


def test_who_waited_for_a_worker_that_died_hears_something_in_the_same_minute(monkeypatch):
    async def hanging(prompt: Prompt, aloud: Aloud, /) -> Answer:
        await asyncio.sleep(60)
        raise AssertionError("nobody waits so long")

    monkeypatch.setattr(run, "DEADLINE_S", 0.3)
    monkeypatch.setattr(run, "LEAST_S", 0.05)
    conversation = make.conversation()
    Conversation.objects.filter(pk=conversation.pk).update(due_at=timezone.now() - timedelta(seconds=20))
    began = time.monotonic()

    thought = think(task_of(conversation), hanging)

    assert thought.hand_off == "deadline"
    assert time.monotonic() - began < pace.seconds(0.25)
