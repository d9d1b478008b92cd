"""Every provider, against a server that speaks its protocol well and badly, over real HTTP."""

import asyncio
import time
from collections.abc import Callable

import llm_stub
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as searching
from hypothesis import strategies as st
from llm_stub import Asked, Says, Stub

from besedka import outbound
from besedka.answers import modelled, providers
from besedka.answers.answerer import (
    BUDGET_SPENT,
    GAVE_ITSELF_AWAY,
    MODEL_ASKED,
    MODEL_REFUSED,
    PROVIDER_FAILED,
    Answer,
    Evidence,
    HandOffBecause,
    Model,
    Prompt,
    Result,
)

EVIDENCE = (
    Evidence(11, "Delivery", "Delivery takes two days.", 1, 0.9),
    Evidence(22, "Hours", "9 to 18.", 1, 0.2),
)
SPEAKERS = [name for name in providers.names() if name != "offline"]


class Purse:
    """Tokens that may be spent."""

    def __init__(self, limit: int | None = None):
        self.limit, self.spent, self.asked = limit, 0, 0

    async def spend(self, tokens: int) -> bool:
        self.asked += tokens > 0
        if tokens > 0 and self.limit is not None and self.spent >= self.limit:
            return False
        self.spent += tokens
        return True


class Bot:
    """A bot with a model of this provider behind it."""

    def __init__(self, provider: str, stub: Stub):
        self.provider, self.stub = provider, stub
        self.aloud: list[str] = []
        self.purse = Purse()

    def prompt(self, question: str = "How long is delivery?", **fields: object) -> Prompt:
        base = f"{self.stub.url}/v1" if self.provider == "openai" else self.stub.url
        model = Model(
            self.provider, "m", base, "sk-key-123", "folder" if self.provider == "yandex" else "", 1.2, 50
        )
        given = {"evidence": EVIDENCE, "model": model, "spend": self.purse.spend, **fields}
        return Prompt(question, **given)  # type: ignore[arg-type]

    async def answer(self, prompt: Prompt) -> Result:
        try:
            return await providers.named(self.provider)(prompt, self.aloud.append)
        finally:
            await outbound.client().aclose()

    def says(self, question: str = "How long is delivery?", **fields: object) -> Result:
        return asyncio.run(self.answer(self.prompt(question, **fields)))


@pytest.fixture(params=SPEAKERS)
def bot(request, stub) -> Bot:
    return Bot(request.param, stub)


@pytest.fixture(autouse=True)
def impatient(monkeypatch):
    """The same rules in less time."""
    monkeypatch.setattr(modelled, "BACK_OFF_S", 0.01)
    monkeypatch.setattr(modelled, "TOTAL_S", 2)


def test_every_provider_is_tried_here():
    assert set(SPEAKERS) == {"openai", "yandex"}


def test_a_provider_that_is_no_file_is_none():
    with pytest.raises(KeyError):
        providers.named("nobody")


def test_the_answer_is_what_the_model_said_with_passages_for_their_numbers(bot):
    bot.stub.says(Says(("Two", " days [1", "]", ".")))

    result = bot.says()

    assert isinstance(result, Answer)
    assert (result.text, result.cited, result.confidence) == ("Two days.", (11,), 0.9)
    assert result.model == f"{bot.provider}:m"


def test_what_it_took_is_recorded_and_paid_for(bot):
    bot.stub.says(Says(tokens=(1000, 200)))
    prompt = bot.prompt()
    priced = Model(
        **{**{n: getattr(prompt.model, n) for n in Model.__struct_fields__}, "price_in": 2, "price_out": 10}
    )

    usage = asyncio.run(bot.answer(bot.prompt(model=priced))).usage

    assert (usage.tokens_in, usage.tokens_out, usage.calls) == (1000, 200, 1)
    assert usage.cost == pytest.approx(0.004)
    assert usage.prompt[-1] == {"role": "user", "content": "How long is delivery?"}
    assert bot.purse.spent == 1200


def test_the_provider_is_asked_as_it_wants_to_be(bot):
    bot.says()
    [asked] = bot.stub.asked

    if bot.provider == "yandex":
        assert asked.path == "/foundationModels/v1/completion"
        assert asked.headers["authorization"] == "Api-Key sk-key-123"
        assert asked.body["modelUri"] == "gpt://folder/m/latest"
        assert asked.body["completionOptions"] == {"stream": True, "temperature": 1.0, "maxTokens": "50"}
    else:
        assert asked.path == "/v1/chat/completions"
        assert asked.headers["authorization"] == "Bearer sk-key-123"
        assert (asked.body["model"], asked.body["temperature"], asked.body["max_tokens"]) == ("m", 1.2, 50)
    assert "sk-key-123" not in str(asked.body)


