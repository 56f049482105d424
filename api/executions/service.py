"""Starting executions: validated, noted, given to Kafka. The order is what makes an accepted one certain."""

from __future__ import annotations

import asyncio
import hashlib
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
import orjson

from millstream.api.credentials import confide, handing
from millstream.api.database import statements
from millstream.api.executions.models import ExecuteIn
from millstream.api.executions.repository import Earlier, Executions, NewExecution
from millstream.api.graphs import service as graphs_service
from millstream.api.graphs.known import KnownGraph
from millstream.api.graphs.repository import Graphs
from millstream.api.state import Edge
from millstream.connectors.payloads import offload, payload_ref
from millstream.schemas.codec import encode
from millstream.schemas.errors import ConflictError, UnavailableError
from millstream.schemas.graph import Graph
from millstream.schemas.graph_problems import Problem, in_order, refuse
from millstream.schemas.graph_validation import run_problems
from millstream.schemas.ids import new_id
from millstream.schemas.messages import Flags, Named, Payload, Start
from millstream.schemas.sizes import INLINE_RESULT_BYTES, KIB
from millstream.streams.plan import CompiledPlan, compile_plan

PLAN_INLINE_BYTES = 256 * KIB
"""A longer plan goes into the object store."""
INPUTS_INLINE_BYTES = 512 * KIB
"""All inputs of a Start together; beyond, each that is over 1 KiB goes by reference."""
IN_THREAD_NODES = 200
"""A larger graph is compiled beside the event loop."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What is to be run, whatever it was asked by."""

    kind: str
    graph_id: UUID
    graph_version: int
    plan: CompiledPlan
    inputs: dict[str, Any]
    masks: dict[str, dict[str, Any]] | None
    flags: Flags
    wall_time_s: float | None = None
    parent_id: UUID | None = None
    """The execution that this one was made from."""
    recorded: bytes | None = None
    """Outputs of nodes that are not to be run: see `Start.recorded`."""
    budget_microusd: int | None = None
    preset_id: UUID | None = None
    credentials: dict[str, dict[str, Any]] = field(default_factory=dict)
    """What was chosen for it, by name; see `credentials.confide`."""
    secrets: frozenset[UUID] = frozenset()
    """What it may be given."""
    secret_inputs: frozenset[str] = frozenset()
    """Inputs that are still to be sealed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Started:
    """An execution that Kafka has. `repeated`: by an earlier request with the same idempotency key."""

    id: UUID
    graph_id: UUID | None
    graph_version: int | None
    status: str
    created_at: datetime
    repeated: bool = False


async def prepare(edge: Edge, graph_id: UUID, body: ExecuteIn, *, owner_id: UUID) -> Wanted:
    """Load, check and compile a graph. Errors: OverloadedError, NotFoundError, GraphInvalidError, InputInvalidError."""
    edge.pressure.check()
    async with statements(edge.pool) as conn:
        known = await edge.known.load(Graphs(conn), graph_id, owner_id=owner_id, version=body.version)
        run = await confide.for_run(
            conn,
            edge.vault,
            known.graph,
            edge.specs,
            inputs=body.inputs,
            masks=body.nodes_input_masks,
            given=body.credentials_inputs,
            owner_id=owner_id,
            dry_run=body.dry_run,
            plain=known.is_plain(edge.specs),
        )
    work = asyncio.to_thread if len(run.graph.nodes) > IN_THREAD_NODES else _now
    plan = await work(_checked_plan, edge, run, known, body.dry_run)
    flags = Flags(
        human_in_the_loop_safe_mode=body.human_in_the_loop_safe_mode,
        sensitive_action_safe_mode=body.sensitive_action_safe_mode,
        dry_run=body.dry_run,
        test=body.test,
        timezone=body.timezone,
    )
    return Wanted(
        kind="graph",
        graph_id=graph_id,
        graph_version=known.version,
        plan=plan,
        inputs=run.inputs,
        masks=run.masks,
        flags=flags,
        wall_time_s=body.wall_time_s,
        budget_microusd=body.budget_microusd,
        credentials=run.credentials,
        secrets=run.secrets,
    )


async def _now(work: Any, *args: Any) -> Any:
    return work(*args)


def _checked_plan(edge: Edge, run: confide.Confided, known: KnownGraph, dry_run: bool) -> CompiledPlan:
    is_same = run.graph is known.graph  # else credentials were put into it
    masks = run.masks or {}
    of_graph = known.problems(edge.specs) if is_same and not masks else None
    refuse(problems_of(edge, run.graph, run.inputs, masks, dry_run=dry_run, of_graph=of_graph), doing="run")
    return known.plan(edge.specs) if is_same else compile_plan(run.graph, edge.specs)


def problems_of(
    edge: Edge,
    graph: Graph,
    inputs: dict[str, Any],
    masks: dict[str, dict[str, Any]],
    *,
    dry_run: bool = False,
    of_graph: tuple[Problem, ...] | None = None,
) -> list[Problem]:
    """Return what speaks against running a graph with these inputs."""
    problems = run_problems(graph, edge.specs, inputs=inputs, masks=masks, dry_run=dry_run, of_graph=of_graph)
    return in_order([*problems, *graphs_service.missing_agents(graph), *_strange_masks(graph, masks)])


def flags_of(request: dict[str, Any]) -> Flags:
    """Return the flags of an earlier execution, from its row's request."""
    return msgspec.convert(request.get("flags") or {}, Flags)


