"""Notes: what a run says that nobody waits for any more, while its execution is open. A note changes no outcome.

A run is late when its node execution has ended, is parked, runs another attempt, or is bound to another run. A node execution
that has ended does not remember its run, so a repeated result of that very run is noted as well. Of executions that have ended
only a marker is left: what comes then is dropped.
"""

from __future__ import annotations

from typing import Any

import orjson

from millstream.schemas.codec import decode
from millstream.schemas.messages import Delta, Finished
from millstream.streams.cells import Node, Open
from millstream.streams.state import key
from millstream.streams.stepping import Step

NOTE_LIMIT = 100
"""Notes of one execution: whoever repeats results for ever fills no log."""
PINS_LISTED = 20
TEXT_CHARS = 300


def note_late(step: Step, message: Finished) -> None:
    """Tell what a late run says, without its values."""
    head = step.head
    counters = step.state.get(key(b"n", message.node), Node)
    if counters is None or message.k >= counters.created or head.notes >= NOTE_LIMIT:
        return
    head.notes += 1
    node = step.plan.node(message.node)
    detail: dict[str, Any] = {
        "late": True,
        "run_id": message.run_id.hex(),
        "attempt": message.attempt,
        "worker": message.worker,
        "elapsed_ms": message.elapsed_ms,
        "outputs": _sizes(message),
        "failure": None,
    }
    if message.failure is not None:
        detail["failure"] = {"code": message.failure.code, "message": message.failure.message[:TEXT_CHARS]}
    step.tell(
        Delta(
            kind="NOTE",
            node_execution_id=step.node_execution_id(node, message.k),
            node_id=node.id,
            detail=orjson.dumps(detail),
            at=step.at,
        )
    )


def note_spare(step: Step, opened: Open, taken: Finished) -> None:
    """The result of another run was kept in case the bound one is lost; it is not needed now that `taken` counts."""
    if opened.spare is None:
        return
    spare = decode(opened.spare)
    opened.spare = None
    if isinstance(spare, Finished) and spare.run_id != taken.run_id:
        note_late(step, spare)


def _sizes(message: Finished) -> list[dict[str, Any]]:
    """Return the first pins with how many values each had, and their bytes."""
    pins: dict[str, dict[str, Any]] = {}
    for emit in message.outputs:
        if emit.pin not in pins and len(pins) == PINS_LISTED:
            continue
        entry = pins.setdefault(emit.pin, {"pin": emit.pin[:TEXT_CHARS], "count": 0, "bytes": 0})
        entry["count"] += 1
        entry["bytes"] += emit.value.size or len(emit.value.inline or b"")
    return list(pins.values())
