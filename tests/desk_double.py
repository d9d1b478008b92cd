"""A desk's server of our own: the protocol of docs/api/desk.md over a handful of dicts, in the test's process.

For what the real server cannot be made to do on time: ten thousand conversations, an answer that is lost, a
colleague who is faster. Several browsers may sit at one of these.
"""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from playwright.sync_api import BrowserContext, WebSocketRoute

NOW = datetime.now(UTC)
PEOPLE = {3: "Анна Лесная", 4: "Борис Ким", 5: "Вера Ильина"}
INBOXES = [{"id": 1, "name": "Магазин"}, {"id": 2, "name": "Поддержка"}]
REPLIES = [
    {"id": 1, "shortcut": "привет", "text": "Здравствуйте, {name}! Чем могу помочь?"},
    {"id": 2, "shortcut": "минуту", "text": "Одну минуту, уточню на складе."},
    {"id": 3, "shortcut": "спасибо", "text": "Спасибо, что написали. Хорошего дня!"},
]
NAMES = ["Мария Петрова", "", "Олег", "Татьяна Вяземская", "", "John Smith", "Ильдар Ахметов", "Света"]
SAID = [
    "Здравствуйте! Заказ 4417 не пришёл, а обещали вчера",
    "Можно ли вернуть, если не подошёл размер?",
    "Позовите, пожалуйста, человека",
    "Спасибо, всё получилось",
    "А когда откроется магазин на Ленина?",
]
REASONS = ["asked_for_person", "low_confidence", "anger", "no_knowledge", "уточнить цену опта"]


def at(minutes_ago: float) -> str:
    """A moment so many minutes ago, as the wire has it."""
    return (NOW - timedelta(minutes=minutes_ago)).isoformat(timespec="microseconds").replace("+00:00", "Z")


def person(operator_id: int) -> dict[str, Any]:
    """An operator as the wire names one."""
    return {"id": operator_id, "name": PEOPLE[operator_id]}


