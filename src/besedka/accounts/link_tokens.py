"""Tokens with which a person says in Telegram who they are: one use, ten minutes, stored as a digest only."""

import hashlib
import secrets
from datetime import datetime, timedelta

from django.db.models import QuerySet
from django.utils import timezone

from besedka.accounts.models import LinkToken, User

LIFE_S = 600
KEPT = timedelta(days=1)  # a used one, or one that nobody used
LONGEST = 64  # characters that Telegram takes along in a link


def issue(user_id: int, *, now: datetime | None = None) -> str:
    """A new token of this person; an older one is worth nothing any more."""
    now = now or timezone.now()
    token = secrets.token_urlsafe(24)
    LinkToken.objects.filter(created_at__lt=now - KEPT).delete()
    LinkToken.objects.filter(user_id=user_id, used_at=None).delete()
    LinkToken.objects.create(digest=_digest(token), user_id=user_id, created_at=now)
    return token


def owner(token: str, *, now: datetime) -> int | None:
    """Whose token this is; None where it is wrong, used, too old, or of an account that is switched off."""
    return _fresh(token, now).values_list("user_id", flat=True).first()


def redeem(token: str, *, now: datetime) -> bool:
    """Use it up. The `WHERE` of one update decides, so of many who show it at once one has it."""
    return bool(_fresh(token, now).update(used_at=now))


def _fresh(token: str, now: datetime) -> QuerySet[LinkToken]:
    """Without a join: with one, an update would look for unused rows in a subquery, which PostgreSQL does not ask
    again after it has waited for somebody who used one."""
    return LinkToken.objects.filter(
        digest=_digest(token),
        used_at=None,
        created_at__gt=now - timedelta(seconds=LIFE_S),
        user__in=User.objects.filter(is_active=True),
    )


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()
