"""The one map from errors to HTTP: every error is `application/problem+json` (RFC 9457) with a stable `code`."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

import structlog
from aiokafka.errors import KafkaError
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from psycopg import DataError, OperationalError
from psycopg_pool import PoolTimeout
from pydantic import BaseModel, ConfigDict, Field
from redis.exceptions import RedisError
from starlette.exceptions import HTTPException
from starlette.requests import HTTPConnection

from millstream.api.http.answers import JsonAnswer
from millstream.schemas import errors

log = structlog.get_logger(__name__)

MEDIA_TYPE = "application/problem+json"
RETRY_AFTER_S = 2

STATUS: Mapping[type[errors.MillstreamError], int] = {
    errors.MillstreamError: 500,
    errors.AuthenticationError: 401,
    errors.ForbiddenError: 403,
    errors.NotFoundError: 404,
    errors.ConflictError: 409,
    errors.PreconditionError: 412,
    errors.PayloadTooLargeError: 413,
    errors.GraphInvalidError: 400,
    errors.InputInvalidError: 400,
    errors.BlockError: 400,
    errors.BlockUnknownError: 404,
    errors.BlockDisabledError: 403,
    errors.QueueFullError: 429,
    errors.RateLimitedError: 429,
    errors.UnavailableError: 503,
}
"""By class; a subclass that is not named has its parent's. 422 is FastAPI's alone."""


CODES: Mapping[int, str] = {
    404: "not_found",
    405: "method_not_allowed",
    413: "payload_too_large",
    414: "uri_too_long",
    431: "headers_too_large",
}
"""Of what Starlette and the frame around requests refuse."""


class Problem(BaseModel):
    """A problem as RFC 9457 has it, with our members; an error's facts are further members."""

    model_config = ConfigDict(extra="allow")

    type: str = Field(description="URN of the kind of problem.")
    title: str = Field(description="The HTTP status in words.")
    status: int
    detail: str = Field(description="A sentence for people: fact, value, remedy.")
    instance: str = Field(description="Path of the request.")
    code: str = Field(description="Stable name of the kind of problem.")
    request_id: str = Field(description="The request, as in the log and in the header X-Request-ID.")


def documented(*kinds: type[errors.MillstreamError]) -> dict[int | str, dict[str, Any]]:
    """Return the `responses` of a route that may end in these errors, for OpenAPI."""
    return {
        status_of(kind): {"model": Problem, "description": kind.__doc__ or kind.__name__} for kind in kinds
    }


def status_of(kind: type[errors.MillstreamError]) -> int:
    """Return the HTTP status of a class of errors."""
    return next(STATUS[cls] for cls in kind.__mro__ if cls in STATUS)


def problem(
    *,
    status: int,
    code: str,
    detail: str,
    path: str,
    request_id: str,
    facts: Mapping[str, Any] | None = None,
    headers: Mapping[str, str] | None = None,
) -> JsonAnswer:
    """Build the answer. Facts never replace a member of the RFC."""
    body = {
        **(facts or {}),
        "type": f"urn:millstream:problem:{code}",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
        "instance": path,
        "code": code,
        "request_id": request_id,
    }
    extra = dict(headers or {})
    if status == 401:
        extra.setdefault("WWW-Authenticate", 'Bearer realm="millstream"')
    if status in (429, 503):
        extra.setdefault("Retry-After", str((facts or {}).get("retry_after_s", RETRY_AFTER_S)))
    return JsonAnswer(body, status, headers=extra, media_type=MEDIA_TYPE)


def _answer(request: HTTPConnection, status: int, code: str, detail: str, **more: Any) -> JsonAnswer:
    request_id = request.scope.get("request_id", "")
    return problem(
        status=status, code=code, detail=detail, path=request.url.path, request_id=request_id, **more
    )


async def on_error(request: HTTPConnection, error: Exception) -> JsonAnswer:
    """Answer an error of our own. One that nobody foresaw has no facts for the caller."""
    assert isinstance(error, errors.MillstreamError)
    status = status_of(type(error))
    if status == 500:
        return await on_anything(request, error)
    return _answer(request, status, error.code, str(error), facts=error.facts)


async def on_http(request: Request, error: Exception) -> JsonAnswer:
    """Answer what Starlette raises: no such route, no such method, a body over the limit."""
    assert isinstance(error, HTTPException)
    status = error.status_code
    code = CODES.get(status, f"http_{status}")
    detail = str(error.detail)
    if status == 404:
        detail = f"There is no {request.url.path!r} here; /openapi.json lists what there is."
    elif status == 405:
        detail = f"{request.method} is not possible on {request.url.path!r}; the header Allow says what is."
    return _answer(request, status, code, detail, headers=error.headers)


async def on_validation(request: Request, error: Exception) -> JsonAnswer:
    """Answer FastAPI's own validation. Values are left out: one may be a secret in the wrong place."""
    assert isinstance(error, RequestValidationError)
    found = [
        {"path": ".".join(map(str, each["loc"])), "code": each["type"], "reason": reason_of(each)}
        for each in error.errors()
    ]
    first = found[0] if found else {"path": "", "reason": "invalid"}
    detail = f"`{first['path']}`: {first['reason']}"
    return _answer(request, 422, "request_invalid", detail, facts={"problems": found})


def reason_of(error: Mapping[str, Any]) -> str:
    """Return why a value is refused, without the value."""
    if error["type"] == "union_tag_invalid":  # its sentence repeats what was sent
        return f"It is none of {error['ctx']['expected_tags']}"
    return str(error["msg"])


async def on_server_away(request: Request, error: Exception) -> JsonAnswer:
    """Answer 503 while PostgreSQL, Kafka or Redis is away."""
    names = {KafkaError: "Kafka", RedisError: "Redis"}
    server = next((name for kind, name in names.items() if isinstance(error, kind)), "PostgreSQL")
    log.warning("server_away", server=server, error=type(error).__name__)
    detail = f"{server} does not answer now; try again in {RETRY_AFTER_S} s."
    return _answer(request, 503, errors.UnavailableError.code, detail, facts={"down": [server.lower()]})


async def on_odd_data(request: Request, error: Exception) -> JsonAnswer:
    """Answer what PostgreSQL cannot keep: a number beyond its column, a text with \\0."""
    assert isinstance(error, DataError)
    reason = str(error).partition("\n")[0]
    return _answer(request, 400, errors.InputInvalidError.code, f"A value cannot be kept: {reason}.")


async def on_anything(request: HTTPConnection, error: Exception) -> JsonAnswer:
    """Answer a bug of ours: the log has the traceback, the caller the id to ask for."""
    log.error("request_failed", path=request.url.path, exc_info=error)
    detail = "Something went wrong here, not with your request; the log has more under this request id."
    return _answer(request, 500, "internal", detail)


def install(app: FastAPI) -> None:
    """Register the handlers."""
    app.add_exception_handler(errors.MillstreamError, on_error)
    app.add_exception_handler(HTTPException, on_http)
    app.add_exception_handler(RequestValidationError, on_validation)
    app.add_exception_handler(DataError, on_odd_data)
    app.add_exception_handler(OperationalError, on_server_away)
    app.add_exception_handler(PoolTimeout, on_server_away)
    app.add_exception_handler(KafkaError, on_server_away)
    app.add_exception_handler(RedisError, on_server_away)
    app.add_exception_handler(Exception, on_anything)
