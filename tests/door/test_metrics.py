"""`/metrics`: what Prometheus reads, what it may not cost, and who may see it."""

import json
import os
import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx2
import llm_stub
import make
import pytest
import running
import yaml
from django.utils import timezone
from prometheus_client.parser import text_string_to_metric_families
from websockets.sync.client import connect

from besedka.conversations import tallies
from besedka.conversations.deliveries import Outgoing, post_many
from besedka.door import metrics

TOKEN = "a-token-of-whoever-watches-over-us"
OF_WATCHER = {"Authorization": f"Bearer {TOKEN}"}
MESSAGES = "/api/v1/conversation/messages"

DEPLOY = Path(__file__).resolve().parents[2] / "deploy"
NAME = re.compile(r"\b(?:besedka|process|python)_\w+|\bup\b")

Figures = dict[str, list[tuple[dict[str, str], float]]]


def read(text: str) -> Figures:
    """Every sample of a scrape, by its name."""
    found: Figures = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            found.setdefault(sample.name, []).append((sample.labels, sample.value))
    return found


def scrape(site: running.Server) -> Figures:
    """The figures of a server."""
    answer = httpx2.get(f"{site.url}/metrics", headers=OF_WATCHER, timeout=30)
    assert answer.status_code == 200
    return read(answer.text)


def total(figures: Figures, name: str, **labels: str) -> float:
    """The sum of all samples of this name with these labels."""
    return sum(value for own, value in figures.get(name, []) if all(own.get(k) == v for k, v in labels.items()))


def held_by_nobody(figures: Figures) -> float:
    """Conversations that a bot answers, or that wait for a person."""
    return sum(total(figures, "besedka_conversations", owner=owner) for owner in ("bot", "queue"))


@pytest.fixture(scope="module")
def watched(tmp_path_factory) -> Iterator[running.Server]:
    """A server with a token for its figures, and a model that answers."""
    home = tmp_path_factory.mktemp("watched") / "home"
    with llm_stub.running() as model:
        model.says(llm_stub.Says(("Two days [1].",), tokens=(19, 6)))
        given = {
            "OPENAI_BASE_URL": f"{model.url}/v1",
            "OPENAI_API_KEY": "sk-0123456789abcdef",
            "OPENAI_MODEL": "m",
        }
        with running.server(home, BESEDKA_METRICS_TOKEN=TOKEN, BESEDKA_ACCESS_LOG="on", **given) as site:
            yield site


pytestmark = pytest.mark.xdist_group("watched")


@pytest.mark.parametrize(
    ("shown", "status"),
    [
        ({}, 401),
        ({"Authorization": f"Bearer {TOKEN}x"}, 401),
        ({"Authorization": f"Basic {TOKEN}"}, 401),
        ({"Authorization": "Bearer ключ".encode()}, 401),
        (OF_WATCHER, 200),
    ],
)
def test_figures_are_for_who_shows_the_token(watched, shown, status):
    answer = httpx2.get(f"{watched.url}/metrics", headers=shown)

    assert answer.status_code == status
    assert ("besedka_" in answer.text) == (status == 200)
    assert (answer.headers.get("WWW-Authenticate") == "Bearer") == (status == 401)


def test_without_a_token_in_the_settings_there_are_no_figures_for_anybody(site):
    for shown in ({}, OF_WATCHER, {"Authorization": "Bearer"}):
        assert httpx2.get(f"{site.url}/metrics", headers=shown).status_code == 404


