"""A model that fails in every way: the visitor hears something in time, and the database is left alone."""

import asyncio
import contextlib
import os
import sqlite3
import time
from collections.abc import Iterator
from typing import Any

import httpx2
import llm_stub
import make
import psycopg
import pytest
import running
from faults import book, trial
from faults.readers import MESSAGES
from llm_stub import Asked, Says, Stub

pytestmark = [pytest.mark.faults, pytest.mark.timeout(600)]

TOLD_S = 60  # whoever asks hears something by then
BUSY_S = 20  # on a machine that is busy with other things
EACH = int(os.environ.get("BESEDKA_ASKERS", "1"))  # visitors that meet each trouble
TROUBLE = {
    "hangs": llm_stub.HANGS,
    "drips": llm_stub.DRIPS,
    "is busy for an hour": Says(status=429, retry_after="3600"),
    "is busy for ever": llm_stub.BUSY,
    "is down": llm_stub.DOWN,
    "says html": llm_stub.HTML,
    "says nothing": llm_stub.EMPTY,
    "says another schema": llm_stub.WRONG_SCHEMA,
    "says ten megabytes": llm_stub.HUGE,
    "refuses": Says(pieces=("I",), finish="refused"),
    "breaks off": Says(("Half an", " answer"), cut_at=150),
    "never ends": Says(("Half an", " answer"), finish="none"),
    "is cut at its length": Says(("We deliver daily. ", "Except on Sun"), finish="length"),
    "recovers": Says(("Two days.",)),
}
ANY_BOT = "from besedka.bots.models import Bot; Bot.objects.update(tokens_a_conversation=None, answer_from=1)"


@pytest.fixture
def stub() -> Iterator[Stub]:
    """It does what its visitor asks for."""
    with llm_stub.running() as stub:

        def behaves(asked: Asked) -> Says:
            question = asked.body["messages"][-1]["content"]
            return next(says for what, says in TROUBLE.items() if what in question)

        stub.behaves = behaves
        yield stub


@pytest.mark.xdist_group("model-away")
@pytest.mark.parametrize("database", trial.DATABASES)
def test_whatever_a_model_does_the_visitor_hears_something_in_time(database, stub, tmp_path):
    environment = {"OPENAI_BASE_URL": f"{stub.url}/v1", "OPENAI_API_KEY": "sk-of-nobody", "OPENAI_MODEL": "m"}
    url = trial.database_url(database)
    with running.server(tmp_path / "home", DATABASE_URL=url, **environment) as site:
        site.shell(ANY_BOT)
        heard, watched = asyncio.run(asked_everybody(site, stub))

    book.note(messages=len(heard), slowest_s=round(max(took_s for took_s, _, _ in heard), 1))
    answers = {what: message for _, what, message in heard if message["author"] == "bot"}
    assert max(took_s for took_s, _, _ in heard) < TOLD_S + BUSY_S
    assert {"is cut at its length", "recovers"} <= answers.keys()
    assert answers["recovers"]["text"] == "Two days."
    assert answers["is cut at its length"]["text"] == "We deliver daily."
    assert not any("Half" in message["text"] for _, _, message in heard)
    assert watched == []


async def asked_everybody(site: running.Server, stub: Stub) -> tuple[list[tuple[float, str, Any]], list[str]]:
    """How long each waited, what the model did, what was heard; and what was seen of the database meanwhile."""
    limits = httpx2.Limits(max_connections=None)
    async with httpx2.AsyncClient(base_url=site.url, timeout=TOLD_S * 3, limits=limits) as client:
        asking = [asyncio.create_task(ask(client, what)) for what in TROUBLE for _ in range(EACH)]
        watched = await asyncio.to_thread(watch, site, stub)
        return list(await asyncio.gather(*asking)), watched


async def ask(client: httpx2.AsyncClient, what: str) -> tuple[float, str, Any]:
    headers, began = {"chat-token": make.token()}, time.monotonic()
    said = await client.post(MESSAGES, json={"text": f"Your model {what}?"}, headers=headers)
    while True:
        query = f"?after={said.json()['seq']}&wait=25"
        messages = (await client.get(MESSAGES + query, headers=headers)).json()["messages"]
        if messages or time.monotonic() - began > TOLD_S * 2:
            return time.monotonic() - began, what, messages[0]


def watch(site: running.Server, stub: Stub) -> list[str]:
    """What is held open in the database while calls of the model hang: nothing, if all is well."""
    running.wait_until(lambda: any("hangs" in str(asked.body) for asked in stub.asked))
    held = []
    for _ in range(20):
        held += held_open(site)
        time.sleep(0.1)
    return held


def held_open(site: running.Server) -> list[str]:
    url = site.environment["DATABASE_URL"]
    if url:
        # Our own statements are quick: who has been in a transaction for seconds waits for something else.
        with psycopg.connect(url) as connection:
            found = connection.execute(
                "SELECT state, query FROM pg_stat_activity WHERE datname = current_database() "
                "AND pid <> pg_backend_pid() AND clock_timestamp() - xact_start > interval '5 seconds'"
            ).fetchall()
        return [f"{state}: {query}" for state, query in found]
    with contextlib.closing(sqlite3.connect(site.home / "besedka.sqlite3", isolation_level=None)) as database:
        database.execute("PRAGMA busy_timeout = 5000")
        try:
            database.execute("BEGIN IMMEDIATE")
            database.execute("ROLLBACK")
        except sqlite3.OperationalError as error:
            return [str(error)]
    return []
