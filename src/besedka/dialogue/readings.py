"""What a visitor typed, read as a number, an e-mail address, a phone or a date: in the forms people use."""

import re
from datetime import date

MAX_READ = 400  # characters of an answer that are tried as a number, an address or a date

_NUMBER = re.compile(r"[+-]?(\d{1,3}([  \u202f']\d{3})+|\d{1,15})([.,]\d{1,10})?", re.ASCII)
_EMAIL = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@([A-Za-z0-9-]{1,63}\.){1,8}[A-Za-z0-9-]{2,63}")
_PHONE = re.compile(r"\+?[0-9][0-9 ()\u00a0.-]{5,30}[0-9]")
_ISO = re.compile(r"(\d{4})-(\d{1,2})-(\d{1,2})", re.ASCII)
_DOTTED = re.compile(r"(\d{1,2})[./](\d{1,2})[./](\d{4})", re.ASCII)


def number_in(text: str) -> float | None:
    """The number that the text is: `1500`, `1 500,50`, `-3.2`; None when it is none, or more than that."""
    text = text.strip()[:MAX_READ]
    if not _NUMBER.fullmatch(text):
        return None
    number = float(re.sub(r"[ \u00a0\u202f']", "", text).replace(",", "."))
    return int(number) if number.is_integer() else number


def email_in(text: str) -> str | None:
    """The e-mail address that the text is, its domain in lower case; None when it is none."""
    text = text.strip()[:MAX_READ]
    if not _EMAIL.fullmatch(text) or ".." in text:
        return None
    name, domain = text.rsplit("@", 1)
    parts = domain.split(".")
    if name.startswith(".") or name.endswith(".") or any(p.startswith("-") or p.endswith("-") for p in parts):
        return None
    return f"{name}@{domain.lower()}"


def phone_in(text: str) -> str | None:
    """The phone number that the text is, as `+` and 7 to 15 digits (E.164); a Russian 8 … of 11 digits is +7 …."""
    text = text.strip()[:MAX_READ]
    if not _PHONE.fullmatch(text) or text.count("(") != text.count(")"):
        return None
    digits = re.sub(r"\D", "", text)
    if not text.startswith("+"):
        if len(digits) == 11 and digits[0] == "8":
            digits = "7" + digits[1:]
        elif len(digits) == 10 and digits[0] == "9":
            digits = "7" + digits
    return f"+{digits}" if 7 <= len(digits) <= 15 else None


def date_in(text: str) -> str | None:
    """The day that the text is, as ISO 8601: `2026-12-31`, `31.12.2026`, `31/12/2026`; None if it is none."""
    text = text.strip()[:MAX_READ]
    if found := _ISO.fullmatch(text):
        year, month, day = (int(part) for part in found.groups())
    elif found := _DOTTED.fullmatch(text):
        day, month, year = (int(part) for part in found.groups())
    else:
        return None
    try:
        return date(year, month, day).isoformat()
    except ValueError:
        return None
