"""What a visitor must never find in anybody's hands: tokens in logs, and room for a thousand made-up visitors."""

import asyncio
import base64
import contextlib
import json
import re
import secrets

import httpx2
import llm_stub
import make
import pytest
import running
import telegram_server
import websockets
from console import PASSWORD, operator
from websockets.sync.client import connect

pytestmark = pytest.mark.xdist_group("secrets")

MESSAGES = "/api/v1/conversation/messages"


def test_a_hundred_connections_leave_no_secret_in_any_log(tmp_path):
    """Whatever the way in and however it ends, and with everything logged that can be logged."""
    told = [f"t0k3n-{secrets.token_hex(12)}" for _ in range(20)]

    async def connect(site: running.Server, token: str) -> None:
        headers = {"chat-token": token, "Authorization": f"Bearer {token}", "Cookie": f"sessionid={token}"}
        url = f"ws://127.0.0.1:{site.port}/ws/visitor"
        async with httpx2.AsyncClient(headers=headers, timeout=20) as client:
            await client.post(f"{site.url}/gpt?uuid={token}", json={"message": f"my token is {token}"})
            await client.post(site.url + MESSAGES, json={"text": 5, token: token})
            await client.get(f"{site.url}/message?chat-token={token}&after=x{token}")
            await client.get(f"{site.url}/nothing?token={token}")
            await client.get(f"{site.url}/admin/?next={token}")
        async with websockets.connect(f"{url}?uuid={token}", additional_headers={"chat-token": token}) as ws:
            await ws.send(json.dumps({"type": "send", "text": token, "client_id": token}))
            await ws.send(token)
            await ws.recv()
        async with websockets.connect(f"{url}?inbox={token}") as ws:
            with contextlib.suppress(websockets.ConnectionClosed):
                await ws.send(json.dumps({"type": "hello", "token": token}))
            await ws.wait_closed()

    async def everybody(site: running.Server) -> None:
        for token in told:
            await connect(site, token)

    with running.server(tmp_path / "home", BESEDKA_ACCESS_LOG="on", BESEDKA_LOG_LEVEL="DEBUG") as site:
        asyncio.run(everybody(site))
        stored = site.select("SELECT known_as, shown FROM conversations_identity")
    log = site.log.read_text(errors="replace")

    assert log.count("besedka.access") >= 100
    assert [token for token in told if token in log] == []
    assert running.PASSWORD not in log
    assert all(len(known_as) == 64 and len(shown) == 5 for known_as, shown in stored)


def test_what_operators_and_programs_show_at_the_door_stands_in_no_log(tmp_path):
    """Tickets, passwords, tokens of every kind, and the house's own keys: right, wrong, and used up."""
    hook, key = f"hook-{secrets.token_hex(12)}", f"sk-{secrets.token_hex(16)}"
    secret = f"a-key_of-the-house-{secrets.token_hex(24)}"
    wrong = f"wr0ng-{secrets.token_hex(12)}"
    shown = [hook, key, secret, wrong, PASSWORD, running.PASSWORD, telegram_server.TOKEN]

    def talk(site: running.Server, model: llm_stub.Stub, telegram: telegram_server.Telegram) -> None:
        anna = operator(site, "anna")
        chat_token = f"t0k3n-{secrets.token_hex(12)}"
        pair = httpx2.post(f"{site.url}/api/token/", json={"username": "anna", "password": PASSWORD}).json()
        again = httpx2.post(f"{site.url}/api/token/refresh/", json={"refresh": pair["refresh"]}).json()
        shown.extend([chat_token, *pair.values(), *again.values()])
        shown.append(base64.b64encode(f"anna:{PASSWORD}".encode()).decode())
        for token in (pair["access"], wrong):
            for path in ("/api/v1/desk/conversations/", "/api/ws_token/", f"/nothing?token={token}"):
                httpx2.get(site.url + path, headers={"Authorization": f"Bearer {token}"}, timeout=30)
        httpx2.post(f"{site.url}/api/token/", json={"username": "anna", "password": wrong})
        httpx2.get(f"{site.url}/api/v1/desk/conversations/", auth=("anna", wrong))
        for ticket in [anna.ticket(), wrong]:
            shown.append(ticket)
            for path in ("/ws/desk", "/ws/chat/1/", "/ws/desk"):
                with connect(f"{site.url.replace('http', 'ws')}{path}?uuid={ticket}") as ws:
                    ws.recv(timeout=10)
            upload = f"{site.url}/api/v1/desk/files?conversation=1&name=a.png"
            httpx2.post(upload, content=b"x", headers={"ticket": ticket}, timeout=30)
        with httpx2.Client(base_url=site.url, follow_redirects=True, timeout=30) as browser:
            form = browser.get("/admin/login/").text
            csrf = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', form)
            assert csrf is not None
            sent = {"username": "admin", "password": running.PASSWORD, "csrfmiddlewaretoken": csrf[1]}
            browser.post("/admin/login/", data=sent, headers={"Referer": site.url})
            assert browser.get("/desk/").status_code == 200
            shown.extend([csrf[1], browser.cookies["sessionid"], browser.cookies["csrftoken"]])
        header = "X-Telegram-Bot-Api-Secret-Token"
        person = telegram.person()
        for given in (hook, wrong):
            for path in ("/telegram/webhook", f"/telegram/webhook?secret={given}"):
                update = {"update_id": len(shown), "message": person.message(text="/start")}
                httpx2.post(site.url + path, json=update, headers={header: given}, timeout=30)
                shown.append("")  # another number
        telegram_server.wait_until(lambda: person.texts, within_s=40)
        model.says(llm_stub.KEY_REFUSED)
        question = {"message": "Сколько стоит доставка?"}
        httpx2.post(f"{site.url}/gpt", json=question, headers={"chat-token": chat_token}, timeout=30)
        telegram_server.wait_until(lambda: model.asked, within_s=20)

    with telegram_server.running() as telegram, llm_stub.running() as model:
        telegram.fails("sendMessage", telegram_server.DOWN, telegram_server.TOO_MANY)
        given = {
            "SECRET_KEY": secret,
            "TELEGRAM_BOT_TOKEN": telegram_server.TOKEN,
            "TELEGRAM_API_BASE": telegram.url,
            "TELEGRAM_WEBHOOK_URL": "https://shop.example/telegram/webhook",
            "TELEGRAM_WEBHOOK_SECRET": hook,
            "OPENAI_API_KEY": key,
            "OPENAI_BASE_URL": f"{model.url}/v1",
            "OPENAI_MODEL": "m",
        }
        more = {"BESEDKA_ACCESS_LOG": "on", "BESEDKA_LOG_LEVEL": "DEBUG"}
        with running.server(tmp_path / "home", **given, **more) as site:
            talk(site, model, telegram)
        asked = model.asked
    log = site.log.read_text(errors="replace")

    assert f"Bearer {key}" in asked[0].headers.values()
    assert log.count("besedka.access") >= 25
    assert [one for one in {*shown} - {""} if one in log] == []
    assert telegram_server.TOKEN.partition(":")[2] not in log


