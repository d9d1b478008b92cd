"""Guards of the house: what must hold for every route, migration, problem and old client, those to come too."""

import importlib
import importlib.util
import pkgutil
import re
from pathlib import Path

import pytest
from django.apps import apps
from django.core.management import call_command
from django.db.migrations.loader import MigrationLoader
from django.urls import URLPattern, URLResolver, get_resolver

import besedka
from besedka.door.app import routes
from besedka.problems import Problem

ROOT = Path(__file__).resolve().parent.parent
LEGACY_ROUTES = {"/api/bots/", "/chat/", "/gpt", "/message", "/api/v1/gpt", "/api/v1/message"}
LEGACY_ROUTES |= {"/api/v1/execute", "/ws/chat/", "/api/ws_token/", "/api/v1/support_chat", "/api/v1/chats_list"}
LEGACY_ROUTES |= {"/auth/register/", "/auth/login/"}
LEGACY_ROUTES |= {"/token/", "/message/"}

# Who may call what. A route that is not here fails: say who may, and write the line that shows it for each method
# in `test_who_may.py`, or for the door in `test_who_may_door.py`.
ANYBODY, CONTACT, STAFF = "anybody", "contact", "staff"
WATCHER = "watcher"  # whoever shows the token of the figures
TELEGRAM = "telegram"  # whoever shows the secret that Telegram was given
AUTHOR = "author"  # whoever has an account, over what is theirs
OPERATOR = "operator"  # whom an administrator has enabled to answer
PROGRAMS = ("api/", "token", "message/")  # where programs are refused; elsewhere people are sent to sign in
WHO_MAY = {
    # the door
    "/api/v1/gpt": CONTACT,
    "/gpt": CONTACT,
    "/api/v1/message": CONTACT,
    "/message": CONTACT,
    "/api/v1/conversation": CONTACT,
    "/api/v1/conversation/messages": CONTACT,
    "/api/v1/conversation/stream": CONTACT,
    "/api/v1/conversation/handoff": CONTACT,
    "/api/v1/conversation/files": CONTACT,
    "/files/{key}": ANYBODY,  # who knows the key
    "/api/v1/widget": ANYBODY,
    "/ws/visitor": CONTACT,
    "/ws/chat/{room}": CONTACT,
    "/ws/desk": OPERATOR,
    "/api/v1/desk/files": OPERATOR,
    "/api/bots/{bot_id}/chat": ANYBODY,
    "/metrics": WATCHER,
    # Django
    "": ANYBODY,
    "admin/": STAFF,
    "api/schema": ANYBODY,
    "swagger": ANYBODY,
    "api/token": ANYBODY,
    "api/token/refresh": ANYBODY,
    "api/token/blacklist": ANYBODY,  # who has a token, to end it
    "api/bots": AUTHOR,
    "api/bots/(?P<pk>[0-9]{1,18})": AUTHOR,
    "api/bots/(?P<pk>[0-9]{1,18})/warnings": AUTHOR,
    "api/bots/(?P<pk>[0-9]{1,18})/export": AUTHOR,
    "api/bots/(?P<pk>[0-9]{1,18})/abilities": AUTHOR,
    "api/bots/import": AUTHOR,
    "api/scenarios": AUTHOR,
    "api/scenarios/(?P<pk>[0-9]{1,18})": AUTHOR,
    "api/scenarios/(?P<pk>[0-9]{1,18})/steps": AUTHOR,
    "api/scenarios/(?P<pk>[0-9]{1,18})/triggers": AUTHOR,
    "api/steps": AUTHOR,
    "api/steps/(?P<pk>[0-9]{1,18})": AUTHOR,
    "api/executions": AUTHOR,
    "api/executions/(?P<pk>[0-9]{1,18})": AUTHOR,
    "api": ANYBODY,
    "api/root": ANYBODY,
    "api/v1/desk": ANYBODY,  # the list of addresses, no more
    "api/ws_token": AUTHOR,
    "api/v1/support_chat": AUTHOR,
    "api/v1/chats_list": OPERATOR,
    "api/v1/desk/conversations": OPERATOR,
    "api/v1/desk/search": OPERATOR,
    "api/v1/desk/conversations/(?P<conversation_id>[0-9]{1,18})/messages": OPERATOR,
    "api/v1/desk/conversations/(?P<conversation_id>[0-9]{1,18})"
    "/(?P<act>claim|return|transfer|close|reopen|snooze)": OPERATOR,
    "token": AUTHOR,
    "message": CONTACT,  # with a chat token, at the door; who is signed in, their own
    "message/(?P<message_id>[0-9]{1,18})": AUTHOR,
    "api/v1": ANYBODY,
    "api/v1/sources": STAFF,
    "api/v1/sources/(?P<source_id>[0-9]{1,18})": STAFF,
    "api/v1/imports/(?P<import_id>[0-9]{1,18})": STAFF,
    "api/v1/execute": ANYBODY,  # to read; their author and staff to change
    "api/v1/ads": ANYBODY,  # to read; who is signed in to publish
    "api/v1/ads/(?P<ad_id>[0-9]{1,18})": ANYBODY,  # to read; their author and staff to change
    "ads": ANYBODY,
    "ads/(?P<ad_id>[0-9]{1,18})": ANYBODY,
    "ads/mine": AUTHOR,
    "ads/new": AUTHOR,
    "ads/(?P<ad_id>[0-9]{1,18})/edit": AUTHOR,
    "ads/(?P<ad_id>[0-9]{1,18})/delete": AUTHOR,
    "media/ads/(?P<file>[0-9a-f]{32}(-small)?.webp)": ANYBODY,
    "telegram/webhook": TELEGRAM,
    "api/v1/telegram/link": AUTHOR,
    "demo": ANYBODY,
    "desk": OPERATOR,
    "health": ANYBODY,
    "health/ready": ANYBODY,
    "auth/login": ANYBODY,
    "auth/logout": ANYBODY,
    "auth/register": ANYBODY,
    "auth/login/code": ANYBODY,  # whose password was right just now
    "auth/second-factor": AUTHOR,
    "admin/login": ANYBODY,
    "favicon.ico": ANYBODY,
    "widget.js": ANYBODY,
}
LAYERS = [
    "accounts",
    "conversations",
    "bots",
    "knowledge",
    "answers",
    "desk",
    "ads",
    "turns",
    "telegram",
]  # the apps with tables, lowest first
NEIGHBOURS = {("bots", "knowledge"), ("knowledge", "bots")}


