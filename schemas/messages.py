"""Every record on a topic, as a typed message. `schemas/avro/*.avsc` is their wire form; `millstream schemas write`
derives it from these classes and a test holds the two together.

Ids are 16 raw bytes here (`UUID(bytes=...)` at the edges); JSON values travel as bytes of JSON; times are Unix milliseconds.
"""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

Id = Annotated[bytes, Meta(min_length=16, max_length=16)]
"""A UUID as 16 bytes; Avro `fixed`."""

ExecutionStatus = Literal["INCOMPLETE", "QUEUED", "RUNNING", "COMPLETED", "TERMINATED", "FAILED", "REVIEW"]


class Message(msgspec.Struct, frozen=True, kw_only=True):
    """Base of all records; the class name is the Avro name."""


class Payload(Message, frozen=True, kw_only=True):
    """One JSON value: in place when small, else a reference into the object store."""

    inline: Annotated[bytes | None, Meta(description="The value as JSON; null when `ref` is set.")] = None
    ref: Annotated[str | None, Meta(description="Key in the object store; null when `inline` is set.")] = None
    type: Annotated[str, Meta(description="JSON type: null, boolean, number, string, array, object.")] = (
        "null"
    )
    size: Annotated[int, Meta(description="Length of the JSON text in bytes.")] = 0
    length: Annotated[
        int | None,
        Meta(
            description="Number of items of an array or object, of characters of a string; by reference only."
        ),
    ] = None
    sha256: Annotated[bytes | None, Meta(description="Digest of the JSON text; by reference only.")] = None
    key_id: Annotated[str | None, Meta(description="Key that seals the object; null: not sealed.")] = None


class Named(Message, frozen=True, kw_only=True):
    """A value under a name: an input of an execution."""

    name: Annotated[str, Meta(description="Name of the input.")]
    value: Annotated[Payload, Meta(description="Its value.")]


class Slot(Message, frozen=True, kw_only=True):
    """A place in a JSON document that holds null and stands for a value in the object store."""

    path: Annotated[str, Meta(description="RFC 6901 pointer to the place.")]
    value: Annotated[Payload, Meta(description="What belongs there, by reference.")]


class Picked(Message, frozen=True, kw_only=True):
    """What one selector finds in an output that travels by reference."""

    selector: Annotated[str, Meta(description="Source pin of a link, such as `result_#_name`.")]
    value: Annotated[Payload | None, Meta(description="What it selects; null: nothing.")] = None


class Emit(Message, frozen=True, kw_only=True):
    """One value that a block emitted on one pin."""

    pin: Annotated[str, Meta(description="Output pin.")]
    value: Annotated[Payload, Meta(description="The value.")]
    picked: Annotated[list[Picked], Meta(description="Selections, when the value is by reference.")] = []


class Failure(Message, frozen=True, kw_only=True):
    """Why a node execution ended without success."""

    code: Annotated[
        str, Meta(description="A MillstreamError code; `internal` is a bug of ours or of the block.")
    ]
    kind: Annotated[
        str,
        Meta(
            description="AutoGPT's class of the error: BlockInputError, BlockExecutionError, BlockUnknownError."
        ),
    ]
    message: Annotated[str, Meta(description="A sentence for people, without secrets.")]
    retryable: Annotated[bool, Meta(description="The same run may succeed later.")] = False


class Flags(Message, frozen=True, kw_only=True):
    """How an execution is to be run; each task carries them on."""

    human_in_the_loop_safe_mode: Annotated[bool, Meta(description="Review blocks wait for a person.")] = True
    sensitive_action_safe_mode: Annotated[bool, Meta(description="Sensitive blocks wait for a person.")] = (
        False
    )
    dry_run: Annotated[bool, Meta(description="No effects outside; blocks are imitated.")] = False
    strict: Annotated[bool, Meta(description="One block run as it is: inputs are not converted first.")] = (
        False
    )
    timezone: Annotated[str, Meta(description="IANA zone of the user.")] = "UTC"
    test: Annotated[
        bool, Meta(description="A test run: nodes with pinned data emit it instead of running.")
    ] = False


# --- executions.inbox -------------------------------------------------------------------------------------------------


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


class Park(Message, frozen=True, kw_only=True):
    """A block stopped half-way and wants to be called again."""

    delay_ms: Annotated[
        int | None, Meta(description="Call again after this time; null: when a person has answered.")
    ] = None
    state: Annotated[bytes, Meta(description="JSON given back as `resumed`.")] = b"null"
    review: Annotated[
        bytes | None, Meta(description="JSON {data, name, editable, ...} for the reviewer.")
    ] = None


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


