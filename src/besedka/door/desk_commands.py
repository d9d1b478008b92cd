"""What the console may ask for, frame by frame; see `docs/api/desk.md`."""

from datetime import datetime
from typing import Any, Literal

import msgspec

from besedka.conversations.log import PAGE
from besedka.door.admission import MAX_SEQ, valid_client_id, valid_message, valid_text
from besedka.problems import Invalid

QUERY_LENGTH = 1_000
FIELD_LENGTH = {"name": 200, "email": 254, "phone": 32}
ListName = Literal["waiting", "mine", "open", "callback", "closed"]


class Watch(msgspec.Struct, tag_field="type", tag="watch"):
    """Show me the beginning of this list, and keep it fresh."""

    id: str
    list: ListName
    inbox: int | None = None
    size: int = 50


class GetPage(msgspec.Struct, tag_field="type", tag="page"):
    """Show me what stands behind this conversation in this list."""

    id: str
    list: ListName
    after: int
    inbox: int | None = None
    size: int = 50


class Search(msgspec.Struct, tag_field="type", tag="search"):
    """Find messages with these words."""

    id: str
    q: str
    inbox: int | None = None
    before: int | None = None


class Open(msgspec.Struct, tag_field="type", tag="open"):
    """Show me this conversation, and keep it fresh."""

    id: str
    conversation: int
    after: int = 0


class Leave(msgspec.Struct, tag_field="type", tag="leave"):
    """I look at this conversation no more."""

    id: str
    conversation: int


class Earlier(msgspec.Struct, tag_field="type", tag="earlier"):
    """Show me what was said before this message."""

    id: str
    conversation: int
    before: int

    @property
    def after(self) -> int:
        """Where the page begins."""
        return max(0, self.before - 1 - PAGE)


class SendReply(msgspec.Struct, tag_field="type", tag="send"):
    """Say this to the contact."""

    id: str
    conversation: int
    owner_version: int
    text: str = ""
    edits: int | None = None
    file: str | None = None


class WriteNote(msgspec.Struct, tag_field="type", tag="note"):
    """Leave this to my colleagues."""

    id: str
    conversation: int
    text: str


class Claim(msgspec.Struct, tag_field="type", tag="claim"):
    """I answer here."""

    id: str
    conversation: int
    owner_version: int


class Return(msgspec.Struct, tag_field="type", tag="return"):
    """The bot answers here."""

    id: str
    conversation: int
    owner_version: int


class Close(msgspec.Struct, tag_field="type", tag="close"):
    """This episode has ended."""

    id: str
    conversation: int
    owner_version: int


class Reopen(msgspec.Struct, tag_field="type", tag="reopen"):
    """It goes on, with me."""

    id: str
    conversation: int
    owner_version: int


class Transfer(msgspec.Struct, tag_field="type", tag="transfer"):
    """This colleague answers here; or whoever takes it from the queue."""

    id: str
    conversation: int
    owner_version: int
    to: int | None = None


class Snooze(msgspec.Struct, tag_field="type", tag="snooze"):
    """Out of my way until then."""

    id: str
    conversation: int
    owner_version: int
    until: datetime


class Describe(msgspec.Struct, tag_field="type", tag="describe"):
    """The contact is called so, and reached so."""

    id: str
    conversation: int
    name: str | None = None
    email: str | None = None
    phone: str | None = None


class Read(msgspec.Struct, tag_field="type", tag="read"):
    """I have seen everything up to here."""

    id: str
    conversation: int
    seq: int


class Duty(msgspec.Struct, tag_field="type", tag="duty"):
    """I am on duty, or not."""

    id: str
    on: bool


class Typing(msgspec.Struct, tag_field="type", tag="typing"):
    """I am writing here."""

    conversation: int


class Ping(msgspec.Struct, tag_field="type", tag="ping"):
    """Are you there?"""


InConversation = (
    Open
    | Leave
    | Earlier
    | SendReply
    | WriteNote
    | Claim
    | Return
    | Close
    | Reopen
    | Transfer
    | Snooze
    | Describe
    | Read
    | Typing
)
Command = Watch | GetPage | Search | Duty | Ping | InConversation


def check(command: Command) -> None:
    """Raise `Invalid` or `TooLong` for a value that no command may have; it names the field."""
    valid_client_id(getattr(command, "id", None), "id")
    for name in ("conversation", "after", "before", "seq", "inbox", "to", "edits", "owner_version", "size"):
        number = getattr(command, name, None)
        if number is not None and not 0 <= number <= MAX_SEQ:
            raise Invalid(f"`{name}` is a whole number from 0 to {MAX_SEQ}.", field=name)
    if isinstance(command, WriteNote):
        valid_text(command.text, "text")
    if isinstance(command, SendReply):
        command.text = valid_message(command.text, command.file, "text")
    if isinstance(command, Search) and (len(command.q) > QUERY_LENGTH or "\0" in command.q):
        raise Invalid(f"`q` is at most {QUERY_LENGTH} characters, none of them NUL.", field="q")
    if isinstance(command, Snooze) and command.until.tzinfo is None:
        raise Invalid("`until` has no time zone.", field="until")
    if isinstance(command, Describe):
        _check_fields(command)


def _check_fields(command: Describe) -> None:
    given: dict[str, Any] = {"name": command.name, "email": command.email, "phone": command.phone}
    for name, value in given.items():
        if value is not None and (len(value) > FIELD_LENGTH[name] or not value.isprintable()):
            raise Invalid(f"`{name}` is one line of at most {FIELD_LENGTH[name]} characters.", field=name)
