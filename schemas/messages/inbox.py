"""Messages of `executions.inbox`: everything that can change an execution."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from millstream.schemas.messages.values import (
    Emit,
    ExecutionStatus,
    Failure,
    Flags,
    Id,
    Message,
    Named,
    Payload,
    Slot,
)


class Start(Message, frozen=True, kw_only=True):
    """Begin an execution. Key: execution id. Source: the edge, or a parent's coordinator."""

    execution_id: Annotated[Id, Meta(description="The execution.")]
    user_id: Annotated[str, Meta(description="Owner.")]
    graph_id: Annotated[str, Meta(description="Graph that is run.")]
    graph_version: Annotated[int, Meta(description="Its version.")]
    plan_hash: Annotated[bytes, Meta(description="SHA-256 of the plan; a plan is kept once a partition.")]
    plan: Annotated[
        bytes | None,
        Meta(description="The compiled graph, compressed; null: in the object store under its hash."),
    ] = None
    inputs: Annotated[list[Named], Meta(description="Values given for the graph's inputs.")] = []
    masks: Annotated[
        bytes | None, Meta(description="JSON object node id -> pin -> value, laid over every input.")
    ] = None
    flags: Annotated[Flags, Meta(description="How to run it.")] = Flags()
    recorded: Annotated[
        bytes | None,
        Meta(
            description="JSON object node id -> list of runs, a run is [[pin, value], ...]: emitted, not run."
        ),
    ] = None
    parent_execution_id: Annotated[
        Id | None, Meta(description="Execution that this one belongs to or was made from.")
    ] = None
    parent_node: Annotated[
        int | None, Meta(description="Plan index of the parent's agent node that waits for this one.")
    ] = None
    parent_k: Annotated[int | None, Meta(description="Number of that node's execution.")] = None
    root_execution_id: Annotated[Id | None, Meta(description="Topmost ancestor; null: itself.")] = None
    depth: Annotated[int, Meta(description="0 for a root, parent + 1 for a child.")] = 0
    wall_time_ms: Annotated[
        int | None, Meta(description="Time limit of the whole execution in milliseconds.")
    ] = None
    in_flight: Annotated[
        int, Meta(description="Node executions of it that may be with workers at once, at most 256.")
    ] = 256
    budget_microusd: Annotated[
        int | None, Meta(description="What it may cost, in millionths of a US dollar; null: no limit.")
    ] = None


class Stop(Message, frozen=True, kw_only=True):
    """End an execution now. Key: execution id. Source: the edge, or a parent's coordinator."""

    execution_id: Annotated[Id, Meta(description="The execution.")]
    by: Annotated[str, Meta(description="Who asked: a user id, or `parent`.")]
    reason: Annotated[str | None, Meta(description="Why, for people.")] = None


class Answer(Message, frozen=True, kw_only=True):
    """A person decided a review. Key: execution id. Source: the edge."""

    execution_id: Annotated[Id, Meta(description="The execution.")]
    node_execution_id: Annotated[Id, Meta(description="The node execution that waits.")]
    approved: Annotated[bool, Meta(description="Approved, or rejected.")]
    data: Annotated[Payload | None, Meta(description="The data as reviewed, edited or not.")] = None
    message: Annotated[str | None, Meta(description="What the reviewer says.")] = None
    by: Annotated[str, Meta(description="User id of the reviewer.")]


class Started(Message, frozen=True, kw_only=True):
    """A worker is still at it: sent after 200 ms and then as a lease renewal. Key: execution id."""

    execution_id: Annotated[Id, Meta(description="The execution.")]
    node: Annotated[int, Meta(description="Plan index of the node.")]
    k: Annotated[int, Meta(description="Number of this execution of the node.")]
    run_id: Annotated[Id, Meta(description="This actual run of the task.")]
    attempt: Annotated[int, Meta(description="1 for the first try.")]
    worker: Annotated[str, Meta(description="Instance id of the worker.")]
    at: Annotated[int, Meta(description="When the run began, worker's clock, ms.")]
    waits: Annotated[
        str | None,
        Meta(description="What keeps the block from beginning: `redis`, which is away; null: nothing."),
    ] = None


class Output(Message, frozen=True, kw_only=True):
    """Values of a block that goes on running. Key: execution id. Source: a worker."""

    execution_id: Annotated[Id, Meta(description="The execution.")]
    node: Annotated[int, Meta(description="Plan index of the node.")]
    k: Annotated[int, Meta(description="Number of this execution of the node.")]
    run_id: Annotated[Id, Meta(description="This actual run of the task.")]
    attempt: Annotated[int, Meta(description="1 for the first try.")]
    worker: Annotated[str, Meta(description="Instance id of the worker.")]
    at: Annotated[int, Meta(description="When the run began, worker's clock, ms.")]
    first: Annotated[int, Meta(description="Ordinal of the first of `outputs` within the run.")]
    outputs: Annotated[list[Emit], Meta(description="Values in order.")]


