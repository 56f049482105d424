"""`/graphql`. POST for questions and changes, GET for questions; subscriptions over `graphql-transport-ws`."""

from __future__ import annotations

from typing import Annotated, Any

import orjson
from fastapi import APIRouter, FastAPI, Query, Request, Response
from graphql import OperationType
from pydantic import BaseModel, ConfigDict, Field

from millstream.api.auth.guards import CurrentUser, require
from millstream.api.graphql.context import Context
from millstream.api.graphql.running import Ask, Runner
from millstream.api.graphql.settings import GraphqlSettings
from millstream.api.graphql.socket import router as socket
from millstream.api.http.answers import JsonAnswer
from millstream.api.http.requests import EdgeRoute, counted_as
from millstream.api.state import EdgeDep
from millstream.schemas.errors import ForbiddenError, InputInvalidError

router = APIRouter(tags=["graphql"], route_class=EdgeRoute)

GRAPHQL_TYPE = "application/graphql-response+json"
QUESTIONS = frozenset({OperationType.QUERY})
CHANGES = frozenset({OperationType.QUERY, OperationType.MUTATION})


class GraphqlIn(BaseModel):
    """A GraphQL request. There are no batches."""

    model_config = ConfigDict(extra="forbid")

    query: str = Field(description="The document.")
    variables: dict[str, Any] | None = None
    operationName: str | None = Field(None, description="Which operation of the document to run.")
    extensions: dict[str, Any] | None = Field(None, description="Not used.")


class GraphqlOut(BaseModel):
    """An answer of GraphQL: errors have `extensions` with what a problem of the other routes has."""

    data: dict[str, Any] | None = None
    errors: list[dict[str, Any]] | None = None


@router.post("/graphql", response_model=GraphqlOut)
@counted_as("read")
@require()
async def post_graphql(request: Request, body: GraphqlIn, user: CurrentUser, edge: EdgeDep) -> Response:
    """Ask, or change. Changes count as the requests that they stand for. Rights are those of the REST routes."""
    ask = Ask(query=body.query, variables=body.variables or {}, operation_name=body.operationName)
    runner: Runner = request.app.state.graphql
    return _answer(request, await runner.answer(Context(edge, user, request), ask, allowed=CHANGES))


@router.get("/graphql", response_model=GraphqlOut)
@require()
async def get_graphql(
    request: Request,
    user: CurrentUser,
    edge: EdgeDep,
    query: Annotated[str, Query(description="The document.")],
    variables: Annotated[str | None, Query(description="A JSON object.")] = None,
    operation_name: Annotated[str | None, Query(alias="operationName")] = None,
    extensions: Annotated[str | None, Query(description="Not used.")] = None,
) -> Response:
    """Ask. A browser's cookie alone does not do: send `Content-Type: application/json`, which pages of others cannot."""
    content_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if user.kind == "session" and content_type != "application/json":
        raise ForbiddenError("With a cookie, GET needs the header `Content-Type: application/json`.")
    ask = Ask(query=query, variables=_variables(variables), operation_name=operation_name)
    runner: Runner = request.app.state.graphql
    return _answer(request, await runner.answer(Context(edge, user, request), ask, allowed=QUESTIONS))


def _variables(text: str | None) -> dict[str, Any]:
    try:
        found = orjson.loads(text or "{}")
    except orjson.JSONDecodeError as error:
        raise InputInvalidError("`variables` is not JSON.", path="variables") from error
    if not isinstance(found, dict):
        raise InputInvalidError("`variables` is no JSON object.", path="variables")
    return found


def _answer(request: Request, answer: dict[str, Any]) -> Response:
    """Answer 200; whoever accepts GraphQL's own media type learns by the status that nothing was run."""
    if GRAPHQL_TYPE not in request.headers.get("accept", ""):
        return JsonAnswer(answer)
    status = 200 if "data" in answer else answer["errors"][0]["extensions"]["status"]
    return JsonAnswer(answer, status, media_type=GRAPHQL_TYPE)


def install(app: FastAPI, settings: GraphqlSettings) -> None:
    """Give the app its `/graphql`."""
    app.state.graphql = Runner(settings)
    app.include_router(router)
    app.include_router(socket)
