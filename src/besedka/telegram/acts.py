"""What somebody in Telegram did, read from an update. Pure: updates in, values out."""

from typing import Literal

import msgspec

from besedka.conversations.attachments import Kept
from besedka.telegram import texts, wire

Kind = Literal["start", "finish", "stop", "help", "say", "edit", "press", "unsupported", "nothing"]

_COMMANDS: dict[str, Kind] = {"start": "start", "finish": "finish", "stop": "stop"}
_ENDINGS = {"photo": ("photo", "jpg", "image/jpeg"), "voice": ("voice", "ogg", "audio/ogg")}
_ENDINGS |= {"audio": ("audio", "mp3", "audio/mpeg"), "video": ("video", "mp4", "video/mp4")}


class File(msgspec.Struct, frozen=True):
    """A file that came with a message, and its bytes once we have them."""

    file_id: str
    name: str
    media_type: str
    size: int | None = None
    data: bytes = b""


class Act(msgspec.Struct, frozen=True):
    """What somebody wants by an update. `nothing` is what is none of our business."""

    kind: Kind
    update_id: int
    telegram_id: int = 0
    chat_id: int = 0
    name: str = ""
    language: str = "ru"
    message_id: int = 0
    text: str = ""
    file: File | None = None
    kept: Kept | None = None  # the file, once it is ours
    lost: str = ""  # why there is no file, as a key of our texts
    what: str = ""  # cannot be carried, as a key of our texts
    query_id: str = ""
    pressed: str = ""


def act(update: wire.Update) -> Act:
    """What this update wants of us."""
    if update.callback_query is not None:
        return _press(update.update_id, update.callback_query)
    message = update.message or update.edited_message
    who = message.from_ if message is not None else None
    if message is None or who is None or who.is_bot or message.chat.type != "private":
        return Act("nothing", update.update_id)
    found = Act(
        "say",
        update.update_id,
        who.id,
        message.chat.id,
        who.name,
        texts.language_of(who.language_code),
        message.message_id,
        message.said,
    )
    return _edited(found, message) if update.message is None else _written(found, message)


def _press(update_id: int, press: wire.Press) -> Act:
    return Act(
        "press",
        update_id,
        press.from_.id,
        press.from_.id,  # a private chat has the number of its person
        press.from_.name,
        texts.language_of(press.from_.language_code),
        query_id=press.id,
        pressed=press.data,
    )


def _written(found: Act, message: wire.Message) -> Act:
    if message.text is not None and message.text.startswith("/"):
        return msgspec.structs.replace(found, kind=_COMMANDS.get(message.command or "", "help"))
    carried = message.file
    if carried is not None:
        return msgspec.structs.replace(found, file=_file(*carried, message.message_id))
    if message.text is None:
        what = message.unsupported
        return msgspec.structs.replace(
            found, kind="unsupported", what="contact_card" if what == "contact" else what or "other"
        )
    return found


def _edited(found: Act, message: wire.Message) -> Act:
    """A live location is edited every few seconds, a command has had its effect: neither is anybody's text."""
    if not found.text or found.text.startswith("/"):
        return Act("nothing", found.update_id)
    return msgspec.structs.replace(found, kind="edit")


def _file(kind: str, media: wire.Media, message_id: int) -> File:
    name, ending, media_type = _ENDINGS.get(kind, ("file", "bin", "application/octet-stream"))
    return File(
        media.file_id,
        wire.clean(media.file_name or f"{name}-{message_id}.{ending}"),
        wire.clean(media.mime_type or media_type),
        media.file_size,
    )