def _strange_masks(graph: Graph, masks: dict[str, dict[str, Any]]) -> list[Problem]:
    """A mask for a node that is not there is a mistake: the run would go on without it."""
    known = {node.id for part in graph.all_graphs for node in part.nodes}
    return [
        Problem(
            node=node,
            pin=None,
            code="mask_node_unknown",
            reason=f"`nodes_input_masks` names the node {node!r}, which the graph does not have.",
        )
        for node in masks
        if node not in known
    ]


def digest_of(wanted_of: str, body: Any) -> str:
    """Return what tells two requests with the same idempotency key apart."""
    data = orjson.dumps([wanted_of, body], option=orjson.OPT_SORT_KEYS | orjson.OPT_NON_STR_KEYS)
    return hashlib.sha256(data).hexdigest()


async def find_repeated(edge: Edge, key: str | None, digest: str, *, owner_id: UUID) -> Started | None:
    """Return the execution that an earlier request with this key has started. Errors: ConflictError, UnavailableError."""
    if key is None:
        return None
    async with statements(edge.pool) as conn:
        earlier = await Executions(conn).find_earlier(key, owner_id=owner_id)
    if earlier is None:
        return None
    if earlier.digest != digest:
        raise ConflictError(
            f"The Idempotency-Key {key!r} was used for another request; take a new one.",
            execution_id=str(earlier.id),
        )
    await ensure_sent(edge, earlier.id, owner_id=owner_id)
    return _repeated(earlier)


def _repeated(earlier: Earlier) -> Started:
    return Started(
        id=earlier.id,
        graph_id=earlier.graph_id,
        graph_version=earlier.graph_version,
        status=earlier.status,
        created_at=earlier.created_at,
        repeated=True,
    )


async def start(
    edge: Edge,
    wanted: Wanted,
    *,
    owner_id: UUID,
    digest: str,
    key: str | None = None,
    id_: UUID | None = None,
) -> Started:
    """Ask that an execution begin; it does when its owner has room.

    Errors: OverloadedError, QueueFullError, PayloadTooLargeError, ConflictError, UnavailableError: Kafka does not answer.
    The row is committed before Kafka is asked, so that an execution that Kafka may have is never unknown here; and
    what Kafka did not acknowledge is sent again by the sweeper.
    """
    edge.pressure.check()
    await edge.queues.join(owner_id)
    execution_id = id_ or new_id()
    plan = await plan_in_place(edge, wanted.plan)
    row = await row_of(edge, execution_id, wanted, owner_id=owner_id, digest=digest, key=key, plan=plan)
    async with statements(edge.pool) as conn:
        created_at = await Executions(conn).add(row)
    if created_at is None:  # another request with this key was faster
        repeated = await find_repeated(edge, key, digest, owner_id=owner_id)
        assert repeated is not None
        return repeated
    await _send(edge, execution_id, owner_id, row.start_record)
    return Started(
        id=execution_id,
        graph_id=wanted.graph_id,
        graph_version=wanted.graph_version,
        status="QUEUED",
        created_at=created_at,
    )


