"""Messages of `executions.events` and `executions.feed`: what watchers see."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta

from millstream.schemas.messages.values import ExecutionStatus, Id, Message, Payload, Slot

DeltaKind = Literal["EXECUTION", "INCOMPLETE", "QUEUED", "RUNNING", "OUTPUT", "NODE", "NOTE"]


class Delta(Message, frozen=True, kw_only=True):
    """One thing that happened. EXECUTION: status of the whole; the others: of one node execution."""

    kind: Annotated[
        DeltaKind,
        Meta(
            description="INCOMPLETE: a value arrived and it waits; QUEUED: has its input; RUNNING; "
            "OUTPUT: a value; NODE: final or review status; NOTE: a late result."
        ),
    ]
    node_execution_id: Annotated[Id | None, Meta(description="Which node execution.")] = None
    node_id: Annotated[str | None, Meta(description="Node of the graph.")] = None
    block_id: Annotated[str | None, Meta(description="Block of the node.")] = None
    status: Annotated[str | None, Meta(description="New status in AutoGPT's names.")] = None
    pin: Annotated[
        str | None,
        Meta(
            description="OUTPUT: output pin; INCOMPLETE: input pin; QUEUED of an output node: name of the execution's output."
        ),
    ] = None
    value: Annotated[
        Payload | None, Meta(description="OUTPUT, INCOMPLETE: the value; QUEUED: the whole input.")
    ] = None
    slots: Annotated[list[Slot], Meta(description="Large values of a QUEUED input.")] = []
    detail: Annotated[
        bytes | None, Meta(description="JSON object: failure, stats, reason, verdict, inputs.")
    ] = None
    at: Annotated[int, Meta(description="Time, ms.")] = 0


class Events(Message, frozen=True, kw_only=True):
    """What one step did, numbered without gaps. Key: execution id. Source: the coordinator only."""

    execution_id: Annotated[Id, Meta(description="The execution.")]
    user_id: Annotated[str, Meta(description="Owner: fan-out filters by it.")]
    graph_id: Annotated[str, Meta(description="Graph that is run.")]
    graph_version: Annotated[int, Meta(description="Its version.")]
    first: Annotated[int, Meta(description="Sequence number of the first delta; the next ones count up.")]
    deltas: Annotated[list[Delta], Meta(description="In order.")]
    at: Annotated[int, Meta(description="LogAppendTime of the inbox record that caused the step, ms.")]


class Feed(Message, frozen=True, kw_only=True):
    """An execution began, waits, goes on or ended. Key: user id. Source: the coordinator."""

    user_id: Annotated[str, Meta(description="Owner.")]
    execution_id: Annotated[Id, Meta(description="The execution.")]
    graph_id: Annotated[str, Meta(description="Graph that is run.")]
    graph_version: Annotated[int, Meta(description="Its version.")]
    status: Annotated[ExecutionStatus, Meta(description="New status.")]
    sequence: Annotated[int, Meta(description="Sequence number of that event.")]
    at: Annotated[int, Meta(description="Time, ms.")]
    active: Annotated[
        bool,
        Meta(description="It uses workers; false: it ended, or waits for people or for times far away."),
    ] = True
    child: Annotated[bool, Meta(description="Part of another execution, which counts for both.")] = False
