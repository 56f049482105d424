"""Messages of `nodes.*`: tasks for workers, cancellations, progress."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from millstream.schemas.messages.values import Flags, Id, Message, Payload, Slot


class Run(Message, frozen=True, kw_only=True):
    """Run a block once. Key: node execution id. Source: the coordinator."""

    execution_id: Annotated[Id, Meta(description="The execution.")]
    node_execution_id: Annotated[
        Id, Meta(description="The node execution: derived from execution, node and k.")
    ]
    node: Annotated[int, Meta(description="Plan index of the node.")]
    k: Annotated[int, Meta(description="Number of this execution of the node.")]
    attempt: Annotated[int, Meta(description="1 for the first try.")] = 1
    user_id: Annotated[str, Meta(description="Owner.")]
    graph_id: Annotated[str, Meta(description="Graph that is run.")]
    graph_version: Annotated[int, Meta(description="Its version.")]
    node_id: Annotated[str, Meta(description="Node of the graph.")]
    block_id: Annotated[str, Meta(description="Block to run.")]
    input: Annotated[bytes, Meta(description="JSON object of the inputs; places of `slots` hold null.")]
    slots: Annotated[list[Slot], Meta(description="Large values of the input.")] = []
    selectors: Annotated[
        list[str], Meta(description="Selectors of the links, picked from outputs by reference.")
    ] = []
    resumed: Annotated[
        bytes | None, Meta(description="JSON state of a parked block that is called again.")
    ] = None
    timeout_ms: Annotated[int | None, Meta(description="Time limit of the run; null: the block's own.")] = (
        None
    )
    cache_ms: Annotated[
        int, Meta(description="Take outputs for the same input from the cache if not older; 0: never.")
    ] = 0
    flags: Annotated[Flags, Meta(description="How to run it.")] = Flags()
    issued_at: Annotated[
        int | None,
        Meta(description="When it was decided, ms, brokers' clock: the same each time that it is given."),
    ] = None

    resumed_value: Annotated[
        Payload | None, Meta(description="The state of a parked block, when it is too large for `resumed`.")
    ] = None
    tools: Annotated[
        Payload | None,
        Meta(description="JSON list of the nodes that the block may call; `streams/toolbox.py`."),
    ] = None
    results: Annotated[
        bytes | None,
        Meta(description="JSON list of what the block's calls gave; places of `result_slots` are null."),
    ] = None
    result_slots: Annotated[list[Slot], Meta(description="Large values of `results`, outer ones first.")] = []
    budget_microusd: Annotated[
        int | None,
        Meta(description="What the execution may still spend, in millionths of a US dollar; null: no limit."),
    ] = None


class Cancel(Message, frozen=True, kw_only=True):
    """Stop what runs for an execution. Key: execution id. Source: the coordinator. Every worker reads it."""

    execution_id: Annotated[Id, Meta(description="The execution.")]
    at: Annotated[int, Meta(description="When it was stopped, ms.")]


class Progress(Message, frozen=True, kw_only=True):
    """How far a block is, or a token. Key: execution id. Source: a worker. For live views; never in state."""

    execution_id: Annotated[Id, Meta(description="The execution.")]
    node_execution_id: Annotated[Id, Meta(description="The node execution.")]
    user_id: Annotated[str, Meta(description="Owner.")]
    fraction: Annotated[float | None, Meta(description="0 to 1; null: unknown.")] = None
    note: Annotated[str | None, Meta(description="What it is doing.")] = None
    token: Annotated[str | None, Meta(description="Next piece of a text that is being written.")] = None