class Call(Message, frozen=True, kw_only=True):
    """A node that a block wants to have run for it, with these inputs."""

    node: Annotated[str, Meta(description="Node of the graph, linked from a tool pin of the caller.")]
    input: Annotated[bytes, Meta(description="JSON object of the inputs; places of `slots` hold null.")]
    slots: Annotated[list[Slot], Meta(description="Large values of the input.")] = []


class Park(Message, frozen=True, kw_only=True):
    """A block stopped half-way and wants to be called again."""

    delay_ms: Annotated[
        int | None, Meta(description="Call again after this time; null: when a person has answered.")
    ] = None
    state: Annotated[bytes, Meta(description="JSON given back as `resumed`.")] = b"null"
    review: Annotated[
        bytes | None, Meta(description="JSON {data, name, editable, ...} for the reviewer.")
    ] = None
    state_value: Annotated[
        Payload | None, Meta(description="The state, when it is too large for `state`: by reference.")
    ] = None
    calls: Annotated[
        list[Call],
        Meta(description="Not empty: call again when all of them have ended, with what they gave."),
    ] = []
    parallel: Annotated[int, Meta(description="How many of `calls` may be under way at once.")] = 1
    stop: Annotated[bool, Meta(description="Begin no further call once one has failed.")] = False


class Finished(Message, frozen=True, kw_only=True):
    """A run of a task ended. Key: execution id. Source: a worker. Last message of its run."""

    execution_id: Annotated[Id, Meta(description="The execution.")]
    node: Annotated[int, Meta(description="Plan index of the node.")]
    k: Annotated[int, Meta(description="Number of this execution of the node.")]
    run_id: Annotated[Id, Meta(description="This actual run of the task.")]
    attempt: Annotated[int, Meta(description="1 for the first try.")]
    worker: Annotated[str, Meta(description="Instance id of the worker.")]
    at: Annotated[int, Meta(description="When the run began, worker's clock, ms.")]
    elapsed_ms: Annotated[int, Meta(description="Wall time of the run in ms.")]
    first: Annotated[int, Meta(description="Ordinal of the first of `outputs` within the run.")] = 0
    outputs: Annotated[list[Emit], Meta(description="Values not sent before, in order.")] = []
    failure: Annotated[Failure | None, Meta(description="Null: it ended well.")] = None
    park: Annotated[Park | None, Meta(description="Set: the block is to be called again.")] = None
    cost_microusd: Annotated[
        int, Meta(description="What the run has spent, in millionths of a US dollar.")
    ] = 0


class Timer(Message, frozen=True, kw_only=True):
    """A timer of an execution is due. Key: execution id. Source: the partition's coordinator."""

    execution_id: Annotated[Id, Meta(description="The execution.")]
    timer: Annotated[
        int, Meta(description="Number of the timer within the execution; a stale one is ignored.")
    ]


class Taken(Message, frozen=True, kw_only=True):
    """How far the workers of a lane are: nothing that was appended to it longer ago still waits there."""

    lane: Annotated[str, Meta(description="The lane.")]
    age_ms: Annotated[
        int, Meta(description="Age, when the nudge was sent, of the oldest task that may wait.")
    ]


class Nudge(Message, frozen=True, kw_only=True):
    """Look whether an execution still goes on: nothing was heard of it. Key: execution id. Source: the edge.

    At any point it changes no outcome, unless a task was lost again and again.
    """

    execution_id: Annotated[Id, Meta(description="The execution.")]
    at: Annotated[int, Meta(description="When it was sent, edge's clock, ms.")]
    silent_ms: Annotated[
        int,
        Meta(description="A task that was not heard of for so long, and waits in no lane, is given again."),
    ]
    taken: Annotated[list[Taken], Meta(description="Lanes; one that is not named may hold anything.")] = []


class ChildEvent(Message, frozen=True, kw_only=True):
    """A child execution tells its parent. Key: the parent's execution id. Source: the child's coordinator."""

    execution_id: Annotated[Id, Meta(description="The parent execution.")]
    child_id: Annotated[Id, Meta(description="The child execution.")]
    node: Annotated[int, Meta(description="Plan index of the parent's agent node.")]
    k: Annotated[int, Meta(description="Number of that node's execution.")]
    first: Annotated[int, Meta(description="Ordinal of the first of `outputs` among the child's.")] = 0
    outputs: Annotated[list[Emit], Meta(description="Outputs of the child, pin = name of the output.")] = []
    ended: Annotated[
        ExecutionStatus | None, Meta(description="Final status of the child; null: it goes on.")
    ] = None
    failure: Annotated[Failure | None, Meta(description="Why the child failed, if it did.")] = None
    node_count: Annotated[int, Meta(description="Node executions of the child.")] = 0
    result: Annotated[
        str | None, Meta(description="Result of the child's verdict when it ended; `ok` is a success.")
    ] = None
    waiting: Annotated[
        bool, Meta(description="The child waits only for people or for times that are far away.")
    ] = False
    cost_microusd: Annotated[
        int, Meta(description="What the child and its own children have spent so far, all in all.")
    ] = 0
