"""Whether an answer fits its question: what it is read as, or what is wrong with it, in its language."""

import re
from dataclasses import dataclass

from besedka.dialogue import patterns
from besedka.dialogue.readings import date_in, email_in, number_in, phone_in
from besedka.dialogue.steps import Button, Question, Validation
from besedka.dialogue.templates import Value

_CYRILLIC = re.compile("[а-яё]", re.IGNORECASE)

_SENTENCES = {
    "empty": ("Напишите, пожалуйста, ответ.", "Please write an answer."),
    "short": ("Слишком коротко: нужно не меньше {} знаков.", "Too short: at least {} characters are needed."),
    "long": ("Слишком длинно: можно не больше {} знаков.", "Too long: at most {} characters are allowed."),
    "number": ("Нужно число, например 1500.", "A number is needed, such as 1500."),
    "min": ("Число должно быть не меньше {}.", "The number has to be at least {}."),
    "max": ("Число должно быть не больше {}.", "The number has to be at most {}."),
    "email": (
        "Нужен адрес почты, например anna@example.com.",
        "An e-mail address is needed, such as ann@example.com.",
    ),
    "phone": (
        "Нужен номер телефона, например +7 900 123-45-67.",
        "A phone number is needed, such as +44 20 7946 0000.",
    ),
    "date": ("Нужна дата, например 31.12.2026.", "A date is needed, such as 2026-12-31."),
    "choice": ("Выберите один из вариантов.", "Please choose one of the options."),
    "pattern": (
        "Ответ не похож на то, что нужно. Попробуйте ещё раз.",
        "That is not quite what is needed. Please try again.",
    ),
}
_READ = {"number": number_in, "email": email_in, "phone": phone_in, "date": date_in}


@dataclass(frozen=True)
class Fits:
    """The answer fits: what it is kept as, and how it is quoted."""

    value: Value
    text: str


@dataclass(frozen=True)
class Misfits:
    """The answer does not fit: what to say."""

    sentence: str


def read(question: Question, said: str, pressed: str | None = None) -> Fits | Misfits:
    """Read what was said as an answer to this question; `pressed` is what a pressed button means."""
    rules = question.validation_rules
    said = said.strip()
    button = pressed_button(question.buttons, said, pressed)
    if rules.type == "choice":
        return Fits(button.meaning, button.meaning) if button else _misfit(question, "choice")
    if button is not None:
        said = button.meaning
    if not said:
        return _misfit(question, "empty")
    fault = _length_fault(rules, said)
    if fault is not None:
        return _misfit(question, *fault)
    value: Value = said
    if rules.type in _READ:
        value = _READ[rules.type](said)
        if value is None:
            return _misfit(question, rules.type)
    fault = _bounds_fault(rules, value)
    if fault is not None:
        return _misfit(question, *fault)
    if rules.pattern is not None and not patterns.matches(rules.pattern, said):
        return _misfit(question, "pattern")
    return Fits(value, said)


def pressed_button(buttons: tuple[Button, ...], said: str, pressed: str | None = None) -> Button | None:
    """The button that was pressed, or that was typed: its label, what it means, or its number."""
    for button in buttons:
        if pressed is not None and pressed == button.meaning:
            return button
    plain = _plain(said)
    for button in buttons:
        if plain and plain in (_plain(button.label), _plain(button.meaning)):
            return button
    number = plain.rstrip(".)")
    if number.isascii() and number.isdigit() and len(number) < 3 and 1 <= int(number) <= len(buttons):
        return buttons[int(number) - 1]
    return None


def _length_fault(rules: Validation, said: str) -> tuple[str, object] | None:
    if rules.min_length is not None and len(said) < rules.min_length:
        return "short", rules.min_length
    if rules.max_length is not None and len(said) > rules.max_length:
        return "long", rules.max_length
    return None


def _bounds_fault(rules: Validation, value: Value) -> tuple[str, object] | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    if rules.min is not None and value < rules.min:
        return "min", f"{rules.min:g}"
    if rules.max is not None and value > rules.max:
        return "max", f"{rules.max:g}"
    return None


def _misfit(question: Question, kind: str, *numbers: object) -> Misfits:
    own = question.validation_rules.message
    if own is not None:
        return Misfits(own)
    russian, english = _SENTENCES[kind]
    return Misfits((russian if _CYRILLIC.search(question.question) else english).format(*numbers))


def _plain(text: str) -> str:
    return " ".join(text.casefold().replace("ё", "е").split())
