"""Anthropic's own protocol, by the `anthropic` SDK (extra `anthropic`). Conversations are translated from OpenAI's form.

A JSON Schema is asked for by a tool that must be called. What Anthropic does not have (vectors, sound, pictures) is refused,
with what to do instead.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import anthropic
import orjson

from millstream.processors.models.asking import Refused
from millstream.processors.models.forms import Answer, Asked, Counted
from millstream.processors.models.interface import Finish, Media, Moderation, ToolCall
from millstream.processors.models.resolve import Target
from millstream.processors.models.transport import Transport
from millstream.schemas.errors import BlockInputError, MillstreamError

READ_S: Final = 240.0
MAX_TOKENS: Final = 8_192
"""Anthropic wants a limit; this is ours if a block names none."""
ANSWER_TOOL: Final = "answer"
_FINISHES: Final[dict[str, Finish]] = {
    "max_tokens": "length",
    "tool_use": "tool_calls",
    "refusal": "content_filter",
}
_ELSEWHERE: Final = "Anthropic has no model for this; choose a model and a credential of another provider."


class Form:
    """Speaks to all servers of this form; one SDK client an address."""

    def __init__(self, transport: Transport) -> None:
        self._http = anthropic.DefaultAsyncHttpxClient(
            transport=transport, follow_redirects=False, trust_env=False, timeout=READ_S
        )
        self._clients: dict[str, anthropic.AsyncAnthropic] = {}

    async def chat(self, target: Target, asked: Asked) -> Answer:
        """Return the next turn. Errors: Refused, MillstreamError."""
        body = request_body(target.model, asked)
        client = self._client(target)
        try:
            if asked.on_text is None:
                message = await client.messages.create(**body, extra_headers=target.headers)
            else:
                async with client.messages.stream(**body, extra_headers=target.headers) as stream:
                    async for text in stream.text_stream:
                        asked.on_text(text)
                    message = await stream.get_final_message()
        except anthropic.AnthropicError as error:
            raise _refused(error) from error
        return _answer(message.model_dump(), as_json=_by_tool(asked))

    async def embed(self, *_: Any) -> tuple[list[list[float]], Counted]:
        """Refuse."""
        raise BlockInputError(_ELSEWHERE)

    async def moderate(self, *_: Any) -> list[Moderation]:
        """Refuse."""
        raise BlockInputError(_ELSEWHERE)

    async def transcribe(self, *_: Any) -> tuple[str, Counted]:
        """Refuse."""
        raise BlockInputError(_ELSEWHERE)

    async def speak(self, *_: Any) -> Media:
        """Refuse."""
        raise BlockInputError(_ELSEWHERE)

    async def draw(self, *_: Any) -> tuple[list[Media], list[str], Counted]:
        """Refuse."""
        raise BlockInputError(_ELSEWHERE)

    async def close(self) -> None:
        """Close the HTTP client."""
        await self._http.aclose()

    def _client(self, target: Target) -> anthropic.AsyncAnthropic:
        client = self._clients.get(target.base_url)
        if client is None:
            if len(self._clients) >= 256:
                self._clients.clear()  # they hold nothing but the address
            client = self._clients[target.base_url] = anthropic.AsyncAnthropic(
                api_key="none",  # the key travels in the headers of each call
                auth_token=None,
                base_url=target.base_url,
                http_client=self._http,
                max_retries=0,
                timeout=READ_S,
            )
        return client


def _refused(error: anthropic.AnthropicError) -> Exception:
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, MillstreamError):
            return cause
        cause = cause.__cause__
    if isinstance(error, anthropic.APIStatusError):
        body = error.body if isinstance(error.body, Mapping) else {}
        inner = body.get("error")
        said = inner.get("message") if isinstance(inner, Mapping) else None
        return Refused(error.status_code, str(said or error.message), error.response.headers)
    return Refused(0, str(error.__cause__ or error).rstrip(".") or type(error).__name__)


def _by_tool(asked: Asked) -> bool:
    return asked.json_schema is not None and not asked.tools


def request_body(model: str, asked: Asked) -> dict[str, Any]:
    """Return the question in Anthropic's form. Errors: BlockInputError: a part that it does not know."""
    system, messages = _conversation(asked.messages)
    body: dict[str, Any] = {
        "model": model,
        "messages": messages,
        "max_tokens": asked.max_tokens or MAX_TOKENS,
    }
    if asked.json_schema is not None and asked.tools:
        system.append(
            "Answer with JSON of this schema, and nothing else: " + orjson.dumps(asked.json_schema).decode()
        )
    if system:
        body["system"] = "\n\n".join(system)
    if asked.temperature is not None:
        body["temperature"] = asked.temperature
    if _by_tool(asked):
        about = "Give the answer."
        body["tools"] = [
            {"name": ANSWER_TOOL, "description": about, "input_schema": dict(asked.json_schema or {})}
        ]
        body["tool_choice"] = {"type": "tool", "name": ANSWER_TOOL}
    elif asked.tools and asked.tool_choice != "none":
        body["tools"] = [_tool(tool) for tool in asked.tools]
        kinds = {"auto": {"type": "auto"}, "required": {"type": "any"}}
        choice = kinds.get(asked.tool_choice, {"type": "tool", "name": asked.tool_choice})
        body["tool_choice"] = choice | ({} if asked.parallel_tools else {"disable_parallel_tool_use": True})
    return body