def test_what_is_done_is_counted(watched):
    token = make.token()
    before = scrape(watched)

    with connect(f"{watched.url.replace('http', 'ws')}/ws/visitor") as ws:
        ws.send(json.dumps({"type": "hello", "token": token}))
        ws.send(json.dumps({"type": "send", "client_id": "1", "text": "Сколько идёт доставка?"}))
        heard: dict[str, Any] = {}
        while (heard.get("type"), heard.get("author")) != ("message", "bot"):  # it types, too
            heard = json.loads(ws.recv(timeout=100))
        held = scrape(watched)
    httpx2.post(watched.url + MESSAGES, json={"text": "hello"}, headers={"chat-token": token})
    httpx2.post(watched.url + MESSAGES, json={"text": ""}, headers={"chat-token": token})
    httpx2.get(f"{watched.url}/api/bots/7/")
    running.wait_until(
        lambda: total(scrape(watched), "besedka_turns_total") > total(before, "besedka_turns_total")
    )
    running.wait_until(lambda: held_by_nobody(scrape(watched)))  # the database is asked once in a while
    after = scrape(watched)

    def grown(name: str, **labels: str) -> float:
        return total(after, name, **labels) - total(before, name, **labels)

    assert total(held, "besedka_connections", kind="visitor") == 1
    assert grown("besedka_http_answers_total", route=MESSAGES, method="POST", status="201") == 1
    assert grown("besedka_http_answers_total", route=MESSAGES, method="POST", status="400") == 1
    assert grown("besedka_http_answers_total", route="/api/bots/(?P<pk>[0-9]{1,18})", status="401") == 1
    assert grown("besedka_http_post_seconds_count", route=MESSAGES) == 2
    assert grown("besedka_turn_seconds_count", stage="waiting") >= 1
    assert grown("besedka_turn_seconds_count", stage="thinking") >= 1
    assert grown("besedka_turn_seconds_count", stage="commit") >= 1
    assert grown("besedka_turn_seconds_count", stage="model") >= 1
    assert grown("besedka_turns_total") >= 1
    assert grown("besedka_model_calls_total", provider="openai", model="m", outcome="answered") >= 1
    assert grown("besedka_model_tokens_total", way="in") >= 19
    assert grown("besedka_batch_jobs_sum", batcher="writer") >= 4
    assert held_by_nobody(after) >= 1
    assert total(after, "besedka_database_up") == 1
    assert total(after, "besedka_loop_well", loop="turns") == 1
    assert total(after, "process_resident_memory_bytes") > 10_000_000
    assert total(after, "process_open_fds") > 5


def test_no_path_id_or_token_of_anybody_is_in_any_figure(watched):
    secret = f"t0k3n-{make.token()}"
    for path in (
        f"/nothing/{secret}",
        f"/files/{secret}",
        f"/api/bots/77{secret}/",
        f"/admin/{secret}",
        f"/{secret}",
    ):
        httpx2.get(f"{watched.url}{path}?token={secret}", headers={"chat-token": secret})
    httpx2.request("PROPFIND", f"{watched.url}/gpt", headers={"chat-token": secret})

    text = httpx2.get(f"{watched.url}/metrics", headers=OF_WATCHER).text

    assert secret not in text
    assert "PROPFIND" not in text
    assert TOKEN not in watched.log.read_text(errors="replace")


@pytest.mark.django_db(transaction=True)
def test_the_age_of_what_waits_is_told():
    longer_ago = timezone.now() - timedelta(minutes=10)
    make.conversation(owner="bot", due_at=longer_ago)
    make.conversation(owner="queue", waiting_since=longer_ago)
    post_many([Outgoing("telegram", "7", {"kind": "text"})], now=longer_ago)

    tally = tallies.now(metrics.CHANNELS)

    assert tally.owners == {"bot": 1, "queue": 1}
    assert (tally.oldest_due, tally.oldest_waiting) == (longer_ago, longer_ago)
    assert tally.oldest_unsent == {"telegram": longer_ago}
    assert tally.deliveries == {("telegram", "waiting"): 1}
    assert tally.posts == ()


def test_a_database_that_does_not_say_leaves_its_figures_out_and_no_others(tmp_path):
    with running.server(tmp_path / "home", BESEDKA_METRICS_TOKEN=TOKEN) as site:
        rename = "ALTER TABLE conversations_delivery RENAME TO gone"
        site.shell(f"from django.db import connection; connection.cursor().execute({rename!r})")

        running.wait_until(lambda: total(scrape(site), "besedka_database_up") == 0)
        figures = scrape(site)

    assert "besedka_oldest_due_turn_seconds" not in figures
    assert total(figures, "besedka_http_answers_total", status="200") >= 1
    assert total(figures, "besedka_disk_free_bytes") > 0


