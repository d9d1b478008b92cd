"""YandexGPT over its own REST API: `POST /foundationModels/v1/completion`, streamed as one JSON object a line.

https://yandex.cloud/docs/foundation-models/text-generation/api-ref/TextGeneration/completion
"""

from typing import Any

import msgspec

from besedka import outbound
from besedka.answers import modelled
from besedka.answers.answerer import Aloud, Prompt, Result
from besedka.answers.modelled import Broken, Call, Hear, Later, Message, Never, Spoken
from besedka.problems import Problem

BASE_URL = "https://llm.api.cloud.yandex.net"
PATH = "/foundationModels/v1/completion"
_ENDS = {
    "ALTERNATIVE_STATUS_FINAL": "stop",
    "ALTERNATIVE_STATUS_TRUNCATED_FINAL": "length",
    "ALTERNATIVE_STATUS_CONTENT_FILTER": "refused",
    "ALTERNATIVE_STATUS_TOOL_CALLS": "tools",
}


class _FunctionCall(msgspec.Struct):
    name: str
    arguments: dict[str, Any] = {}


class _ToolCall(msgspec.Struct):
    function: _FunctionCall = msgspec.field(name="functionCall")


class _ToolCalls(msgspec.Struct):
    calls: list[_ToolCall] = msgspec.field(name="toolCalls")


class _Message(msgspec.Struct):
    text: str = ""
    tools: _ToolCalls | None = msgspec.field(name="toolCallList", default=None)


class _Alternative(msgspec.Struct):
    message: _Message
    status: str


class _Usage(msgspec.Struct, rename="camel"):
    input_text_tokens: str | int = 0
    completion_tokens: str | int = 0


class _Result(msgspec.Struct):
    alternatives: list[_Alternative]
    usage: _Usage = msgspec.field(default_factory=_Usage)


class _Line(msgspec.Struct):
    result: _Result


async def answer(prompt: Prompt, aloud: Aloud) -> Result:
    """What the model says, as `modelled.answer` promises."""
    return await modelled.answer(prompt, aloud, speak)


async def speak(call: Call, hear: Hear) -> Spoken:
    """One call. Raises `Later`, `Never` or `Broken`."""
    model = call.model
    headers = {"Authorization": f"Api-Key {model.key}", "x-folder-id": model.folder}
    url = (model.base_url or BASE_URL).rstrip("/") + PATH
    try:
        async with outbound.client().stream("POST", url, json=_body(call), headers=headers) as response:
            if response.status_code in (408, 429) or response.status_code >= 500:
                raise Later(modelled.retry_after(response.headers))
            if response.status_code != 200:
                raise Never(f"HTTP {response.status_code}")
            return await _heard(response, hear)
    except Problem as problem:
        raise Never(problem.code) from None
    except (*outbound.FAILURES, msgspec.MsgspecError, ValueError) as error:
        raise Broken(type(error).__name__) from None


async def _heard(response: outbound.Response, hear: Hear) -> Spoken:
    """All of the stream. Each line holds the whole text so far; the last one says how it ended."""
    so_far = ""
    async for line in response.aiter_lines():
        if not line.strip():
            continue
        result = msgspec.json.decode(line, type=_Line).result
        if not result.alternatives:
            raise Broken("no alternatives")
        first = result.alternatives[0]
        if not first.message.text.startswith(so_far):
            raise Broken("the text changed while it was said")
        if len(first.message.text) > len(so_far):
            hear(first.message.text[len(so_far) :])
            so_far = first.message.text
        finish = _ENDS.get(first.status)
        if finish is not None:
            usage = result.usage
            tokens = modelled.number(usage.input_text_tokens), modelled.number(usage.completion_tokens)
            calls = first.message.tools.calls if first.message.tools else []
            return Spoken(finish, *tokens, tuple((one.function.name, one.function.arguments) for one in calls))
    raise Broken("cut")


def _body(call: Call) -> dict[str, Any]:
    model = call.model
    named = model.name if "://" in model.name else f"gpt://{model.folder}/{model.name}/latest"
    return {
        "modelUri": named,
        "completionOptions": {
            "stream": True,
            "temperature": min(model.temperature, 1.0),  # its scale ends at 1
            "maxTokens": str(model.max_tokens),
        },
        "messages": _messages(call.messages),
        "tools": [
            {"function": {"name": tool.name, "description": tool.description, "parameters": tool.parameters}}
            for tool in call.tools
        ],
    }


def _messages(messages: tuple[Message, ...]) -> list[dict[str, Any]]:
    """A message of theirs is a text, or calls, or all their results together."""
    sent: list[dict[str, Any]] = []
    for message in messages:
        if "calls" in message:
            calls = [{"functionCall": {"name": c["name"], "arguments": c["arguments"]}} for c in message["calls"]]
            sent.append({"role": "assistant", "toolCallList": {"toolCalls": calls}})
        elif message["role"] == "tool":
            result = {"functionResult": {"name": message["name"], "content": message["content"]}}
            if "toolResultList" not in sent[-1]:
                sent.append({"role": "user", "toolResultList": {"toolResults": []}})
            sent[-1]["toolResultList"]["toolResults"].append(result)
        else:
            sent.append({"role": message["role"], "text": message["content"]})
    return sent
