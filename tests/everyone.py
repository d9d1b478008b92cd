"""Everybody who may come, one of each role, and something that belongs to each of some of them."""

import json
from dataclasses import dataclass
from typing import Any

import make
from django.contrib.auth.models import AbstractBaseUser
from django.db import transaction
from django.http import HttpResponse
from django.test import Client
from django.utils import timezone

from besedka.accounts.models import User
from besedka.ads.models import Ad
from besedka.bots import exporting, walks
from besedka.bots.models import Bot, Execution, Scenario, Step
from besedka.conversations import ownership, rooms
from besedka.conversations.models import Conversation
from besedka.desk.models import Operator
from besedka.knowledge.models import Import, Source

# Without an account: a stranger, and the one whose chat token opens the conversation here. With one: a contact,
# the author of what is here and another one, operators of this inbox and of another, a supervisor, staff to whom
# nothing was given, an administrator.
CALLERS = (
    "stranger",
    "visitor",
    "contact",
    "author",
    "author2",
    "operator",
    "elsewhere",
    "supervisor",
    "staff",
    "administrator",
)
PEOPLE = CALLERS[2:]
TOKEN = "the-visitor-of-this-conversation"


def people() -> dict[str, User]:
    """One account of each role; posts come with the inboxes."""
    made = {name: User.objects.create_user(name, is_author=name != "contact") for name in PEOPLE[:-2]}
    made["staff"] = User.objects.create_user("staff", is_staff=True)
    made["administrator"] = User.objects.create_superuser("administrator")
    return made


def seat(people: dict[str, User], here: list[int], elsewhere: int) -> None:
    """Operators sit at their posts; supervisors, staff and administrators serve every inbox."""
    Operator.objects.create(user=people["operator"], is_enabled=True).inboxes.add(*here)
    Operator.objects.create(user=people["elsewhere"], is_enabled=True).inboxes.add(elsewhere)
    Operator.objects.create(user=people["supervisor"], is_enabled=True, is_supervisor=True)


@dataclass
class World:
    """What is there, all of it the author's where it can be somebody's, and of `author2` one of each kind."""

    people: dict[str, User]
    bot: Bot
    scenario: Scenario
    step: Step
    execution: Execution
    ad: Ad
    conversation: Conversation
    source: Source
    handed_in: Import
    others: dict[type, Any]

    @property
    def export(self) -> str:
        """The bot in a file."""
        return exporting.export(self.bot)


def world() -> World:
    """A small one, whole."""
    made = people()
    inbox, elsewhere = make.inbox_with_bot(), make.inbox()
    seat(made, [inbox.pk, rooms.inbox_id()], elsewhere.pk)
    said = make.say(make.address(inbox, TOKEN), "hello")
    ownership.ask_for_person_many([make.address(inbox, TOKEN)])
    bot, scenario, step, execution = _bot_of(made["author"])
    other_bot, other_scenario, other_step, other_execution = _bot_of(made["author2"])
    other_ad = make.ad(made["author2"])
    return World(
        people=made,
        bot=bot,
        scenario=scenario,
        step=step,
        execution=execution,
        ad=make.ad(made["author"]),
        conversation=Conversation.objects.get(pk=said.conversation_id),
        source=Source.objects.create(
            title="Shop", kind="csv", created_at=timezone.now(), updated_at=timezone.now()
        ),
        handed_in=Import.objects.create(title="Shop", name="shop.csv", size=0, created_at=timezone.now()),
        others={
            Bot: other_bot,
            Scenario: other_scenario,
            Step: other_step,
            Execution: other_execution,
            Ad: other_ad,
        },
    )


def _bot_of(author: User) -> tuple[Bot, Scenario, Step, Execution]:
    bot = make.bot(name=f"Bot of {author.username}", created_by=author)
    scenario = make.scenario(bot, ("message", {"message": "hello"}))
    execution = walks.begin(
        bot, f"session of {author.username}", scenario=scenario, step=None, history=[], over=False
    )
    return bot, scenario, scenario.steps.get(), execution


class Callers:
    """Everybody with a browser of their own. What a request does is undone when it has been answered."""

    def __init__(self, people: dict[str, User]) -> None:
        self.clients = {name: Client() for name in CALLERS}
        for name, user in people.items():
            assert isinstance(user, AbstractBaseUser)
            user.refresh_from_db()  # posts were given after it was made
            self.clients[name].force_login(user)

    def ask(self, caller: str, method: str, path: str, body: Any = None) -> HttpResponse:
        """One request; nothing that it changed stays."""
        headers = {"chat-token": TOKEN} if caller == "visitor" else {}
        kind = "application/json"
        if isinstance(body, str):
            kind = "application/yaml"
        elif body is not None:
            body = json.dumps(body)
        client, point = self.clients[caller], transaction.savepoint()
        cookies = client.cookies.copy()  # whoever signs out is signed in for the next request
        try:
            response: HttpResponse = client.generic(method, path, body or "", content_type=kind, headers=headers)
            if response.streaming:
                list(response)  # type: ignore[call-overload]  # a stream is one only where it says so
            return response
        finally:
            transaction.savepoint_rollback(point)
            client.cookies = cookies
