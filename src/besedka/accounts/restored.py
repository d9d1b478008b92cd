"""What accounts that came out of a backup must not bring back: a sign-in that was ended since."""

import secrets

from django.contrib.sessions.models import Session
from django.db import transaction
from django.db.models import F

from besedka.accounts.models import LinkToken, Ticket, User

FAR = 1_000_000  # versions that no account comes to by itself: nothing that was given since fits by chance


@transaction.atomic
def end_sign_ins() -> None:
    """Nobody is signed in. Passwords and second factors stay what they were when the backup was taken.

    What was ended or given out since then stands in no row, so each account gets rights of a version that it never
    had, and with it every session and token is worth nothing.
    """
    User.objects.update(rights_version=F("rights_version") + FAR + secrets.randbelow(FAR))
    for model in (Session, Ticket, LinkToken):
        model.objects.all().delete()