def test_the_figures_of_several_web_processes_add_up(tmp_path):
    if not os.environ.get("DATABASE_URL", "").startswith("postgres"):
        pytest.skip("several web processes are for a database of their own: PostgreSQL")
    with running.server(tmp_path / "home", BESEDKA_METRICS_TOKEN=TOKEN) as site:
        site.stop()
        site.command = [running.BESEDKA, "web", "--workers", "2"]
        site.start()
        stored = {"route": MESSAGES, "method": "POST", "status": "201"}

        def processes() -> set[str]:
            return {labels["process"] for labels, _ in scrape(site)["process_open_fds"]}

        running.wait_until(lambda: processes() == {"web-0", "web-1"})
        for number in range(40):  # a connection each: both processes get some
            httpx2.post(site.url + MESSAGES, json={"text": str(number)}, headers={"chat-token": make.token()})
        running.wait_until(lambda: total(scrape(site), "besedka_http_answers_total", **stored) == 40)


def told_of(text: str) -> dict[str, tuple[str, str]]:
    """What there is in a scrape, with or without samples: by name, its kind and what it is said to be."""
    helps = dict(line[7:].split(" ", 1) for line in text.splitlines() if line.startswith("# HELP "))
    kinds = dict(line[7:].split(" ", 1) for line in text.splitlines() if line.startswith("# TYPE "))
    return {name: (kinds[name], said) for name, said in helps.items()}


def queries() -> list[str]:
    """Every query of the dashboard and of the alerts."""
    board = json.loads((DEPLOY / "grafana" / "besedka.json").read_text())
    asked = [target["expr"] for panel in board["panels"] for target in panel.get("targets", ())]
    return asked + [rule["expr"] for rule in rules()]


def rules() -> list[dict[str, Any]]:
    """Every alert."""
    groups = yaml.safe_load((DEPLOY / "alerts.yml").read_text())["groups"]
    return [rule for group in groups for rule in group["rules"]]


@pytest.fixture(scope="module")
def everything(watched) -> dict[str, tuple[str, str]]:
    """What a server that has done everything tells of."""
    watched_text = httpx2.get(f"{watched.url}/metrics", headers=OF_WATCHER, timeout=30).text
    return {**told_of(watched_text), "besedka_beat_leads": ("gauge", metrics.BEAT)}


def test_every_query_of_the_dashboard_and_the_alerts_asks_for_what_there_is(everything):
    there = {"up"}
    for name, (kind, _) in everything.items():
        there |= {f"{name}_{part}" for part in ("bucket", "sum", "count")} if kind == "histogram" else {name}

    asked = {name for query in queries() for name in NAME.findall(query)}

    assert len(queries()) > 40
    assert asked - there == set()


def test_every_alert_says_how_grave_it_is_what_has_happened_and_what_to_do():
    said = [{"severity": rule["labels"]["severity"], **rule["annotations"]} for rule in rules()]

    assert len(said) > 10
    assert {one["severity"] for one in said} == {"page", "ticket"}
    assert [one for one in said if not (one.get("summary") and one.get("runbook"))] == []


def test_every_figure_stands_in_the_documentation_as_it_says_itself(everything):
    page = (DEPLOY.parent / "docs" / "operations" / "metrics.md").read_text()
    own = {name: what for name, what in everything.items() if name.startswith("besedka_")}

    rows = [f"| `{name}` | {kind} |" for name, (kind, _) in own.items()]

    assert [row for row in rows if row not in page] == []
    assert [said for _, said in own.values() if f"| {said} |" not in page] == []
    assert {name for name in re.findall(r"^\| `(besedka_\w+)`", page, re.MULTILINE)} == own.keys()
