"""What a visitor says that is not for a bot at all, whoever speaks for it."""

from besedka.answers import moods, wishes
from besedka.answers.answerer import ANGER, ASKED_FOR_PERSON


def raised_by(question: str) -> str | None:
    """Why a person has to be called before anything is thought: the visitor asks for one, or is angry with us."""
    if wishes.wants_person(question):
        return ASKED_FOR_PERSON
    return ANGER if moods.is_angry(question) else None