def test_yandex_is_reached_by_its_compatible_api_too(stub):
    bot = Bot("openai", stub)
    model = Model("openai", "yandexgpt-lite", f"{stub.url}/v1", "key", folder="b1g")

    bot.says(model=model)

    assert stub.asked[0].body["model"] == "gpt://b1g/yandexgpt-lite/latest"


def test_what_it_says_is_heard_while_it_speaks_and_only_grows(bot):
    words = tuple(f"word{number} " for number in range(60))
    bot.stub.says(Says(words))

    result = bot.says()

    assert len(bot.aloud) > 5
    assert all(after.startswith(before) for before, after in zip(bot.aloud, bot.aloud[1:], strict=False))
    assert result.text.startswith(bot.aloud[-1])


@pytest.mark.parametrize("trouble", [llm_stub.BUSY, llm_stub.DOWN, Says(status=503), Says(cut_at=60)])
def test_after_a_moment_of_trouble_it_is_asked_again(bot, trouble):
    bot.stub.says(trouble, Says())

    result = bot.says()

    assert isinstance(result, Answer)
    assert (result.text, result.usage.calls, len(result.usage.notes)) == ("Hello there.", 2, 1)


def test_it_waits_as_long_as_the_provider_asks_for(bot):
    bot.stub.says(llm_stub.BUSY, Says())
    began = time.monotonic()

    bot.says()

    assert time.monotonic() - began >= 1


@pytest.mark.parametrize(
    "trouble",
    [
        llm_stub.HTML,
        llm_stub.EMPTY,
        llm_stub.WRONG_SCHEMA,
        llm_stub.HUGE,
        llm_stub.HANGS,
        llm_stub.DRIPS,
        llm_stub.DOWN,
        llm_stub.KEY_REFUSED,
        Says(status=429, retry_after="3600"),
        Says(finish="none"),
        Says(pieces=()),
    ],
    ids=["html", "empty", "schema", "huge", "hangs", "drips", "500", "401", "429 for an hour", "cut", "no words"],
)
def test_a_provider_that_fails_ends_with_a_person_in_time(bot, trouble):
    bot.stub.says(trouble)
    began = time.monotonic()

    result = bot.says()

    assert isinstance(result, HandOffBecause)
    assert result.reason == PROVIDER_FAILED
    assert time.monotonic() - began < 4
    assert bot.aloud[-1] == ""


def test_a_key_that_is_refused_is_not_tried_again(bot):
    bot.stub.says(llm_stub.KEY_REFUSED)

    bot.says()

    assert len(bot.stub.asked) == 1


def test_a_provider_that_is_not_there_ends_with_a_person(bot, settings):
    model = Model(bot.provider, "m", "http://127.0.0.1:9", "key")
    settings.OUTBOUND_ALLOW = {"127.0.0.1:9"}

    assert bot.says(model=model).reason == PROVIDER_FAILED


def test_an_address_of_ours_is_not_asked_at_all(bot, settings):
    settings.OUTBOUND_ALLOW = set()

    result = bot.says()

    assert (result.reason, result.detail) == (PROVIDER_FAILED, "address_refused")
    assert bot.stub.asked == []


def test_an_answer_that_was_cut_at_its_length_ends_with_its_last_sentence(bot):
    bot.stub.says(Says(("We are open daily. ", "Except on Sun"), finish="length"))

    assert bot.says().text == "We are open daily."


def test_a_refusal_is_a_reason_of_its_own(bot):
    bot.stub.says(Says(pieces=("I",), finish="refused"))

    assert bot.says().reason == MODEL_REFUSED


def test_the_model_may_call_a_person(bot):
    bot.stub.says(Says((), finish="tools", tools=(("call_a_person", {"reason": "wants a refund"}),)))

    result = bot.says()

    assert (result.reason, result.detail) == (MODEL_ASKED, "wants a refund")


def test_a_tool_that_it_does_not_have_is_refused_and_it_may_answer_in_words(bot):
    bot.stub.says(Says((), finish="tools", tools=(("read_other_chats", {"contact": 2}),)), Says(("Two days.",)))

    result = bot.says()

    assert isinstance(result, Answer)
    assert (result.text, len(bot.stub.asked)) == ("Two days.", 2)


