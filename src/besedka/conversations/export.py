"""All that is known of a contact, as one archive: `contact.json` and the files; written while it is read.

Nothing of it can run when somebody opens it: JSON in which no `<` stands, and files under names of ours.
"""

import json
import re
import unicodedata
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import msgspec
from django.apps import apps
from django.db import transaction
from django.utils import timezone

from besedka.conversations import attachments, audit, changes, holdings, log, often
from besedka.conversations.audit import Deed
from besedka.conversations.holdings import Holding
from besedka.conversations.models import Attachment, Contact, Conversation
from besedka.conversations.wire import Entry, time
from besedka.problems import NotFound

FORMAT = "besedka-contact/1"
ROWS = 500  # of a table that are read at once
PIECE = 64 * 1024  # bytes of a file that are read at once
MANY = 200_000  # messages from which on the JSON may pass 2 GB, so that the archive has to say so at its beginning
NAME_LENGTH = 60  # characters of a file's name that are kept
_UNFIT = re.compile(r"[^\w.-]+")
# A browser or a spreadsheet that opens the file finds no markup in it; JSON reads the same.
_HARMLESS = {
    ord(c): f"\\u{ord(c):04x}" for c in "<>&\u2028\u2029\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
}


class Held(msgspec.Struct, frozen=True):
    """How much is known of a contact: by what it is called in an export."""

    contact_id: int
    conversation_ids: tuple[int, ...]
    counts: dict[str, int]


def look(contact_id: int) -> Held:
    """How much there is of this contact. Raises `NotFound`."""
    if not Contact.objects.filter(pk=contact_id).exists():
        raise NotFound()
    living = Conversation.objects.filter(contact_id=contact_id).exclude(status="erased").order_by("pk")
    ends = dict(living.values_list("pk", "last_seq"))
    counts = {"conversations": len(ends), "messages": sum(ends.values())}
    counts["files"] = Attachment.objects.filter(conversation_id__in=ends).count()
    for holding in _named():
        counts[holding.name] = _rows(holding, list(ends)).count()
    return Held(contact_id, tuple(ends), counts)


@transaction.atomic(savepoint=False)
def record(contact_id: int, *, actor_id: int | None, now: datetime | None = None) -> Held:
    """The export is on record, before anything of it goes out. Raises `NotFound`, `AskedTooOften`."""
    now = now or timezone.now()
    held = look(contact_id)
    if actor_id is not None:
        often.count_against(actor_id, "exported", now=now)
    details = {"contact": contact_id, "conversations": len(held.conversation_ids)}
    audit.record_many([Deed("exported", actor_id, None, details)], now)
    return held


def archive(held: Held, *, now: datetime | None = None) -> Iterator[bytes]:
    """The bytes of the ZIP, piece by piece, however much it is: a page of rows is in memory at a time.

    What is erased meanwhile is missing from then on. `docs/guide/data.md` says what stands where. Raises
    `Unavailable` where a file cannot be had now: half an archive must not look like a whole one.
    """
    pipe = _Pipe()
    with zipfile.ZipFile(pipe, "w", zipfile.ZIP_DEFLATED) as out:  # type: ignore[call-overload]  # any writer does
        files: list[tuple[str, str]] = []
        large = held.counts["messages"] > MANY
        with out.open("contact.json", "w", force_zip64=large) as document:
            for piece in _document(held, files, now or timezone.now()):
                document.write(piece.translate(_HARMLESS).encode("utf-8", "replace"))
                yield from pipe.taken()
        for key, name in files:
            try:
                source = attachments.opened(key)
            except NotFound:
                continue  # erased meanwhile, or lost with a disk: its line stands in the document
            stored = zipfile.ZipInfo(name, date_time=(1980, 1, 1, 0, 0, 0))
            with source, out.open(stored, "w") as target:
                while piece_of_file := source.read(PIECE):
                    target.write(piece_of_file)
                    yield from pipe.taken()
    yield from pipe.taken()


def safe_name(number: int, name: str) -> str:
    """Where a file lies in the archive: numbered, so that no name is a device, a path, or there twice."""
    plain = unicodedata.normalize("NFKC", name)
    return f"files/{number:04}-{_UNFIT.sub('_', plain)[-NAME_LENGTH:].lstrip('.-')}"


