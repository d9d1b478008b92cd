"""A contact of whom something lies in every table that can hold something, and where a word of theirs is left."""

import json
from typing import Any

import make
from django.apps import apps
from django.db import connection
from django.utils import timezone

from besedka.bots.models import Execution
from besedka.conversations import attachments, cursors, deliveries, details, episodes, log, rows, search_index
from besedka.conversations.attachments import Kept
from besedka.conversations.cursors import Move
from besedka.conversations.deliveries import Outgoing, Watch
from besedka.conversations.details import Description
from besedka.conversations.log import Append
from besedka.conversations.models import Conversation, Inbox, Turn
from besedka.conversations.uploads import Upload
from besedka.desk import notes
from besedka.desk.models import Invitation
from besedka.desk.notes import Remark
from besedka.media import store
from besedka.telegram.models import Carried
from besedka.turns.models import Call

SECRET = "Перепёлкин"  # stands in everything that this contact leaves behind
STEM = "перепелкин"  # as the search has it


def contact(inbox: Inbox | None = None, token: str | None = None, *, messages: int = 3) -> Conversation:
    """The conversation of somebody who has left something everywhere."""
    place = make.address(inbox or make.inbox_with_bot(), token)
    now = timezone.now()
    [kept, unsent] = make.keep(
        [Upload(name=f"{SECRET}.pdf", media_type="", data=f"%PDF {SECRET}".encode(), address=place)] * 2
    )
    assert isinstance(kept, Kept)
    assert isinstance(unsent, Kept)
    make.say(place, f"Я {SECRET}", file=kept.key, client_id=f"{SECRET}-1".encode().hex())
    for number in range(messages - 1):
        make.say(place, f"Меня зовут {SECRET}, ещё раз {number}")
    [row] = log.append_many([Append("contact", f"до свидания, {SECRET}", address=place)])
    conversation = Conversation.objects.get(pk=row.conversation_id)
    number = conversation.pk
    somebody = make.operator(f"operator-{number}")
    details.describe_many([Description(number, somebody.pk, SECRET, f"{STEM}@example.org", "+7 900 000-00-00")])
    notes.note_many([Remark(number, somebody.pk, f"это {SECRET}", "note-1")])
    deliveries.watch_many([Watch(number, "telegram", "777", somebody.pk)])
    said = {"kind": "briefing", "said": [{"heading": "клиент", "text": SECRET}]}
    [sent, _] = deliveries.post_many(
        [
            Outgoing("telegram", "777", said, conversation_id=number),
            Outgoing("telegram", "777", said, None, number),
        ]
    )
    deliveries.delivered_many([deliveries.Delivered(sent, "555")])
    cursors.move_many([Move(number, "contact", 2)])
    times = {"started_at": now, "finished_at": now}
    trace = {"question": SECRET, "said": [SECRET], "usage": {"prompt": [{"role": "user", "content": SECRET}]}}
    Turn.objects.create(
        conversation_id=number, owner_version=0, from_seq=1, upto_seq=1, outcome="answered", trace=trace, **times
    )
    episodes.end_many([(rows.lock_many([number])[number], somebody.pk)], now)
    Invitation.objects.create(conversation_id=number, operator=somebody, owner_version=0, created_at=now)
    Carried.objects.create(chat_id=777, message_id=number, conversation_id=number, seq=1, created_at=now)
    Execution.objects.create(
        bot=make.bot(),
        conversation_id=number,
        user_session=SECRET,
        state={"variables": {"name": SECRET}},
        is_current=True,
        created_at=now,
        updated_at=now,
    )
    Call.objects.create(
        key=f"call-{number}", conversation_id=number, method="GET", host="x", body={"name": SECRET}, sent_at=now
    )
    search_index.index_more_many([1_000])
    conversation.refresh_from_db()
    return conversation


def places(*words: str) -> dict[str, int]:
    """In how many rows of which tables any of these words stands, however it is stored there."""
    spelled = {spelling for word in words for spelling in (word.lower(), json.dumps(word)[1:-1].lower())}
    found = {}
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f"SELECT * FROM {connection.ops.quote_name(table)}")
            hits = sum(any(word in _plain(row) for word in spelled) for row in cursor.fetchall())
            if hits:
                found[table] = hits
    return found


def files() -> list[str]:
    """The keys of all files that are stored."""
    return sorted(name.rpartition("/")[2] for name, _ in store.stored(attachments.FOLDER))


def numbers(conversation_id: int) -> dict[str, int]:
    """How many rows of each table belong to this conversation, but for itself and the acts."""
    found = {}
    for model in apps.get_models():
        names = {field.attname for field in model._meta.concrete_fields}
        if "conversation_id" in names and model._meta.label != "conversations.Act":
            count = model._base_manager.filter(conversation_id=conversation_id).count()
            if count:
                found[model._meta.label] = count
    return found


def _plain(row: tuple[Any, ...]) -> str:
    parts = (value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value) for value in row)
    return " ".join(parts).lower()
