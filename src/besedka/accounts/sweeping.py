"""What accounts leave behind when it is of no use to anybody any more."""

from datetime import datetime

from axes.models import AccessAttempt
from django.conf import settings
from django.contrib.sessions.models import Session
from django.utils import timezone

from besedka.accounts import tokens


def sweep(now: datetime | None = None) -> None:
    """Tokens and sessions that have run out, and wrong tries that count no more, are forgotten."""
    now = now or timezone.now()
    tokens.forget_expired(now)
    AccessAttempt.objects.filter(attempt_time__lte=now - settings.AXES_COOLOFF_TIME).delete()
    Session.objects.filter(expire_date__lte=now).delete()
