"""Contract §5 in Telegram, and links: whose messages come into a chat, and who somebody is.

Two rights, told apart. The old clients' token only lets messages come: it lives long, and whoever finds it gets
nothing else by it. A link of ours works once and for minutes, and says that this Telegram account is a person's:
an operator works here under their own account then.
"""

from datetime import datetime

from django.conf import settings
from django.db import transaction

from besedka.accounts import link_tokens, links, mirroring
from besedka.accounts.links import Linked, Stranger
from besedka.accounts.mirroring import Mirrored
from besedka.conversations import mirror
from besedka.desk import duty, outside
from besedka.problems import Problem
from besedka.telegram import texts
from besedka.telegram.acts import Act
from besedka.telegram.saying import tell, tell_chat, tell_token


class LeadsConversation(Problem):
    """You answer somebody in Telegram just now; end that conversation first."""

    code = "leads_conversation"
    status = 409


def greeting(act: Act) -> str:
    """Who comes is greeted: asked for a token, or told that there is one."""
    known = mirroring.of_telegram(act.telegram_id)
    return texts.text("has_token" if known is not None else "ask_token", act.language)


def payload(act: Act) -> str:
    """What a link of ours has put behind /start."""
    _, _, behind = act.text.partition(" ")
    return behind.strip()


def take_token(act: Act, now: datetime) -> None:
    """The messages of the token's owner come here from now on; or why they do not."""
    token = act.text.strip()
    if act.kind == "unsupported" or act.file is not None or not mirroring.is_token(token):
        tell(act, texts.INVALID_TOKEN, now)
        return
    done = mirroring.attach(token, _stranger(act), now=now)
    match done.outcome:
        case "attached":
            mirror.follow(done.user_id)
            tell_token(act, "attached", done.user_id, now)
        case "already":
            _tell_already(act, done.user_id, now)
        case "in_use":
            tell(act, texts.TOKEN_IN_USE, now)
        case "unknown":
            tell(act, texts.NO_SUCH_TOKEN, now)


def use_link(act: Act, now: datetime) -> None:
    """This Telegram account is the person's who was given the link, with their messages; or why it is not.

    What was linked before, on either side, is not any more. Nobody changes hands while leading a conversation, and
    no operator stops being one by opening a link that somebody has sent.
    """
    token = payload(act)
    user_id = link_tokens.owner(token, now=now) if len(token) <= link_tokens.LONGEST else None
    if user_id is None:
        tell(act, texts.text("link_invalid", act.language), now)
        return
    here, there = links.of_telegram(act.telegram_id), links.of_users([user_id]).get(user_id)
    is_theirs = here is not None and here.user_id == user_id
    if not is_theirs and any(one is not None and leads(one.user_id) for one in (here, there)):
        tell(act, texts.text("link_busy", act.language), now)
        return
    if here is not None and not is_theirs and duty.is_at_desk(here.user_id) and not duty.is_at_desk(user_id):
        tell(act, texts.text("link_operator", act.language, name=links.name_of(user_id)), now)
        return
    if not link_tokens.redeem(token, now=now):
        tell(act, texts.text("link_invalid", act.language), now)
        return
    if here is not None and not is_theirs:
        _retire(here, now)
    links.link(user_id, _stranger(act), now=now)
    left = {one.chat_id for one in (there, _move_mirror(act, user_id, now)) if one is not None} - {act.chat_id}
    for chat_id in sorted(left):
        tell_chat(chat_id, texts.text("moved", act.language), now)
    key = "linked_already" if is_theirs else "linked"
    tell(act, texts.text(key, act.language, name=links.name_of(user_id)), now)


def stop(act: Act, now: datetime) -> None:
    """`/stop`: nobody's messages come here any more, and this Telegram account is nobody's but its own."""
    mirrored, here = mirroring.of_telegram(act.telegram_id), links.of_telegram(act.telegram_id)
    is_linked = here is not None and not links.is_made_here(here)
    if here is not None and is_linked and leads(here.user_id):
        tell(act, texts.text("busy", act.language), now)
        return
    if mirrored is not None:
        _end_mirror(mirrored.user_id)
    if here is not None and is_linked:
        _end_link(here.user_id, now)
    key = "unlinked" if mirrored is not None or is_linked else "not_linked"
    tell(act, texts.text(key, act.language), now)


@transaction.atomic
def unlink(user_id: int, *, now: datetime) -> None:
    """This person has no Telegram any more, and what were their chats are told. Raises `LeadsConversation`."""
    if leads(user_id):
        raise LeadsConversation
    mirrored, linked = mirroring.of_user(user_id), links.of_users([user_id]).get(user_id)
    if mirrored is not None:
        _end_mirror(user_id)
    if linked is not None:
        _end_link(user_id, now)
    for chat_id in sorted({one.chat_id for one in (mirrored, linked) if one is not None}):
        tell_chat(chat_id, texts.text("unlinked", settings.LANGUAGE_CODE), now)


def leads(user_id: int) -> bool:
    """Whether this person answers somebody in Telegram just now."""
    return outside.led_by(user_id) is not None


def _tell_already(act: Act, user_id: int, now: datetime) -> None:
    """By the token, to the contract's letter; by a link there may be no token that could be told."""
    [token] = mirroring.token_many([user_id])
    if token is not None:
        tell_token(act, "already", user_id, now)
    else:
        tell(act, texts.text("linked_already", act.language, name=links.name_of(user_id)), now)


def _retire(here: Linked, now: datetime) -> None:
    """Whoever this Telegram account was is off duty; an account that it had made is no operator any more."""
    duty.end_many([here.user_id], now=now)
    if links.is_made_here(here):
        duty.forget_many([here.user_id])


def _move_mirror(act: Act, user_id: int, now: datetime) -> Mirrored | None:
    """The person's messages come here; where they came until now."""
    displaced = mirroring.of_telegram(act.telegram_id)
    before = mirroring.move(user_id, _stranger(act), now=now)
    for changed in {user_id, displaced.user_id if displaced is not None else user_id}:
        mirror.follow(changed)
    return before


def _end_mirror(user_id: int) -> None:
    mirroring.detach(user_id)
    mirror.follow(user_id)


def _end_link(user_id: int, now: datetime) -> None:
    duty.end_many([user_id], now=now)
    links.unlink(user_id)


def _stranger(act: Act) -> Stranger:
    return Stranger(act.telegram_id, act.chat_id, act.name)
