"""A key that leaked is followed by another one, and nothing is sealed with it any more."""

import make
from django.apps import apps
from django.conf import settings as installed

from besedka import cli, sealed
from besedka.bots import secrets
from besedka.project import resealing

OLD, NEW, OTHER = ("an old key of this house", "a new key of this house", "a key of somebody else")


def test_what_was_sealed_with_the_old_key_is_opened_by_the_new_one_alone(db, settings, capsys):
    bot = make.bot()
    settings.ENCRYPTION_KEYS = [OLD]
    secrets.keep(bot.pk, "token", "what nobody may know")
    settings.ENCRYPTION_KEYS = [NEW, OLD]

    code = cli.main(["reseal"])

    settings.ENCRYPTION_KEYS = [NEW]
    assert (code, capsys.readouterr().out) == (0, "Sealed anew: 1.\n")
    assert secrets.secrets_of([bot.pk]) == {bot.pk: {"token": "what nobody may know"}}


def test_what_no_key_opens_is_named_and_stays(db, settings):
    bot = make.bot()
    settings.ENCRYPTION_KEYS = [OTHER]
    bot.api_key_sealed = sealed.seal("sesame")
    bot.save()
    settings.ENCRYPTION_KEYS = [NEW, OLD]

    done = resealing.reseal()

    assert done == resealing.Resealed(0, [f"bots.Bot {bot.pk}"])
    bot.refresh_from_db()
    assert sealed.opens(bot.api_key_sealed, [OTHER])


def test_every_field_that_is_named_so_is_sealed_anew():
    named = {
        (model, field.name)
        for model in apps.get_models()
        for field in model._meta.concrete_fields
        if "sealed" in field.name
    }

    assert named <= set(resealing.SEALED)
    assert installed.ENCRYPTION_KEYS
