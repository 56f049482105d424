"""Stop: the execution is TERMINATED at once; workers are told; late results are of no effect."""

from __future__ import annotations

from millstream.schemas.messages import Cancel, Stop
from millstream.streams.state import Open
from millstream.streams.stepping import Step
from millstream.topics import catalogue


def on_stop(step: Step, message: Stop) -> None:
    """End the execution, what runs for it, and its children."""
    step.ended = "TERMINATED"
    step.stopped_by, step.stop_reason = message.by, message.reason
    step.send(catalogue.CANCELS.name, step.state.id, Cancel(execution_id=step.state.id, at=step.at))
    for name in step.state.names(b"o"):
        opened = step.state.get(name, Open)
        if opened is not None and opened.child is not None:
            stop = Stop(execution_id=opened.child, by=message.by, reason="its parent was stopped")
            step.send(catalogue.INBOX.name, opened.child, stop)
