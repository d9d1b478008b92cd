"""Who may what: every route and every method, as everybody, over real requests. What has no line here fails."""

import re
from typing import Any

import make
import pytest
from django.conf import settings
from django.contrib import admin
from django.urls import URLPattern, URLResolver
from everyone import CALLERS, PEOPLE, Callers, World, world
from test_house import WHO_MAY, django_paths

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
OK = range(200, 400)
NOT_HERE = (401, 403, 404, 405)  # what a method that is not there may be answered with, depending on who asks

Rule = dict[str, Any]  # by caller: the status, or those of which it is to be one


def rule(everybody: Any, **others: Any) -> Rule:
    """The status for everybody but those who are named."""
    return {caller: others.get(caller, everybody) for caller in CALLERS}


def people_only(signed_in: Any, **others: Any) -> Rule:
    """Who has no account is asked to sign in; the status for all others, but those who are named."""
    return rule(signed_in, stranger=401, visitor=401, **others)


EVERYBODY = rule(OK)
TAKEN_IN = rule(400)  # everybody is heard; what the test says is no sense
SIGNED_IN = people_only(OK)
AUTHORS = people_only(OK, contact=403)
OWN = people_only(404, author=OK, administrator=OK)
OWN_WRITING = people_only(404, contact=403, author=OK, administrator=OK)
NAMING_OWN = people_only(400, contact=403, author=OK, administrator=OK)  # another's cannot be named
MODERATED = people_only(403, author=OK, staff=OK, administrator=OK)
AT_DESK = people_only(OK, contact=403, author=403, author2=403)
IN_INBOX = {**AT_DESK, "elsewhere": 404}
IN_ROOMS = {**AT_DESK, "elsewhere": 403}
KEEPERS = people_only(403, administrator=OK)
DESK_PAGE = rule(OK, stranger=302, visitor=302, contact=403, author=403, author2=403)
OWN_PAGE = rule(OK, stranger=302, visitor=302)
AUTHORS_PAGE = {**OWN_PAGE, "contact": 403}
AUTHORS_FORM = rule(400, stranger=302, visitor=302, contact=403)  # an empty one
MODERATED_PAGE = rule(403, stranger=302, visitor=302, author=OK, staff=OK, administrator=OK)
WITHOUT_VERSION = {**MODERATED_PAGE, "author": 409, "staff": 409, "administrator": 409}
MODERATED_FORM = {**MODERATED_PAGE, "author": 400, "staff": 400, "administrator": 400}
NOBODY = rule(404)  # unless it is set up

ID = "(?P<{}>[0-9]{{1,18}})"
PK = ID.format("pk")
CONVERSATION = f"api/v1/desk/conversations/{ID.format('conversation_id')}"
STEP = {"name": "s", "step_type": "message", "content": {"message": "hi"}}