def test_no_refusal_repeats_a_secret(site):
    token = f"t0k3n-{secrets.token_hex(12)} with a space"
    requests = [
        httpx2.post(f"{site.url}/gpt", json={"message": "x"}, headers={"chat-token": token}),
        httpx2.get(f"{site.url}{MESSAGES}?inbox={token}", headers={"chat-token": make.token()}),
        httpx2.get(f"{site.url}/nothing?token={token}", headers={"Accept": "application/json"}),
    ]

    assert [response.status_code for response in requests] == [400, 404, 404]
    assert not any("t0k3n" in response.text for response in requests)


def test_no_way_in_lets_one_address_make_up_more_visitors_than_another(tmp_path):
    """A forged address, another spelling of the path, a socket, a wish for a person: all of them count as one."""

    async def by_socket(site: running.Server, frame: dict[str, str]) -> bool:
        url = f"ws://127.0.0.1:{site.port}/ws/visitor"
        async with asyncio.timeout(10), websockets.connect(url) as ws:
            await ws.send(json.dumps({"type": "hello", "token": make.token()}))
            assert json.loads(await ws.recv())["type"] == "ready"
            await ws.send(json.dumps(frame))
            while (answer := json.loads(await ws.recv()))["type"] not in ("sent", "state", "error"):
                pass
            return answer["type"] != "error"

    async def everybody(site: running.Server) -> list[bool]:
        taken = []
        async with httpx2.AsyncClient(timeout=20) as client:
            for number in range(60):
                headers = {
                    "chat-token": make.token(),
                    "X-Forwarded-For": f"203.0.113.{number}",
                    "X-Real-IP": f"203.0.113.{number}",
                    "Forwarded": f"for=203.0.113.{number}",
                    "X-HTTP-Method-Override": "GET",
                }
                path = ("/gpt", "/gpt/", "/api/v1/gpt", MESSAGES, f"{MESSAGES}/")[number % 5]
                body = {"message": "x", "text": "x"}
                taken.append((await client.post(site.url + path, json=body, headers=headers)).status_code == 201)
                path = f"{site.url}/api/v1/conversation/handoff"
                headers["chat-token"] = make.token()
                taken.append((await client.post(path, headers=headers)).status_code == 200)
                taken.append(await by_socket(site, {"type": "send", "text": "x", "client_id": "1"}))
                taken.append(await by_socket(site, {"type": "handoff"}))
        return taken

    with running.server(tmp_path / "home", BESEDKA_RATE_LIMITS="on") as site:
        taken = asyncio.run(everybody(site))

    assert all(taken[:120])
    assert taken.count(True) < 140
