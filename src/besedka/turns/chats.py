"""A program talks to a bot: what it says goes into a log like every other, and it is told what came of it."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec
from django.db import transaction
from django.utils import timezone

from besedka.bots import executions, programs
from besedka.bots.executions import Session
from besedka.bots.programs import Reachable
from besedka.conversations import contacts, log, notices, reactions
from besedka.conversations.log import Append
from besedka.conversations.reactions import Asked, Reaction
from besedka.conversations.wire import Entry
from besedka.problems import NotFound, Problem


class Post(msgspec.Struct, frozen=True):
    """What somebody says to a bot through a program, which knows them as `user_session`."""

    bot_id: int
    user_session: str
    text: str
    client_id: str | None = None


class Outcome(msgspec.Struct, frozen=True):
    """What came of it. Not `done` as long as the bot owes a reaction."""

    done: bool
    response: str = ""
    execution_id: int = 0
    tokens_used: int | None = None


@transaction.atomic(savepoint=False)
def post_many(posts: Sequence[Post], *, now: datetime | None = None) -> list[Asked | Problem]:
    """Each message is in the log of its session with the bot, which has an execution. Sent twice, stored once."""
    now = now or timezone.now()
    reached = programs.open_many([post.bot_id for post in posts])
    appends = {at: _append(post, bot) for at, post in enumerate(posts) if (bot := _open(reached, post))}
    entries = dict(zip(appends, log.append_many(list(appends.values()), now=now), strict=True))
    sessions = [
        Session(entry.conversation_id, posts[at].bot_id, posts[at].user_session)
        for at, entry in entries.items()
        if isinstance(entry, Entry)
    ]
    executions.open_many(sessions, now=now)
    results: list[Asked | Problem] = []
    for at, post in enumerate(posts):
        refused = reached[post.bot_id]
        result = entries.get(at) or (refused if isinstance(refused, Problem) else NotFound())
        results.append(Asked(result.conversation_id, result.seq) if isinstance(result, Entry) else result)
    return results


def outcome_many(asked: Sequence[Asked]) -> list[Outcome]:
    """What came of each of these messages so far."""
    told = reactions.of_many(asked)
    done = [one.conversation_id for one, reaction in zip(asked, told, strict=True) if reaction.done]
    newest = executions.newest_ids(done)
    return [
        Outcome(True, _response(reaction), newest.get(one.conversation_id, 0), _tokens(reaction.trace))
        if reaction.done
        else Outcome(False)
        for one, reaction in zip(asked, told, strict=True)
    ]


def _open(reached: dict[int, Reachable | Problem | None], post: Post) -> Reachable | None:
    bot = reached[post.bot_id]
    return bot if isinstance(bot, Reachable) else None


def _append(post: Post, bot: Reachable) -> Append:
    address = contacts.session_address(bot.inbox_id, post.user_session)
    return Append("contact", post.text, address=address, client_id=post.client_id)


def _response(reaction: Reaction) -> str:
    """All that the bot said in that turn; where it called a person, also that it did."""
    said = list(reaction.trace.get("said", ()))
    if reaction.outcome != "answered":
        said.append(notices.text("handed_off", programs.LANGUAGE))
    return "\n\n".join(said)


def _tokens(trace: dict[str, Any]) -> int | None:
    usage = trace.get("usage")
    return int(usage["tokens_in"]) + int(usage["tokens_out"]) if usage else None
