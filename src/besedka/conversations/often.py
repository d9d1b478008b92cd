"""How often one person may erase or export contacts: whoever has to do more of it does it where the server is."""

from datetime import datetime, timedelta

from besedka.accounts.models import User
from besedka.conversations.models import Act
from besedka.problems import Problem

HOUR = timedelta(hours=1)
AN_HOUR = {"erased": 100, "exported": 30}  # acts of one person


class AskedTooOften(Problem):
    """You have erased or exported as many contacts as one person may in an hour."""

    code = "asked_too_often"
    status = 429


def count_against(actor_id: int, act: str, *, now: datetime) -> None:
    """One more such act of this person within an hour may be. Raises `AskedTooOften`.

    For the caller's transaction, which puts the act on record: the person is locked until then.
    """
    User.objects.select_for_update().filter(pk=actor_id).first()
    lately = Act.objects.filter(act=act, actor_id=actor_id, at__gt=now - HOUR)
    done = list(lately.order_by("at").values_list("at", flat=True)[: AN_HOUR[act]])
    if len(done) >= AN_HOUR[act]:
        after = (done[0] + HOUR - now).total_seconds()
        raise AskedTooOften(retry_after=max(1, round(after)), limit=AN_HOUR[act])
