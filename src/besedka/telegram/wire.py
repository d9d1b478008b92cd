"""What of Telegram's updates we understand. Other fields are ignored: the Bot API grows all the time."""

import json
import re
from typing import Annotated, Any

import msgspec

Id = Annotated[int, msgspec.Meta(ge=-(2**53), le=2**53)]  # Telegram promises 52 bits

COMMAND = re.compile(r"/([A-Za-z0-9_]{1,32})(?:@\w+)?(?:\s|$)")
UNSUPPORTED = ("sticker", "video_note", "location", "contact", "poll", "dice", "story", "game")
_SURROGATES = re.compile("[\ud800-\udfff]")


class Person(msgspec.Struct, frozen=True):
    """Somebody with a Telegram account."""

    id: Id
    first_name: str = ""
    last_name: str = ""
    is_bot: bool = False
    language_code: str | None = None

    @property
    def name(self) -> str:
        """What people call them."""
        return clean(f"{self.first_name} {self.last_name}").strip()[:150]


class Chat(msgspec.Struct, frozen=True):
    """Where a message stands."""

    id: Id
    type: str = "private"


class Media(msgspec.Struct, frozen=True):
    """A file of a message: a document, a voice message, one size of a photo."""

    file_id: str
    file_name: str | None = None
    mime_type: str | None = None
    file_size: int | None = None
    width: int = 0
    height: int = 0


class Message(msgspec.Struct, frozen=True):
    """A message as it is now."""

    message_id: Id
    chat: Chat
    date: int = 0
    from_: Person | None = msgspec.field(name="from", default=None)
    text: str | None = None
    caption: str | None = None
    photo: list[Media] = []
    document: Media | None = None
    voice: Media | None = None
    audio: Media | None = None
    video: Media | None = None
    sticker: Any = None
    video_note: Any = None
    location: Any = None
    contact: Any = None
    poll: Any = None
    dice: Any = None
    story: Any = None
    game: Any = None

    @property
    def said(self) -> str:
        """Its text, or the one below its file."""
        return clean(self.text or self.caption or "")

    @property
    def command(self) -> str | None:
        """`start` of «/start», «/start@our_bot» and «/start now»."""
        found = COMMAND.match(self.text or "")
        return found[1].lower() if found else None

    @property
    def file(self) -> tuple[str, Media] | None:
        """The file that it carries, and of what kind it is; of a photo the largest size."""
        if self.photo:
            return "photo", max(self.photo, key=lambda size: size.width * size.height)
        for kind in ("voice", "audio", "video", "document"):
            media = getattr(self, kind)
            if media is not None:
                return kind, media
        return None

    @property
    def unsupported(self) -> str:
        """What it carries that we cannot carry, in Telegram's word; "" where that is none of those we know."""
        return next((kind for kind in UNSUPPORTED if getattr(self, kind) is not None), "")


class Press(msgspec.Struct, frozen=True):
    """Somebody pressed a button."""

    id: str
    from_: Person = msgspec.field(name="from")
    message: dict[str, Any] | None = None
    data: str = ""


class Update(msgspec.Struct, frozen=True):
    """One of these happened; or something that we do not ask for."""

    update_id: Id
    message: Message | None = None
    edited_message: Message | None = None
    callback_query: Press | None = None

    @property
    def chat_id(self) -> int:
        """In whose order it belongs. 0: in nobody's."""
        message = self.message or self.edited_message
        if message is not None:
            return message.chat.id
        return self.callback_query.from_.id if self.callback_query is not None else 0


class Unreadable(Exception):
    """This is no update of the Bot API."""


def read(body: str) -> Update:
    """The update in a body. Raises `Unreadable`."""
    try:
        return msgspec.convert(json.loads(body), Update)  # json reads halves of characters, msgspec's does not
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise Unreadable(f"{type(error).__name__}: {error}"[:300]) from None


def clean(text: str) -> str:
    """The text without what no database keeps: NUL, and halves of characters."""
    return _SURROGATES.sub("�", text).replace("\x00", "")
