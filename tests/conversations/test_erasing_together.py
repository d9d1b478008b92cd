"""A contact is erased while everything else goes on: threads race for the fence."""

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import held
import make
import pytest
from django.db import connection

from besedka.conversations import attachments, details, erasure, log, search_index
from besedka.conversations.batcher import Batcher
from besedka.conversations.details import Description
from besedka.conversations.log import Append
from besedka.conversations.models import Contact, Conversation, Identity, Message
from besedka.conversations.uploads import Upload
from besedka.desk import notes
from besedka.desk.notes import Remark
from besedka.problems import Problem
from besedka.turns import claim, ledger, run
from besedka.turns.ledger import Opening

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("media")]


class Race:
    """Threads with connections of their own, which all begin at one moment."""

    def __init__(self, *works: Callable[[], Any]) -> None:
        self.works = works
        self.barrier = threading.Barrier(len(works))

    def _one(self, work: Callable[[], Any]) -> Any:
        try:
            self.barrier.wait(timeout=30)
            return work()
        finally:
            connection.close()

    def run(self) -> list[Any]:
        with ThreadPoolExecutor(len(self.works)) as pool:
            return [future.result() for future in [pool.submit(self._one, work) for work in self.works]]


def batched(work: Any, item: Any) -> Callable[[], Any]:
    """`work` for one item as the server does it: in a transaction, tried again where that met a deadlock."""

    def do() -> Any:
        async def submit() -> Any:
            writer = Batcher("writer", writes=True)
            writer.start()
            try:
                return await writer.submit(work, item)
            except Problem as problem:
                return problem
            finally:
                await asyncio.to_thread(writer.stop)

        return asyncio.run(submit())

    return do


@pytest.mark.parametrize("round_", range(3))
def test_nothing_that_races_with_the_fence_gets_behind_it(round_):
    inbox, elsewhere, token = make.inbox_with_bot(), make.inbox_with_bot(), make.token()
    conversation = held.contact(inbox, token)
    number, place = conversation.pk, make.address(inbox, token)
    somebody = make.operator("somebody")
    [task] = claim.claim_many([number])
    assert task is not None
    thought = run.Thought(task, (run.Utterance(held.SECRET),), None, {"question": held.SECRET})
    [led_to] = attachments.room_many([attachments.Room(None, place)])
    upload = Upload(name="a.pdf", media_type="", data=b"%PDF", address=place, led_to=led_to)

    def keep() -> None:
        written = attachments.write(upload)
        assert isinstance(written, attachments.Written)
        if not isinstance(batched(attachments.record_many, written)(), attachments.Kept):
            attachments.discard(written)

    def erase() -> None:
        erasure.begin_many([conversation.contact_id])
        erasure.finish()

    Race(
        erase,
        batched(log.append_many, Append("contact", held.SECRET, conversation_id=number)),
        batched(log.append_many, Append("operator", held.SECRET, conversation_id=number)),
        batched(run.commit_many, thought),
        batched(notes.note_many, Remark(number, somebody.pk, held.SECRET, "2")),
        batched(details.describe_many, Description(number, somebody.pk, held.SECRET)),
        batched(ledger.open_many, Opening("another", number, "GET", held.STEM)),
        batched(search_index.index_more_many, 100),
        batched(log.append_many, Append("contact", "hello from elsewhere", make.address(elsewhere, token))),
        keep,
    ).run()
    erasure.finish()

    assert held.numbers(number) == {"conversations.Message": 1}
    assert held.places(held.SECRET, held.STEM) == {}
    assert held.files() == []
    assert not Conversation.objects.filter(contact__erased_at__isnull=False).exclude(status="erased").exists()
    for contact in Contact.objects.filter(erased_at=None):
        assert Identity.objects.filter(contact=contact).exists()


def test_two_who_erase_the_same_contact_at_once_erase_it_once():
    conversation = held.contact()

    def erase() -> None:
        erasure.begin_many([conversation.contact_id])
        erasure.finish()

    Race(*[erase] * 4).run()

    assert held.places(held.SECRET) == {}
    assert Message.objects.filter(conversation=conversation).count() == 1
