"""Lines that are slow, break, or swallow answers: everybody has everything once and in order in the end."""

import asyncio
import os
import random
import time
from collections.abc import Iterator

import httpx2
import llm_stub
import make
import pytest
import running
import services
from faults import book, ledger, trial
from faults.proxy import Proxy, Weather, proxy_to
from faults.readers import MESSAGES, OLD_PAGE, TROUBLE, WAYS
from faults.site import installed
from llm_stub import Says

pytestmark = [pytest.mark.faults, pytest.mark.timeout(3600)]

ROUNDS = int(os.environ.get("BESEDKA_SWALLOWED", "50"))
FAULT_S = float(os.environ.get("BESEDKA_FAULT_S", "10"))
SEED = int(os.environ.get("BESEDKA_SEED", "0")) or int(time.time())
FAR = Weather(latency_s=0.15)  # each way: there and back it is twice that
CUT = 0.05  # of the connections, every second
ANY_BOT = "from besedka.bots.models import Bot; Bot.objects.update(tokens_a_conversation=None)"


@pytest.fixture
def site(tmp_path) -> Iterator[running.Server]:
    with running.server(tmp_path / "home") as site:
        yield site


@pytest.mark.xdist_group("lines")
def test_answers_that_are_swallowed_are_given_again(site):
    """Who asks again, with its id or its cursor, gets the same; a thousand times."""
    token = make.token()
    said, read, shown = [], [], []

    async def insist(client: httpx2.AsyncClient, method: str, url: str, **options: object) -> httpx2.Response:
        for _ in range(200):
            try:
                return await client.request(method, url, **options)
            except TROUBLE:
                continue
        raise AssertionError("two hundred answers in a row were swallowed")

    async def rounds(line: Proxy) -> None:
        url = f"http://127.0.0.1:{line.port}"
        async with httpx2.AsyncClient(headers={"chat-token": token}, timeout=60) as client:
            for number in range(ROUNDS):
                body = {"text": f"hello {number}", "client_id": f"id-{number}"}
                stored = await insist(client, "POST", url + MESSAGES, json=body)
                said.append((stored.status_code, stored.json()["seq"]))
                after = read[-1]["seq"] if read else 0
                read.extend((await insist(client, "GET", f"{url}{MESSAGES}?after={after}")).json()["messages"])
                after = shown[-1]["seq"] if shown else 0
                shown.extend((await insist(client, "GET", f"{url}{OLD_PAGE}?after={after}")).json()["messages"])

    with proxy_to("127.0.0.1", site.port, seed=SEED) as line:
        line.weather(down=Weather(swallows=0.2, breaks=0.2))
        asyncio.run(rounds(line))
        broken = line.broken
    log = trial.log_of(site, token)

    book.note(messages=ROUNDS, retries=broken)
    assert broken > ROUNDS / 4
    own = [message for message in log if message["author"] == "contact"]
    assert said == [(201, message["seq"]) for message in own]
    assert [message["text"] for message in own] == [f"hello {number}" for number in range(ROUNDS)]
    assert [message["seq"] for message in read] == [message["seq"] for message in log[: len(read)]]
    others = [message["seq"] for message in log if message["author"] != "contact"]
    assert [message["seq"] for message in shown] == others[: len(shown)]


@pytest.mark.xdist_group("lines")
def test_whoever_reads_by_sockets_and_polls_through_a_bad_line_sees_each_message_once(site, tmp_path):
    with proxy_to("127.0.0.1", site.port, seed=SEED) as line:
        line.weather(Weather(jitter_s=0.02, breaks=0.02), Weather(jitter_s=0.02, swallows=0.02, breaks=0.03))

        async def cut_now_and_then() -> None:
            until = time.monotonic() + FAULT_S
            while time.monotonic() < until:
                await asyncio.sleep(1)
                await asyncio.to_thread(line.cut_some, 0.3)
            await asyncio.to_thread(line.mend)

        bad = trial.Seen(site, f"http://127.0.0.1:{line.port}")
        people, broken = trial.visited(
            bad, tmp_path, cut_now_and_then, visitors=4, ways=WAYS, seed=SEED, operators=2
        )
        cuts = line.broken

    print(f"BESEDKA_SEED={SEED}: {cuts} connections broke")
    assert broken == []
    assert cuts > 10
    assert sum(visitor.promised for visitor in people) > 0


@pytest.mark.xdist_group("far-away")
def test_far_and_unreliable_parts_make_it_slow_and_nothing_else(tmp_path):
    """The database, Redis and the model, each 300 ms away, and a twentieth of the lines cut every second."""
    url, cache = services.parts("PostgreSQL"), services.parts("Redis")
    dice = random.Random(SEED)
    with (
        llm_stub.running() as model,
        proxy_to(url.hostname or "", url.port or 5432, seed=SEED) as database,
        proxy_to(cache.hostname or "", cache.port or 0, seed=SEED) as redis,
        proxy_to("127.0.0.1", model.port, seed=SEED) as thought,
    ):
        model.says(Says(("Two days.",), before_s=0.2))
        lines = [database, redis, thought]
        environment = {
            "REDIS_URL": f"redis://127.0.0.1:{redis.port}{cache.path}",
            "OPENAI_BASE_URL": f"http://127.0.0.1:{thought.port}/v1",
            "OPENAI_API_KEY": "sk-of-nobody",
            "OPENAI_MODEL": "m",
        }
        with installed(tmp_path / "home", url.geturl(), via=database.url, **environment) as site:
            site.shell(ANY_BOT)

            async def far_away() -> None:
                for line in lines:
                    await asyncio.to_thread(line.weather, FAR, FAR)
                until = time.monotonic() + max(FAULT_S, 15)
                while time.monotonic() < until:
                    await asyncio.sleep(1)
                    await asyncio.to_thread(dice.choice(lines).cut_some, CUT)
                for line in lines:
                    await asyncio.to_thread(line.mend)

            people, broken = trial.visited(
                site, tmp_path, far_away, visitors=4, ways=WAYS, seed=SEED, modelled=True
            )
        faults = ledger.model_faults(people, model.prompts())

    print(f"BESEDKA_SEED={SEED}: {len(model.asked)} calls of the model")
    assert broken + faults == []
    assert len(model.asked) > 0
