"""Whoever was signed in when a backup was taken, or has signed in since, has to do so anew."""

import make
import pytest
from django.test import Client

from besedka.accounts import restored, tokens
from besedka.accounts.models import User


def test_no_session_and_no_token_of_another_time_lets_anybody_in(db):
    user = make.operator("anna")
    client = Client()
    client.force_login(user)
    before = tokens.issue(user)

    restored.end_sign_ins()

    assert client.get("/api/bots/").status_code in (401, 403)
    with pytest.raises(tokens.TokenRefused):
        tokens.renew(before["refresh"])


def test_a_token_of_a_later_time_than_the_backups_does_not_fit_by_chance(db):
    user = make.operator("anna")
    User.objects.filter(pk=user.pk).update(rights_version=1)  # as it came to be after the backup
    later = tokens.issue(User.objects.get(pk=user.pk))
    User.objects.filter(pk=user.pk).update(rights_version=0)

    restored.end_sign_ins()

    with pytest.raises(tokens.TokenRefused):
        tokens.renew(later["refresh"])
