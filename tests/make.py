"""Plain builders: each makes one thing that is right, and names only what matters to the test."""

import itertools
import json
import re
from typing import Any

from django.utils import timezone

from besedka.accounts.models import User
from besedka.ads import changes
from besedka.ads.models import Ad
from besedka.bots import placements, scenarios
from besedka.bots.models import Bot, Scenario, Step
from besedka.conversations import attachments, closing, contacts, inboxes, log, ownership
from besedka.conversations.attachments import Kept
from besedka.conversations.changes import Change
from besedka.conversations.contacts import Address
from besedka.conversations.inboxes import Reception
from besedka.conversations.log import Append
from besedka.conversations.models import Conversation, Inbox
from besedka.conversations.rows import Row
from besedka.conversations.uploads import Upload
from besedka.conversations.wire import Entry
from besedka.problems import Problem

_numbers = itertools.count(1)


def token() -> str:
    """A chat token that no other test has."""
    return f"visitor-{next(_numbers):08}"


def inbox(**fields: Any) -> Inbox:
    """An inbox in which people answer."""
    return Inbox.objects.create(**{"name": "Shop", "language": "en", **fields})


def inbox_with_bot(**fields: Any) -> Inbox:
    """An inbox in which a bot answers first."""
    made = inbox(**fields)
    placements.place(bot().pk, made.pk)
    made.refresh_from_db()
    return made


def bot_of(inbox: Inbox) -> Bot:
    """The bot that answers in this inbox."""
    return Bot.objects.get(placements__inbox=inbox)


def bot(**fields: Any) -> Bot:
    """A bot that is switched on and placed nowhere."""
    return Bot.objects.create(**{"name": f"Bot {next(_numbers)}", **fields})


def operator(name: str) -> User:
    """A person who can be an owner."""
    return User.objects.create_user(name)


def scenario(bot: Bot, *steps: tuple[str, dict[str, Any]], **fields: Any) -> Scenario:
    """A scenario of these steps (type, content), in order; `@2` in a content is the id of the second one."""
    made = Scenario.objects.create(**{"bot": bot, "name": f"Scenario {next(_numbers)}", **fields})
    rows = [Step.objects.create(scenario=made, step_type=kind, order=at) for at, (kind, _) in enumerate(steps, 1)]
    for row, (_, content) in zip(rows, steps, strict=True):
        written = re.sub(r"@(\d+)", lambda found: str(rows[int(found[1]) - 1].pk), json.dumps(content))
        row.content = json.loads(written)
        row.save()
    scenarios.changed(bot.pk)
    return made


def administrator(name: str = "root", **fields: Any) -> User:
    """A person who may do everything."""
    return User.objects.create_superuser(name, **fields)


def address(inbox: Inbox, chat_token: str | None = None) -> Address:
    """Where a contact writes from."""
    return contacts.address(inbox.pk, chat_token or token())


def conversation(owner: str = "bot", **fields: Any) -> Conversation:
    """A conversation in which the contact has said hello to an owner."""
    place = inbox_with_bot() if owner == "bot" else inbox()
    said = say(address(place), "hello")
    return change(Conversation.objects.get(pk=said.conversation_id), **fields)


def held_by(operator: User) -> Conversation:
    """A conversation that this operator answers, in an inbox that has a bot."""
    made = conversation()
    return change(made, owner="operator", operator=operator, owner_version=1, due_at=None)


def change(conversation: Conversation, **fields: Any) -> Conversation:
    """The conversation after something that no function of ours does yet."""
    Conversation.objects.filter(pk=conversation.pk).update(**fields)
    conversation.refresh_from_db()
    return conversation


def close(conversation_ids: list[int]) -> int:
    """The episodes end, by nobody in particular; how many were not closed already."""
    before = {row.pk: row.status for row in Conversation.objects.filter(pk__in=conversation_ids)}
    closing.close_many([Change(pk) for pk in conversation_ids])
    return sum(status != "closed" for status in before.values())


def return_to_bot(conversation_ids: list[int]) -> int:
    """The bot answers again; in how many it did not before."""
    results = ownership.return_many([Change(pk) for pk in conversation_ids])
    return len({result.id for result in results if isinstance(result, Row)})


def say(to: Address | int, text: str, *, author: str = "contact", **fields: Any) -> Entry:
    """A message in the log; a refusal is raised."""
    where: dict[str, Any] = {"address": to} if isinstance(to, Address) else {"conversation_id": to}
    [result] = log.append_many([Append(author=author, text=text, **where, **fields)], now=timezone.now())
    if isinstance(result, Problem):
        raise result
    return result


def keep(uploads: list[Upload]) -> list[Kept | Problem]:
    """Each file stored, then known; or refused and gone again, as the server does it."""
    results: list[Kept | Problem] = []
    for upload in uploads:
        written = attachments.write(upload)
        if isinstance(written, Problem):
            results.append(written)
            continue
        [result] = attachments.record_many([written])
        if isinstance(result, Problem):
            attachments.discard(written)
        results.append(result)
    return results


def address_of(conversation: Conversation) -> Address:
    """Where the contact of this conversation writes from."""
    identity = conversation.contact.identities.get()
    return Address(conversation.inbox_id, identity.known_as, identity.shown, identity.kind)


def reception(inbox: Inbox) -> Reception:
    """An inbox as its visitors meet it."""
    found = inboxes.directory().find(inbox.public_key)
    assert found is not None
    return found


AD = {
    "title": "Щенок",
    "description": "Привит",
    "kind": "Dog",
    "breed": "Такса",
    "age": 1,
    "gender": "M",
    "location": "Москва",
    "price": 16_000,
}


def ad(author: User | None = None, *, picture: Any = None, **fields: Any) -> Ad:
    """An ad of somebody."""
    by = author or operator(f"author-{next(_numbers)}")
    return changes.publish({**AD, **fields}, author_id=by.pk, now=timezone.now(), picture=picture)
