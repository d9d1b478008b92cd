"""What a database that came out of a backup must not go on with as if no time had passed."""

from collections.abc import Callable, Iterable
from datetime import datetime

from django.db import transaction

from besedka.conversations import audit, erasure, leases
from besedka.conversations.audit import Deed
from besedka.conversations.deliveries import MAX_ERROR
from besedka.conversations.models import Act, Attachment, Delivery

AT_ONCE = 2_000  # rows of files in one look


def park_unsent(reason: str) -> int:
    """Nothing that waited goes out by itself; how much that was. An administrator sees it, and may send it."""
    unsent = Delivery.objects.filter(state__in=("waiting", "sending"))
    return unsent.update(state="parked", error=reason[:MAX_ERROR])


@transaction.atomic
def begin_anew(taken_at: datetime, *, now: datetime) -> None:
    """Turns that somebody had begun are free, and it is on record that this came out of a backup of that time."""
    leases.release_all(now=now)
    audit.record_many([Deed("restored", None, None, {"taken_at": taken_at.isoformat()})], now)


def erased_since(moment: datetime) -> list[int]:
    """The contacts that were erased since then, as somebody had asked for it."""
    acts = Act.objects.filter(act="erased", at__gte=moment).order_by("pk").values_list("details", flat=True)
    return list(dict.fromkeys(details["contact"] for details in acts if "contact" in details))


def erase_again(contact_ids: Iterable[int], *, now: datetime) -> int:
    """These contacts were erased after the backup was taken, and are erased now; how many of them were there."""
    begun = erasure.begin_many(contact_ids, why="restored", now=now)
    erasure.finish()
    return sum(isinstance(one, erasure.Begun) for one in begun)


def match_files(is_there: Callable[[str], bool]) -> int:
    """No row is without its file, but those that messages carry: how many of these there are.

    A file that nobody sent may have been swept while the backup was taken; its row goes.
    """
    lost, last = 0, 0
    while some := list(
        Attachment.objects.filter(pk__gt=last).order_by("pk").values_list("pk", "key", "taken_at")[:AT_ONCE]
    ):
        gone = [(pk, taken_at) for pk, key, taken_at in some if not is_there(key)]
        Attachment.objects.filter(pk__in=[pk for pk, taken_at in gone if taken_at is None]).delete()
        lost += sum(taken_at is not None for _, taken_at in gone)
        last = some[-1][0]
    return lost