class _Pipe:
    """What was written and not yet taken along. It cannot go back, so the archive does not try to."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []

    def write(self, data: bytes) -> int:
        self._pieces.append(bytes(data))
        return len(data)

    def flush(self) -> None:
        """There is nothing to wait for."""

    def taken(self) -> list[bytes]:
        pieces, self._pieces = self._pieces, []
        return pieces


def _document(held: Held, files: list[tuple[str, str]], now: datetime) -> Iterator[str]:
    """The JSON in pieces; `files` fills with the keys of files and their names in the archive."""
    contact = Contact.objects.prefetch_related("identities").get(pk=held.contact_id)
    yield f'{{"format": {_json(FORMAT)},\n"exported_at": {_json(now)},\n"contact": '
    yield _json(
        {
            "id": contact.pk,
            **{name: getattr(contact, name) for name in ("name", "email", "phone", "created_at", "erased_at")},
            "known_by": [{"kind": one.kind, "begins": one.shown} for one in contact.identities.all()],
        }
    )
    yield ',\n"conversations": ['
    for at, conversation_id in enumerate(held.conversation_ids):
        conversation = Conversation.objects.select_related("inbox").filter(pk=conversation_id).first()
        if conversation is None:
            continue
        described = _files(conversation_id, files)
        paths = {key: path for key, path in files[len(files) - len(described) :]}
        yield f'{"," if at else ""}\n{_json(_about(conversation))[:-1]},\n"messages": ['
        yield from _listed(_messages(conversation, paths))
        for holding in _named():
            yield f"],\n{_json(holding.name)}: ["
            yield from _listed(_pages(holding, conversation_id))
        yield '],\n"files": ['
        yield from _listed([described])
        yield "]}"
    yield "\n]}\n"


def _about(conversation: Conversation) -> dict[str, Any]:
    names = ("status", "owner", "episode", "created_at", "last_message_at", "reason", "callback_at")
    return {
        "id": conversation.pk,
        "inbox": conversation.inbox.name,
        **{name: getattr(conversation, name) for name in names},
    }


def _messages(conversation: Conversation, paths: dict[str, str]) -> Iterator[list[dict[str, Any]]]:
    for after in range(0, conversation.last_seq, log.PAGE):
        [page] = log.read_many([log.Want(conversation.pk, after, conversation.last_seq)])
        people = changes.names(entry.operator_id for entry in page)
        yield [_message(entry, people, paths) for entry in page]


def _message(entry: Entry, people: dict[int, str], paths: dict[str, str]) -> dict[str, Any]:
    payload = entry.payload
    if payload is not None and isinstance(
        payload.get("file"), dict
    ):  # its key opens the file to anybody: not here
        file = {name: value for name, value in payload["file"].items() if name != "key"}
        payload = {**payload, "file": {**file, "path": paths.get(payload["file"].get("key", ""))}}
    said: dict[str, Any] = {"seq": entry.seq, "author": entry.author, "text": entry.text}
    said |= {"client_id": entry.client_id, "created_at": entry.created_at, "payload": payload}
    return said | ({"operator": people.get(entry.operator_id, "")} if entry.operator_id is not None else {})


def _files(conversation_id: int, files: list[tuple[str, str]]) -> list[dict[str, Any]]:
    found = []
    for file in Attachment.objects.filter(conversation_id=conversation_id).order_by("pk"):
        path = safe_name(len(files) + 1, file.name)
        files.append((file.key, path))
        about = {name: getattr(file, name) for name in ("name", "media_type", "size", "created_at")}
        found.append({**about, "path": path})
    return found


def _named() -> list[Holding]:
    return [holding for holding in holdings.all_of() if holding.name]


def _rows(holding: Holding, conversation_ids: Sequence[int]) -> Any:
    model = apps.get_model(holding.label)
    return model._base_manager.filter(**{f"{holding.conversation}__in": conversation_ids})


def _pages(holding: Holding, conversation_id: int) -> Iterator[list[dict[str, Any]]]:
    """The rows of a table in the order in which they came, a page at a time."""
    last = 0
    while True:
        page = list(
            _rows(holding, [conversation_id])
            .filter(pk__gt=last)
            .order_by("pk")
            .values("pk", *holding.fields)[:ROWS]
        )
        if not page:
            return
        last = page[-1]["pk"]
        yield [{name: _plain(name, row[name]) for name in holding.fields} for row in page]


def _plain(name: str, value: Any) -> Any:
    """Of a turn's trace: what concerns the contact, and not what the bot's authors told the model in secret."""
    if name != "trace" or not isinstance(value, dict):
        return value
    usage = value.get("usage")
    if not isinstance(usage, dict) or not isinstance(usage.get("prompt"), list):
        return value
    prompt = [one for one in usage["prompt"] if not isinstance(one, dict) or one.get("role") != "system"]
    return {**value, "usage": {**usage, "prompt": prompt}}


def _listed(pages: Iterable[list[dict[str, Any]]]) -> Iterator[str]:
    first = True
    for page in pages:
        for row in page:
            yield f"{'' if first else ','}\n{_json(row)}"
            first = False


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, default=_as_text)


def _as_text(value: Any) -> str:
    if isinstance(value, datetime):
        return time(value)
    if isinstance(value, date | Decimal):
        return str(value)
    raise TypeError(f"{type(value).__name__} has no place in an export")
