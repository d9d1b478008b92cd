"""What came out of a backup goes on, but for what time has overtaken."""

from datetime import timedelta

import make
import pytest
from django.utils import timezone

from besedka.conversations import deliveries, erasure, restored
from besedka.conversations.deliveries import Outgoing
from besedka.conversations.models import Act, Attachment, Contact, Conversation, Delivery

pytestmark = pytest.mark.django_db


def attachment(inbox, key: str, **fields) -> Attachment:
    """The row of a file."""
    return Attachment.objects.create(
        key=key * 32,
        inbox=inbox,
        name="a.txt",
        media_type="text/plain",
        size=1,
        created_at=timezone.now(),
        **fields,
    )


def test_what_waited_or_was_being_sent_is_parked_and_what_was_delivered_is_not_touched():
    bodies = [Outgoing("telegram", str(number), {"kind": "say", "text": "hello"}) for number in range(3)]
    waiting, sending, delivered = deliveries.post_many(bodies)
    Delivery.objects.filter(pk=sending).update(state="sending")
    deliveries.delivered_many([deliveries.Delivered(delivered)])

    parked = restored.park_unsent("it may have gone out")

    assert parked == 2
    found = dict(Delivery.objects.values_list("pk", "state"))
    assert found == {waiting: "parked", sending: "parked", delivered: "delivered"}
    assert deliveries.begin_many([deliveries.Beginning("telegram")]) == [[]]
    assert deliveries.send_again([waiting]) == 1


def test_a_turn_that_somebody_had_begun_is_free_and_the_restore_is_on_record():
    now, conversation = timezone.now(), make.conversation()
    make.change(conversation, lease_key="of the dead", lease_until=now + timedelta(seconds=10))

    restored.begin_anew(now - timedelta(hours=1), now=now)

    assert Conversation.objects.get(pk=conversation.pk).lease_until < now
    assert Act.objects.get(act="restored").details == {"taken_at": (now - timedelta(hours=1)).isoformat()}


def test_who_was_erased_since_is_told_and_erased_again():
    before, staying = make.conversation(), make.conversation()
    erasure.begin_many([before.contact_id], now=timezone.now() - timedelta(days=2))
    since = timezone.now() - timedelta(days=1)
    leaving = make.conversation()
    erasure.begin_many([leaving.contact_id])

    told = restored.erased_since(since)
    again = restored.erase_again([staying.contact_id, 987_654], now=timezone.now())

    assert told == [leaving.contact_id]
    assert again == 1
    assert Contact.objects.get(pk=staying.contact_id).erased_at is not None


def test_a_row_without_its_file_goes_unless_a_message_carries_it():
    inbox = make.inbox()
    there, swept = attachment(inbox, "a"), attachment(inbox, "b")
    carried = attachment(inbox, "c", taken_at=timezone.now())

    lost = restored.match_files(lambda key: key == there.key)

    assert lost == 1
    assert set(Attachment.objects.values_list("pk", flat=True)) == {there.pk, carried.pk}
    assert not Attachment.objects.filter(pk=swept.pk).exists()
