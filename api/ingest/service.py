"""Starting many executions of one graph: validated and compiled once, noted and given to Kafka some hundred at a time.

While Kafka acknowledges one batch the next one is read, checked and noted; more is not read, so that the sender's own
connection holds him back. Starts come in the order of their lines.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import UUID

from psycopg import OperationalError
from psycopg_pool import PoolTimeout
from starlette.requests import ClientDisconnect

from millstream.api.credentials import confide
from millstream.api.database import statements
from millstream.api.executions import service
from millstream.api.executions.repository import Executions, NewExecution
from millstream.api.graphs import service as graphs_service
from millstream.api.graphs.repository import Graphs
from millstream.api.ingest.lines import Line, batches, wish_of
from millstream.api.state import Edge
from millstream.schemas.errors import (
    ConflictError,
    GraphInvalidError,
    InputInvalidError,
    MillstreamError,
    OverloadedError,
    PayloadTooLargeError,
    QueueFullError,
    UnavailableError,
)
from millstream.schemas.graph import Graph
from millstream.schemas.graph_inputs import start_problems
from millstream.schemas.graph_problems import Problem, in_order, refuse
from millstream.schemas.graph_secrets import secret_inputs
from millstream.schemas.graph_validation import DRY_RUN_TOLERATES, run_problems
from millstream.schemas.ids import new_id
from millstream.schemas.messages import Flags
from millstream.streams.plan import compile_plan

LINES_MOST = 100_000
"""Lines of one request: its answer names each."""
WAIT_S = 30.0
"""How long room is waited for, in the owner's queue or behind an engine that is behind, before the rest is left."""
WAIT_STEP_S = 0.5
PROBLEMS_SHOWN = 5
FORMS_KEPT = 100


@dataclass(slots=True, kw_only=True)
class Summary:
    """What became of the lines, in their order."""

    started: int = 0
    repeated: int = 0
    failed: int = 0
    results: list[dict[str, Any]] = field(default_factory=list)
    stopped: dict[str, Any] | None = None
    """Why nothing was read behind the last of `results`."""

    def fail(self, result: dict[str, Any], error: MillstreamError) -> None:
        """Note that a line starts nothing, or not now."""
        self.failed += 1
        result["error"] = _told(error)


def _told(error: MillstreamError) -> dict[str, Any]:
    problems = error.facts.get("problems")
    more = {"problems": problems[:PROBLEMS_SHOWN]} if problems else {}
    return {"code": error.code, "message": str(error), **more}


@dataclass(frozen=True, slots=True, kw_only=True)
class Template:
    """What all lines have in common."""

    owner_id: UUID
    graph: Graph
    wanted: service.Wanted
    plan: bytes | None
    name: str
    """What the digests of idempotency keys begin with: the same key for another graph is a mistake."""
    checked: dict[frozenset[tuple[str, bool]], list[Problem]] = field(default_factory=dict)
    """Problems of inputs by their form, see `_check_inputs`."""


async def prepare(
    edge: Edge, graph_id: UUID, *, owner_id: UUID, version: int | None, dry_run: bool
) -> Template:
    """Load, check and compile the graph. Errors: OverloadedError, NotFoundError, GraphInvalidError."""
    edge.pressure.check()
    async with statements(edge.pool) as conn:
        graphs = Graphs(conn)
        if version is None:
            row = await graphs.get_active(graph_id, owner_id=owner_id)
        else:
            row = await graphs.get(graph_id, owner_id=owner_id, version=version)
        graph = await graphs_service.with_sub_graphs(graphs, row)
        ready = await confide.for_run(
            conn,
            edge.vault,
            graph,
            edge.specs,
            inputs={},
            masks=None,
            given={},
            owner_id=owner_id,
            dry_run=dry_run,
        )
        graph = ready.graph
    refuse(await asyncio.to_thread(_graph_problems, edge, graph, dry_run), doing="run")
    wanted = service.Wanted(
        kind="graph",
        graph_id=graph_id,
        graph_version=row.version,
        plan=await asyncio.to_thread(compile_plan, graph, edge.specs),
        inputs={},
        masks=None,
        flags=Flags(human_in_the_loop_safe_mode=True, sensitive_action_safe_mode=False, dry_run=dry_run),
        secrets=ready.secrets,
        secret_inputs=secret_inputs(graph, edge.specs),
    )
    plan = await service.plan_in_place(edge, wanted.plan)
    name = f"ingest {graph_id} {row.version if version else 'active'} {dry_run}"
    return Template(owner_id=owner_id, graph=graph, wanted=wanted, plan=plan, name=name)


def _graph_problems(edge: Edge, graph: Graph, dry_run: bool) -> list[Problem]:
    """Return what no inputs could mend."""
    problems = run_problems(graph, edge.specs, inputs={}, masks={}, dry_run=dry_run)
    of_inputs = set(start_problems(graph, edge.specs, inputs={}, masks={}))
    return [*(p for p in problems if p not in of_inputs), *graphs_service.missing_agents(graph)]


async def run(edge: Edge, template: Template, chunks: AsyncIterator[bytes]) -> Summary:
    """Start what the lines ask for. What goes wrong with one line is said of it; what goes wrong with all ends the reading.

    Errors: as what stops it, if that is before anything was started.
    """
    summary = Summary()
    sending: asyncio.Task[None] | None = None
    try:
        async for lines in batches(chunks):
            if len(summary.results) + len(lines) > LINES_MOST:
                raise PayloadTooLargeError(
                    f"There are more than {LINES_MOST:,} lines; send the rest in another request.",
                    limit=LINES_MOST,
                )
            for rows in _split(await _rows(edge, template, lines, summary)):
                sending = await _start(edge, template, rows, summary, sending)
        if sending is not None:
            await sending
    except MillstreamError as error:
        if not (summary.started or summary.repeated):
            raise
        summary.stopped = _told(error)
    except ClientDisconnect:
        summary.stopped = {"code": "disconnected", "message": "The sender went away."}
    finally:
        if sending is not None:
            await asyncio.gather(sending, return_exceptions=True)
    return summary