class Timer(Message, frozen=True, kw_only=True):
    """A timer of an execution is due. Key: execution id. Source: the partition's coordinator."""

    execution_id: Annotated[Id, Meta(description="The execution.")]
    timer: Annotated[
        int, Meta(description="Number of the timer within the execution; a stale one is ignored.")
    ]


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


# --- nodes.* ----------------------------------------------------------------------------------------------------------


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


# --- executions.events, executions.feed --------------------------------------------------------------------------------

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
    """An execution began, waits or ended. Key: user id. Source: the coordinator."""

    user_id: Annotated[str, Meta(description="Owner.")]
    execution_id: Annotated[Id, Meta(description="The execution.")]
    graph_id: Annotated[str, Meta(description="Graph that is run.")]
    graph_version: Annotated[int, Meta(description="Its version.")]
    status: Annotated[ExecutionStatus, Meta(description="New status.")]
    sequence: Annotated[int, Meta(description="Sequence number of that event.")]
    at: Annotated[int, Meta(description="Time, ms.")]


# --- the rest ----------------------------------------------------------------------------------------------------------


class Usage(Message, frozen=True, kw_only=True):
    """What one node execution used. Key: user id. Source: a worker."""

    user_id: Annotated[str, Meta(description="Owner.")]
    execution_id: Annotated[Id, Meta(description="The execution.")]
    node_execution_id: Annotated[Id, Meta(description="The node execution.")]
    run_id: Annotated[Id, Meta(description="The run: a repeated record has the same.")]
    block_id: Annotated[str, Meta(description="Block that ran.")]
    elapsed_ms: Annotated[int, Meta(description="Wall time in ms.")]
    input_tokens: Annotated[int, Meta(description="Model tokens read.")] = 0
    output_tokens: Annotated[int, Meta(description="Model tokens written.")] = 0
    cost_microusd: Annotated[int, Meta(description="Cost in millionths of a US dollar.")] = 0
    at: Annotated[int, Meta(description="Time, ms.")] = 0


class Notification(Message, frozen=True, kw_only=True):
    """A message to a person. Key: user id."""

    notification_id: Annotated[Id, Meta(description="Repeated deliveries have the same.")]
    user_id: Annotated[str, Meta(description="To whom.")]
    kind: Annotated[str, Meta(description="Template, such as `execution_failed`.")]
    data: Annotated[bytes, Meta(description="JSON object for the template.")]
    at: Annotated[int, Meta(description="Time, ms.")]


class StoreEvent(Message, frozen=True, kw_only=True):
    """A change of a store listing. Key: listing id."""

    listing_id: Annotated[Id, Meta(description="The listing.")]
    kind: Annotated[str, Meta(description="submitted, reviewed, published, downloaded, rated, ...")]
    actor_id: Annotated[str, Meta(description="Who did it.")]
    data: Annotated[bytes, Meta(description="JSON object of the facts.")]
    at: Annotated[int, Meta(description="Time, ms.")]


class Audit(Message, frozen=True, kw_only=True):
    """Who did what. Key: actor id. Source: the edge."""

    audit_id: Annotated[Id, Meta(description="Repeated deliveries have the same.")]
    actor_id: Annotated[str, Meta(description="Who.")]
    action: Annotated[str, Meta(description="What, such as `graph.delete`.")]
    subject: Annotated[str, Meta(description="On what: an id.")]
    data: Annotated[bytes, Meta(description="JSON object of the facts, without secrets.")]
    at: Annotated[int, Meta(description="Time, ms.")]


class DeadLetter(Message, frozen=True, kw_only=True):
    """A record that could not be handled. Key: the original's. Headers repeat what operators look for."""

    topic: Annotated[str, Meta(description="Where it came from.")]
    partition: Annotated[int, Meta(description="Original partition.")]
    offset: Annotated[int, Meta(description="Original offset.")]
    timestamp: Annotated[int, Meta(description="Original timestamp, ms.")]
    key: Annotated[bytes | None, Meta(description="Original key.")]
    value: Annotated[bytes | None, Meta(description="Original bytes.")]
    error_code: Annotated[str, Meta(description="Stable code of the reason.")]
    error_message: Annotated[str, Meta(description="The reason, for people.")]
    consumer: Annotated[str, Meta(description="Group that gave up.")]
    at: Annotated[int, Meta(description="When it gave up, ms.")]


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
)
"""All records, in the order of their first schema id."""
