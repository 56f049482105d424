"""The echo model over HTTP: the routes of OpenAI's API that blocks use. Holds nothing, writes nothing, calls nobody."""

from __future__ import annotations

import array
import asyncio
import base64
import re
import sys
import time
import zlib
from collections.abc import AsyncIterator, Mapping
from typing import Any

import orjson
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from millstream.local.echo_model import media, vectors
from millstream.local.echo_model.rules import Said, reply, text_of

MODELS = ("echo-1", "echo-embedding", "echo-moderation", "echo-transcription", "echo-speech", "echo-image")
BODY_LIMIT_BYTES = 32 * 1024 * 1024
LONGEST_DELAY_MS = 60_000
LARGEST_SIDE = 1024


class _Wrong(Exception):
    """A request that cannot be answered."""


def app() -> Starlette:
    """Return the application."""
    routes = [
        Route("/v1/models", _models),
        Route("/v1/chat/completions", _chat, methods=["POST"]),
        Route("/v1/embeddings", _embeddings, methods=["POST"]),
        Route("/v1/moderations", _moderations, methods=["POST"]),
        Route("/v1/audio/transcriptions", _transcription, methods=["POST"]),
        Route("/v1/audio/speech", _speech, methods=["POST"]),
        Route("/v1/images/generations", _image, methods=["POST"]),
        Route("/healthz", _health),
    ]
    return Starlette(routes=routes, exception_handlers={_Wrong: _refused})


async def _refused(request: Request, error: Exception) -> Response:
    body = {"error": {"message": str(error), "type": "invalid_request_error", "param": None, "code": None}}
    return JSONResponse(body, status_code=400)


async def _health(request: Request) -> Response:
    return JSONResponse({"status": "ok"})


async def _models(request: Request) -> Response:
    rows = [
        {"id": name, "object": "model", "created": 0, "owned_by": "echo (local demo model)"}
        for name in MODELS
    ]
    return JSONResponse({"object": "list", "data": rows})


async def _body(request: Request) -> dict[str, Any]:
    size = 0
    parts = []
    async for part in request.stream():
        size += len(part)
        if size > BODY_LIMIT_BYTES:
            raise _Wrong(f"the body has more than {BODY_LIMIT_BYTES} bytes")
        parts.append(part)
    try:
        value = orjson.loads(b"".join(parts))
    except orjson.JSONDecodeError as error:
        raise _Wrong(f"the body is no JSON: {error}") from error
    if not isinstance(value, dict):
        raise _Wrong("the body is no JSON object")
    return value


async def _delayed(body: Mapping[str, Any]) -> None:
    """A model named `echo-1-wait-500` takes 500 ms: to see what waiting looks like."""
    match = re.search(r"-wait-(\d+)$", str(body.get("model", "")))
    if match:
        await asyncio.sleep(min(int(match[1]), LONGEST_DELAY_MS) / 1000)


async def _chat(request: Request) -> Response:
    body = await _body(request)
    if not body.get("messages"):
        raise _Wrong("`messages` must hold at least one message")
    await _delayed(body)
    said = _cut(reply(body), body)
    if body.get("stream"):
        usage = bool((body.get("stream_options") or {}).get("include_usage"))
        return StreamingResponse(_events(body, said, usage=usage), media_type="text/event-stream")
    message: dict[str, Any] = {"role": "assistant", "content": said.text or None, "refusal": None}
    if said.calls:
        message["tool_calls"] = _tool_calls(said)
    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": _finish(body, said)}
    answer = {**_head(body, "chat.completion"), "choices": [choice], "usage": _usage(body, said)}
    return Response(orjson.dumps(answer), media_type="application/json")


def _cut(said: Said, body: Mapping[str, Any]) -> Said:
    """Keep to the limit of tokens: words here."""
    limit = body.get("max_completion_tokens") or body.get("max_tokens")
    words = re.findall(r"\s*\S+", said.text)
    if not isinstance(limit, int) or len(words) <= limit or said.calls:
        return said
    return Said("".join(words[:limit]))


def _finish(body: Mapping[str, Any], said: Said) -> str:
    if said.calls:
        return "tool_calls"
    return "length" if said.text != reply(body).text else "stop"


def _head(body: Mapping[str, Any], kind: str) -> dict[str, Any]:
    model = str(body.get("model") or MODELS[0])
    seal = zlib.crc32(orjson.dumps(body.get("messages"), option=orjson.OPT_NON_STR_KEYS))
    return {"id": f"echo-{seal:08x}", "object": kind, "created": int(time.time()), "model": model}


