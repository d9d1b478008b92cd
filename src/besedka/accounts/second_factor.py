"""A second factor beside the password: codes of an app (TOTP, RFC 6238), and a list of codes for when it is lost.

The arithmetic is that of `cryptography`; what was used already stands in the database, for all processes.
"""

import base64
import hashlib
import hmac
import logging
import secrets
from datetime import datetime, timedelta

import segno
from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor.hotp import HOTP
from cryptography.hazmat.primitives.twofactor.totp import TOTP
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from besedka import sealed
from besedka.accounts.models import SecondFactor, User
from besedka.accounts.rates import TooManyTries
from besedka.problems import Problem

logger = logging.getLogger(__name__)

ISSUER = "Besedka"  # the name under which apps list the code
STEP_S = 30
DRIFT = 1  # steps that a clock may be wrong, either way
DIGITS = 6
SECRET_BYTES = 20  # as RFC 4226 advises
LIST_LENGTH = 10
ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"  # none that is taken for another
LETTERS = 16  # of a code on the list: 79 bits, so that its bare digest is no help to a thief
MISSES = 30  # wrong codes in a row from anywhere: only who knows the password gets to try one
PAUSE = timedelta(minutes=15)  # after the last of them


class SecondFactorNeeded(Problem):
    """This account signs in with a code beside its password."""

    code = "second_factor_needed"
    status = 401


class SecondFactorWrong(Problem):
    """This code is wrong, or was used already."""

    code = "second_factor_wrong"
    status = 401


def new_secret() -> str:
    """What an app and we share from now on, as people may type it (base32)."""
    return base64.b32encode(secrets.token_bytes(SECRET_BYTES)).decode()


def picture(username: str, secret: str) -> str:
    """The QR code that brings a secret into an app: a picture in the form of an address (`data:`)."""
    uri = TOTP(_bytes(secret), DIGITS, SHA1(), STEP_S).get_provisioning_uri(username, ISSUER)
    return segno.make(uri, error="m", micro=False).svg_data_uri(scale=5, border=4, dark="#14231d", light="#ffffff")


def is_on(user_id: int) -> bool:
    """Whether this account needs a code."""
    return SecondFactor.objects.filter(user_id=user_id).exists()


def left(user_id: int) -> int | None:
    """How many codes are left on the list; None where there is no second factor."""
    factor = SecondFactor.objects.filter(user_id=user_id).first()
    return None if factor is None else len(factor.recovery)


def switch_on(user_id: int, secret: str, code: str, *, now: datetime | None = None) -> list[str]:
    """From now on this account needs a code; the list of codes for when the app is lost, shown this once.

    `code` is one of the app's, so nobody locks themselves out. Raises `SecondFactorWrong`; who has a second factor
    already is refused so too: to take another app, switch off the old one.
    """
    now = now or timezone.now()
    step = _step(secret, code, after=0, now=now)
    if step is None:
        raise SecondFactorWrong
    codes = _new_list()
    _, is_new = SecondFactor.objects.get_or_create(
        user_id=user_id,
        defaults={
            "secret": sealed.seal(secret),
            "last_step": step,
            "recovery": list(map(_digest, codes)),
            "created_at": now,
        },
    )
    if not is_new:
        raise SecondFactorWrong
    return codes


def prove(user_id: int, code: str, *, now: datetime | None = None) -> None:
    """This is a code of the account's app or of its list, and will not be one again.

    Raises `SecondFactorWrong`; `TooManyTries` after `MISSES` wrong ones in a row, until `PAUSE` is over. An
    account whose second factor has just been switched off needs none.
    """
    now = now or timezone.now()
    wait, proven = 0, True
    with transaction.atomic():  # misses are kept, so nothing is raised in here
        factor = SecondFactor.objects.select_for_update().filter(user_id=user_id).first()
        if factor is not None:
            wait = _wait_s(factor, now)
            proven = not wait and _take(factor, code, now)
            if not wait:
                factor.misses, factor.missed_at = (0, None) if proven else (factor.misses + 1, now)
                factor.save()
    if wait:
        raise TooManyTries(retry_after=wait)
    if not proven:
        raise SecondFactorWrong


def renew_list(user_id: int) -> list[str]:
    """A new list of codes; the old one is worth nothing. Empty where there is no second factor."""
    codes = _new_list()
    changed = SecondFactor.objects.filter(user_id=user_id).update(recovery=list(map(_digest, codes)))
    return codes if changed else []


def switch_off(users: QuerySet[User]) -> int:
    """The password alone is enough for these accounts; for how many it was not."""
    return SecondFactor.objects.filter(user__in=users).delete()[0]


def _take(factor: SecondFactor, code: str, now: datetime) -> bool:
    """Whether the code is right; it is spent then, in `factor` as it is in memory."""
    typed = "".join(c for c in code.lower() if c.isascii() and c.isalnum())
    if len(typed) != DIGITS:
        digest = _digest(typed)
        if digest not in factor.recovery:
            return False
        factor.recovery = [kept for kept in factor.recovery if kept != digest]
        return True
    try:
        secret = sealed.unseal(factor.secret)
    except sealed.SealBroken:
        logger.error("the second factor of account %d was sealed with another key: reset it", factor.user_id)
        return False
    step = _step(secret, typed, after=factor.last_step, now=now)
    if step is not None:
        factor.last_step = step
    return step is not None


def _step(secret: str, code: str, *, after: int, now: datetime) -> int | None:
    """The half minute that this code belongs to, of those around now that come `after` one; None if to none."""
    typed = "".join(c for c in code if c.isascii() and c.isdigit()).encode()
    codes = HOTP(_bytes(secret), DIGITS, SHA1())
    around = int(now.timestamp()) // STEP_S
    found = None
    for step in range(around - DRIFT, around + DRIFT + 1):
        if hmac.compare_digest(codes.generate(step), typed) and step > after:
            found = step
    return found


def _wait_s(factor: SecondFactor, now: datetime) -> int:
    """Seconds until the next code may be tried."""
    if factor.misses < MISSES or factor.missed_at is None:
        return 0
    until = factor.missed_at + PAUSE
    return int((until - now).total_seconds()) + 1 if until > now else 0


def _new_list() -> list[str]:
    codes = ["".join(secrets.choice(ALPHABET) for _ in range(LETTERS)) for _ in range(LIST_LENGTH)]
    return ["-".join(code[at : at + 4] for at in range(0, LETTERS, 4)) for code in codes]


def _digest(code: str) -> str:
    return hashlib.sha256(code.replace("-", "").encode()).hexdigest()


def _bytes(secret: str) -> bytes:
    return base64.b32decode(secret)
