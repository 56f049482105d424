"""Events as recorded, read back from the log."""

from __future__ import annotations

from contextlib import aclosing
from typing import Any
from uuid import UUID

import orjson

from millstream.api.http.answers import Raw
from millstream.api.state import Edge
from millstream.api.views import filled, iso, plain
from millstream.api.watch.history import partition_of
from millstream.api.watch.origin import origin_of
from millstream.schemas.messages import Delta, Events


async def read_events(
    edge: Edge, execution_id: UUID, *, owner_id: UUID, since: int, limit: int
) -> tuple[list[dict[str, Any]], bool]:
    """Return at most `limit` events after number `since`, and whether there are more.

    Errors: NotFoundError: no such execution of this owner, or its events are no longer in the log.
    """
    partition = partition_of(execution_id.bytes)
    origin = await origin_of(edge.pool, execution_id, partition=partition, owner_id=owner_id)
    history = edge.hub.history
    end = await history.end(partition)
    items: list[dict[str, Any]] = []
    reached = -1
    async with aclosing(history.read(partition, origin.start, end, execution_id.bytes)) as batches:
        async for _, events in ((offset, events) async for batch in batches for offset, events in batch):
            for number, delta in enumerate(events.deltas, start=events.first):
                if number <= max(since, reached):
                    continue
                if len(items) == limit:
                    return items, True
                reached = number
                items.append(_shown(execution_id, number, delta, events))
    return items, False


def _shown(execution_id: UUID, number: int, delta: Delta, events: Events) -> dict[str, Any]:
    value = None
    if delta.value is not None:
        data = plain(execution_id, delta.value)
        value = Raw(filled(execution_id, data, delta.slots) if delta.slots else data)
    node_execution_id = delta.node_execution_id
    return {
        "sequence": number,
        "kind": delta.kind,
        "at": iso(delta.at or events.at),
        "node_execution_id": None if node_execution_id is None else UUID(bytes=node_execution_id),
        "node_id": delta.node_id,
        "block_id": delta.block_id,
        "status": delta.status,
        "pin": delta.pin,
        "value": value,
        "detail": None if delta.detail is None else orjson.loads(delta.detail),
    }
