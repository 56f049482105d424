"""Stop: the execution is TERMINATED at once; workers are told; late results are of no effect."""

from __future__ import annotations

from typing import TYPE_CHECKING

from millstream.schemas.messages import Cancel, Stop
from millstream.streams.cells import Open
from millstream.topics import catalogue

if TYPE_CHECKING:
    from millstream.streams.stepping import Step


def on_stop(step: Step, message: Stop) -> None:
    """End the execution, what runs for it, and its children."""
    step.ended = "TERMINATED"
    step.stopped_by, step.stop_reason = message.by, message.reason
    call_off(step, by=message.by, reason="its parent was stopped")


def call_off(step: Step, *, by: str, reason: str) -> None:
    """Have workers drop what runs for the execution, and end its children."""
    step.send(catalogue.CANCELS.name, step.state.id, Cancel(execution_id=step.state.id, at=step.at))
    for name in step.state.names(b"o"):
        opened = step.state.get(name, Open)
        if opened is not None and opened.child is not None:
            stop = Stop(execution_id=opened.child, by=by, reason=reason)
            step.send(catalogue.INBOX.name, opened.child, stop)