class DeskDouble:
    """The conversations, and who is connected."""

    def __init__(self, size: int = 24) -> None:
        self.cards: dict[int, dict[str, Any]] = {}
        self.logs: dict[int, list[dict[str, Any]]] = {}
        self.notes: dict[int, list[dict[str, Any]]] = {}
        self.contacts: dict[int, dict[str, Any]] = {}
        self.on_duty: set[int] = {4}
        self.lines: list[Line] = []
        self.seen: dict[str, dict[str, Any]] = {}  # answers by the id of their command: asked twice, done once
        self.commands: list[dict[str, Any]] = []
        self.lose_answers = False  # the next line goes before it has answered
        for number in range(1, size + 1):
            self._invent(number)

    def let_in(self, context: BrowserContext, operator_id: int) -> None:
        """Whoever opens the desk in this context is this operator, here and not at the real server."""
        context.route("**/api/ws_token/", lambda route: route.fulfill(json={"uuid": f"ticket-of-{operator_id}"}))
        context.route_web_socket("**/ws/desk*", lambda ws: self.lines.append(Line(self, ws, operator_id)))

    def says(self, conversation: int, text: str, author: str = "contact", **fields: Any) -> dict[str, Any]:
        """Somebody says something; everybody who looks sees it."""
        log, card = self.logs[conversation], self.cards[conversation]
        message = {
            "seq": len(log) + 1,
            "author": author,
            "text": text,
            "client_id": None,
            "created_at": fields.pop("created_at", None) or _now(),
            **fields,
        }
        log.append(message)
        card["last_seq"], card["active_at"] = message["seq"], message["created_at"]
        card["last"] = {key: message[key] for key in ("seq", "author", "created_at")} | {"text": text[:140]}
        if author == "contact":
            card["unread"] += 1
        self.tell(conversation, {"type": "message", "conversation": conversation, **message})
        self.refresh()
        return message

    def tell(self, conversation: int, frame: dict[str, Any]) -> None:
        """A frame for all who look at a conversation."""
        for line in self.lines:
            if conversation in line.looking:
                line.send(frame)

    def refresh(self) -> None:
        """Lists and counters, as they are now, to everybody."""
        for line in self.lines:
            line.send({"type": "counts", "counts": self.counts(line.operator_id)})
            line.show_list()

    def change(self, conversation: int, **fields: Any) -> dict[str, Any]:
        """Change a card, and the version with it."""
        card = self.cards[conversation]
        card.update(fields, owner_version=card["owner_version"] + 1)
        self.tell(conversation, {"type": "card", "card": card})
        self.refresh()
        return card

    def listed(self, name: str, inbox: int | None, operator_id: int) -> list[dict[str, Any]]:
        """The cards of a list, in its order."""
        belongs: dict[str, Callable[[dict[str, Any]], bool]] = {
            "waiting": lambda card: card["status"] == "open" and card["owner"] == "queue",
            "mine": lambda card: card["status"] != "closed" and (card["operator"] or {}).get("id") == operator_id,
            "open": lambda card: card["status"] != "closed",
            "callback": lambda card: card["callback_at"] is not None,
            "closed": lambda card: card["status"] == "closed",
        }
        cards = [card for card in self.cards.values() if belongs[name](card) and inbox in (None, card["inbox"])]
        if name == "waiting":
            return sorted(cards, key=lambda card: card["waiting_since"] or "")
        return sorted(cards, key=lambda card: card["active_at"], reverse=True)

    def counts(self, operator_id: int) -> dict[str, int | None]:
        """The counters of an operator."""
        counts = {name: len(self.listed(name, None, operator_id)) for name in ("waiting", "mine", "callback")}
        waiting = self.listed("waiting", None, operator_id) if operator_id in self.on_duty else []
        unread = sum(card["unread"] for card in self.listed("mine", None, operator_id))
        return {**counts, "unread": unread, "offer": waiting[0]["id"] if waiting else None}

    def staff(self) -> list[dict[str, Any]]:
        """Who sits at the desk."""
        return [
            {**person(one), "on_duty": one in self.on_duty, "open": len(self.listed("mine", None, one))}
            for one in PEOPLE
        ]

    def _invent(self, number: int) -> None:
        owner = ("queue", "operator", "bot")[number % 3]
        since = number * 1.7
        closed = number % 7 == 6
        self.contacts[number] = {
            "id": number,
            "name": NAMES[number % len(NAMES)],
            "email": "maria@example.org" if number % 4 == 0 else "",
            "phone": "",
            "shown": f"a7f3{number:04x}",
            "kinds": ["token", "telegram"] if number % 5 == 0 else ["token"],
            "created_at": at(60 * 24 * 40),
        }
        contact = {key: self.contacts[number][key] for key in ("id", "name", "shown")}
        self.logs[number], self.notes[number] = [], []
        self.cards[number] = {
            "id": number,
            "inbox": 1 + number % 2,
            "contact": contact,
            "status": "closed" if closed else "open",
            "owner": "bot" if closed else owner,
            "operator": person(4 if number % 2 else 3) if owner == "operator" and not closed else None,
            "owner_version": 3,
            "episode": 2,
            "last_seq": 0,
            "unread": 0,
            "last": None,
            "active_at": at(since),
            "waiting_since": at(since) if owner == "queue" and not closed else None,
            "reason": REASONS[number % 5] if owner == "queue" else None,
            "stage": number % 4 if owner == "queue" else 0,
            "snoozed_until": None,
            "callback_at": at(since) if number % 9 == 0 else None,
        }
        self.says(number, "Здравствуйте!", created_at=at(60 * 26))
        self.says(
            number,
            "Добрый день! Я **бот** магазина. Спросите о:\n- доставке\n- возврате",
            "bot",
            created_at=at(60 * 26 - 1),
        )
        self.says(number, SAID[number % 5], created_at=at(since))
        if owner == "queue":
            payload = {"event": "handed_off", "reason": REASONS[number % 5]}
            self.says(number, "Передаю человеку.", "system", payload=payload, created_at=at(since))
        self.cards[number]["last"]["text"] = SAID[number % 5]
        self.cards[number]["last"]["author"] = "contact"
        self.cards[number]["unread"] = number % 4 if owner != "bot" else 0


