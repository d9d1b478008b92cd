"""Tools of models: only those that a bot allows, as often as it may, with checked arguments, in the trace."""

import asyncio
import json
from typing import Any

import aimock_server
import pytest
from llm_stub import Says, Stub

from besedka import outbound
from besedka.answers import modelled, providers
from besedka.answers.answerer import (
    BUDGET_SPENT,
    MODEL_ASKED,
    PROVIDER_FAILED,
    Answer,
    BadArguments,
    HandOffBecause,
    Model,
    Prompt,
    Result,
    Tool,
)

SPEAKERS = [name for name in providers.names() if name != "offline"]


class Weather:
    """A tool that tells what it was asked."""

    def __init__(self) -> None:
        self.asked: list[dict[str, Any]] = []
        self.takes_s = 0.0

    async def use(self, given: dict[str, Any]) -> str:
        await asyncio.sleep(self.takes_s)
        if "town" not in given:
            raise BadArguments("`town` is missing.")
        self.asked.append(given)
        return f"SUN IN {given['town']}"

    def tool(self) -> Tool:
        return Tool(
            "weather", "The weather.", {"type": "object", "properties": {"town": {"type": "string"}}}, self.use
        )


class Bot:
    """A bot with a model of this provider behind it, and a tool that it may use."""

    def __init__(self, provider: str, stub: Stub, url: str = ""):
        self.provider, self.stub, self.weather = provider, stub, Weather()
        self.url = url or (f"{stub.url}/v1" if provider == "openai" else stub.url)
        self.aloud: list[str] = []
        self.spent, self.limit = 0, 10**9

    async def spend(self, tokens: int) -> bool:
        if tokens > 0 and self.spent >= self.limit:
            return False
        self.spent += tokens
        return True

    def says(self, *turns: Says, question: str = "How is it in Kazan?", tools: bool = True) -> Result:
        if turns:
            self.stub.says(*turns)
        model = Model(self.provider, "m", self.url, "key", "folder" if self.provider == "yandex" else "", 1.0, 50)
        given = (self.weather.tool(),) if tools else ()
        prompt = Prompt(question, model=model, spend=self.spend, tools=given)

        async def answer() -> Result:
            try:
                return await providers.named(self.provider)(prompt, self.aloud.append)
            finally:
                await outbound.client().aclose()

        return asyncio.run(answer())

    def offered(self) -> list[list[str]]:
        """The tools of each request."""
        return [[tool["function"]["name"] for tool in asked.body["tools"]] for asked in self.stub.asked]


@pytest.fixture(params=SPEAKERS)
def bot(request, stub) -> Bot:
    return Bot(request.param, stub)


@pytest.fixture(autouse=True)
def impatient(monkeypatch):
    monkeypatch.setattr(modelled, "BACK_OFF_S", 0.01)


def asks(*arguments: dict[str, Any], name: str = "weather", pieces: tuple[str, ...] = ()) -> Says:
    """A model that asks for a tool, so many times at once."""
    return Says(pieces, finish="tools", tools=tuple((name, given) for given in arguments))


def test_what_a_tool_says_goes_back_to_the_model_whose_words_are_the_answer(bot):
    result = bot.says(asks({"town": "Kazan"}, pieces=("Let me look. " * 9,)), Says(("Sunny.",)))

    assert isinstance(result, Answer)
    assert (result.text, bot.weather.asked) == ("Sunny.", [{"town": "Kazan"}])
    first, second = bot.stub.asked
    assert bot.offered()[0] == ["call_a_person", "weather"]
    *_, asked, answered = second.body["messages"]
    if bot.provider == "openai":
        [call] = asked["tool_calls"]
        assert (call["type"], call["function"]["name"]) == ("function", "weather")
        assert json.loads(call["function"]["arguments"]) == {"town": "Kazan"}
        assert answered == {"role": "tool", "tool_call_id": call["id"], "content": "SUN IN Kazan"}
    else:
        [call] = asked["toolCallList"]["toolCalls"]
        assert call == {"functionCall": {"name": "weather", "arguments": {"town": "Kazan"}}}
        [told] = answered["toolResultList"]["toolResults"]
        assert told == {"functionResult": {"name": "weather", "content": "SUN IN Kazan"}}
    assert len(second.body["messages"]) == len(first.body["messages"]) + 2


def test_what_it_said_before_it_asked_is_taken_back_and_the_answer_is_heard_as_it_comes(bot):
    words = tuple(f"word{number} " for number in range(60))

    result = bot.says(asks({"town": "Kazan"}, pieces=("Let me look. " * 9,)), Says(words))

    assert isinstance(result, Answer)
    taken_back = bot.aloud.index("")
    assert all("Let me look" in said for said in bot.aloud[:taken_back])
    assert len(bot.aloud[taken_back + 1 :]) > 3
    assert all("".join(words).startswith(said) for said in bot.aloud[taken_back + 1 :])


