"""A contact is erased: processes die between any two steps, and who is connected sees it go."""

import asyncio
import contextlib
import json
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import held
import httpx2
import make
import pytest
import running
import websockets

pytestmark = [pytest.mark.faults, pytest.mark.timeout(600)]

DYING = """
import json, os, signal, sys
import django
django.setup()
from besedka.conversations import attachments, erasure, search_index
POINTS = {
    "in-the-fence": (erasure, "_empty", True),
    "behind-the-fence": (erasure, "_remove_some", False),
    "words-forgotten": (search_index, "forget_messages", True),
    "bytes-removed": (attachments, "remove_many", True),
    "some-removed": (erasure, "_remove_some", True),
    "all-removed": (erasure, "forget_journal", False),
}
def die(point, nth, contact_id):
    owner, name, after = POINTS[point]
    function, seen = getattr(owner, name), 0
    def dying(*arguments, **named):
        nonlocal seen
        result = function(*arguments, **named) if after else None
        seen += 1
        if seen == nth:
            os.kill(os.getpid(), signal.SIGKILL)
        return result if after else function(*arguments, **named)
    setattr(owner, name, dying)
    erasure.go_on.__kwdefaults__["limit"] = 5
    erasure.begin_many([contact_id])
    erasure.finish()
for point, nth, contact_id in json.loads(sys.argv[1]):
    pid = os.fork()  # each with a connection of its own: here there is none yet
    if not pid:
        die(point, nth, contact_id)
        os._exit(0)
    print(point, os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
"""
FILL = """
import sys
sys.path.insert(0, {tests!r})
import held
for _ in range({many}):
    conversation = held.contact(messages=30)
    print(conversation.contact_id, conversation.pk)
"""
LOOK = """
import sys
sys.path.insert(0, {tests!r})
import held
for conversation_id in {conversations}:
    print(sorted(held.numbers(conversation_id)))
print(held.places(held.SECRET, held.STEM), held.files())
"""
TESTS = str(Path(__file__).resolve().parent.parent)


def filled(site: running.Server, many: int) -> list[tuple[int, int]]:
    """The numbers of contacts who left something everywhere, and of their conversations."""
    made = site.shell(FILL.format(tests=TESTS, many=many)).split()
    return [(int(contact), int(conversation)) for contact, conversation in zip(made[::2], made[1::2], strict=True)]


def left(site: running.Server, conversation_ids: list[int]) -> list[str]:
    """What there is of each of these; at the end, where the secret stands, and all files."""
    return site.shell(LOOK.format(tests=TESTS, conversations=conversation_ids)).strip().splitlines()


ERASED = "['conversations.Message']"


def test_what_dies_between_any_two_steps_is_finished_by_whoever_comes_next(tmp_path):
    points = [("in-the-fence", 1), ("behind-the-fence", 1), ("words-forgotten", 3), ("bytes-removed", 1)]
    points += [("some-removed", 4), ("all-removed", 1)]
    with running.server(tmp_path / "home") as site:
        people = filled(site, len(points))
        site.stop()
        environment = {**site.surroundings(), "DJANGO_SETTINGS_MODULE": "besedka.project.settings"}
        plan = [[*point, contact_id] for point, (contact_id, _) in zip(points, people, strict=True)]
        command = [sys.executable, "-c", DYING, json.dumps(plan)]
        died = subprocess.run(command, env=environment, cwd=tmp_path, check=True, capture_output=True, text=True)
        site.start()
        until_gone(site)
        first, *others, _ = left(site, [conversation_id for _, conversation_id in people])
        command = [running.BESEDKA, "erase-contact", str(people[0][0]), "--yes"]
        told = subprocess.run(command, env=environment, cwd=tmp_path, check=True, capture_output=True, text=True)
        until_gone(site)
        *_, nothing = left(site, [])

    assert died.stdout.splitlines() == [f"{point} -9" for point, _ in points]
    assert others == [ERASED] * (len(points) - 1)
    assert "desk.Note" in first  # what dies in the fence has erased nothing, and is begun anew
    assert nothing == "{} []"
    assert held.SECRET not in told.stdout
    assert f"Contact {people[0][0]}: conversations 1, messages 3" in told.stdout