def _tool(tool: Mapping[str, Any]) -> dict[str, Any]:
    function = tool.get("function") or {}
    return {
        "name": function.get("name", ""),
        "description": function.get("description", ""),
        "input_schema": function.get("parameters") or {"type": "object", "properties": {}},
    }


def _conversation(messages: Sequence[Mapping[str, Any]]) -> tuple[list[str], list[dict[str, Any]]]:
    """System messages apart; tool results become parts of a user's message; turns of one side are put together."""
    system: list[str] = []
    turns: list[dict[str, Any]] = []
    for message in messages:
        role = message.get("role")
        if role in ("system", "developer"):
            system.append(
                "\n".join(part["text"] for part in _parts(message.get("content")) if "text" in part)
            )
            continue
        if role == "tool":
            result = {
                "type": "tool_result",
                "tool_use_id": message.get("tool_call_id"),
                "content": _parts(message.get("content")),
            }
            side, parts = "user", [result]
        else:
            side = "assistant" if role == "assistant" else "user"
            parts = _parts(message.get("content")) + [_use(call) for call in message.get("tool_calls") or ()]
        if turns and turns[-1]["role"] == side:
            turns[-1]["content"] += parts
        elif parts:
            turns.append({"role": side, "content": parts})
    return system, turns


def _use(call: Mapping[str, Any]) -> dict[str, Any]:
    function = call.get("function") or {}
    try:
        given = orjson.loads(function.get("arguments") or "{}")
    except orjson.JSONDecodeError:
        given = {}
    return {
        "type": "tool_use",
        "id": call.get("id"),
        "name": function.get("name"),
        "input": given if isinstance(given, dict) else {},
    }


def _parts(content: Any) -> list[dict[str, Any]]:
    if content is None or content == "":
        return []
    if isinstance(content, str):
        return [{"type": "text", "text": content}]
    parts: list[dict[str, Any]] = []
    for part in content if isinstance(content, Sequence) else ():
        kind = part.get("type") if isinstance(part, Mapping) else None
        if kind == "text":
            parts.append({"type": "text", "text": str(part.get("text", ""))})
        elif kind == "image_url":
            parts.append({"type": "image", "source": _picture((part.get("image_url") or {}).get("url", ""))})
        else:
            raise BlockInputError(
                f"A part of kind {kind!r} cannot be sent to Anthropic; text and pictures can."
            )
    return parts


def _picture(url: str) -> dict[str, Any]:
    if not url.startswith("data:"):
        return {"type": "url", "url": url}
    head, _, data = url[5:].partition(",")
    return {"type": "base64", "media_type": head.partition(";")[0], "data": data}


def _answer(message: Mapping[str, Any], *, as_json: bool) -> Answer:
    content = message.get("content") or ()
    text = "".join(part.get("text") or "" for part in content if part.get("type") == "text")
    uses = [part for part in content if part.get("type") == "tool_use"]
    if as_json and uses:
        text, uses = orjson.dumps(uses[0].get("input")).decode(), []
    calls = tuple(
        ToolCall(
            id=str(use["id"]), name=str(use["name"]), arguments=orjson.dumps(use.get("input") or {}).decode()
        )
        for use in uses
    )
    reason = str(message.get("stop_reason"))
    finish: Finish = "tool_calls" if calls else _FINISHES.get(reason, "stop")
    finish = "stop" if as_json and reason == "tool_use" else finish
    usage = message.get("usage") or {}
    cached = int(usage.get("cache_read_input_tokens") or 0)
    made = int(usage.get("cache_creation_input_tokens") or 0)
    return Answer(
        text=text,
        tool_calls=calls,
        finish=finish,
        refusal="the model refused" if reason == "refusal" else "",
        model=str(message.get("model") or ""),
        counted=Counted(
            input_tokens=int(usage.get("input_tokens") or 0) + cached + made,
            output_tokens=int(usage.get("output_tokens") or 0),
            cached_tokens=cached,
            told=bool(usage),
        ),
    )