def test_each_use_stands_in_the_trace_and_each_call_is_paid_for(bot):
    usage = bot.says(asks({"town": "Kazan"}), Says(("Sunny.",))).usage

    [use] = usage.as_json()["uses"]
    assert {name: use[name] for name in ("tool", "arguments", "told")} == {
        "tool": "weather",
        "arguments": {"town": "Kazan"},
        "told": "SUN IN Kazan",
    }
    assert (usage.calls, usage.tokens_in, usage.tokens_out) == (2, 38, 12)
    assert bot.spent == 50
    assert usage.prompt[-1]["content"] == "SUN IN Kazan"


def test_wrong_arguments_are_refused_and_the_model_may_mend_them(bot):
    result = bot.says(asks({"city": "Kazan"}), asks({"town": "Kazan"}), Says(("Sunny.",)))

    assert isinstance(result, Answer)
    assert bot.weather.asked == [{"town": "Kazan"}]
    assert [use.get("refused") for use in result.usage.uses] == ["`town` is missing.", None]
    assert "Refused: `town` is missing." in str(bot.stub.asked[1].body["messages"][-1])


def test_a_tool_that_the_bot_does_not_allow_is_refused(bot):
    result = bot.says(asks({"town": "Kazan"}), Says(("I cannot look.",)), tools=False)

    assert isinstance(result, Answer)
    assert (bot.weather.asked, result.usage.uses) == ([], ())
    assert result.usage.notes == ("no such tool",)
    assert bot.offered() == [["call_a_person"]] * 2


def test_another_tool_beside_an_allowed_one_is_refused_by_itself(bot):
    both = Says((), finish="tools", tools=(("read_file", {"path": "/etc/passwd"}), ("weather", {"town": "Kazan"})))

    result = bot.says(both, Says(("Sunny.",)))

    assert isinstance(result, Answer)
    assert len(bot.weather.asked) == 1
    assert "There is no such tool" in str(bot.stub.asked[1].body["messages"])
    assert "no such tool" in result.usage.notes


def test_fifty_uses_at_once_are_three(bot):
    result = bot.says(asks(*[{"town": str(number)} for number in range(50)]), Says(("Sunny.",)))

    assert isinstance(result, Answer)
    assert [given["town"] for given in bot.weather.asked] == ["0", "1", "2"]
    assert "You have used tools often enough" in str(bot.stub.asked[1].body["messages"])
    assert bot.offered()[1] == ["call_a_person"]


def test_a_model_that_only_asks_ends_in_a_person(bot):
    result = bot.says(asks({"town": "Kazan"}))

    assert isinstance(result, HandOffBecause)
    assert (result.reason, len(bot.weather.asked)) == (PROVIDER_FAILED, 3)
    assert len(bot.stub.asked) == modelled.MAX_CALLS
    assert bot.aloud[-1] == ""


def test_a_person_goes_before_every_other_tool(bot):
    both = Says(
        (), finish="tools", tools=(("weather", {"town": "Kazan"}), ("call_a_person", {"reason": "refund"}))
    )

    result = bot.says(both)

    assert isinstance(result, HandOffBecause)
    assert (result.reason, bot.weather.asked) == (MODEL_ASKED, [])


def test_the_budget_is_asked_again_before_the_model_speaks_again(bot):
    bot.limit = 20

    result = bot.says(asks({"town": "Kazan"}), Says(("Sunny.",)))

    assert isinstance(result, HandOffBecause)
    assert (result.reason, len(bot.stub.asked)) == (BUDGET_SPENT, 1)


def test_a_tool_that_takes_for_ever_is_within_the_deadline_of_the_answer(bot, monkeypatch):
    monkeypatch.setattr(modelled, "TOTAL_S", 1)
    bot.weather.takes_s = 60

    result = bot.says(asks({"town": "Kazan"}))

    assert isinstance(result, HandOffBecause)
    assert (result.reason, result.detail) == (PROVIDER_FAILED, "deadline")


def test_arguments_that_are_no_object_are_none(stub):
    bot = Bot("openai", stub)
    broken = Says((), finish="tools", tools=(("weather", [1, 2]),))  # type: ignore[arg-type]

    result = bot.says(broken, Says(("Never mind.",)))

    assert isinstance(result, Answer)
    assert result.usage is not None
    assert result.usage.uses[0]["refused"] == "`town` is missing."


def test_a_server_that_nobody_here_wrote_takes_what_a_tool_said(tmp_path, settings, stub):
    fixtures = [
        {"match": {"userMessage": "Kazan", "hasToolResult": True}, "response": {"content": "Sunny."}},
        {
            "match": {"userMessage": "Kazan"},
            "response": {"toolCalls": [{"name": "weather", "arguments": '{"town": "Kazan"}'}]},
        },
    ]
    with aimock_server.serving(fixtures, tmp_path) as address:
        settings.OUTBOUND_ALLOW = {address.removeprefix("http://")}
        bot = Bot("openai", stub, f"{address}/v1")
        result = bot.says()
        asked = aimock_server.journal(address)

    assert isinstance(result, Answer)
    assert (result.text, bot.weather.asked) == ("Sunny.", [{"town": "Kazan"}])
    assert [message["role"] for message in asked[-1]["body"]["messages"]][-2:] == ["assistant", "tool"]
