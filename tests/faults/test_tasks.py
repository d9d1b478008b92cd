"""Turns behind a broker: whoever dies or is away, every visitor is answered, and once."""

import asyncio
import contextlib
import itertools
import os
import secrets
import time

import httpx2
import llm_stub
import make
import pytest
import running
import services
from faults import book, scaled, trial
from faults.proxy import proxy_to
from faults.scaled import BEAT, DYING, WEB, WORKER, coming_to_grief
from llm_stub import Says

pytestmark = [pytest.mark.faults, pytest.mark.timeout(900), pytest.mark.xdist_group("tasks")]

MESSAGES = "/api/v1/conversation/messages"
ANSWERED_S = 60  # whoever asks is answered by then, or told
AWAY_S = float(os.environ.get("BESEDKA_AWAY_S", "3"))  # seconds that something is away
BORN_S = 6  # from its start; whoever fails sooner does not begin again
ROUNDS = int(os.environ.get("BESEDKA_ROUNDS", "1"))
TURNING = ["after-claim", "before-answer-commit", "after-answer-commit"]
TAKING = ["before-commit", "before-201", "before-task"]
SPEAKING = "from besedka.bots.models import Bot; Bot.objects.update(tokens_a_conversation=None, answer_from=1)"

AGAIN = """
from time import sleep
from besedka.conversations.models import Conversation
from besedka.project import celery
from besedka.turns.tasks import run_turns
for _ in range(8):
    for pk in Conversation.objects.values_list("pk", flat=True):
        run_turns.delay([pk])
    sleep(0.3)
"""


def ask(site, text, token=None):
    """Say it until it is taken; the token."""
    token = token or make.token()
    body, until, answer = {"text": text, "client_id": secrets.token_hex(8)}, time.monotonic() + ANSWERED_S, None
    while time.monotonic() < until:
        with contextlib.suppress(httpx2.HTTPError):
            answer = httpx2.post(site.url + MESSAGES, json=body, headers={"chat-token": token}, timeout=20)
            if answer.status_code in (200, 201):
                return token
        time.sleep(0.1)
    raise AssertionError(f"it was never taken: {answer and answer.text}")


def log(site, token):
    """Who said what."""
    return [(entry["author"], entry["text"]) for entry in trial.log_of(site, token)]


def reaction(site, token, *, within_s=ANSWERED_S):
    """Seconds until somebody else than the visitor says something."""
    began = time.monotonic()
    running.wait_until(lambda: [author for author, _ in log(site, token) if author != "contact"], within_s)
    return time.monotonic() - began


def listening(site):
    """How many workers take tasks."""
    return int(site.shell("from besedka.project.celery import app; print(len(app.control.ping(timeout=2)))"))


@pytest.fixture(params=["redis", "rabbitmq"])
def broker(request):
    """The address of a broker through a line that can be cut, and the line."""
    with contextlib.ExitStack() as stack:
        if request.param == "redis":
            redis = services.parts("Redis")
            line = stack.enter_context(proxy_to(redis.hostname or "", redis.port or 0))
            yield f"redis://127.0.0.1:{line.port}{redis.path}", line
        else:
            rabbitmq = services.parts("RabbitMQ")
            host = stack.enter_context(scaled.rabbitmq_host())
            line = stack.enter_context(proxy_to(rabbitmq.hostname or "", rabbitmq.port or 0))
            yield f"amqp://{rabbitmq.username}:{rabbitmq.password}@127.0.0.1:{line.port}/{host}", line


def test_a_broker_that_is_away_makes_answers_late_and_no_more(broker, tmp_path):
    address, line = broker
    with scaled.scaled(tmp_path, broker=address) as site:
        reaction(site, ask(site, "hello"))

        async def come_and_go():
            for trouble in (line.cut, line.stall):
                await asyncio.sleep(AWAY_S)
                trouble()
                await asyncio.sleep(AWAY_S)
                line.mend()
            await asyncio.sleep(AWAY_S)

        people, broken = trial.visited(site, tmp_path, come_and_go)

    assert broken == []
    assert sum(visitor.promised for visitor in people) > 20


def test_a_worker_whose_celery_gives_up_when_the_broker_is_lost_begins_again(tmp_path):
    redis = services.parts("Redis")
    with proxy_to(redis.hostname or "", redis.port or 0) as line:
        others = {"worker": [*DYING, "broker-lost", "1", "--act", "raise", "--", *WORKER]}
        address = f"redis://127.0.0.1:{line.port}{redis.path}"
        with scaled.scaled(tmp_path, web=1, others=others, broker=address) as site:
            running.wait_until(lambda: listening(site))
            time.sleep(BORN_S)  # it did not fail at its start

            line.cut()
            running.wait_until(lambda: "Celery has given up" in site.processes["worker"].log.read_text())
            line.mend()
            running.wait_until(lambda: listening(site))

            reaction(site, ask(site, "hello"))
            site.stop("worker")

            assert site.processes["worker"].log.read_text().count("Celery has given up") == 1


