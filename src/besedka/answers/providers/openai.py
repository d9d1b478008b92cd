"""Servers that speak OpenAI's chat completions, streamed: OpenAI, YandexGPT's `…/v1`, vLLM, Ollama and others."""

import json
from typing import Any

import openai
from openai.types.chat import ChatCompletionChunk

from besedka import outbound
from besedka.answers import modelled
from besedka.answers.answerer import Aloud, Prompt, Result, Tool
from besedka.answers.modelled import Broken, Call, Hear, Later, Message, Never, Spoken
from besedka.problems import Problem

BASE_URL = "https://api.openai.com/v1"
_WORTH_WAITING = {408, 409, 425, 429}


async def answer(prompt: Prompt, aloud: Aloud) -> Result:
    """What the model says, as `modelled.answer` promises."""
    return await modelled.answer(prompt, aloud, speak)


async def speak(call: Call, hear: Hear) -> Spoken:
    """One call. Raises `Later`, `Never` or `Broken`, and nothing of the SDK's."""
    model = call.model
    client = openai.AsyncOpenAI(
        api_key=model.key or "none",
        base_url=model.base_url or BASE_URL,
        max_retries=0,
        http_client=outbound.client(),
        default_headers={"Accept-Encoding": "identity"},
    )
    try:
        stream: openai.AsyncStream[ChatCompletionChunk] = await client.chat.completions.create(
            **_arguments_of(call)
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


async def _heard(stream: "openai.AsyncStream[ChatCompletionChunk]", hear: Hear) -> Spoken:
    """All of the stream. A stream that ends before it has said that it ends was cut."""
    finish, refused, tokens = "", False, (0, 0)
    calls: dict[int, list[str]] = {}
    async for chunk in stream:
        usage = getattr(chunk, "usage", None)
        if usage is not None:
            tokens = (modelled.number(usage.prompt_tokens), modelled.number(usage.completion_tokens))
        choices = getattr(chunk, "choices", None)
        if not isinstance(choices, list):
            raise Broken("no choices")
        for choice in choices[:1]:
            delta = choice.delta
            refused = refused or bool(getattr(delta, "refusal", None))
            for part in getattr(delta, "tool_calls", None) or ():
                name_and_arguments = calls.setdefault(part.index or 0, ["", ""])
                name_and_arguments[0] += part.function.name or ""
                name_and_arguments[1] += part.function.arguments or ""
            content = getattr(delta, "content", None)
            if content is not None and not isinstance(content, str):
                raise Broken("content is no text")
            if content:
                hear(content)
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
        "timeout": outbound.TIMEOUT,
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