def test_a_model_that_wants_nothing_but_tools_is_asked_a_few_times_only(bot):
    bot.stub.says(Says((), finish="tools", tools=tuple(("delete_everything", {"n": n}) for n in range(50))))

    assert bot.says().reason == PROVIDER_FAILED
    assert len(bot.stub.asked) == modelled.MAX_CALLS


def test_a_give_away_phrase_calls_a_person_and_is_not_said(bot):
    bot.stub.says(Says(("Как модель ", "искусственного", " интеллекта, я…", " и ещё много слов") * 9))

    result = bot.says(give_away=("искусственного интеллекта",))

    assert (result.reason, result.detail) == (GAVE_ITSELF_AWAY, "искусственного интеллекта")
    assert all("интеллекта" not in text for text in bot.aloud)
    assert bot.aloud[-1] == ""


def test_the_purse_is_asked_before_each_call_and_closed_when_it_is_empty(bot):
    bot.purse = Purse(limit=0)

    assert bot.says().reason == BUDGET_SPENT
    assert bot.stub.asked == []


def test_of_a_call_that_was_refused_nothing_is_paid(bot):
    bot.stub.says(llm_stub.KEY_REFUSED)

    bot.says()

    assert (bot.purse.asked, bot.purse.spent) == (1, 0)


def test_a_burst_passes_the_budget_by_one_call_at_most(bot):
    bot.stub.says(Says(before_s=0.05, tokens=(30, 20)))
    prompt = bot.prompt()
    bot.purse.limit = 500

    async def burst() -> list[Result]:
        answerer = providers.named(bot.provider)
        results = await asyncio.gather(*(answerer(prompt, lambda text: None) for _ in range(100)))
        await outbound.client().aclose()
        return results

    results = asyncio.run(burst())

    answered = [result for result in results if isinstance(result, Answer)]
    assert 0 < len(answered) < 20
    assert {result.reason for result in results if isinstance(result, HandOffBecause)} == {BUDGET_SPENT}
    assert bot.purse.spent <= 500 + 1000


def test_a_key_is_in_no_log(bot, caplog):
    caplog.set_level("DEBUG")
    bot.stub.says(llm_stub.KEY_REFUSED)

    bot.says()

    assert "sk-key-123" not in caplog.text


TOLD = "Доставка — два дня 🚚, потом ещё «день» на склад."


def body_of(provider: str) -> bytes:
    path = "/foundationModels/v1/completion" if provider == "yandex" else "/v1/chat/completions"
    return b"".join(llm_stub.pieces_of(Asked(path, {}, {}), Says(tuple(TOLD.split(" ")))))


@pytest.mark.parametrize("provider", SPEAKERS)
@searching(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(share=st.floats(0, 1))
def test_a_stream_that_is_cut_anywhere_gives_the_whole_answer_or_none(provider, stub, share):
    """Within a line, within a character of several bytes, before the last mark: never half an answer."""
    whole = "".join(TOLD.split(" "))
    bot = Bot(provider, stub)
    stub.says(Says(tuple(TOLD.split(" ")), cut_at=int(share * len(body_of(provider)))))

    result = bot.says()

    if isinstance(result, Answer):
        assert result.text == whole
    else:
        assert result.reason == PROVIDER_FAILED
        assert bot.aloud[-1] == ""
    assert all(whole.startswith(text) for text in bot.aloud)


def timed(work: Callable[[], object]) -> float:
    began = time.monotonic()
    work()
    return time.monotonic() - began


def test_hung_calls_delay_nobody_else(bot, monkeypatch):
    """Twenty that hang, and one that does not."""
    monkeypatch.setattr(modelled, "TOTAL_S", 5)
    bot.stub.behaves = lambda asked: llm_stub.HANGS if "for ever" in str(asked.body) else Says()

    async def both() -> float:
        answerer = providers.named(bot.provider)
        hanging = [
            asyncio.create_task(answerer(bot.prompt("wait for ever"), lambda text: None)) for _ in range(20)
        ]
        await asyncio.sleep(0.2)
        began = time.monotonic()
        result = await answerer(bot.prompt("quick"), lambda text: None)
        took = time.monotonic() - began
        assert isinstance(result, Answer)
        for task in hanging:
            task.cancel()
        await asyncio.gather(*hanging, return_exceptions=True)
        await outbound.client().aclose()
        return took

    assert asyncio.run(both()) < 0.5