def test_workers_and_web_processes_that_die_anywhere_lose_and_double_nothing(tmp_path):
    survived = []
    with scaled.scaled(tmp_path) as site:

        async def die_at_each_point():
            for name, command, points in (("worker", WORKER, TURNING), ("web 1", WEB, TAKING)):
                for point, _ in itertools.product(points, range(ROUNDS)):
                    site.kill(name)
                    site.processes[name].command = coming_to_grief(point, 3, command)
                    with contextlib.suppress(RuntimeError):  # it may die before anybody has seen it live
                        await asyncio.to_thread(site.start, name)
                    # `besedka web` with one worker is one process, and dies as a whole
                    if not await asyncio.to_thread(site.processes[name].died, within_s=60):
                        survived.append(point)
                site.kill(name)
                site.processes[name].command = command
                await asyncio.to_thread(site.start, name)
            await asyncio.sleep(1)

        _, broken = trial.visited(site, tmp_path, die_at_each_point, deadly=True)

    assert broken == []
    assert survived == []


def test_processes_that_are_replaced_one_after_the_other_refuse_nobody(tmp_path):
    with scaled.scaled(tmp_path) as site:

        async def replace_all():
            for name in ["web 1", "web 2", "worker", "beat"] * ROUNDS:
                await asyncio.sleep(1)
                await asyncio.to_thread(site.stop, name)
                await asyncio.to_thread(site.start, name)
            await asyncio.sleep(1)

        people, broken = trial.visited(site, tmp_path, replace_all)

    assert broken == []
    assert sum(visitor.promised for visitor in people) > 20


def test_a_worker_that_is_told_to_stop_finishes_what_it_thinks_about(tmp_path):
    with llm_stub.running() as model:
        model.says(Says(("Two days.",), before_s=4))
        environment = {"OPENAI_BASE_URL": f"{model.url}/v1", "OPENAI_API_KEY": "sk-of-nobody"}
        with scaled.scaled(tmp_path, web=1, others={"worker": WORKER}, **environment) as site:
            site.shell(SPEAKING)
            token = ask(site, "how long does a delivery take?")
            running.wait_until(lambda: model.asked)
            assert site.processes["worker"].niceness() == 5  # behind those who answer visitors

            site.stop("worker")  # nobody else would answer

            assert log(site, token)[1:] == [("bot", "Two days.")]
            assert len(model.asked) == 1


def test_a_task_that_is_given_out_again_while_its_turn_lasts_changes_nothing(tmp_path):
    with llm_stub.running() as model:
        model.says(Says(("Two days.",), before_s=4))
        environment = {
            "OPENAI_BASE_URL": f"{model.url}/v1",
            "OPENAI_API_KEY": "sk-of-nobody",
            "CELERY_VISIBILITY_TIMEOUT": "1",
        }
        others = {"worker": WORKER, "second worker": WORKER}
        with scaled.scaled(tmp_path, web=1, others=others, **environment) as site:
            site.shell(SPEAKING)
            token = ask(site, "how long does a delivery take?")
            site.shell(AGAIN)
            reaction(site, token)
            time.sleep(2)

            assert log(site, token)[1:] == [("bot", "Two days.")]
            assert len(model.asked) == 1


def test_hanging_models_keep_nobody_else_waiting(tmp_path):
    with llm_stub.running() as model:
        model.says(llm_stub.HANGS)
        environment = {"OPENAI_BASE_URL": f"{model.url}/v1", "OPENAI_API_KEY": "sk-of-nobody"}
        turns = [*WORKER[:2], "--queues", "turns", "--threads", "4"]
        rest = [*WORKER[:2], "--queues", "deliveries,maintenance", "--threads", "4"]
        others = {"turns": turns, "rest": rest, "beat": BEAT}
        with scaled.scaled(tmp_path, web=1, others=others, **environment) as site:
            site.shell(SPEAKING)
            for number in range(20):
                ask(site, f"how long does delivery {number} take?")
            running.wait_until(lambda: len(model.asked) >= 20)  # none of them holds one of the four threads

            waited_s = reaction(site, ask(site, "позовите оператора"))
            [(beating,)] = site.select("SELECT COUNT(*) FROM conversations_post WHERE name = 'beat'")

    book.note(slowest_s=round(waited_s, 1))
    assert waited_s < 20
    assert beating == 1


def test_a_conversation_that_kills_its_worker_goes_to_a_person_and_the_others_are_answered(tmp_path):
    others = {"worker": coming_to_grief("poison", 1, WORKER)}
    with scaled.scaled(tmp_path, web=1, others=others) as site:
        poisoned = ask(site, "poison")
        until = time.monotonic() + 240
        while not [author for author, _ in log(site, poisoned) if author == "system"]:
            assert time.monotonic() < until, "it was never given up"
            if site.processes["worker"].died(within_s=0.5):
                site.start("worker")
        well = ask(site, "hello")
        reaction(site, well)

        assert [author for author, _ in log(site, poisoned)] == ["contact", "system"]


def test_of_two_beats_one_ticks_and_the_other_one_follows(tmp_path):
    others = {"worker": WORKER, "beat": BEAT, "second beat": BEAT}
    with scaled.scaled(tmp_path, web=1, others=others) as site:
        leader = "SELECT holder FROM conversations_post WHERE name = 'beat' AND held_until > now()"
        running.wait_until(lambda: site.select(leader))
        [(first,)] = site.select(leader)
        time.sleep(5)
        same = site.select(leader)
        leading = [n for n in ("beat", "second beat") if "this process leads" in site.processes[n].log.read_text()]

        site.kill(leading[0])
        running.wait_until(lambda: site.select(leader) not in ([], [(first,)]))

    assert same == [(first,)]
    assert len(leading) == 1