def until_gone(site: running.Server) -> None:
    """Nothing waits to be removed; the server's own loop sees to it."""
    wait_for(
        lambda: (
            site.select("SELECT COUNT(*) FROM conversations_conversation WHERE erasing_since IS NOT NULL")
            == [(0,)]
        )
    )


def wait_for(condition: Callable[[], bool], within_s: float = 60) -> None:
    stop = threading.Event()
    for _ in range(int(within_s / 0.1)):
        if condition():
            return
        stop.wait(0.1)
    raise AssertionError("it did not happen in time")


@pytest.mark.xdist_group("site")
def test_open_connections_of_an_erased_contact_end_and_begin_anew(site):
    token = make.token()
    key = site.select("SELECT public_key FROM conversations_inbox ORDER BY id")[0][0]
    closed, again, streamed = asyncio.run(connected(site, token, key))
    polled = httpx2.get(
        f"{site.url}/api/v1/conversation/messages?inbox={key}", headers={"chat-token": token}, timeout=20
    ).json()["messages"]

    assert closed == 4409
    assert (again["last_seq"], again["owner"]) == (0, None)
    assert "event: error" in streamed
    assert '"code":"erased"' in streamed
    assert polled[0]["seq"] == 1
    assert [message["text"] for message in polled if message["author"] == "contact"] == ["hello again"]


async def connected(site: running.Server, token: str, key: str) -> tuple[int, dict[str, Any], str]:
    """What a socket and a stream see of an erasure: the code, the next greeting, the end of the stream."""
    address = f"ws://127.0.0.1:{site.port}/ws/visitor?inbox={key}"
    async with asyncio.timeout(120), httpx2.AsyncClient(timeout=60) as client:
        async with websockets.connect(address) as ws:
            await ws.send(json.dumps({"type": "hello", "token": token}))
            await ws.send(json.dumps({"type": "send", "client_id": "1", "text": held.SECRET}))
            while json.loads(await ws.recv())["type"] != "sent":
                pass
            stream = f"{site.url}/api/v1/conversation/stream?inbox={key}"
            async with client.stream("GET", stream, headers={"chat-token": token}) as events:
                lines = events.aiter_lines()
                async for line in lines:
                    if held.SECRET in line:
                        break
                await asyncio.to_thread(erase_over_http, site)
                streamed = "\n".join([line async for line in lines])
            with contextlib.suppress(websockets.ConnectionClosed):
                while True:
                    await ws.recv()
            code = ws.close_code or 0
        async with websockets.connect(address) as ws:
            await ws.send(json.dumps({"type": "hello", "token": token, "after": 57}))
            ready = json.loads(await ws.recv())
            await ws.send(json.dumps({"type": "send", "client_id": "2", "text": "hello again"}))
            frame: dict[str, Any] = {}
            while frame.get("type") != "message":
                frame = json.loads(await ws.recv())
            assert (frame["seq"], frame["text"]) == (1, "hello again")
    return code, ready, streamed


def erase_over_http(site: running.Server) -> None:
    """As an administrator does it in the browser."""
    [[contact_id]] = site.select("SELECT MAX(contact_id) FROM conversations_conversation")
    with httpx2.Client(base_url=site.url, follow_redirects=True, timeout=60) as browser:
        browser.get("/admin/login/")
        form = {"username": "admin", "password": running.PASSWORD, "next": "/admin/"}
        browser.post("/admin/login/", data={**form, "csrfmiddlewaretoken": browser.cookies["csrftoken"]})
        page = f"/admin/conversations/contact/{contact_id}/data/"
        assert browser.get(page).status_code == 200
        done = browser.post(
            f"{page}erase/", data={"number": contact_id, "csrfmiddlewaretoken": browser.cookies["csrftoken"]}
        )
        assert done.status_code == 200
