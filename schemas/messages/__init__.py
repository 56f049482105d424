"""Every record on a topic, as a typed message. `schemas/avro/*.avsc` is their wire form; `millstream schemas write`
derives it from these classes and a test holds the two together.

Ids are 16 raw bytes here (`UUID(bytes=...)` at the edges); JSON values travel as bytes of JSON; times are Unix milliseconds.
"""

from __future__ import annotations

from millstream.schemas.messages.admission import Request, Withdraw
from millstream.schemas.messages.inbox import (
    Answer,
    Call,
    ChildEvent,
    Finished,
    Nudge,
    Output,
    Park,
    Start,
    Started,
    Stop,
    Taken,
    Timer,
)
from millstream.schemas.messages.nodes import Cancel, Progress, Run
from millstream.schemas.messages.others import (
    Audit,
    Changed,
    DeadLetter,
    ModelCall,
    Notification,
    StoreEvent,
    Usage,
)
from millstream.schemas.messages.values import (
    Emit,
    ExecutionStatus,
    Failure,
    Flags,
    Id,
    Message,
    Named,
    Payload,
    Picked,
    Slot,
)
from millstream.schemas.messages.watching import Delta, DeltaKind, Events, Feed

__all__ = [
    "Answer",
    "Audit",
    "Call",
    "Cancel",
    "Changed",
    "ChildEvent",
    "DeadLetter",
    "Delta",
    "DeltaKind",
    "Emit",
    "Events",
    "ExecutionStatus",
    "Failure",
    "Feed",
    "Finished",
    "Flags",
    "Id",
    "MESSAGES",
    "Message",
    "ModelCall",
    "Named",
    "Notification",
    "Nudge",
    "Output",
    "Park",
    "Payload",
    "Picked",
    "Progress",
    "Request",
    "Run",
    "Slot",
    "Start",
    "Started",
    "Stop",
    "StoreEvent",
    "Taken",
    "Timer",
    "Usage",
    "Withdraw",
]

MESSAGES: tuple[type[Message], ...] = (
    Start,
    Stop,
    Answer,
    Started,
    Output,
    Finished,
    Timer,
    ChildEvent,
    Run,
    Cancel,
    Progress,
    Events,
    Feed,
    Usage,
    Notification,
    StoreEvent,
    Audit,
    DeadLetter,
    Request,
    Withdraw,
    Nudge,
    Changed,
    ModelCall,
)
"""All records, in the order of their first schema id."""
