"""Telegram's Bot API by aiogram: what we ask of it, and its failures in our words.

Importing this takes a second and more than a hundred megabytes: only the process that talks to Telegram does.
"""

from collections.abc import Sequence
from typing import Any, cast

import aiohttp
from aiogram import Bot
from aiogram.client.session.aiohttp import AiohttpSession
from aiogram.client.telegram import PRODUCTION, TelegramAPIServer
from aiogram.exceptions import (
    ClientDecodeError,
    TelegramAPIError,
    TelegramBadRequest,
    TelegramConflictError,
    TelegramEntityTooLarge,
    TelegramForbiddenError,
    TelegramMigrateToChat,
    TelegramNetworkError,
    TelegramNotFound,
    TelegramRetryAfter,
    TelegramServerError,
    TelegramUnauthorizedError,
)
from aiogram.methods import (
    AnswerCallbackQuery,
    DeleteMessage,
    DeleteWebhook,
    EditMessageCaption,
    EditMessageText,
    GetFile,
    GetMe,
    GetWebhookInfo,
    Response,
    SendDocument,
    SendMessage,
    SendPhoto,
    SendVoice,
    SetWebhook,
    TelegramMethod,
)
from aiogram.methods.base import TelegramType
from aiogram.types import (
    BufferedInputFile,
    InlineKeyboardButton,
    InlineKeyboardMarkup,
    LinkPreviewOptions,
    MessageEntity,
)

from besedka.telegram.failures import Blocked, Conflict, Failure, Later, Never, Refused, Unclear

CONNECT_S = 5
TOTAL_S = 20  # for one call, with its answer
UPLOAD_S = 60
BUSY_S = 5.0  # to wait after a 429 that does not say how long
LARGEST = 20 * 1024 * 1024  # bytes of a file: Telegram gives bots no larger ones
HEARD = ["message", "edited_message", "callback_query"]
_NOT_SENT = (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError, aiohttp.InvalidURL)
_WITHOUT_PREVIEW = LinkPreviewOptions(is_disabled=True)


class _RawUpdates(TelegramMethod[list[Any]]):
    """getUpdates without a model: one update that aiogram cannot read must not hide the others."""

    __returning__ = list[Any]
    __api_method__ = "getUpdates"

    offset: int | None = None
    limit: int = 100
    timeout: int = 0
    allowed_updates: list[str] = HEARD


class _Session(AiohttpSession):
    """aiogram's own session; what proxies and load balancers answer has no JSON, but a status."""

    def check_response(
        self, bot: Bot, method: TelegramMethod[TelegramType], status_code: int, content: str
    ) -> Response[TelegramType]:
        try:
            return super().check_response(bot, method, status_code, content)
        except ClientDecodeError:
            if status_code >= 500:
                raise TelegramServerError(method, f"HTTP {status_code}") from None
            if status_code == 429:
                raise TelegramRetryAfter(method, "HTTP 429", int(BUSY_S)) from None
            if status_code >= 400:
                raise TelegramBadRequest(method, f"HTTP {status_code}") from None
            raise

    async def download(self, url: str) -> bytes:
        """The bytes there. Raises `Never` where they are too many."""
        session = await self.create_session()
        timeout = aiohttp.ClientTimeout(total=UPLOAD_S, sock_connect=CONNECT_S)
        async with session.get(url, timeout=timeout, allow_redirects=False) as response:
            if response.status != 200:
                raise Later(f"HTTP {response.status}")
            data = bytearray()
            async for piece in response.content.iter_chunked(64 * 1024):
                data += piece
                if len(data) > LARGEST:
                    raise Never("the file is too large")
            return bytes(data)


