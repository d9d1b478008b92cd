"""`kill -9` in the middle of scenarios: nothing is said twice, and nothing ordered twice."""

import asyncio
import contextlib
import json
import random
import time
import uuid
from collections import Counter

import authors
import httpx2
import pytest
import running
import target
from faults import trial
from faults.test_kill import started

pytestmark = [pytest.mark.faults, pytest.mark.timeout(600), pytest.mark.xdist_group("deaths")]

VISITORS, KILLS = 12, 8
ANSWERS = ("Здравствуйте", "Анна", "Омск")
FILE = """\
besedka: 1
bot: {{name: Walks}}
scenarios:
  walk:
    triggers: {{on_start: true}}
    steps:
    - {{id: hello, kind: message, content: {{message: "1"}}}}
    - {{id: name, kind: question, content: {{question: "2", save_as: name}}}}
    - {{id: between, kind: message, content: {{message: "3 {{name}}"}}}}
    - id: order
      kind: api_call
      content: {{url: "{url}/order", method: POST, json: {{who: "{{name}}", n: "{{user_input}}"}},
        success_message: "4", error_message: "4", on_error: town, on_unknown: town}}
    - {{id: town, kind: question, content: {{question: "5", save_as: town}}}}
    - {{id: bye, kind: message, content: {{message: "6 {{town}}"}}}}
"""


@pytest.mark.parametrize("database", trial.DATABASES)
def test_killing_the_server_in_the_middle_of_scenarios_repeats_nothing(database, tmp_path):
    dice = random.Random(7)
    with target.running() as world:
        world.slow_s = 0.05
        environment = {"BESEDKA_OUTBOUND_ALLOW": f"127.0.0.1:{world.server_port}"}
        url = trial.database_url(database)
        with running.server(tmp_path / "home", DATABASE_URL=url, **environment) as site:
            author = authors.Author(site)
            text = FILE.format(url=world.url)
            bot = author.ask("POST", "/api/bots/import/", content=text).json()["bot_id"]
            sessions = [f"{number}-{uuid.uuid4().hex}" for number in range(VISITORS)]
            asyncio.run(_everything(site, bot, sessions, dice))
            sessions.append(f"{VISITORS}-{uuid.uuid4().hex}")
            asyncio.run(_walk(site, bot, sessions[-1], dice))
            walks = {one["user_session"]: one for one in author.get(f"/api/executions/?bot={bot}")}

    for session in sessions:
        number = session.partition("-")[0]
        said = [one["content"] for one in walks[session]["conversation_history"]]
        assert said == [
            "Здравствуйте", "1", "2", f"Анна {number}", f"3 Анна {number}", "4", "5", "Омск", "6 Омск"
        ], session  # fmt: skip
        assert walks[session]["is_completed"]
    orders = Counter(json.loads(body)["who"] for _method, _path, _headers, body in world.asked)
    assert set(orders.values()) == {1}
    assert f"Анна {VISITORS}" in orders  # whose order no death came between


async def _everything(site, bot, sessions, dice):
    """Everybody walks while the server is killed again and again."""
    async with asyncio.TaskGroup() as walking:
        for session in sessions:
            walking.create_task(_walk(site, bot, session, dice))
        for _ in range(KILLS):
            await asyncio.sleep(dice.uniform(0.05, 0.6))
            site.kill()
            await started(site)


async def _walk(site, bot, session, dice):
    """Say each line until it is answered, with the same key each time."""
    async with httpx2.AsyncClient(timeout=70) as client:
        for line in ANSWERS:
            text = f"{line} {session.partition('-')[0]}" if line == "Анна" else line
            key = {"Idempotency-Key": uuid.uuid4().hex}
            until = time.monotonic() + 120
            while time.monotonic() < until:
                with contextlib.suppress(httpx2.HTTPError):
                    body = {"message": text, "user_session": session}
                    reply = await client.post(f"{site.url}/api/bots/{bot}/chat/", json=body, headers=key)
                    if reply.status_code == 200:
                        break
                await asyncio.sleep(0.1)
            await asyncio.sleep(dice.uniform(0, 0.8))
