"""Without Redis nothing is refused and nothing is lost; it only takes the sweep's second."""

import os
import time

import httpx2
import make
import pytest
import running

pytestmark = [pytest.mark.faults, pytest.mark.xdist_group("redis-away")]

MESSAGES = "/api/v1/conversation/messages"
POSTGRESQL = os.environ.get("BESEDKA_TEST_POSTGRESQL", "")


@pytest.mark.skipif(not POSTGRESQL, reason="BESEDKA_TEST_POSTGRESQL names no server")
def test_two_processes_without_redis_find_each_others_messages_by_the_sweep(tmp_path):
    away = f"redis://127.0.0.1:{running.free_port()}/0"
    with running.server(tmp_path / "home", DATABASE_URL=POSTGRESQL, REDIS_URL=away) as first:
        second = running.Server(tmp_path / "home", running.free_port(), dict(first.environment))
        try:
            second.start()
            headers = {"chat-token": make.token()}

            stored = httpx2.post(first.url + MESSAGES, json={"text": "позовите оператора"}, headers=headers)
            httpx2.get(f"{first.url}{MESSAGES}?after=1&wait=10", headers=headers, timeout=20)
            with httpx2.Client(headers=headers, timeout=30) as client:
                began = time.monotonic()
                with client.stream("GET", f"{second.url}/api/v1/conversation/stream?after=2") as stream:
                    lines = stream.iter_lines()
                    next(lines)
                    httpx2.post(first.url + MESSAGES, json={"text": "news"}, headers=headers)
                    line = next(line for line in lines if "news" in line)
                took = time.monotonic() - began
        finally:
            second.stop()

    assert stored.status_code == 201
    assert "news" in line
    assert took < 3


@pytest.mark.skipif(not POSTGRESQL, reason="BESEDKA_TEST_POSTGRESQL names no server")
def test_a_database_that_drops_every_connection_is_come_back_to(tmp_path):
    with running.server(tmp_path / "home", DATABASE_URL=POSTGRESQL) as site:
        headers = {"chat-token": make.token()}
        statuses = []
        for number in range(60):
            if number % 10 == 5:
                site.select(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                    "WHERE datname = current_database() AND pid <> pg_backend_pid()"
                )
            body = {"text": f"hello {number}", "client_id": str(number)}
            response = httpx2.post(site.url + MESSAGES, json=body, headers=headers, timeout=20)
            statuses.append(response.status_code)
            if response.status_code == 503:
                assert response.headers["Retry-After"]
                httpx2.post(site.url + MESSAGES, json=body, headers=headers, timeout=20)

        own = site.select("SELECT client_id FROM conversations_message WHERE author = 'contact' ORDER BY seq")

    assert set(statuses) <= {201, 503}
    assert [client_id for (client_id,) in own] == [str(number) for number in range(60)]
