"""Secrets of others that we must keep: encrypted at rest, with a key that is not in the database (Fernet)."""

import base64
from collections.abc import Sequence
from functools import lru_cache

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings

from besedka.problems import Problem


class SealBroken(Problem):
    """A stored secret cannot be opened: it was sealed with another key. Enter it again."""

    code = "seal_broken"
    status = 409


def seal(secret: str) -> str:
    """The secret in a form that only this installation's key opens; nothing for nothing."""
    return _keys(tuple(settings.ENCRYPTION_KEYS)).encrypt(secret.encode()).decode() if secret else ""


def unseal(sealed: str) -> str:
    """What `seal` was given. Raises `SealBroken` where no key of ours fits."""
    if not sealed:
        return ""
    try:
        return _keys(tuple(settings.ENCRYPTION_KEYS)).decrypt(sealed.encode()).decode()
    except InvalidToken:
        raise SealBroken from None


def opens(sealed: str, words: Sequence[str]) -> bool:
    """Whether one of these keys opens it."""
    try:
        _keys(tuple(words)).decrypt(sealed.encode())
    except (InvalidToken, ValueError):
        return False
    return True


@lru_cache(maxsize=4)
def _keys(words: tuple[str, ...]) -> MultiFernet:
    """The first seals; all of them open, so that a key can be changed without a day on which nothing opens."""
    return MultiFernet([Fernet(base64.urlsafe_b64encode(_derived(word))) for word in words])


def _derived(word: str) -> bytes:
    """A key of 32 bytes from words of any length (HKDF, RFC 5869)."""
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=b"besedka.sealed").derive(word.encode())
