"""From a document to an answer: read, weighed, let in, then run. What is refused has not begun."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, cast
from uuid import UUID

from fastapi import Request
from graphql import DocumentNode, GraphQLError, OperationType, parse
from starlette.requests import HTTPConnection
from strawberry.types.execution import PreExecutionError

from millstream.api.auth.guards import Guard
from millstream.api.auth.principal import Principal, Scope
from millstream.api.graphql import errors
from millstream.api.graphql.context import Context
from millstream.api.graphql.schema import EdgeSchema, make
from millstream.api.graphql.settings import GraphqlSettings
from millstream.api.graphql.weighing import Weighed, weigh
from millstream.api.http.limits import Kind, admit
from millstream.api.state import Edge
from millstream.schemas.errors import (
    ConflictError,
    InputInvalidError,
    MillstreamError,
    QueryTooCostlyError,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """One operation that somebody wants to run."""

    query: str
    variables: dict[str, Any] = field(default_factory=dict)
    operation_name: str | None = None


class Runner:
    """Runs operations for one app."""

    def __init__(self, settings: GraphqlSettings) -> None:
        self.settings = settings
        self.schema: EdgeSchema = make()
        self._subscriptions: Counter[UUID] = Counter()

    async def answer(
        self, context: Context, ask: Ask, *, allowed: frozenset[OperationType]
    ) -> dict[str, Any]:
        """Run a question or a change, and return what the caller gets. Never raises for what he did wrong."""
        request_id = str(context.connection.scope.get("request_id", ""))
        try:
            weighed = self.weigh(ask, context.principal, allowed=allowed)
            await _count(context, weighed)
        except MillstreamError as error:
            return {"errors": [errors.shown(errors.of(error), request_id)]}
        except GraphQLError as error:
            return {"errors": [errors.shown(error, request_id)]}
        result = await self.schema.execute(
            ask.query,
            variable_values=ask.variables,
            context_value=context,
            operation_name=ask.operation_name,
        )  # its type was looked at by `weigh`
        if not result.errors:
            return {"data": result.data}
        shown = [errors.shown(error, request_id) for error in result.errors]
        has_begun = any(error.path for error in result.errors)
        return ({"data": result.data} if has_begun else {}) | {"errors": shown}

    async def events(self, context: Context, ask: Ask) -> AsyncIterator[dict[str, Any]]:
        """Run a subscription and yield its answers. Errors: MillstreamError, GraphQLError: it has not begun."""
        weighed = self.weigh(ask, context.principal, allowed=frozenset({OperationType.SUBSCRIPTION}))
        await _count(context, weighed)
        with self._one_more(context.principal.user_id):
            stream = await self.schema.subscribe(
                ask.query,
                variable_values=ask.variables,
                context_value=context,
                operation_name=ask.operation_name,
            )
            if isinstance(stream, PreExecutionError):
                raise (stream.errors or [GraphQLError("It cannot be run.")])[0]
            try:
                async for result in stream:
                    if isinstance(result, PreExecutionError):
                        raise (result.errors or [GraphQLError("It cannot be run.")])[0]
                    if result.errors and result.data is None:  # refused, or broken off: nothing follows
                        raise result.errors[0]
                    shown = [errors.shown(error, "") for error in result.errors or []]
                    yield {"data": result.data} | ({"errors": shown} if shown else {})
            finally:
                await stream.aclose()

    def weigh(self, ask: Ask, principal: Principal, *, allowed: frozenset[OperationType]) -> Weighed:
        """Read a document and see whether it may run. Errors: MillstreamError, GraphQLError."""
        weighed = weigh(
            self.schema.core,
            self._parsed(ask.query),
            self.settings,
            operation_name=ask.operation_name,
            variables=ask.variables,
        )
        if weighed.type not in allowed:
            raise InputInvalidError(
                f"A {weighed.type.value} cannot be sent this way: changes go by POST, subscriptions over a socket, "
                "and nothing else does."
            )
        for guard in weighed.weight.guards:
            guard.check(principal)
        return weighed

    def _parsed(self, query: str) -> DocumentNode:
        if len(query) > self.settings.chars:
            raise QueryTooCostlyError(
                f"The document has {len(query):,} characters, the limit is {self.settings.chars:,}.",
                what="chars",
                limit=self.settings.chars,
            )
        try:
            return parse(query, no_location=False, max_tokens=self.settings.tokens)
        except RecursionError as error:
            raise QueryTooCostlyError(
                "The document has too many things within each other.", what="depth"
            ) from error

    @contextmanager
    def _one_more(self, user_id: UUID) -> Any:
        most = self.settings.user_subscriptions
        if self._subscriptions[user_id] >= most:
            raise ConflictError(f"You have {most} subscriptions open, the most there can be; end some first.")
        self._subscriptions[user_id] += 1
        try:
            yield
        finally:
            self._subscriptions[user_id] -= 1
            if not self._subscriptions[user_id]:
                del self._subscriptions[user_id]


async def _count(context: Context, weighed: Weighed) -> None:
    """Count what is asked for as the REST routes would: aliases of a change are as many changes."""
    if weighed.type is OperationType.QUERY:
        return  # the request itself was counted
    for guard in weighed.roots:
        await _admit(context.edge, context.connection, _kind(weighed.type, guard), context.principal)


async def _admit(edge: Edge, connection: HTTPConnection, kind: Kind, principal: Principal) -> None:
    # It asks for the address and for a place for headers, which the handshake of a socket has too.
    await admit(edge, cast(Request, connection), kind, principal)


def _kind(type_: OperationType, guard: Guard) -> Kind:
    if type_ is OperationType.SUBSCRIPTION:
        return "read"
    return "start" if guard.scope in (Scope.EXECUTE_GRAPH, Scope.EXECUTE_BLOCK) else "write"
