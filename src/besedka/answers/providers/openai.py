"""Servers that speak OpenAI's chat completions, streamed: OpenAI, YandexGPT's `…/v1`, vLLM, Ollama and others."""

import functools
import json
from typing import Any

import msgspec
import openai

from besedka import outbound
from besedka.answers import modelled
from besedka.answers.answerer import Aloud, Prompt, Result, Tool
from besedka.answers.modelled import Broken, Call, Hear, Later, Message, Never, Spoken
from besedka.problems import Problem

BASE_URL = "https://api.openai.com/v1"
_WORTH_WAITING = {408, 409, 425, 429}


class _Function(msgspec.Struct):
    name: str | None = None
    arguments: str | None = None


class _Part(msgspec.Struct):
    """Of a call of a tool; those with the same index belong together."""

    index: int | None = None
    function: _Function | None = None


class _Delta(msgspec.Struct):
    content: str | None = None
    refusal: Any = None
    tool_calls: list[_Part] | None = None


class _Choice(msgspec.Struct):
    delta: _Delta | None = None
    finish_reason: str | None = None


class _Usage(msgspec.Struct):
    prompt_tokens: Any = 0
    completion_tokens: Any = 0


class _Chunk(msgspec.Struct):
    """What we read of a `chat.completion.chunk`; servers leave out what others send."""

    choices: list[_Choice]
    usage: _Usage | None = None


async def answer(prompt: Prompt, aloud: Aloud) -> Result:
    """What the model says, as `modelled.answer` promises."""
    return await modelled.answer(prompt, aloud, speak)


async def speak(call: Call, hear: Hear) -> Spoken:
    """One call. Raises `Later`, `Never` or `Broken`, and nothing of the SDK's."""
    client = _client(call.model.key or "none", call.model.base_url or BASE_URL, outbound.client())
    try:
        # Not `chat.completions.create`: it looks at every part of the history, and makes a model of every chunk,
        # in more than twice the time of all the rest.
        stream = await client.post(
            "/chat/completions",
            body=_arguments_of(call),
            cast_to=object,
            options={"timeout": outbound.TIMEOUT},
            stream=True,
            stream_cls=openai.AsyncStream[object],
        )
        async with stream:
            return await _heard(stream, hear)
    except openai.APIStatusError as error:
        if error.status_code in _WORTH_WAITING or error.status_code >= 500:
            raise Later(modelled.retry_after(error.response.headers)) from None
        raise Never(f"HTTP {error.status_code}") from None
    except Problem as problem:
        raise Never(problem.code) from None
    except openai.APIConnectionError as error:
        if isinstance(error.__cause__, Problem):
            raise Never(error.__cause__.code) from None
        raise Broken(type(error.__cause__ or error).__name__) from None
    except (openai.OpenAIError, *outbound.FAILURES, ValueError) as error:
        raise Broken(type(error).__name__) from None


@functools.lru_cache(maxsize=32)
def _client(key: str, base_url: str, http_client: Any) -> openai.AsyncOpenAI:
    return openai.AsyncOpenAI(
        api_key=key,
        base_url=base_url,
        max_retries=0,
        http_client=http_client,
        default_headers={"Accept-Encoding": "identity"},
    )


async def _heard(stream: "openai.AsyncStream[object]", hear: Hear) -> Spoken:
    """All of the stream. A stream that ends before it has said that it ends was cut."""
    finish, refused, tokens = "", False, (0, 0)
    calls: dict[int, list[str]] = {}
    async for data in stream:
        chunk = msgspec.convert(data, _Chunk)
        if chunk.usage is not None:
            tokens = (
                modelled.number(chunk.usage.prompt_tokens),
                modelled.number(chunk.usage.completion_tokens),
            )
        for choice in chunk.choices[:1]:
            delta = choice.delta or _Delta()
            refused = refused or bool(delta.refusal)
            for part in delta.tool_calls or ():
                name_and_arguments = calls.setdefault(part.index or 0, ["", ""])
                if part.function is not None:
                    name_and_arguments[0] += part.function.name or ""
                    name_and_arguments[1] += part.function.arguments or ""
            if delta.content:
                hear(delta.content)
            finish = choice.finish_reason or finish
    if not finish:
        raise Broken("cut")
    if refused or finish == "content_filter":
        finish = "refused"
    return Spoken(finish, *tokens, tuple((name, _arguments(given)) for name, given in calls.values()))


def _arguments_of(call: Call) -> dict[str, Any]:
    model = call.model
    in_folder = model.folder and "://" not in model.name
    return {
        "model": f"gpt://{model.folder}/{model.name}/latest" if in_folder else model.name,
        "messages": [_message(message) for message in call.messages],
        "temperature": model.temperature,
        "max_tokens": model.max_tokens,
        "tools": [{"type": "function", "function": _function(tool)} for tool in call.tools],
        "stream": True,
        "stream_options": {"include_usage": True},
    }


def _message(message: Message) -> dict[str, Any]:
    if message["role"] == "tool":
        return {"role": "tool", "tool_call_id": message["id"], "content": message["content"]}
    if "calls" not in message:
        return message
    calls = [
        {
            "id": call["id"],
            "type": "function",
            "function": {"name": call["name"], "arguments": json.dumps(call["arguments"], ensure_ascii=False)},
        }
        for call in message["calls"]
    ]
    return {"role": "assistant", "content": message["content"] or None, "tool_calls": calls}


def _function(tool: Tool) -> dict[str, Any]:
    return {"name": tool.name, "description": tool.description, "parameters": tool.parameters}


def _arguments(given: str) -> dict[str, Any]:
    """What the model passes; nothing where it is no JSON object."""
    try:
        read = json.loads(given)
    except ValueError:
        return {}
    return read if isinstance(read, dict) else {}
