"""Contract §1, operators in Telegram: what they do there has its effect here, in one transaction with its mark.

Whoever is none may be somebody whose messages come here, too (contract §5): what they write is `linking`'s.
"""

from collections.abc import Sequence
from datetime import datetime

import msgspec

from besedka.accounts import links, mirroring
from besedka.accounts.links import Stranger
from besedka.conversations import attachments
from besedka.conversations.attachments import Taking
from besedka.conversations.changes import Taken
from besedka.conversations.log import Stale
from besedka.conversations.wire import Entry
from besedka.desk import duty, invitations, outside, replies
from besedka.desk.invitations import Accept, NotEnabled
from besedka.desk.replies import Finish, Reply
from besedka.problems import NotFound, Problem
from besedka.telegram import linking, texts
from besedka.telegram.acts import Act
from besedka.telegram.models import Carried
from besedka.telegram.saying import tell

INVITATION = "inv:"
_DIGITS = 18  # of an invitation's number, at most


class Done(msgspec.Struct, frozen=True):
    """What is left to be told at once: the answer to a button, lost if it cannot be given."""

    alert: str = ""


def perform(act: Act, *, now: datetime) -> Done:
    """It has its effect, in the caller's transaction; whoever did it is told what became of it."""
    match act.kind:
        case "start":
            linking.use_link(act, now) if linking.payload(act) else _start(act, now)
        case "stop":
            linking.stop(act, now)
        case "finish":
            _finish(act, now)
        case "say" | "unsupported":
            _say(act, now)
        case "edit":
            _edit(act, now)
        case "press":
            return Done(_press(act, now))
        case "help":
            tell(act, texts.text("help", act.language), now)
    return Done()


def led_many(chat_ids: Sequence[int]) -> list[int | None]:
    """The conversation that is led in each of these chats."""
    linked = [links.of_chat(chat_id) for chat_id in chat_ids]
    return [outside.led_by(one.user_id) if one is not None else None for one in linked]


def _start(act: Act, now: datetime) -> None:
    """Somebody new is an operator whom an administrator may enable; an enabled one is on duty."""
    [linked] = links.telegram_user_many([Stranger(act.telegram_id, act.chat_id, act.name)], now=now)
    [is_new] = duty.register_many([linked.user_id])
    [result] = duty.start_many([linked.user_id], now=now)
    if result == "not_enabled":
        waits = texts.text("registered" if is_new else "not_enabled", act.language)
        tell(act, f"{linking.greeting(act)}\n\n{waits}", now)
    else:
        tell(act, texts.ON_DUTY if result == "started" else texts.ALREADY_ON_DUTY, now)


def _finish(act: Act, now: datetime) -> None:
    """The conversation is over; without one, there is nothing to finish but duty."""
    user_id = _operator(act, now)
    if user_id is None:
        return
    [result] = replies.finish_many([Finish(user_id)], now=now)
    if isinstance(result, replies.NoClient):
        duty.end_many([user_id], now=now)
        tell(act, texts.text("off_duty", act.language), now)
    elif isinstance(result, Problem):
        tell(act, _refusal(result, act.language), now)
    else:
        tell(act, texts.text("finished", act.language), now)


def _say(act: Act, now: datetime) -> None:
    """What an operator sent is in the log; what cannot be carried is said to be so."""
    user_id = _operator_id(act)
    if user_id is None or (mirroring.is_token(act.text.strip()) and not linking.leads(user_id)):
        linking.take_token(act, now)
        return
    if act.kind == "unsupported":
        what = texts.text(act.what, act.language)
        tell(act, texts.text("unsupported", act.language, what=what), now)
        return
    if act.lost:
        tell(act, texts.text(act.lost, act.language), now)
        if not act.text:
            return
    if act.file is not None and act.kept is None and not act.lost:
        tell(act, texts.text("no_client", act.language), now)
        return
    payload = None
    if act.kept is not None:
        [taken] = attachments.take_many([Taking(act.kept.key, outside.led_by(user_id) or 0)], now=now)
        if isinstance(taken, Problem):  # the conversation has gone to somebody else while the file came
            tell(act, texts.text("no_client", act.language), now)
            return
        payload = attachments.payload(taken)
    client_id = f"telegram:{act.chat_id}:{act.message_id}"
    [result] = replies.reply_many([Reply(user_id, None, act.text, payload, client_id)], now=now)
    if isinstance(result, Entry):
        _remember(act, result, now)
    else:
        tell(act, _refusal(result, act.language), now)


def _edit(act: Act, now: datetime) -> None:
    """The message says something else from now on, where it once was passed on and its contact still is theirs."""
    user_id = _operator_id(act)
    if user_id is None:
        linking.take_token(act, now)
        return
    known = Carried.objects.filter(chat_id=act.chat_id, message_id=act.message_id).first()
    if known is None or known.conversation_id != outside.led_by(user_id):
        tell(act, texts.text("edit_unknown" if known is None else "edit_late", act.language), now)
        return
    client_id = f"telegram:{act.chat_id}:{act.message_id}:{act.update_id}"
    edits = {"edits": known.seq}
    reply = Reply(user_id, known.conversation_id, act.text, payload=edits, client_id=client_id)
    [result] = replies.reply_many([reply], now=now)
    if isinstance(result, Problem):
        tell(act, _refusal(result, act.language), now)


def _press(act: Act, now: datetime) -> str:
    """The first to press gets the conversation; what was said in it follows. What the others are told."""
    linked = links.of_chat(act.chat_id)
    number = act.pressed.removeprefix(INVITATION)
    is_invitation = act.pressed.startswith(INVITATION) and number.isdecimal() and len(number) <= _DIGITS
    if linked is None or not is_invitation:
        return texts.text("gone", act.language)
    [result] = invitations.accept_many([Accept(int(number), linked.user_id)], now=now)
    match result:
        case Taken():
            return texts.TAKEN.format(owner=_owner(result, act.language))
        case NotFound():
            return texts.text("gone", act.language)
        case NotEnabled():
            return texts.text("not_enabled", act.language)
        case Problem():
            return texts.text("busy", act.language)
    return ""


def _operator(act: Act, now: datetime) -> int | None:
    """Whoever this is, if they may answer; others are told what they may do."""
    user_id = _operator_id(act)
    if user_id is None:
        tell(act, texts.text("not_enabled" if links.of_chat(act.chat_id) else "unknown", act.language), now)
    return user_id


def _operator_id(act: Act) -> int | None:
    """Whoever this is, if they may answer."""
    linked = links.of_chat(act.chat_id)
    [post] = duty.of_user_many([linked.user_id]) if linked is not None else [None]
    return post.user_id if post is not None and post.is_enabled else None


def _remember(act: Act, entry: Entry, now: datetime) -> None:
    """So that an edit of the message is an edit of this entry."""
    Carried.objects.get_or_create(
        chat_id=act.chat_id,
        message_id=act.message_id,
        defaults={"conversation_id": entry.conversation_id, "seq": entry.seq, "created_at": now},
    )


def _refusal(problem: Problem, language: str) -> str:
    if isinstance(problem, replies.NoClient):
        return texts.text("no_client", language)
    if isinstance(problem, Taken | Stale):
        return texts.text("not_yours", language, owner=_owner(problem, language))
    return texts.text("refused", language, why=problem.detail)


def _owner(problem: Problem, language: str) -> str:
    owner = str(problem.details.get("owner", ""))
    return texts.text(owner, language).lower() if owner in ("bot", "queue") else owner