async def plan_in_place(edge: Edge, plan: CompiledPlan) -> bytes | None:
    """Return what a Start carries of its plan: all of it, or None once it lies in the object store."""
    if len(plan.data) <= PLAN_INLINE_BYTES:
        return plan.data
    await edge.objects.put(f"plans/{plan.hash.hex()}", plan.data)
    return None


async def row_of(
    edge: Edge,
    execution_id: UUID,
    wanted: Wanted,
    *,
    owner_id: UUID,
    digest: str,
    key: str | None,
    plan: bytes | None,
) -> NewExecution:
    """Return what is noted of an execution, with its Start; its secrets are laid out for it.

    Errors: PayloadTooLargeError, UnavailableError.
    """
    if wanted.secret_inputs & wanted.inputs.keys():
        async with statements(edge.pool) as conn:
            inputs, more = await confide.for_inputs(
                conn, edge.vault, wanted.inputs, wanted.secret_inputs, owner_id=owner_id
            )
        wanted = replace(wanted, inputs=inputs, secrets=wanted.secrets | more)
    await handing.grant(edge, execution_id, wanted.secrets, owner_id=owner_id, lasts_s=wanted.wall_time_s)
    record, refs = await _record(edge, execution_id, wanted, owner_id, plan)
    large = {name: payload_ref(value) for name, value in refs.items()}
    request = {
        "digest": digest,
        "inputs": {name: value for name, value in wanted.inputs.items() if name not in large},
        "refs": large,
        "masks": wanted.masks,
        "flags": msgspec.structs.asdict(wanted.flags),
        "plan": wanted.plan.hash.hex(),
        "credentials": wanted.credentials,
    }
    return NewExecution(
        id=execution_id,
        user_id=owner_id,
        graph_id=wanted.graph_id,
        graph_version=wanted.graph_version,
        kind=wanted.kind,
        request=orjson.dumps(request).decode(),
        start_record=record,
        idempotency_key=key,
        is_dry_run=wanted.flags.dry_run,
        parent_execution_id=wanted.parent_id,
        preset_id=wanted.preset_id,
    )


async def _record(
    edge: Edge, execution_id: UUID, wanted: Wanted, owner_id: UUID, plan: bytes | None
) -> tuple[bytes, dict[str, Payload]]:
    """Encode the Start. Returns also the inputs that went into the object store."""
    texts = {name: orjson.dumps(value) for name, value in wanted.inputs.items()}
    inline = INLINE_RESULT_BYTES if sum(map(len, texts.values())) <= INPUTS_INLINE_BYTES else KIB
    named = [
        Named(name=name, value=await offload(text, edge.objects, str(owner_id), inline_bytes=inline))
        for name, text in texts.items()
    ]
    start_message = Start(
        execution_id=execution_id.bytes,
        user_id=str(owner_id),
        graph_id=str(wanted.graph_id),
        graph_version=wanted.graph_version,
        plan_hash=wanted.plan.hash,
        plan=plan,
        inputs=named,
        masks=None if wanted.masks is None else orjson.dumps(wanted.masks),
        flags=wanted.flags,
        wall_time_ms=None if wanted.wall_time_s is None else round(wanted.wall_time_s * 1000),
        parent_execution_id=None if wanted.parent_id is None else wanted.parent_id.bytes,
        recorded=wanted.recorded,
        budget_microusd=wanted.budget_microusd,
    )
    return encode(start_message), {each.name: each.value for each in named if each.value.ref is not None}


async def _send(edge: Edge, execution_id: UUID, owner_id: UUID, record: bytes) -> None:
    try:
        await edge.inbox.request(execution_id.bytes, str(owner_id), record)
    except UnavailableError as error:
        raise UnavailableError(
            f"Kafka did not acknowledge execution {execution_id} in time. It is noted, and will be started when Kafka "
            "answers again; repeat the request with the same Idempotency-Key rather than without one.",
            execution_id=str(execution_id),
            down=["kafka"],
        ) from error
    edge.metrics.accepted.inc()
    edge.marks.add(execution_id)


async def ensure_sent(edge: Edge, execution_id: UUID, *, owner_id: UUID) -> None:
    """Send the request if Kafka may not have it: what follows must not overtake it. Errors: UnavailableError."""
    async with statements(edge.pool) as conn:
        record = await Executions(conn).find_start(execution_id)
    if record is not None:
        await _send(edge, execution_id, owner_id, record)
