"""Without Redis nothing is refused and nothing is lost; it only takes the sweep's second."""

import contextlib
import time
from collections.abc import Iterator

import httpx2
import make
import pytest
import running
import services
from faults import proxy, trial

pytestmark = [pytest.mark.faults, pytest.mark.xdist_group("redis-away")]

MESSAGES = "/api/v1/conversation/messages"
SWEEP_S = 1  # the product's; what was lost is found after that, and a moment
BACK_S = 6  # until a process has found Redis again


@pytest.fixture
def line() -> Iterator[proxy.Proxy]:
    """The line to the real Redis."""
    redis = services.parts("Redis")
    with proxy.proxy_to(redis.hostname or "", redis.port or 0) as line:
        yield line


@pytest.mark.parametrize("database", trial.DATABASES)
def test_without_redis_two_processes_find_each_others_messages_by_the_sweep(database, line, tmp_path):
    headers = {"chat-token": make.token()}
    with two_processes(tmp_path, trial.database_url(database), line) as (first, second):
        say(first, "hello", headers)
        together_s = news_from(first, second, headers)

        line.cut()
        apart_s = [news_from(first, second, headers) for _ in range(3)]
        answered = httpx2.get(f"{second.url}{MESSAGES}?after=2", headers=headers).json()["messages"]

        line.mend()
        until, again_s = time.monotonic() + BACK_S, float(SWEEP_S)
        while again_s > SWEEP_S / 2 and time.monotonic() < until:
            again_s = news_from(first, second, headers)

    print(f"{together_s:.3f} s with Redis, without {max(apart_s):.3f} s, with it again {again_s:.3f} s")
    assert together_s < SWEEP_S / 2
    assert max(apart_s) < SWEEP_S + 1
    assert {message["author"] for message in answered} == {"contact", "bot"}
    assert again_s < SWEEP_S / 2


@contextlib.contextmanager
def two_processes(tmp_path, url: str, line: proxy.Proxy) -> Iterator[tuple[running.Server, running.Server]]:
    """Two of our processes on one database and one Redis."""
    redis = f"redis://127.0.0.1:{line.port}{services.parts('Redis').path}"
    with running.server(tmp_path / "home", DATABASE_URL=url, REDIS_URL=redis) as first:
        second = running.Server(tmp_path / "home", running.free_port(), dict(first.environment))
        try:
            second.start()
            yield first, second
        finally:
            second.stop()


def say(site: running.Server, text: str, headers: dict[str, str]) -> int:
    """Say it and have the bot's answer; the seq of that."""
    stored = httpx2.post(site.url + MESSAGES, json={"text": text}, headers=headers)
    assert stored.status_code == 201
    answer = httpx2.get(f"{site.url}{MESSAGES}?after={stored.json()['seq']}&wait=10", headers=headers, timeout=20)
    return int(answer.json()["messages"][0]["seq"])


def news_from(first: running.Server, second: running.Server, headers: dict[str, str]) -> float:
    """Seconds until who reads at the second process has what was said at the first."""
    last = httpx2.get(f"{second.url}{MESSAGES}?after=0", headers=headers).json()["messages"][-1]["seq"]
    address = f"{second.url}/api/v1/conversation/stream?after={last}"
    with httpx2.stream("GET", address, headers=headers, timeout=30) as stream:
        lines = stream.iter_lines()
        next(line for line in lines if "state" in line)  # it has read the log, and waits
        began = time.monotonic()
        say(first, "hello", headers)
        next(line for line in lines if '"author":"contact"' in line)
        return time.monotonic() - began
