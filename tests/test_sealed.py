"""Secrets of others at rest."""

import pytest

from besedka import sealed


def test_a_secret_comes_back_and_cannot_be_read_on_the_way():
    closed = sealed.seal("sk-very-secret")

    assert "secret" not in closed
    assert sealed.unseal(closed) == "sk-very-secret"


def test_nothing_is_sealed_as_nothing():
    assert (sealed.seal(""), sealed.unseal("")) == ("", "")


def test_the_key_can_be_changed_without_losing_what_was_sealed_before(settings):
    settings.ENCRYPTION_KEYS = ["old"]
    closed = sealed.seal("sk-1")

    settings.ENCRYPTION_KEYS = ["new", "old"]
    assert sealed.unseal(closed) == "sk-1"

    settings.ENCRYPTION_KEYS = ["new"]
    with pytest.raises(sealed.SealBroken):
        sealed.unseal(closed)


def test_a_secret_that_was_tampered_with_does_not_open():
    closed = sealed.seal("sk-1")

    with pytest.raises(sealed.SealBroken):
        sealed.unseal(closed[:-4] + "AAA=")