# By route of Django: what there is, and for whom.
TABLE: dict[str, dict[str, Rule]] = {
    "": {"GET": EVERYBODY},
    "api/schema": {"GET": EVERYBODY},
    "swagger": {"GET": EVERYBODY},
    "api/token": {"POST": TAKEN_IN},
    "api/token/refresh": {"POST": TAKEN_IN},
    "api/token/blacklist": {"POST": TAKEN_IN},
    "api/bots": {"GET": SIGNED_IN, "POST": AUTHORS},
    f"api/bots/{PK}": {"GET": OWN, "PUT": OWN_WRITING, "PATCH": OWN_WRITING, "DELETE": OWN_WRITING},
    f"api/bots/{PK}/warnings": {"GET": OWN},
    f"api/bots/{PK}/export": {"GET": OWN},
    f"api/bots/{PK}/abilities": {"GET": OWN, "PUT": OWN_WRITING},
    "api/bots/import": {"POST": AUTHORS},
    "api/scenarios": {"GET": SIGNED_IN, "POST": NAMING_OWN},
    f"api/scenarios/{PK}": {"GET": OWN, "PUT": OWN_WRITING, "PATCH": OWN_WRITING, "DELETE": OWN_WRITING},
    f"api/scenarios/{PK}/steps": {"GET": OWN, "POST": OWN_WRITING},
    f"api/scenarios/{PK}/triggers": {"GET": OWN, "PUT": OWN_WRITING},
    "api/steps": {"GET": SIGNED_IN, "POST": NAMING_OWN},
    f"api/steps/{PK}": {"GET": OWN, "PUT": OWN_WRITING, "PATCH": OWN_WRITING, "DELETE": OWN_WRITING},
    "api/executions": {"GET": SIGNED_IN, "POST": NAMING_OWN},
    f"api/executions/{PK}": {"GET": OWN, "PUT": OWN_WRITING, "PATCH": OWN_WRITING, "DELETE": OWN_WRITING},
    "api": {"GET": EVERYBODY},
    "api/root": {"GET": EVERYBODY},
    "api/v1/desk": {"GET": EVERYBODY},
    "api/ws_token": {"GET": SIGNED_IN},
    "api/v1/support_chat": {"GET": SIGNED_IN},
    "api/v1/chats_list": {"GET": IN_ROOMS},
    "api/v1/desk/conversations": {"GET": AT_DESK},
    "api/v1/desk/search": {"GET": AT_DESK},
    f"{CONVERSATION}/messages": {"GET": IN_INBOX, "POST": IN_INBOX},
    f"{CONVERSATION}/(?P<act>claim|return|transfer|close|reopen|snooze)": {"POST": IN_INBOX},
    "api/v1": {"GET": EVERYBODY},
    "api/v1/sources": {"GET": KEEPERS, "POST": {**KEEPERS, "administrator": 415}},  # JSON is no file
    f"api/v1/sources/{ID.format('source_id')}": {"DELETE": KEEPERS},
    f"api/v1/imports/{ID.format('import_id')}": {"GET": KEEPERS},
    "api/v1/execute": {"GET": EVERYBODY, "POST": AUTHORS, "PATCH": MODERATED, "DELETE": MODERATED},
    "api/v1/ads": {"GET": EVERYBODY, "POST": AUTHORS},
    f"api/v1/ads/{ID.format('ad_id')}": {
        "GET": EVERYBODY,
        "PUT": MODERATED,
        "PATCH": MODERATED,
        "DELETE": MODERATED,
    },
    "token": {"GET": SIGNED_IN, "POST": SIGNED_IN, "DELETE": SIGNED_IN},
    "message": {"GET": {**SIGNED_IN, "stranger": 400, "visitor": 400}, "POST": SIGNED_IN},
    f"message/{ID.format('message_id')}": {"GET": people_only(404)},
    "api/v1/telegram/link": {"GET": SIGNED_IN, "POST": SIGNED_IN, "DELETE": SIGNED_IN},
    "ads": {"GET": EVERYBODY},
    "ads/mine": {"GET": OWN_PAGE},
    "ads/new": {"GET": AUTHORS_PAGE, "POST": AUTHORS_FORM},
    f"ads/{ID.format('ad_id')}/edit": {"GET": MODERATED_PAGE, "POST": MODERATED_FORM},
    f"ads/{ID.format('ad_id')}/delete": {"GET": MODERATED_PAGE, "POST": WITHOUT_VERSION},
    f"ads/{ID.format('ad_id')}": {"GET": EVERYBODY},
    "media/ads/(?P<file>[0-9a-f]{32}(-small)?.webp)": {"GET": NOBODY},  # whoever knows a name; there is none here
    "telegram/webhook": {"POST": NOBODY},
    "demo": {"GET": EVERYBODY},
    "desk": {"GET": DESK_PAGE},
    "health": {"GET": EVERYBODY},
    "health/ready": {"GET": EVERYBODY},
    "auth/login": {"GET": EVERYBODY, "POST": TAKEN_IN},
    "auth/login/code": {"GET": EVERYBODY, "POST": EVERYBODY},
    "auth/logout": {"POST": EVERYBODY},
    "auth/register": {"GET": EVERYBODY, "POST": TAKEN_IN},
    "auth/second-factor": {"GET": OWN_PAGE, "POST": OWN_PAGE},
    "admin/login": {"GET": EVERYBODY, "POST": rule(403)},
    "favicon.ico": dict.fromkeys(METHODS, EVERYBODY),
    "widget.js": {"GET": EVERYBODY},
}
APART = {"admin/"}  # every page of it stands below


