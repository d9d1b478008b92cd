"""Where something of a contact's conversations lies, beside the log itself: a line for each table of every app.

Each app declares its own when it is loaded (`apps.py`), so that the heart need not know who there is. What is
declared here is erased with the conversation, and stands in the contact's export under its `name`.
"""

from collections.abc import Sequence

import msgspec


class Holding(msgspec.Struct, frozen=True):
    """A table whose rows belong to a conversation."""

    label: str  # the model, as "desk.Note"
    name: str = ""  # in an export; without one it holds nothing that the contact has not there already
    fields: tuple[str, ...] = ()  # of an export
    conversation: str = "conversation_id"  # the field with the conversation's number


_holdings: dict[str, Holding] = {}


def declare(holdings: Sequence[Holding]) -> None:
    """These tables hold something of conversations. Declaring one again changes nothing."""
    _holdings.update({holding.label: holding for holding in holdings})


def all_of() -> list[Holding]:
    """Every table that was declared, in the order in which that was done."""
    return list(_holdings.values())
