"""The provider of OpenAI's protocol against a server of that protocol that nobody here wrote."""

import asyncio
from pathlib import Path

import aimock_server
import pytest

from besedka import outbound
from besedka.answers import modelled, providers
from besedka.answers.answerer import (
    MODEL_ASKED,
    PROVIDER_FAILED,
    Answer,
    Evidence,
    HandOffBecause,
    Model,
    Prompt,
    Result,
)

EVIDENCE = (Evidence(11, "Delivery", "Delivery takes two days.", 1, 0.9),)
FIXTURES = [
    {
        "match": {"userMessage": "how long"},
        "response": {"content": "It takes two days [1]. " + "More words. " * 20},
    },
    {
        "match": {"userMessage": "busy"},
        "response": {"error": {"message": "slow down", "type": "rate_limit_error"}, "status": 429},
    },
    {
        "match": {"userMessage": "down"},
        "response": {"error": {"message": "oops", "type": "server"}, "status": 500},
    },
    {
        "match": {"userMessage": "a person"},
        "response": {"toolCalls": [{"name": "call_a_person", "arguments": '{"reason": "refund"}'}]},
    },
    {"match": {"userMessage": "cut"}, "response": {"content": "This breaks off " * 20}, "truncateAfterChunks": 3},
    {"match": {"userMessage": "hang"}, "response": {"content": "late"}, "latency": 60_000},
]


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    folder: Path = tmp_path_factory.mktemp("aimock")
    with aimock_server.serving(FIXTURES, folder, "-c", "8") as address:
        yield address


@pytest.fixture(autouse=True)
def impatient(monkeypatch):
    monkeypatch.setattr(modelled, "BACK_OFF_S", 0.01)
    monkeypatch.setattr(modelled, "TOTAL_S", 4)


@pytest.fixture
def ask(address, settings):
    settings.OUTBOUND_ALLOW = {address.removeprefix("http://")}
    model = Model("openai", "gpt-4o-mini", f"{address}/v1", "key")

    def ask(question: str, aloud: list[str] | None = None) -> Result:
        async def answer() -> Result:
            prompt = Prompt(question, evidence=EVIDENCE, model=model)
            result = await providers.named("openai")(prompt, (aloud if aloud is not None else []).append)
            await outbound.client().aclose()
            return result

        return asyncio.run(answer())

    return ask


def test_it_answers_streams_and_cites(ask, address):
    aloud: list[str] = []

    result = ask("how long does it take?", aloud)

    assert isinstance(result, Answer)
    assert (result.text[:18], result.cited) == ("It takes two days.", (11,))
    assert len(aloud) > 2
    assert result.usage is not None
    assert result.usage.tokens_out > 0
    [asked] = [entry for entry in aimock_server.journal(address) if "how long" in str(entry)]
    assert asked["body"]["stream"] is True


@pytest.mark.parametrize("question", ["busy", "down", "cut", "hang"])
def test_it_fails_and_a_person_is_called(ask, question):
    aloud: list[str] = []

    result = ask(question, aloud)

    assert isinstance(result, HandOffBecause)
    assert result.reason == PROVIDER_FAILED
    assert aloud[-1:] == [""]


def test_it_calls_a_person(ask):
    result = ask("I want a person")

    assert isinstance(result, HandOffBecause)
    assert (result.reason, result.detail) == (MODEL_ASKED, "refund")