def address(path: str, things: World) -> str:
    """The route with the ids of what is the author's."""
    kind = path.removeprefix("api/").partition("/")[0]
    pk = {"bots": things.bot, "scenarios": things.scenario, "steps": things.step, "executions": things.execution}
    ids = {
        "pk": pk[kind].pk if kind in pk else 0,
        "conversation_id": things.conversation.pk,
        "ad_id": things.ad.pk,
        "source_id": things.source.pk,
        "import_id": things.handed_in.pk,
        "message_id": 0,
        "act": "claim",
        "file": f"{'0' * 32}.webp",
    }
    filled = re.sub(r"\(\?P<(\w+)>(?:[^()]|\([^)]*\))*\)", lambda found: str(ids[found[1]]), path)
    query = "?q=hello" if path.endswith("/search") else ""
    return f"/{filled}{query}"


def body(path: str, method: str, things: World) -> Any:
    """What makes sense to say there."""
    if method == "GET":
        return None
    owned = {"name": "b", "bot": things.bot.pk, "scenario": things.scenario.pk}
    match path.removeprefix("api/").split("/"):
        case ["bots", "import"]:
            return things.export
        case ["bots", _, "abilities"]:
            return {"finds_ads": True}
        case ["bots", *_]:
            return {"name": "b"}
        case ["message", *_]:
            return {"message": "hello"}
        case ["scenarios", _, "steps"]:
            return STEP
        case ["scenarios", _, "triggers"]:
            return {"keywords": ["hello"]}
        case ["scenarios", *_]:
            return {"name": "s", "bot": owned["bot"]}
        case ["steps", *_]:
            return {**STEP, "scenario": owned["scenario"]}
        case ["executions", *rest]:
            session = things.execution.user_session if rest else "a new session"
            return {"bot": owned["bot"], "user_session": session}
        case ["v1", "execute"]:
            numbers = {"PATCH": {"id": things.ad.pk, "price": 1}, "DELETE": {"id": things.ad.pk}}
            return numbers.get(method, make.AD)
        case ["v1", "ads", *_]:
            return make.AD
        case ["v1", "desk", *_]:
            return {"text": "hello", "owner_version": things.conversation.owner_version}
    return {}


def test_every_route_stands_in_the_table():
    assert set(TABLE) | APART == {path for path in WHO_MAY if not path.startswith("/")}
    assert {path.removesuffix("/") for path in (*TABLE, *APART)} == django_paths()


@pytest.mark.parametrize("method", METHODS)
def test_every_route_of_django_lets_in_who_may_and_nobody_else(db, method):
    things = world()
    callers = Callers(things.people)
    wrong = []
    for path, methods in TABLE.items():
        expected = methods.get(method)
        where, what = address(path, things), body(path, method, things)
        for caller in ("stranger", "author") if expected is None else CALLERS:
            status = callers.ask(caller, method, where, what).status_code
            allowed = NOT_HERE if expected is None else expected[caller]
            if status not in (allowed if isinstance(allowed, (tuple, range)) else (allowed,)):
                wrong.append(f"{method} {where} as {caller}: {status}, not {allowed}")
        if expected is None and callers.ask("administrator", method, where, what).status_code != 405:
            wrong.append(f"{method} {where} is there, and has no line in the table")

    assert wrong == []


