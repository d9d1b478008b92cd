"""What a bot makes of files: it looks at none."""

import asyncio

import make
import pytest

from besedka.answers.answerer import Aloud, Answer, Prompt
from besedka.conversations import wire
from besedka.conversations.attachments import Upload
from besedka.conversations.contacts import Address
from besedka.conversations.models import Conversation
from besedka.knowledge.index import Index
from besedka.turns import claim, run, shelves
from besedka.turns.run import Thought

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def surroundings(monkeypatch, settings, tmp_path):
    """A folder of its own for files, and no knowledge."""

    async def nothing(source_ids: tuple[int, ...]) -> Index:
        return Index([])

    monkeypatch.setattr(shelves, "index_of", nothing)
    settings.MEDIA_ROOT = tmp_path


async def certain(prompt: Prompt, aloud: Aloud, /) -> Answer:
    """An answerer that knows everything."""
    return Answer(f"about {prompt.question}", (), 0.9, "test")


def think_of_a_file(text: str, **inbox: str) -> Thought:
    return think_of(make.address(make.inbox_with_bot(**inbox)), text)


def think_of(address: Address, text: str) -> Thought:
    [kept] = make.keep([Upload(name="a.pdf", media_type="", data=b"%PDF-1.7", address=address)])
    said = make.say(address, text, file=kept.key)
    [task] = claim.claim_many([Conversation.objects.get(pk=said.conversation_id).pk])
    return asyncio.run(run.think(task, certain))


def test_a_file_without_a_word_is_for_a_person():
    assert think_of_a_file("").hand_off == "sent_a_file"


def test_what_is_said_along_with_a_file_is_answered():
    [says] = think_of_a_file("What is this?").says

    assert says.text == "about What is this?"


def test_where_nobody_waits_the_bot_asks_for_words():
    thought = think_of_a_file("", hand_off="asked")

    assert thought.hand_off is None
    assert thought.says[0].payload["choices"]


def test_a_file_is_no_answer_to_a_question_of_a_scenario():
    inbox = make.inbox_with_bot()
    question = ("question", {"question": "What is your name?", "validation_rules": {"min_length": 2}})
    make.scenario(make.bot_of(inbox), question)
    address = make.address(inbox)
    conversation = Conversation.objects.get(pk=make.say(address, "hello").conversation_id)
    [task] = claim.claim_many([conversation.pk])
    run.commit_many([asyncio.run(run.think(task, certain))])

    thought = think_of(address, "")

    assert thought.hand_off is None
    assert thought.says


def test_a_model_hears_the_name_of_a_file():
    address = make.address(make.inbox_with_bot())
    [kept] = make.keep([Upload(name="a.pdf", media_type="", data=b"%PDF-1.7", address=address)])

    assert wire.in_words(make.say(address, "", file=kept.key)) == "[a.pdf]"
    assert wire.in_words(make.say(address, "hello")) == "hello"


def test_an_administrator_sees_a_file_in_the_log(client):
    address = make.address(make.inbox())
    name = "<b>a.pdf"
    [kept] = make.keep([Upload(name=name, media_type="", data=b"%PDF-1.7", address=address)])
    said = make.say(address, "", file=kept.key)
    client.force_login(make.administrator())

    page = client.get(f"/admin/conversations/conversation/{said.conversation_id}/change/").content.decode()

    assert f'href="/files/{kept.key}"' in page
    assert "<b>a" not in page
