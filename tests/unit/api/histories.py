"""Events of executions, written out for tests."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import orjson

from millstream.schemas.messages import Delta, Events, Payload

EXECUTION = UUID(int=1)
NODE = UUID(int=2)
OTHER = UUID(int=3)
USER = "3e53486c-cf57-477e-ba2a-cb02dc828e1a"
AT = 1_700_000_000_000


def value(data: Any) -> Payload:
    text = orjson.dumps(data)
    return Payload(inline=text, type="any", size=len(text))


def status(name: str, **detail: Any) -> Delta:
    return Delta(kind="EXECUTION", status=name, detail=orjson.dumps(detail) if detail else None)


def queued(node: UUID = NODE, *, output: str | None = None, **inputs: Any) -> Delta:
    return Delta(
        kind="QUEUED",
        status="QUEUED",
        node_execution_id=node.bytes,
        node_id=f"node-{node.int}",
        block_id="block",
        pin=output,
        value=value(inputs),
    )


def about(kind: Any, node: UUID = NODE, **fields: Any) -> Delta:
    detail = fields.pop("detail", None)
    return Delta(
        kind=kind,
        node_execution_id=node.bytes,
        node_id=f"node-{node.int}",
        detail=None if detail is None else orjson.dumps(detail),
        **fields,
    )


def emitted(pin: str, data: Any, node: UUID = NODE) -> Delta:
    return about("OUTPUT", node, pin=pin, value=value(data))


def ended(name: str = "COMPLETED", node: UUID = NODE, **detail: Any) -> Delta:
    return about(
        "NODE", node, status=name, detail={"stats": {"elapsed_ms": 5}, "started_at": AT + 1, **detail}
    )


def record(*deltas: Delta, first: int = 0) -> Events:
    return Events(
        execution_id=EXECUTION.bytes,
        user_id=USER,
        graph_id="graph",
        graph_version=2,
        first=first,
        deltas=list(deltas),
        at=AT + first,
    )
