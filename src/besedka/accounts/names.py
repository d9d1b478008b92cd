"""Names of accounts: what they look like decides whether they are the same, not how they are spelt."""

import hashlib
import unicodedata
from typing import Any

from django.db import models

LENGTH = 150  # characters of a name, as Django has it
# Letters of other alphabets that are drawn like a Latin one, in small or in capitals.
_LOOKALIKES = str.maketrans(
    {
        **dict(zip("авекмнорстухіјѕԁһԛԝўүӏ", "abekmhopctyxijsdhqwyyl", strict=True)),
        **dict(zip("αβεζηικμνορτυχγω", "abezhikmnoptuxyw", strict=True)),
    }
)
# Names that would speak for the house; and what Telegram accounts are called (see `links`).
_RESERVED = ["admin", "administrator", "root", "system", "support", "staff", "operator", "moderator", "security"]
_RESERVED += ["админ", "администратор", "система", "поддержка", "оператор", "модератор"]
_RESERVED += ["bot", "besedka", "бот", "беседка"]
_RESERVED_BEGINNING = "telegram-"


def written(name: str) -> str:
    """The name in the one form in which it is stored and looked for."""
    return unicodedata.normalize("NFKC", name.strip())


def look(name: str) -> str:
    """The same text for all names that people would take for one another: `Anna`, `anna`, `аnnа` in Cyrillic."""
    letters = unicodedata.normalize("NFKD", unicodedata.normalize("NFKC", name).casefold().translate(_LOOKALIKES))
    bare = "".join(c for c in letters if not unicodedata.combining(c))
    return bare.casefold().translate(_LOOKALIKES)


def key(name: str) -> str:
    """`look`, in the form and length in which every database can keep it unique."""
    return hashlib.sha256(look(name).encode()).hexdigest()


def is_reserved(name: str) -> bool:
    """Whether nobody may call themselves so."""
    seen = look(name)
    return seen in _RESERVED_LOOKS or seen.startswith(look(_RESERVED_BEGINNING))


_RESERVED_LOOKS = frozenset(map(look, _RESERVED))


class NameKey(models.CharField):  # type: ignore[type-arg]  # not subscriptable at run time
    """The key of the account's name, written whenever the account is; unique, so of two at once one is made."""

    def pre_save(self, model_instance: models.Model, add: bool) -> Any:
        """The value that goes into the database; an old account that has none because another has it stays so."""
        kept = getattr(model_instance, self.attname)
        if not add and kept is None:
            return None
        value = key(str(getattr(model_instance, "username", "")))
        setattr(model_instance, self.attname, value)
        return value