def door_paths() -> set[str]:
    return {path.rstrip("/") for route in routes() if (path := getattr(route, "path", None)) is not None}


def django_paths() -> set[str]:
    found = set()
    for pattern in get_resolver().url_patterns:
        if isinstance(pattern, URLResolver) and str(pattern.pattern) == "":
            found |= {str(inner.pattern) for inner in pattern.url_patterns if isinstance(inner, URLPattern)}
        else:
            found.add(str(pattern.pattern))
    return {re.sub(r"^\^|/\?\$$|\$$|\\", "", path).removesuffix("/") or "" for path in found}


def problems() -> list[type[Problem]]:
    for module in pkgutil.walk_packages(besedka.__path__, "besedka."):
        if not module.name.endswith(("asgi", "wsgi")) and ".migrations" not in module.name:
            importlib.import_module(module.name)
    found, waiting = [], [Problem]
    while waiting:
        kind = waiting.pop()
        waiting += kind.__subclasses__()
        if kind.__module__.startswith("besedka."):  # a test may have one of its own
            found.append(kind)
    return found


def test_each_route_of_the_door_stands_in_the_table_of_who_may():
    assert door_paths() <= set(WHO_MAY)


def test_each_route_of_django_stands_in_the_table_of_who_may():
    assert django_paths() <= {path.removesuffix("/") for path in WHO_MAY}


@pytest.mark.parametrize(
    "path",
    sorted(path for path, who in WHO_MAY.items() if who in (STAFF, AUTHOR, OPERATOR) and not path.startswith("/")),
)
def test_strangers_are_sent_to_sign_in_where_they_may_not(path, client, db):
    """People are sent to the form, programs are refused, whatever they want to do."""
    path = re.sub(r"\(\?P<act>(\w+)[^)]*\)", r"\1", path)
    address = "/" + re.sub(r"\(\?P<\w+>[^)]*\)", "1", path)
    if not path.startswith(PROGRAMS):
        response = client.get(address)
        assert response.status_code == 302
        assert "/login/" in response["Location"]
        return
    for call in (client.get, client.post, client.put, client.patch, client.delete):
        response = call(address)
        assert response.status_code in (401, 403)
        assert response["Content-Type"] == "application/problem+json"


def test_migrations_point_downward():
    loader = MigrationLoader(None)
    upward = []
    for (app, name), migration in loader.disk_migrations.items():
        if app not in LAYERS:
            continue
        for other, _ in migration.dependencies:
            if other in LAYERS and other != app:
                neighbours = (app, other) in NEIGHBOURS
                if neighbours or LAYERS.index(other) > LAYERS.index(app):
                    upward.append(f"{app}.{name} needs {other}")

    assert upward == []


def test_every_change_of_a_model_has_its_migration(db):
    call_command("makemigrations", check=True, dry_run=True, verbosity=0)


def test_every_app_with_tables_is_in_the_list_of_layers():
    ours = {config.label for config in apps.get_app_configs() if config.name.startswith("besedka.")}

    assert {label for label in ours if list(apps.get_app_config(label).get_models())} == set(LAYERS)


def test_every_problem_has_a_code_of_its_own_that_the_docs_explain():
    page = (ROOT / "docs" / "api" / "problems.md").read_text(encoding="utf-8")

    undocumented = {kind.code for kind in problems()} - set(re.findall(r"`([a-z_]+)`", page)) - {"problem"}

    assert undocumented == set()


def test_every_route_of_an_old_client_has_a_contract_test():
    tests = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "tests" / "contract").glob("test_*.py"))

    assert {route for route in LEGACY_ROUTES if route not in tests} == set()


def test_the_settings_page_is_what_the_settings_say():
    spec = importlib.util.spec_from_file_location("settings_page", ROOT / "docs" / "settings_page.py")
    settings_page = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(settings_page)

    read = set(re.findall(r'env\.\w+\(\s*"([A-Z_]+)"', settings_page.SETTINGS.read_text(encoding="utf-8")))

    assert settings_page.PAGE.read_text(encoding="utf-8") == settings_page.page()
    assert read == set(re.findall(r"^\| `([A-Z_]+)`", settings_page.page(), flags=re.MULTILINE))


@pytest.mark.parametrize("module", sorted((ROOT / "src" / "besedka").rglob("*.py"), key=str))
def test_no_module_is_longer_than_one_can_read_at_once(module):
    if "migrations" not in module.parts:
        assert len(module.read_text(encoding="utf-8").splitlines()) <= 400
