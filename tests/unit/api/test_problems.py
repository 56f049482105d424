from __future__ import annotations

import httpx
import pytest
from aiokafka.errors import KafkaConnectionError
from fastapi import FastAPI
from psycopg import DataError, OperationalError

from millstream.api.http import problems
from millstream.schemas import errors


def app_that_raises(error: Exception) -> FastAPI:
    app = FastAPI()
    problems.install(app)

    @app.get("/it")
    async def it() -> None:
        raise error

    return app


async def asked(error: Exception) -> httpx.Response:
    transport = httpx.ASGITransport(app_that_raises(error), raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        return await client.get("/it")


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (errors.NotFoundError("gone"), 404, "not_found"),
        (errors.GraphInvalidError("bad", problems=[{"node": "a"}]), 400, "graph_invalid"),
        (errors.BlockTimeoutError("slow"), 400, "block_timeout"),
        (errors.BlockUnknownError("who"), 404, "block_unknown"),
        (errors.BlockDisabledError("off"), 403, "block_disabled"),
        (errors.PayloadTooLargeError("big"), 413, "payload_too_large"),
        (errors.UnavailableError("away"), 503, "unavailable"),
        (errors.AuthenticationError("no"), 401, "unauthenticated"),
        (OperationalError("no route to secret-host"), 503, "unavailable"),
        (KafkaConnectionError("no route to secret-host"), 503, "unavailable"),
        (DataError("integer out of range"), 400, "input_invalid"),
        (errors.ConfigurationError("bucket secret-host"), 500, "internal"),
        (RuntimeError("secret-host"), 500, "internal"),
    ],
)
async def test_each_error_has_its_status_and_code(error: Exception, status: int, code: str) -> None:
    answer = await asked(error)
    body = answer.json()
    assert (answer.status_code, body["status"], body["code"]) == (status, status, code)
    assert answer.headers["content-type"] == "application/problem+json"
    assert "secret-host" not in answer.text
    assert ("retry-after" in answer.headers) is (status == 503)


async def test_facts_are_members_but_never_replace_the_rfcs() -> None:
    body = (await asked(errors.ConflictError("taken", status="COMPLETED", who="me"))).json()
    assert (body["status"], body["who"]) == (409, "me")


def test_every_class_of_errors_has_a_status() -> None:
    for name in dir(errors):
        kind = getattr(errors, name)
        if isinstance(kind, type) and issubclass(kind, errors.MillstreamError):
            assert 400 <= problems.status_of(kind) <= 503