def test_lists_show_what_is_ones_own(db):
    things = world()
    callers = Callers(things.people)
    lists = {
        "bots": things.bot,
        "scenarios": things.scenario,
        "steps": things.step,
        "executions": things.execution,
    }
    for name, own in lists.items():
        both = {own.pk, things.others[type(own)].pk}
        seen = {
            caller: {row["id"] for row in callers.ask(caller, "GET", f"/api/{name}/").json()} for caller in PEOPLE
        }
        assert seen.pop("administrator") >= both, name
        assert (seen.pop("author"), seen.pop("author2")) == ({own.pk}, both - {own.pk}), name
        assert set(map(frozenset, seen.values())) == {frozenset()}, name


def test_lists_of_the_desk_show_what_is_in_ones_inboxes(db):
    things = world()
    callers = Callers(things.people)

    def seen_by(caller):
        cards = callers.ask(caller, "GET", "/api/v1/desk/conversations/?list=waiting").json()["cards"]
        return {card["id"] for card in cards}

    assert seen_by("operator") == seen_by("supervisor") == seen_by("administrator") == {things.conversation.pk}
    assert seen_by("elsewhere") == set()


# All staff may see these pages of the admin; each other one takes a permission, and `staff` here has none.
OPEN_TO_STAFF = {"index", "logout", "password_change", "password_change_done", "jsi18n", "login", "search"}
# These only lead to a page that is tried as well: `…/1/`, buttons, and the history of what is not there.
LEADING_ON = re.compile(r"<path:object_id>/$|_history$|_to_\w+$")
OPEN_TO_ALL = {"login", "logout", "jsi18n"}


def pages_of_admin() -> list[tuple[str, str]]:
    """Name and address of every page, with an id that nothing has."""
    found: list[tuple[str, str]] = []

    def walk(patterns: Any, prefix: str) -> None:
        for pattern in patterns:
            path = prefix + str(pattern.pattern)
            if isinstance(pattern, URLResolver):
                walk(pattern.url_patterns, path)
            elif isinstance(pattern, URLPattern):
                filled = re.sub(r"<(?:\w+:)?(\w+)>", "1", path)
                found.append((pattern.name or path, "/admin/" + re.sub(r"\(\?P<\w+>[^)]*\)|[\^$]", "", filled)))

    admin.autodiscover()
    walk(admin.site.get_urls(), "")
    return found


def test_no_page_of_the_admin_is_open_to_who_was_given_nothing(db):
    things = world()
    callers = Callers(things.people)
    wrong = []
    pages = pages_of_admin()
    for name, where in pages:
        for caller in ("stranger", "supervisor", "staff"):
            for method in ("GET", "POST"):
                response = callers.ask(caller, method, where)
                signs_in = response.status_code == 302 and "/login/" in response["Location"]
                open_to = OPEN_TO_STAFF if caller == "staff" else OPEN_TO_ALL
                led_on = response.status_code == 302 and LEADING_ON.search(name)
                refused = response.status_code in (403, 404, 405) or led_on
                if name in open_to or (refused if caller == "staff" else signs_in):
                    continue
                wrong.append(f"{method} {where} ({name}) as {caller}: {response.status_code}")

    assert len(pages) > 100
    assert wrong == []


def test_the_first_page_of_the_admin_lists_nothing_for_who_was_given_nothing(db):
    things = world()
    callers = Callers(things.people)

    shown = callers.ask("staff", "GET", "/admin/").content.decode()
    shown += callers.ask("staff", "GET", "/admin/search/?s=o&extended=1").content.decode()

    for model in admin.site._registry:
        assert f"/admin/{model._meta.app_label}/{model._meta.model_name}/" not in shown


def test_nobody_is_let_in_by_an_address_written_otherwise(db):
    """A path in other letters, with a doubled stroke or an encoded one is another path, and mostly none."""
    things = world()
    callers = Callers(things.people)
    for path in (
        "/API/bots/",
        "//api/bots/",
        "/api//bots/",
        "/api/bots%2f",
        "/admin//",
        "/ADMIN/",
        "/api/bots/.json",
    ):
        response = callers.ask("stranger", "GET", path)
        assert response.status_code in (301, 302, 401, 404), path
    assert settings.APPEND_SLASH