def _tool_calls(said: Said) -> list[dict[str, Any]]:
    return [
        {
            "id": f"call_{zlib.crc32(f'{number} {name} {arguments}'.encode()):08x}",
            "type": "function",
            "function": {"name": name, "arguments": arguments},
        }
        for number, (name, arguments) in enumerate(said.calls)
    ]


def _usage(body: Mapping[str, Any], said: Said) -> dict[str, Any]:
    read = sum(len(text_of(message).split()) for message in body["messages"] if isinstance(message, Mapping))
    written = len(said.text.split()) + sum(len(arguments) // 4 + 1 for _, arguments in said.calls)
    return {"prompt_tokens": read, "completion_tokens": written, "total_tokens": read + written}


async def _events(body: Mapping[str, Any], said: Said, *, usage: bool) -> AsyncIterator[bytes]:
    head = _head(body, "chat.completion.chunk")

    def event(delta: dict[str, Any], reason: str | None = None) -> bytes:
        choices = [{"index": 0, "delta": delta, "finish_reason": reason}]
        return b"data: " + orjson.dumps({**head, "choices": choices}) + b"\n\n"

    yield event({"role": "assistant", "content": ""})
    for number, call in enumerate(_tool_calls(said)):
        yield event({"tool_calls": [{"index": number, **call}]})
    for piece in re.findall(r"\s*\S+\s*$|\s*\S+", said.text):
        yield event({"content": piece})
        await asyncio.sleep(0)
    yield event({}, _finish(body, said))
    if usage:
        yield b"data: " + orjson.dumps({**head, "choices": [], "usage": _usage(body, said)}) + b"\n\n"
    yield b"data: [DONE]\n\n"


async def _embeddings(request: Request) -> Response:
    body = await _body(request)
    given = body.get("input")
    texts = [given] if isinstance(given, str) else given
    if not isinstance(texts, list) or not texts or not all(isinstance(text, str) for text in texts):
        raise _Wrong("`input` must be a text or a list of texts")
    dimensions = body.get("dimensions") or vectors.DIMENSIONS
    if not isinstance(dimensions, int) or not 8 <= dimensions <= 3072:
        raise _Wrong("`dimensions` must be 8 to 3072")
    await _delayed(body)
    rows = []
    for number, text in enumerate(texts):
        vector: Any = vectors.embedding(text, dimensions)
        if body.get("encoding_format") == "base64":
            vector = base64.b64encode(_floats(vector)).decode()
        rows.append({"object": "embedding", "index": number, "embedding": vector})
        await asyncio.sleep(0)
    read = sum(len(text.split()) for text in texts)
    usage = {"prompt_tokens": read, "total_tokens": read}
    model = str(body.get("model") or "echo-embedding")
    return JSONResponse({"object": "list", "data": rows, "model": model, "usage": usage})


def _floats(vector: list[float]) -> bytes:
    numbers = array.array("f", vector)
    if sys.byteorder == "big":
        numbers.byteswap()
    return numbers.tobytes()


async def _moderations(request: Request) -> Response:
    body = await _body(request)
    given = body.get("input")
    texts = [given] if isinstance(given, str) else given
    if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
        raise _Wrong("`input` must be a text or a list of texts")
    results = [vectors.moderation(text) for text in texts]
    return JSONResponse({"id": "echo", "model": "echo-moderation", "results": results})


async def _transcription(request: Request) -> Response:
    if int(request.headers.get("content-length") or 0) > BODY_LIMIT_BYTES:
        raise _Wrong(f"the body has more than {BODY_LIMIT_BYTES} bytes")
    async with request.form(max_files=1, max_fields=20) as form:
        file = form.get("file")
        if file is None or isinstance(file, str):
            raise _Wrong("`file` must be a recording")
        data = await file.read()
    return JSONResponse({"text": media.heard(data)})


async def _speech(request: Request) -> Response:
    body = await _body(request)
    text = body.get("input")
    if not isinstance(text, str) or not text:
        raise _Wrong("`input` must be a text")
    return Response(media.speech(text), media_type="audio/wav")


async def _image(request: Request) -> Response:
    body = await _body(request)
    match = re.fullmatch(r"(\d{1,4})x(\d{1,4})", str(body.get("size") or "256x256"))
    width, height = (int(match[1]), int(match[2])) if match else (256, 256)
    count = body.get("n") or 1
    if not isinstance(count, int) or not 1 <= count <= 10:
        raise _Wrong("`n` must be 1 to 10")
    width, height = (max(8, min(side, LARGEST_SIDE)) for side in (width, height))
    prompt = str(body.get("prompt") or "")
    rows = [
        {"b64_json": base64.b64encode(media.picture(f"{prompt}{number or ''}", width, height)).decode()}
        for number in range(count)
    ]
    return JSONResponse({"created": int(time.time()), "data": rows})
