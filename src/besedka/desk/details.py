"""E-mail addresses and phone numbers in what people write. Pure."""

import re

import msgspec

# Bounded repetitions of disjoint classes: linear, whatever somebody types.
_EMAIL = re.compile(r"(?<![\w.+-])[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,5}(?![\w-])")
_PHONE = re.compile(r"(?<![\w+])\+?\d[\d ()\-]{5,24}\d(?!\w)")
DIGITS = (9, 15)  # of a phone number: more than a date has, and E.164 has at most 15


class Reachable(msgspec.Struct, frozen=True):
    """How somebody can be reached; at least one is not empty."""

    email: str
    phone: str


def find(text: str) -> Reachable | None:
    """The first address and the first number in a text; None without either."""
    email = _EMAIL.search(text)
    phones = (found.group() for found in _PHONE.finditer(text))
    phone = next((p for p in phones if DIGITS[0] <= sum(c.isdigit() for c in p) <= DIGITS[1]), "")
    if email is None and not phone:
        return None
    return Reachable(email.group()[:254] if email else "", " ".join(phone.split())[:32])
