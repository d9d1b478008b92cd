"""What is kept sealed is sealed anew with the first key, so that an old one can be taken away."""

from typing import NamedTuple

from django.db import models

from besedka import sealed
from besedka.accounts.models import MirrorToken, SecondFactor
from besedka.bots.models import Bot, Secret

# Everything that is sealed: the model, the field.
SEALED: tuple[tuple[type[models.Model], str], ...] = (
    (Bot, "api_key_sealed"),
    (Secret, "sealed"),
    (SecondFactor, "secret"),
    (MirrorToken, "sealed"),
)


class Resealed(NamedTuple):
    """How many there were, and those that none of our keys opens, as bots.Secret 17."""

    done: int
    closed: list[str]


def reseal() -> Resealed:
    """All that can be opened is sealed with the first key. What changes meanwhile is left as it is then."""
    done, closed = 0, []
    for model, field in SEALED:
        rows = model._base_manager.exclude(**{field: ""}).values_list("pk", field)
        for pk, text in list(rows):
            try:
                anew = sealed.seal(sealed.unseal(text))
            except sealed.SealBroken:
                closed.append(f"{model._meta.label} {pk}")
                continue
            done += model._base_manager.filter(pk=pk, **{field: text}).update(**{field: anew})
    return Resealed(done, closed)
