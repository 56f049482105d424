"""Errors as GraphQL tells them: a sentence, and in `extensions` what a problem of the REST routes has. Never a trace."""

from __future__ import annotations

from typing import Any

import structlog
from aiokafka.errors import KafkaError
from graphql import GraphQLError
from psycopg import OperationalError
from psycopg_pool import PoolTimeout
from pydantic import ValidationError
from redis.exceptions import RedisError

from millstream.api.http.problems import status_of
from millstream.schemas.errors import MillstreamError, UnavailableError

log = structlog.get_logger(__name__)

INVALID = "graphql_invalid"
"""The document is no GraphQL, or does not fit the schema."""
AWAY = {KafkaError: "Kafka", RedisError: "Redis", OperationalError: "PostgreSQL", PoolTimeout: "PostgreSQL"}


def shown(error: GraphQLError, request_id: str) -> dict[str, Any]:
    """Return an error for the caller."""
    code, status, message, facts = _facts(error)
    found: dict[str, Any] = {"message": message}
    if error.locations:
        found["locations"] = [{"line": each.line, "column": each.column} for each in error.locations]
    if error.path:
        found["path"] = error.path
    return {**found, "extensions": {**facts, "code": code, "status": status, "request_id": request_id}}


def of(error: MillstreamError) -> GraphQLError:
    """Return an error of ours as one of GraphQL."""
    return GraphQLError(str(error), original_error=error)


def note(error: GraphQLError) -> None:
    """Log what is a bug of ours, or a server that is away."""
    cause = _cause(error)
    if cause is not None and isinstance(cause, tuple(AWAY)):
        log.warning("server_away", server=_server(cause), error=type(cause).__name__)
    elif cause is not None and _facts(error)[0] == "internal":
        log.error("field_failed", path=error.path, exc_info=cause)


def _cause(error: GraphQLError) -> Exception | None:
    cause: Exception | None = error
    while isinstance(cause, GraphQLError):
        cause = cause.original_error
    return cause


def _facts(error: GraphQLError) -> tuple[str, int, str, dict[str, Any]]:
    """Return code, status, message and further facts."""
    cause = _cause(error)
    if cause is None:
        return INVALID, 400, error.message, {}
    if isinstance(cause, MillstreamError) and (status := status_of(type(cause))) != 500:
        return cause.code, status, str(cause), dict(cause.facts)
    if isinstance(cause, ValidationError):
        found = [
            {"path": ".".join(map(str, each["loc"])), "code": each["type"], "reason": each["msg"]}
            for each in cause.errors(include_input=False, include_url=False, include_context=False)
        ]
        return "request_invalid", 422, f"`{found[0]['path']}`: {found[0]['reason']}", {"problems": found}
    if isinstance(cause, tuple(AWAY)):
        server = _server(cause)
        message = f"{server} does not answer now; try again in a moment."
        return UnavailableError.code, 503, message, {"down": [server.lower()]}
    message = "Something went wrong here, not with your request; the log has more under this request id."
    return "internal", 500, message, {}


def _server(cause: Exception) -> str:
    return next(name for kind, name in AWAY.items() if isinstance(cause, kind))
