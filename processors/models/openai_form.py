"""OpenAI's HTTP protocol, which most providers speak, by the `openai` SDK.

The SDK's own retries are off: they know nothing of our limits and cannot be counted.
"""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any, Final

import openai
import orjson
from openai._constants import RAW_RESPONSE_HEADER

from millstream.processors.models.asking import Refused
from millstream.processors.models.forms import Answer, Asked, Counted
from millstream.processors.models.interface import Finish, Media, Moderation, OnText, ToolCall
from millstream.processors.models.resolve import Target
from millstream.processors.models.transport import Transport
from millstream.schemas.errors import BlockInputError, MillstreamError, UpstreamError

READ_S: Final = 240.0
"""Longest silence of a model that thinks."""
_FINISHES: Final[dict[str, Finish]] = {
    "length": "length",
    "tool_calls": "tool_calls",
    "function_call": "tool_calls",
    "content_filter": "content_filter",
}
_MEDIA: Final = {
    "mp3": "audio/mpeg",
    "wav": "audio/wav",
    "opus": "audio/ogg",
    "flac": "audio/flac",
    "aac": "audio/aac",
}


class Form:
    """Speaks to all servers of this form; one SDK client an address."""

    def __init__(self, transport: Transport) -> None:
        self._http = openai.DefaultAsyncHttpxClient(
            transport=transport, follow_redirects=False, trust_env=False, timeout=READ_S
        )
        self._clients: dict[str, openai.AsyncOpenAI] = {}

    async def chat(self, target: Target, asked: Asked) -> Answer:
        """Return the next turn. Errors: Refused, MillstreamError."""
        body = _chat_body(target, asked)
        if asked.on_text is None:
            return _answer(await self._post(target, "/chat/completions", body))
        body |= {"stream": True, "stream_options": {"include_usage": True}}
        try:
            response = await self._open(target, "/chat/completions", body)
            try:
                return await _streamed(response.http_response.aiter_bytes(), asked.on_text)
            finally:
                await response.close()
        except openai.OpenAIError as error:
            raise refused(error) from error

    async def embed(
        self, target: Target, texts: Sequence[str], dimensions: int | None
    ) -> tuple[list[list[float]], Counted]:
        """Return vectors in the order of the texts."""
        more = {} if dimensions is None else {"dimensions": dimensions}
        answer = await self._post(
            target,
            "/embeddings",
            {"model": target.model, "input": list(texts), "encoding_format": "base64", **more},
        )
        rows = sorted(answer.get("data") or (), key=lambda row: row.get("index", 0))
        if len(rows) != len(texts):
            raise UpstreamError(f"{target.name} gave {len(rows)} vectors for {len(texts)} texts.")
        return [_vector(row.get("embedding")) for row in rows], _counted(answer)

    async def moderate(self, target: Target, texts: Sequence[str]) -> list[Moderation]:
        """Return one verdict a text."""
        answer = await self._post(target, "/moderations", {"model": target.model, "input": list(texts)})
        return [
            Moderation(
                flagged=bool(row.get("flagged")),
                categories={name: bool(value) for name, value in (row.get("categories") or {}).items()},
                scores={
                    name: float(value or 0) for name, value in (row.get("category_scores") or {}).items()
                },
            )
            for row in answer.get("results") or ()
        ]

    async def transcribe(self, target: Target, data: bytes, name: str, language: str) -> tuple[str, Counted]:
        """Return what is said."""
        try:
            raw = await self._client(target).audio.transcriptions.with_raw_response.create(
                model=target.model,
                file=(name, data),
                response_format="json",
                language=language or openai.omit,
                extra_headers=target.headers,
            )
        except openai.OpenAIError as error:
            raise refused(error) from error
        answer = _object(raw.content)
        return str(answer.get("text", "")), _counted(answer)

    async def speak(self, target: Target, text: str, voice: str, audio_format: str) -> Media:
        """Return speech."""
        if audio_format not in _MEDIA:
            raise BlockInputError(f"{audio_format!r} is no format of speech here: {', '.join(_MEDIA)}.")
        try:
            raw = await self._client(target).audio.speech.create(
                model=target.model,
                input=text,
                voice=voice or "alloy",
                response_format=audio_format,  # type: ignore[arg-type]  # checked above
                extra_headers=target.headers,
            )
            told = raw.response.headers.get("content-type", "").partition(";")[0]
            kind = told if told.startswith("audio/") else _MEDIA[audio_format]
            return Media(data=await raw.aread(), media_type=kind)
        except openai.OpenAIError as error:
            raise refused(error) from error

    async def draw(
        self, target: Target, prompt: str, size: str, count: int
    ) -> tuple[list[Media], list[str], Counted]:
        """Return pictures as bytes, or as addresses if the server prefers that."""
        body: dict[str, Any] = {"model": target.model, "prompt": prompt, "n": count}
        body |= {"size": size} if size else {}
        if target.model.startswith("dall-e"):
            body["response_format"] = "b64_json"
        answer = await self._post(target, "/images/generations", body)
        rows = answer.get("data") or ()
        kind = f"image/{answer.get('output_format') or 'png'}"
        pictures = [
            Media(data=base64.b64decode(row["b64_json"]), media_type=kind)
            for row in rows
            if row.get("b64_json")
        ]
        return pictures, [row["url"] for row in rows if row.get("url")], _counted(answer)

    async def close(self) -> None:
        """Close the HTTP client, and with it the transport."""
        await self._http.aclose()

    async def _open(self, target: Target, path: str, body: Mapping[str, Any]) -> Any:
        """Return an answer whose body is still to be read.

        This is what the SDK's `with_streaming_response` does, without its walk over the types of the body, which takes as long
        as all the rest.
        """
        headers = {**target.headers, RAW_RESPONSE_HEADER: "stream"}
        return await self._client(target).post(
            path, cast_to=object, body=dict(body), options={"headers": headers}
        )

    async def _post(self, target: Target, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        try:
            raw = await self._client(target).post(
                path, cast_to=bytes, body=dict(body), options={"headers": target.headers}
            )
        except openai.OpenAIError as error:
            raise refused(error) from error
        return _object(raw)

    def _client(self, target: Target) -> openai.AsyncOpenAI:
        client = self._clients.get(target.base_url)
        if client is None:
            if len(self._clients) >= 256:
                self._clients.clear()  # they hold nothing but the address
            client = self._clients[target.base_url] = openai.AsyncOpenAI(
                # The key travels in the headers of each call; without one this text says so to whoever looks.
                api_key="none",
                organization="",
                project="",
                base_url=target.base_url,
                http_client=self._http,
                max_retries=0,
                timeout=READ_S,
            )
        return client


def refused(error: openai.OpenAIError) -> Exception:
    """Return what an error of the SDK means."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, MillstreamError):
            return cause
        cause = cause.__cause__
    if isinstance(error, openai.APIStatusError):
        return Refused(error.status_code, _reason(error), error.response.headers)
    if isinstance(error, openai.APITimeoutError):
        return Refused(0, "no answer in time")
    return Refused(0, str(error.__cause__ or error).rstrip(".") or type(error).__name__)


def _reason(error: openai.APIStatusError) -> str:
    body = error.body
    if isinstance(body, dict):
        inner = body.get("error", body)
        message = inner.get("message") if isinstance(inner, dict) else inner
        code = inner.get("code") if isinstance(inner, dict) else None
        if message:
            return f"{message} [{code}]" if code and str(code) not in str(message) else str(message)
    return error.message


def _chat_body(target: Target, asked: Asked) -> dict[str, Any]:
    body: dict[str, Any] = {"model": target.model, "messages": list(asked.messages)}
    if asked.max_tokens is not None:
        body["max_completion_tokens" if target.provider.completion_tokens else "max_tokens"] = (
            asked.max_tokens
        )
    if asked.temperature is not None:
        body["temperature"] = asked.temperature
    if asked.tools:
        body["tools"] = list(asked.tools)
        body["tool_choice"] = (
            asked.tool_choice
            if asked.tool_choice in ("auto", "none", "required")
            else {"type": "function", "function": {"name": asked.tool_choice}}
        )
        if not asked.parallel_tools:
            body["parallel_tool_calls"] = False
    if asked.json_schema is not None:
        body["response_format"] = {
            "type": "json_schema",
            "json_schema": {"name": "answer", "schema": dict(asked.json_schema), "strict": False},
        }
    return body


def _object(raw: bytes) -> dict[str, Any]:
    try:
        value = orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        raise Refused(0, "the answer is no JSON") from error
    if not isinstance(value, dict):
        raise Refused(0, "the answer is no JSON object")
    return value


def _answer(value: Mapping[str, Any]) -> Answer:
    choices = value.get("choices") or ()
    if not choices:
        raise Refused(0, "an answer without choices")
    message = choices[0].get("message") or {}
    calls = tuple(
        ToolCall(
            id=str(call.get("id") or f"call_{number}"),
            name=str((call.get("function") or {}).get("name", "")),
            arguments=_text((call.get("function") or {}).get("arguments")),
        )
        for number, call in enumerate(message.get("tool_calls") or ())
    )
    return Answer(
        text=message.get("content") or "",
        tool_calls=calls,
        finish=_finish(choices[0].get("finish_reason"), calls),
        refusal=message.get("refusal") or "",
        model=str(value.get("model") or ""),
        counted=_counted(value),
    )


def _text(arguments: Any) -> str:
    """Some servers send the arguments as an object."""
    return arguments if isinstance(arguments, str) else orjson.dumps(arguments or {}).decode()


def _finish(reason: Any, calls: Sequence[ToolCall]) -> Finish:
    return "tool_calls" if calls else _FINISHES.get(str(reason), "stop")


def _counted(value: Mapping[str, Any]) -> Counted:
    usage = value.get("usage")
    if not isinstance(usage, Mapping):
        return Counted()
    details = usage.get("prompt_tokens_details") or {}
    return Counted(
        input_tokens=int(usage.get("prompt_tokens") or usage.get("input_tokens") or 0),
        output_tokens=int(usage.get("completion_tokens") or usage.get("output_tokens") or 0),
        cached_tokens=int(details.get("cached_tokens") or 0),
        told=True,
    )


def _vector(value: Any) -> list[float]:
    if isinstance(value, str):
        import array
        import sys

        numbers = array.array("f", base64.b64decode(value))
        if sys.byteorder == "big":
            numbers.byteswap()
        return numbers.tolist()
    return [float(number) for number in value or ()]


async def _streamed(parts: AsyncIterator[bytes], on_text: OnText) -> Answer:
    """Put the pieces of a stream together. The SDK's own classes for them take a millisecond a piece."""
    text: list[str] = []
    refusal: list[str] = []
    calls: dict[int, dict[str, str]] = {}
    reason: Any = None
    model, counted = "", Counted()
    async for chunk in _events(parts):
        if chunk.get("error"):
            raise Refused(500, str(chunk["error"])[:1000])
        model = model or str(chunk.get("model") or "")
        if chunk.get("usage"):
            counted = _counted(chunk)
        for choice in (chunk.get("choices") or ())[:1]:
            delta = choice.get("delta") or {}
            reason = choice.get("finish_reason") or reason
            if piece := delta.get("content"):
                text.append(piece)
                on_text(piece)
            refusal.append(delta.get("refusal") or "")
            for call in delta.get("tool_calls") or ():
                _add(calls.setdefault(call.get("index") or 0, {"id": "", "name": "", "arguments": ""}), call)
    if reason is None and not text and not calls:
        raise Refused(0, "the stream broke off")
    whole = tuple(
        ToolCall(id=call["id"] or f"call_{number}", name=call["name"], arguments=call["arguments"])
        for number, call in sorted(calls.items())
    )
    return Answer(
        text="".join(text),
        tool_calls=whole,
        finish=_finish(reason, whole),
        refusal="".join(refusal),
        model=model,
        counted=counted,
    )


async def _events(parts: AsyncIterator[bytes]) -> AsyncIterator[dict[str, Any]]:
    """Yield the objects of `data:` lines, up to `[DONE]`; the rest of the answer is read as well, for the next request."""
    held, done = b"", False
    async for part in parts:
        *lines, held = (held + part).split(b"\n")
        for line in lines:
            if done or not line.startswith(b"data:"):
                continue
            data = line[5:].strip()
            done = data == b"[DONE]"
            if data and not done:
                yield _object(data)


def _add(call: dict[str, str], piece: Mapping[str, Any]) -> None:
    call["id"] = piece.get("id") or call["id"]
    function = piece.get("function") or {}
    call["name"] += function.get("name") or ""
    call["arguments"] += function.get("arguments") or ""