@dataclass(slots=True)
class _Row:
    row: NewExecution
    result: dict[str, Any]


def _split(rows: list[_Row]) -> list[list[_Row]]:
    """One statement cannot insert a key twice and say which row was first: what repeats a key comes in a later one."""
    parts: list[tuple[set[str], list[_Row]]] = [(set(), [])]
    for each in rows:
        key = each.row.idempotency_key
        if key is not None and key in parts[-1][0]:
            parts.append((set(), []))
        if key is not None:
            parts[-1][0].add(key)
        parts[-1][1].append(each)
    return [part for _, part in parts if part]


async def _rows(edge: Edge, template: Template, lines: list[Line], summary: Summary) -> list[_Row]:
    """Check lines and make their rows; what cannot start is noted as failed."""
    rows = []
    for line in lines:
        result: dict[str, Any] = {"line": line.number}
        summary.results.append(result)
        try:
            wish = wish_of(line.text)
            _check_inputs(edge, template, wish.inputs)
            rows.append(
                _Row(
                    await service.row_of(
                        edge,
                        new_id(),
                        replace(template.wanted, inputs=wish.inputs),
                        owner_id=template.owner_id,
                        digest=service.digest_of(template.name, wish.inputs),
                        key=wish.key,
                        plan=template.plan,
                    ),
                    result,
                )
            )
        except (InputInvalidError, GraphInvalidError, PayloadTooLargeError) as error:
            summary.fail(result, error)
    return rows


def _check_inputs(edge: Edge, template: Template, inputs: dict[str, Any]) -> None:
    """Errors: GraphInvalidError. What matters is which inputs there are and which are null, and lines are much alike."""
    form = frozenset((name, value is None) for name, value in inputs.items())
    problems = template.checked.get(form)
    if problems is None:
        found = start_problems(template.graph, edge.specs, inputs=inputs, masks={})
        dry_run = template.wanted.flags.dry_run
        problems = in_order(p for p in found if not (dry_run and p.code in DRY_RUN_TOLERATES))
        if len(template.checked) < FORMS_KEPT:
            template.checked[form] = problems
    if problems:
        refuse(problems, doing="run")


async def _start(
    edge: Edge,
    template: Template,
    rows: list[_Row],
    summary: Summary,
    sending: asyncio.Task[None] | None,
) -> asyncio.Task[None] | None:
    """Note rows, as many at once as there is room for, and begin to send each lot when the one before is acknowledged."""
    while rows:
        try:
            count = await _room(edge, template.owner_id, len(rows))
            lot, rows = rows[:count], rows[count:]
            fresh = await _noted(edge, template, lot, summary)
            if sending is not None:
                await sending
        except MillstreamError as error:
            if sending is not None:
                await asyncio.gather(sending, return_exceptions=True)
            for each in rows:
                summary.fail(each.result, error)
            raise
        if fresh:
            sending = asyncio.create_task(_send(edge, template, fresh, summary))
    return sending


async def _room(edge: Edge, owner_id: UUID, wanted: int) -> int:
    """Wait until something may be started, and return how much. Errors: OverloadedError, QueueFullError."""
    deadline = time.monotonic() + WAIT_S
    while True:
        try:
            edge.pressure.check()
            return await edge.queues.join_many(owner_id, wanted)
        except (OverloadedError, QueueFullError):
            if time.monotonic() > deadline:
                raise
        await asyncio.sleep(WAIT_STEP_S)


async def _noted(edge: Edge, template: Template, lot: list[_Row], summary: Summary) -> list[_Row]:
    """Insert rows; returns those whose keys are new, and says of the others what their keys were used for."""
    try:
        async with statements(edge.pool) as conn:
            executions = Executions(conn)
            made = await executions.add_all([each.row for each in lot])
            used = [key for each in lot if each.row.id not in made and (key := each.row.idempotency_key)]
            earlier = await executions.earlier_of(used, owner_id=template.owner_id) if used else {}
    except (OperationalError, PoolTimeout) as away:
        raise UnavailableError(
            "PostgreSQL does not answer now; send these lines again with the same keys.", down=["postgresql"]
        ) from away
    for each in lot:
        if each.row.id in made:
            each.result["id"] = each.row.id
            continue
        key = each.row.idempotency_key or ""
        id_, digest = earlier.get(key, (None, None))  # None: its execution was removed with its month
        if digest == each.row.request[11:75]:
            summary.repeated += 1
            each.result |= {"id": id_, "repeated": True}
        else:
            error = ConflictError(f"The key {key!r} was used for another request; take a new one.")
            summary.fail(each.result, error)
    return [each for each in lot if each.row.id in made]


async def _send(edge: Edge, template: Template, rows: list[_Row], summary: Summary) -> None:
    starts = [(each.row.id.bytes, each.row.start_record) for each in rows]
    try:
        await edge.inbox.request_all(str(template.owner_id), starts)
    except UnavailableError as error:
        noted = UnavailableError(
            "Kafka did not acknowledge this in time. It is noted, and will be started when Kafka answers again.",
            down=["kafka"],
        )
        for each in rows:
            summary.fail(each.result, noted)
        raise noted from error
    summary.started += len(rows)
    edge.metrics.accepted.inc(len(rows))
    for each in rows:
        edge.marks.add(each.row.id)
