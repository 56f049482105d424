"""Which status may follow which, of executions and of node executions: AutoGPT's table, and what we add to it."""

from __future__ import annotations

from collections.abc import Iterable

from millstream.schemas.messages import Delta

EXECUTION = {
    "QUEUED": {"RUNNING", "TERMINATED", "FAILED"},
    "RUNNING": {"REVIEW", "COMPLETED", "FAILED", "TERMINATED"},
    "REVIEW": {"RUNNING", "FAILED", "TERMINATED"},
}
NODE = {
    "": {"INCOMPLETE", "QUEUED"},
    "INCOMPLETE": {"QUEUED"},
    # A block so fast that nobody reported it ends from QUEUED; the frames put RUNNING between.
    "QUEUED": {"RUNNING", "REVIEW", "COMPLETED", "FAILED", "TERMINATED"},
    # Ours: back to QUEUED for a retry.
    "RUNNING": {"QUEUED", "REVIEW", "COMPLETED", "FAILED", "TERMINATED"},
    # A sensitive block that is rejected fails without having run; an approved one is queued.
    "REVIEW": {"QUEUED", "FAILED", "TERMINATED"},
}


def check(events: Iterable[Delta]) -> None:
    """Check every change of status; a status said again is none. What ended stays as it is."""
    execution = ""
    nodes: dict[bytes | None, str] = {}
    for delta in events:
        if delta.kind == "EXECUTION" and delta.status is not None:
            allowed = EXECUTION.get(execution, set()) if execution else {"QUEUED"}
            assert delta.status == execution or delta.status in allowed, (execution, delta.status)
            execution = delta.status
        elif delta.node_execution_id is not None and delta.status is not None:
            before = nodes.get(delta.node_execution_id, "")
            assert delta.status == before or delta.status in NODE.get(before, set()), (before, delta.status)
            assert delta.status != before or before not in ("COMPLETED", "FAILED", "TERMINATED")
            nodes[delta.node_execution_id] = delta.status
        elif delta.kind == "OUTPUT":
            assert nodes[delta.node_execution_id] in ("QUEUED", "RUNNING", "REVIEW"), (
                "an output after the end"
            )
