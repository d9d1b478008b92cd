"""Reading an answer to a suggestion: a button's text, or its number where there are no buttons."""

from besedka.conversations.leases import Claim

_AROUND = " \t\n.,;:!?«»\"'()[]"


def question(claim: Claim) -> str:
    """What the contact asks: all that was said since the last turn; a choice stands for what it names.

    Empty where nothing but files came.
    """
    said = [entry.text for entry in claim.messages if entry.text]
    if len(said) == 1:
        chosen = _chosen(said[0], _choices(claim))
        return said[0] if chosen is None else chosen
    return "\n".join(said)


def misses(claim: Claim) -> int:
    """How often in a row the bot has not known an answer, by what it said last."""
    payload = claim.said_last.payload if claim.said_last is not None else None
    counted = (payload or {}).get("misses", 0)
    return counted if isinstance(counted, int) else 0


def topic(claim: Claim) -> str | None:
    """What the bot asked on about when it had no answer; None when it did not."""
    payload = claim.said_last.payload if claim.said_last is not None else None
    asked = (payload or {}).get("topic")
    return asked if isinstance(asked, str) else None


def _choices(claim: Claim) -> list[str]:
    payload = claim.said_last.payload if claim.said_last is not None else None
    return list((payload or {}).get("choices", []))


def _chosen(said: str, offered: list[str]) -> str | None:
    bare = said.strip(_AROUND)
    if bare.isascii() and bare.isdigit() and len(bare) < 3 and 1 <= int(bare) <= len(offered):
        return offered[int(bare) - 1]
    return next((choice for choice in offered if choice.strip(_AROUND).casefold() == bare.casefold()), None)