class Line:
    """One connection of an operator."""

    def __init__(self, desk: DeskDouble, ws: WebSocketRoute, operator_id: int) -> None:
        self.desk, self.ws, self.operator_id = desk, ws, operator_id
        self.looking: set[int] = set()
        self.watched: tuple[str, int | None, int] | None = None
        ws.on_message(lambda text: self.obey(json.loads(text)))
        ws.on_close(lambda code, reason: self.gone())
        self.send(
            {
                "type": "ready",
                "me": {**person(operator_id), "is_supervisor": operator_id == 3},
                "on_duty": operator_id in desk.on_duty,
                "capacity": 5,
                "operators": desk.staff(),
                "inboxes": INBOXES,
                "replies": REPLIES,
                "counts": desk.counts(operator_id),
            }
        )

    def send(self, frame: dict[str, Any]) -> None:
        """A frame to the browser."""
        self.ws.send(json.dumps(frame))

    def gone(self) -> None:
        """The browser hung up."""
        if self in self.desk.lines:
            self.desk.lines.remove(self)

    def cut(self) -> None:
        """The line breaks."""
        self.gone()
        self.ws.close(code=1012)

    def show_list(self) -> None:
        """The beginning of the watched list."""
        if self.watched is None:
            return
        name, inbox, size = self.watched
        cards = self.desk.listed(name, inbox, self.operator_id)
        first = cards[:size]
        self.send(
            {
                "type": "list",
                "list": name,
                "inbox": inbox,
                "order": [card["id"] for card in first],
                "cards": first,
                "more": len(cards) > size,
            }
        )

    def obey(self, command: dict[str, Any]) -> None:
        """Do what is asked, once for each id, and answer."""
        kind, asked = command["type"], command.get("id")
        if kind == "ping":
            return self.send({"type": "pong"})
        if kind == "typing":
            return None
        self.desk.commands.append(command)
        answer = self.desk.seen.get(asked) or getattr(self, f"on_{kind}", self.on_change)(command)
        if kind in ("send", "note"):
            self.desk.seen[asked] = answer
        if self.desk.lose_answers:
            self.desk.lose_answers = False
            return self.cut()
        self.send({"type": "done", **answer, "id": asked} if "code" not in answer else {**answer, "id": asked})
        if kind == "watch":
            self.show_list()
        return None

    def on_watch(self, command: dict[str, Any]) -> dict[str, Any]:
        self.watched = (command["list"], command["inbox"], command["size"])
        return {}

    def on_page(self, command: dict[str, Any]) -> dict[str, Any]:
        cards = self.desk.listed(command["list"], command["inbox"], self.operator_id)
        behind = [card["id"] for card in cards].index(command["after"]) + 1
        end = behind + command["size"]
        return {"cards": cards[behind:end], "more": len(cards) > end}

    def on_search(self, command: dict[str, Any]) -> dict[str, Any]:
        sought = command["q"].lower()
        found = [
            {
                "card": self.desk.cards[number],
                **{key: message[key] for key in ("seq", "author", "text", "created_at")},
                "marks": [
                    [message["text"].lower().index(sought), message["text"].lower().index(sought) + len(sought)]
                ],
            }
            for number, log in self.desk.logs.items()
            for message in log
            if sought in message["text"].lower()
        ]
        return {"found": found[:20], "next": None}

    def on_open(self, command: dict[str, Any]) -> dict[str, Any]:
        number = command["conversation"]
        self.looking.add(number)
        log = self.desk.logs[number]
        after = command.get("after") or 0
        messages = log[after:] if after else log[-100:]
        people = {line.operator_id for line in self.desk.lines if number in line.looking}
        looking = [{**person(one), "typing": False} for one in sorted(people | {self.operator_id})]
        self.desk.tell(number, {"type": "presence", "conversation": number, "people": looking})
        return {
            "card": self.desk.cards[number],
            "contact": self.desk.contacts[number],
            "episodes": [
                {"number": 1, "after_seq": 0, "upto_seq": 2, "closed_at": at(60 * 25), "closed_by": "Анна Лесная"},
            ],
            "notes": self.desk.notes[number],
            "people": looking,
            "messages": messages,
            "first_seq": messages[0]["seq"] if messages else 0,
        }

    def on_leave(self, command: dict[str, Any]) -> dict[str, Any]:
        self.looking.discard(command["conversation"])
        return {}

    def on_earlier(self, command: dict[str, Any]) -> dict[str, Any]:
        before = [one for one in self.desk.logs[command["conversation"]] if one["seq"] < command["before"]]
        return {"messages": before[-100:]}

    def on_read(self, command: dict[str, Any]) -> dict[str, Any]:
        self.desk.cards[command["conversation"]]["unread"] = 0
        return {}

    def on_duty(self, command: dict[str, Any]) -> dict[str, Any]:
        (self.desk.on_duty.add if command["on"] else self.desk.on_duty.discard)(self.operator_id)
        return {}

    def on_describe(self, command: dict[str, Any]) -> dict[str, Any]:
        contact = self.desk.contacts[command["conversation"]]
        contact.update({key: command[key] for key in ("name", "email", "phone")})
        self.desk.cards[command["conversation"]]["contact"]["name"] = command["name"]
        return {"contact": contact}

    def on_note(self, command: dict[str, Any]) -> dict[str, Any]:
        number = command["conversation"]
        note = {
            "id": len(self.desk.notes[number]) + 1,
            "after_seq": len(self.desk.logs[number]),
            "operator": person(self.operator_id),
            "text": command["text"],
            "created_at": _now(),
        }
        self.desk.notes[number].append(note)
        self.desk.tell(number, {"type": "note", "conversation": number, "note": note})
        return {"note": note}

    def on_send(self, command: dict[str, Any]) -> dict[str, Any]:
        number, card = command["conversation"], self.desk.cards[command["conversation"]]
        if refusal := self._stale(command):
            return refusal
        if card["owner"] != "operator":
            self._claimed(number)
        message = self.desk.says(
            number,
            command["text"],
            "operator",
            client_id=command["id"],
            operator=person(self.operator_id),
            edits=command["edits"],
        )
        return {"seq": message["seq"], "card": card}

    def on_change(self, command: dict[str, Any]) -> dict[str, Any]:
        """Whatever changes who answers."""
        number, kind = command["conversation"], command["type"]
        if refusal := self._stale(command):
            return refusal
        me = person(self.operator_id)["name"]
        if kind == "claim":
            return {"card": self._claimed(number)}
        if kind == "transfer":
            to = command["to"]
            self._event(number, "transferred", by=me, to=PEOPLE.get(to))
            fields = {"owner": "operator", "operator": person(to)} if to else {"owner": "queue", "operator": None}
            return {"card": self.desk.change(number, **fields, waiting_since=None if to else _now())}
        done = {
            "return": ("returned", {"owner": "bot", "operator": None}),
            "close": ("closed", {"status": "closed", "owner": "bot", "operator": None, "waiting_since": None}),
            "reopen": ("reopened", {"status": "open", "owner": "operator", "operator": person(self.operator_id)}),
            "snooze": ("snoozed", {"status": "snoozed", "snoozed_until": command.get("until")}),
        }[kind]
        self._event(number, done[0], by=me)
        return {"card": self.desk.change(number, **done[1])}

    def _claimed(self, number: int) -> dict[str, Any]:
        self._event(number, "claimed", by=person(self.operator_id)["name"])
        mine = {"owner": "operator", "operator": person(self.operator_id), "waiting_since": None}
        return self.desk.change(number, **mine)

    def _event(self, number: int, event: str, **fields: Any) -> None:
        self.desk.says(number, event, "system", payload={"event": event, **fields})

    def _stale(self, command: dict[str, Any]) -> dict[str, Any] | None:
        card = self.desk.cards[command["conversation"]]
        if card["owner_version"] == command["owner_version"]:
            return None
        owner = card["operator"] or card["owner"]
        code = "taken" if command["type"] == "claim" else "stale_owner"
        return {"type": "error", "code": code, "status": 409, "title": "Somebody else answers.", "owner": owner}


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