class Client:
    """One bot at one server. Each method does it, or raises a `Failure`."""

    def __init__(self, token: str, base: str = "") -> None:
        """`base` is another server of the same protocol."""
        self._session = _Session(api=TelegramAPIServer.from_base(base) if base else PRODUCTION)
        # aiogram hands it to aiohttp as it is, and says float only.
        self._session.timeout = cast(float, aiohttp.ClientTimeout(total=TOTAL_S, sock_connect=CONNECT_S))
        self._bot = Bot(token, session=self._session)
        self._token = token

    async def updates(self, offset: int | None, *, wait_s: int) -> list[Any]:
        """What came from `offset` on; waits for something. What is below `offset` is confirmed."""
        asking = _RawUpdates(offset=offset, timeout=wait_s)
        came: list[Any] = await self._call(asking, timeout_s=wait_s + TOTAL_S)
        return came

    async def send_text(
        self,
        chat: str,
        text: str,
        *,
        entities: Sequence[tuple[str, int, int]] = (),
        buttons: Sequence[tuple[str, str]] = (),
    ) -> str:
        """Send a text as it is; its id. Entities are (kind, offset, length) in UTF-16 units."""
        sent = await self._call(
            SendMessage(
                chat_id=chat,
                text=text,
                entities=_entities(entities),
                link_preview_options=_WITHOUT_PREVIEW,
                reply_markup=_keyboard(buttons),
            )
        )
        return str(sent.message_id)

    async def send_file(self, chat: str, kind: str, name: str, data: bytes, *, caption: str = "") -> str:
        """Send a `photo`, a `voice` or any other file; the message's id."""
        file = BufferedInputFile(data, filename=name)
        below = caption or None
        method: Any
        if kind == "photo":
            method = SendPhoto(chat_id=chat, photo=file, caption=below)
        elif kind == "voice":
            method = SendVoice(chat_id=chat, voice=file, caption=below)
        else:
            method = SendDocument(chat_id=chat, document=file, caption=below, disable_content_type_detection=True)
        sent = await self._call(method, timeout_s=UPLOAD_S)
        return str(sent.message_id)

    async def edit_text(self, chat: str, message_id: str, text: str, *, caption: bool = False) -> None:
        """The message says this from now on, and has no buttons."""
        if caption:
            await self._call(EditMessageCaption(chat_id=chat, message_id=int(message_id), caption=text))
            return
        await self._call(
            EditMessageText(
                chat_id=chat, message_id=int(message_id), text=text, link_preview_options=_WITHOUT_PREVIEW
            )
        )

    async def delete(self, chat: str, message_id: str) -> None:
        """The message is gone."""
        await self._call(DeleteMessage(chat_id=chat, message_id=int(message_id)))

    async def answer_press(self, query_id: str, text: str = "") -> None:
        """The button stops turning; with a text, that is shown until it is read."""
        await self._call(
            AnswerCallbackQuery(callback_query_id=query_id, text=text[:200] or None, show_alert=bool(text))
        )

    async def set_webhook(self, url: str, secret: str) -> None:
        """Telegram brings updates there, and shows the secret."""
        await self._call(SetWebhook(url=url, secret_token=secret, allowed_updates=HEARD))

    async def name(self) -> str:
        """What the bot is called."""
        found = await self._call(GetMe())
        return str(found.username or found.id)

    async def webhook(self) -> tuple[str, int, str]:
        """Where Telegram brings updates ("": nowhere), how many wait, and what went wrong there last."""
        found = await self._call(GetWebhookInfo())
        return found.url, found.pending_update_count, found.last_error_message or ""

    async def delete_webhook(self) -> None:
        """Telegram keeps updates until we ask for them; none is dropped."""
        await self._call(DeleteWebhook(drop_pending_updates=False))

    async def download(self, file_id: str) -> bytes:
        """The bytes of a file that somebody sent."""
        found = await self._call(GetFile(file_id=file_id))
        if not found.file_path:
            raise Never("the file is too large")
        try:
            return await self._session.download(self._session.api.file_url(self._token, found.file_path))
        except (aiohttp.ClientError, TimeoutError) as error:
            raise Later(self._told(error)) from None

    async def close(self) -> None:
        """Let go of the connections."""
        await self._session.close()

    async def _call(self, method: TelegramMethod[Any], *, timeout_s: float | None = None) -> Any:
        timeout: Any = aiohttp.ClientTimeout(total=timeout_s, sock_connect=CONNECT_S) if timeout_s else None
        try:
            return await self._bot(method, request_timeout=timeout)
        except (TelegramAPIError, ClientDecodeError) as error:
            raise self._failure(error) from None

    def _failure(self, error: Exception) -> Failure:
        told = self._told(error)
        match error:
            case TelegramRetryAfter():
                return Later(told, float(error.retry_after))
            case TelegramForbiddenError():
                return Blocked(told)
            case TelegramConflictError():
                return Conflict(told)
            case TelegramUnauthorizedError() | TelegramNotFound():
                return Refused(told)
            case TelegramEntityTooLarge():  # aiogram counts it among the failures of the network
                return Never(told)
            case TelegramNetworkError():
                return Later(told) if isinstance(error.__cause__, _NOT_SENT) else Unclear(told)
            case TelegramServerError():
                return Later(told)
            case TelegramBadRequest() | TelegramMigrateToChat():
                return Never(told)
        return Unclear(told)

    def _told(self, error: Exception) -> str:
        """What the error says, without the token, in one line."""
        said = f"{type(error).__name__}: {error}".replace(self._token, "…")
        return " ".join(said.split())[:300]


def _entities(entities: Sequence[tuple[str, int, int]]) -> list[MessageEntity] | None:
    made = [MessageEntity(type=kind, offset=offset, length=length) for kind, offset, length in entities]
    return made or None


def _keyboard(buttons: Sequence[tuple[str, str]]) -> InlineKeyboardMarkup | None:
    rows = [[InlineKeyboardButton(text=label, callback_data=data)] for label, data in buttons]
    return InlineKeyboardMarkup(inline_keyboard=rows) if rows else None
