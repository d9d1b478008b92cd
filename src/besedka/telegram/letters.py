"""What each kind of delivery is in Telegram: a text, a button, a file, a change of what stands there."""

from typing import TYPE_CHECKING, Any

from django.conf import settings

from besedka.accounts import mirroring
from besedka.conversations import deliveries, mirror
from besedka.conversations.batcher import Batcher
from besedka.conversations.deliveries import Brought, Due
from besedka.conversations.mirror import Copy
from besedka.telegram import exchange, files, splitting, texts
from besedka.telegram.exchange import Entity, Letter
from besedka.telegram.failures import Blocked, Never
from besedka.telegram.files import Found
from besedka.telegram.pace import Pace

if TYPE_CHECKING:
    from besedka.telegram.client import Client

IDS = 4  # of one delivery's messages that are kept
UNFINISHED = 1_000  # deliveries whose first pieces are remembered


class Letters:
    """Brings deliveries to Telegram. What the bot itself says is italic, so that nobody else can say it."""

    def __init__(self, client: "Client", reader: Batcher, pace: Pace) -> None:
        """The reader, for what Telegram calls what it has."""
        self._client, self._reader, self._pace = client, reader, pace
        self._pieces: dict[int, list[str]] = {}  # of deliveries that broke off: what is there already

    async def send(self, due: Due) -> str:
        """It is there when this returns: the ids of its messages. Raises `Failure`, `Unavailable`."""
        body = due.body
        match body.get("kind"):
            case "invitation":
                text = texts.INVITATION.format(shown=body.get("shown", ""))
                button = (texts.BEGIN, f"inv:{body['invitation']}")
                return await self._texts(due, text, [_italic(text)], buttons=[button])
            case "withdraw":
                return await self._withdraw(due)
            case "say":
                given: list[Entity] = [(kind, at, length) for kind, at, length in body.get("entities", ())]
                return await self._texts(
                    due,
                    body["text"],
                    given or [_italic(body["text"])],
                    buttons=[(label, data) for label, data in body.get("buttons", ())],
                )
            case "briefing":
                return await self._briefing(due)
            case "event":
                text = _event(body)
                return await self._texts(due, text, [_italic(text)])
            case "edit":
                [known] = await self._known_deliveries(body.get("of"))
                return await self._edit(due, known, body["text"])
            case "token":
                return await self._texts(due, await self._about_token(body), [])
            case "message" if due.channel == mirror.CHANNEL:
                return await self._mirrored(due)
            case "message":
                return await self._message(due, "colleague")
        raise Never(f"nobody knows how to send {body.get('kind')!r}")

    async def _mirrored(self, due: Due) -> str:
        """What somebody has posted comes into their own chat; so does what an operator says to it."""
        to = await self._reader.submit(mirror.addressee_many, Copy(due.conversation_id or 0, int(due.recipient)))
        if to is None:
            raise Never("this chat is not the author's any more")
        if due.body.get("author") != "contact":
            return await self._message(due, "support")
        name = to.first_name.strip() or to.username
        return await self._texts(due, texts.MIRRORED.format(first_name=name, message=due.body["text"]), [])

    async def _about_token(self, body: dict[str, Any]) -> str:
        token = await self._reader.submit(mirroring.token_many, int(body["user_id"]))
        if token is None:
            raise Never("there is no such token any more")
        return (texts.ATTACHED if body["key"] == "attached" else texts.ALREADY_ATTACHED).format(token=token)

    async def _message(self, due: Due, colleague: str) -> str:
        """Something that somebody said in a conversation; `colleague` heads what an operator said."""
        payload: dict[str, Any] = due.body.get("payload") or {}
        text = str(due.body.get("text", ""))
        if "author" not in due.body:
            raise Never("the message is gone")
        if isinstance(payload.get("edits"), int) and due.conversation_id is not None:
            brought = Brought(due.channel, due.recipient, due.conversation_id, payload["edits"])
            return await self._edit(due, await self._reader.submit(deliveries.external_of_messages, brought), text)
        label = colleague if due.body["author"] == "operator" else ""
        if isinstance(payload.get("file"), dict):
            return await self._file(due, payload["file"], text)
        return await self._labelled(due, label, text)

    async def _labelled(self, due: Due, label: str, text: str) -> str:
        """The text as it is, or below a label of ours."""
        if not splitting.is_visible(text):
            text = texts.text("empty", settings.LANGUAGE_CODE)
        if not label:
            return await self._texts(due, text, [])
        heading = texts.text(label, settings.LANGUAGE_CODE)
        return await self._texts(due, f"{heading}\n{text}", [("bold", 0, splitting.units(heading))])

    async def _file(self, due: Due, file: dict[str, Any], text: str) -> str:
        found = await files.read(file)
        if found is None:
            address = f"{files.name_of(file)}: {file.get('url', '')}".rstrip(": ")
            return await self._labelled(due, "", f"{text}\n{address}".strip())
        caption = text if splitting.units(text) <= splitting.LONGEST_CAPTION else ""
        sent = self._pieces.get(due.id, [])
        if not sent:
            await self._pace.turn(due.recipient)
            sent.append(await self._upload(due.recipient, found, caption))
            self._remember(due, sent)
        if caption or not text:
            self._pieces.pop(due.id, None)
            return sent[0]
        return await self._texts(due, text, [], after=1)

    async def _upload(self, chat: str, found: Found, caption: str) -> str:
        """A photo or a voice that Telegram does not take as such is a document still."""
        try:
            return await self._client.send_file(chat, found.kind, found.name, found.data, caption=caption)
        except Blocked:
            raise
        except Never:
            if found.kind == "document":
                raise
            await self._pace.turn(chat)
            return await self._client.send_file(chat, "document", found.name, found.data, caption=caption)

    async def _edit(self, due: Due, known: str | None, text: str) -> str:
        """What stands there says this from now on; where that cannot be, the new text comes as a message."""
        ids = (known or "").split(",")
        if known and len(ids) == 1 and splitting.is_visible(text) and splitting.units(text) <= splitting.LONGEST:
            try:
                await self._pace.turn(None)
                await self._client.edit_text(due.recipient, ids[0], text)
                return known
            except Blocked:
                raise
            except Never as failure:
                if "not modified" in str(failure):
                    return known
        return await self._labelled(due, "edited", text)

    async def _withdraw(self, due: Due) -> str:
        """An invitation is gone; where Telegram does not let it go, it says who was faster."""
        [known] = await self._known_deliveries(due.body.get("of"))
        for message_id in (known or "").split(","):
            if not message_id:
                continue
            try:
                await self._pace.turn(None)
                await self._client.delete(due.recipient, message_id)
            except Blocked:
                raise
            except Never:
                text = due.body.get("text") or texts.TAKEN.format(owner=due.body.get("owner", ""))
                try:
                    await self._pace.turn(None)
                    await self._client.edit_text(due.recipient, message_id, text)
                except Never:
                    continue  # it is not there any more: the person has deleted it
        return ""

    async def _known_deliveries(self, delivery_id: Any) -> list[str | None]:
        if not isinstance(delivery_id, int):
            return [None]
        return [await self._reader.submit(deliveries.external_of_many, delivery_id)]

    async def _texts(
        self,
        due: Due,
        text: str,
        entities: list[Entity],
        *,
        buttons: list[tuple[str, str]] | None = None,
        after: int = 0,
    ) -> str:
        """The text in as many messages as it takes; the buttons stand below the last one.

        What is there of one that broke off is not sent again: its messages behind the `after` first ones.
        """
        pieces = splitting.split(text)
        letters = [Letter(piece, entities if len(pieces) == 1 else []) for piece in pieces]
        return await self._each(due, letters, buttons=buttons, after=after)

    async def _each(
        self, due: Due, letters: list[Letter], *, buttons: list[tuple[str, str]] | None = None, after: int = 0
    ) -> str:
        sent = self._pieces.get(due.id, [])
        for number in range(len(sent) - after, len(letters)):
            await self._pace.turn(due.recipient)
            letter = letters[number]
            below = (buttons or ()) if number == len(letters) - 1 else ()
            sent.append(
                await self._client.send_text(due.recipient, letter.text, entities=letter.entities, buttons=below)
            )
            self._remember(due, sent)
        self._pieces.pop(due.id, None)
        return ",".join(sent[:IDS])

    async def _briefing(self, due: Due) -> str:
        """What was said so far."""
        return await self._each(due, exchange.letters(due.body.get("said", [])))

    def _remember(self, due: Due, sent: list[str]) -> None:
        if len(self._pieces) > UNFINISHED:
            self._pieces.pop(next(iter(self._pieces)))
        self._pieces[due.id] = sent


def _italic(text: str) -> Entity:
    return "italic", 0, splitting.units(text)


def _event(body: dict[str, Any]) -> str:
    key = f"event_{body.get('event', '')}"
    by = str(body.get("by") or "")
    known = texts.knows(key) and (by or key != "event_claimed")
    return texts.text(key if known else "event", settings.LANGUAGE_CODE, by=by)
