"""What can be changed. Each calls what its REST route calls: there is one set of rules."""

from __future__ import annotations

import re
from typing import Any
from uuid import UUID

import orjson
import strawberry
from starlette.responses import Response
from strawberry.scalars import JSON

from millstream.api.executions import again
from millstream.api.executions import router as executions
from millstream.api.executions.again import AgainIn
from millstream.api.executions.models import ExecuteIn, ReviewIn, StopIn
from millstream.api.graphql.context import Info
from millstream.api.graphql.execution_types import Execution, execution_of
from millstream.api.graphql.fields import changes, like
from millstream.api.graphql.graph_types import Graph, graph_of
from millstream.api.graphs import router as graphs
from millstream.api.graphs import service
from millstream.api.graphs.models import PublishIn
from millstream.api.http.answers import dumps
from millstream.api.reviews import router as reviews
from millstream.schemas.errors import InputInvalidError, NotFoundError
from millstream.schemas.graph import parse_graph

CHANGE_COST = 50
KEY = re.compile(r"[\x21-\x7e]{1,200}")
"""An idempotency key, as the header has it."""


@strawberry.input(description="A wish to run a graph; see `POST /api/v1/graphs/{id}/execute`.")
class ExecuteInput:
    inputs: JSON | None = strawberry.field(default=strawberry.UNSET, description="Values by name.")
    nodes_input_masks: JSON | None = strawberry.field(
        default=strawberry.UNSET, description="Values by node id and pin."
    )
    version: int | None = strawberry.field(default=strawberry.UNSET, description="Default: the active one.")
    human_in_the_loop_safe_mode: bool | None = strawberry.UNSET
    sensitive_action_safe_mode: bool | None = strawberry.UNSET
    dry_run: bool | None = strawberry.UNSET
    test: bool | None = strawberry.UNSET
    wall_time_s: float | None = strawberry.UNSET
    budget_microusd: int | None = strawberry.UNSET
    timezone: str | None = strawberry.UNSET


@strawberry.type(description="A decision. `answer`: as it counts; null: its outcome is not known yet.")
class Answered:
    id: UUID
    approved: bool
    answer: JSON | None


@strawberry.type
class Mutation:
    @changes(
        description="Save a new graph; with `id` the next version of that one, with `ifVersion` only if that is the newest.",
        metadata=like(graphs.update_graph, cost=CHANGE_COST),
    )
    async def save_graph(
        self, info: Info, graph: JSON, id: UUID | None = None, if_version: int | None = None
    ) -> Graph:
        parsed = parse_graph(dumps(graph))
        context = info.context
        async with context.edge.pool.connection() as conn:
            if id is None:
                answer = await graphs.create_graph(parsed, context.principal, conn, context.edge)
            else:
                match = None if if_version is None else service.etag(if_version)
                answer = await graphs.update_graph(
                    id, parsed, context.principal, conn, context.edge, if_match=match
                )
        saved = orjson.loads(answer.body)
        return await _graph(info, UUID(saved["id"]), saved["version"])

    @changes(
        description="Make a version, by default the newest, the one that runs.",
        metadata=like(graphs.publish_graph, cost=CHANGE_COST),
    )
    async def publish_graph(self, info: Info, id: UUID, version: int | None = None) -> Graph:
        context, body = info.context, PublishIn.model_validate({"version": version})
        async with context.edge.pool.connection() as conn:
            answer = await graphs.publish_graph(id, context.principal, conn, context.edge, body)
        return await _graph(info, id, orjson.loads(answer.body)["version"])

    @changes(
        description="Delete all versions of a graph; returns how many.",
        metadata=like(graphs.delete_graph, cost=CHANGE_COST),
    )
    async def delete_graph(self, info: Info, id: UUID) -> int:
        edge = info.context.edge
        async with edge.pool.connection() as conn:
            answer = await graphs.delete_graph(id, info.context.principal, conn, edge)
        info.context.renew()
        return int(orjson.loads(answer.body)["version_counts"])

    @changes(
        description="Start an execution. Repeating it with the same key starts nothing anew.",
        metadata=like(executions.execute_graph, cost=CHANGE_COST),
    )
    async def execute_graph(
        self, info: Info, id: UUID, input: ExecuteInput | None = None, idempotency_key: str | None = None
    ) -> Execution:
        body = ExecuteIn.model_validate(_given(input or ExecuteInput()))
        context = info.context
        answer = await executions.execute_graph(
            id, body, context.principal, context.edge, idempotency_key=_key(idempotency_key)
        )
        return await _execution(info, answer)

    @changes(
        description="End an execution now; one that has ended stays as it is.",
        metadata=like(executions.stop_execution, cost=CHANGE_COST),
    )
    async def stop_execution(self, info: Info, id: UUID, reason: str | None = None) -> Execution:
        context = info.context
        body = StopIn.model_validate({"reason": reason})
        await executions.stop_execution(id, context.principal, context.edge, body)
        context.renew()
        return await execution_of(info, id)

    @changes(
        description="Run an execution again: all of it, from a node on, or one node alone.",
        metadata=like(again.retry_execution, cost=CHANGE_COST),
    )
    async def retry_execution(
        self,
        info: Info,
        id: UUID,
        from_node: str | None = None,
        only_node: str | None = None,
        idempotency_key: str | None = None,
    ) -> Execution:
        context = info.context
        body = AgainIn.model_validate({"from_node": from_node, "only_node": only_node})
        answer = await again.retry_execution(
            id, body, context.principal, context.edge, idempotency_key=_key(idempotency_key)
        )
        return await _execution(info, answer)

    @changes(
        description="Decide a review. The first decision counts; a later one is refused with who was first.",
        metadata=like(reviews.answer_review, cost=CHANGE_COST),
    )
    async def answer_review(
        self,
        info: Info,
        node_execution_id: UUID,
        approved: bool,
        data: JSON | None = strawberry.UNSET,
        message: str | None = None,
    ) -> Answered:
        context = info.context
        given = {} if data is strawberry.UNSET else {"data": data}
        body = ReviewIn.model_validate({"approved": approved, "message": message, **given})
        answer = await reviews.answer_review(node_execution_id, body, context.principal, context.edge)
        context.renew()
        found = orjson.loads(answer.body)["answer"]
        counted = None if found is None else JSON(found)
        return Answered(id=node_execution_id, approved=approved, answer=counted)


def _given(input_: ExecuteInput) -> dict[str, Any]:
    """Return the fields that were given; pydantic has the defaults of the others."""
    given = {name: getattr(input_, name) for name in ExecuteInput.__annotations__}
    return {name: value for name, value in given.items() if value is not strawberry.UNSET}


def _key(given: str | None) -> str | None:
    if given is not None and not KEY.fullmatch(given):
        raise InputInvalidError(
            "An idempotency key has 1 to 200 printable ASCII characters.", path="idempotencyKey"
        )
    return given


async def _execution(info: Info, answer: Response) -> Execution:
    info.context.renew()
    return await execution_of(info, UUID(answer.headers["Location"].rpartition("/")[2]))


async def _graph(info: Info, graph_id: UUID, version: int) -> Graph:
    info.context.renew()
    found = await graph_of(info, graph_id, version)
    if found is None:  # deleted meanwhile
        raise NotFoundError(f"There is no graph {graph_id} in version {version}.")
    return found
