"""What an execution's state is made of: the head of constant size, and cells about one node, one value or one timer each."""

from __future__ import annotations

import msgspec

from millstream.schemas.messages import Payload, Slot

FORMAT = 1
"""Version of the encoding below; kept in every head."""


class Cell(msgspec.Struct, array_like=True):
    """Base of all cells. Fields may be appended with defaults, never moved: older records are read by newer code."""


class Head(Cell):
    """What every step needs. Times in Unix milliseconds."""

    user_id: str
    graph_id: str
    graph_version: int
    plan_hash: bytes
    status: str = "QUEUED"
    sequence: int = 0
    """Number of the next event."""
    strict: bool = False
    review_safe: bool = True
    sensitive_safe: bool = False
    dry_run: bool = False
    timezone: str = "UTC"
    test: bool = False
    node_count: int = 0
    error_count: int = 0
    failed: list[int] = []
    """Plan indices of the first nodes that failed, for the verdict."""
    in_flight: int = 0
    parked: int = 0
    """Wait for a timer or a child."""
    reviews: int = 0
    """Wait for a person."""
    waiting: int = 0
    """Node executions that lack inputs."""
    ready_first: int = 0
    ready_next: int = 0
    timers: int = 0
    """Number of the next timer."""
    masks: bytes | None = None
    recorded: int = 0
    """Bytes of recorded outputs, which are a cell of their own; 0: none."""
    started_at: int = 0
    parent: bytes | None = None
    parent_node: int = -1
    parent_k: int = -1
    root: bytes | None = None
    depth: int = 0
    said: int = 0
    """Outputs told to the parent so far."""
    gate: int = 0
    """Starting nodes with static outputs that run before anything else may."""
    due: int = 0
    """Timers that are set."""
    marked: bool = False
    """There is a row that names this execution as one with timers."""
    format: int = FORMAT
    troubled: int = 0
    """Child executions that did not end well, though their nodes completed."""
    in_flight_limit: int = 256
    """Tasks of this execution that may be with workers at once."""
    resting: int = 0
    """Of `parked`, those that wait for a time far away or for a child that rests."""
    fed: str = ""
    """Status that the owner's feed has."""
    active: bool = True
    """What the owner's feed, or the parent, was told: it uses workers."""
    budget_microusd: int = -1
    """-1: no limit."""
    cost_microusd: int = 0
    """Spent so far, also by children."""
    notes: int = 0
    """Late results that were told."""
    handled: int = 0
    """Of `error_count`, those that were given to a caller: the verdict leaves them to it."""
    held_calls: int = 0
    """Calls that wait for a value on a pin that their caller does not fill."""


class End(Cell):
    """What is left of an execution that ended: enough to see a late or repeated message for what it is."""

    status: str
    sequence: int
    user_id: str
    graph_id: str
    graph_version: int
    at: int
    stopped_early: bool = False
    """Stopped before its Start arrived."""
    by: str = ""
    """Who stopped it early."""
    reason: str | None = None


class Node(Cell):
    """Counters of one node of the graph within the execution."""

    created: int = 0
    """Number `k` of its next execution."""
    oldest: int = 0
    """No execution below this one lacks inputs."""
    queued: int = 0
    """Dispatch number of the next execution that becomes ready."""
    front: int = 0
    """Dispatch number whose outputs are being routed; those of later ones are held back."""


class Missing(Cell):
    """An execution of a node that lacks linked pins."""

    plain: int
    """Pins missing that only a delivery can fill."""
    static: int
    """Pins missing that an earlier execution's static value can fill."""
    arrived: int = 0
    pins: list[str] = []
    """Pins that do not fit or lack a value although all linked ones arrived."""
    why: str = ""


class Arrived(Cell):
    """A value on a pin of an execution that lacks others."""

    order: int
    value: Payload


class Statics(Cell):
    """Static pins of the node's newest ready execution."""

    values: dict[str, Payload]


class Called(Cell):
    """Whose call a node execution is."""

    node: int
    k: int
    number: int
    """Which of the caller's calls."""
    depth: int
    """1 when the caller itself was not called."""
    chunks: int = 0
    """Cells of outputs that are kept for the caller."""
    values: int = 0


class Open(Cell):
    """A node execution that is ready, runs or is parked."""

    order: int
    """Dispatch number `d`."""
    input: bytes
    slots: list[Slot] = []
    state: str = "ready"
    """ready, running, timer, review, approval (of a sensitive block), child, calls."""
    attempt: int = 0
    """Number of the newest task; a result that names another is late."""
    retries: int = 0
    seen: int = 0
    """Outputs of the newest task that were taken."""
    run_id: bytes | None = None
    worker: str = ""
    heard_at: int = 0
    started_at: int = 0
    resumed: bytes | None = None
    child: bytes | None = None
    approved: bool = False
    spare: bytes | None = None
    """Encoded Finished of another run, kept until the bound run's lease ends."""
    issued_at: int = 0
    """When the newest task was decided; broker's clock."""
    given_at: int = 0
    """The same, or when it was last given again."""
    given: int = 0
    """How often the newest task was given again."""
    rests: bool = False
    """Parked for a time far away, or for a child that rests."""
    cost_microusd: int = 0
    """Of its child, as far as it was told."""
    told_at: int = 0
    """When it was last told that the newest task runs; broker's clock."""
    call: Called | None = None
    """Set: somebody called it and waits for what it gives."""
    rounds: int = 0
    """How often it has called others."""
    resumed_value: Payload | None = None
    """In place of `resumed`, when that is large."""
    waits: str | None = None
    """What its run waits for before the block may begin."""


class Calls(Cell):
    """The calls of a node execution that are under way."""

    total: int
    parallel: int
    stop: bool
    """Begin no further one once one has failed."""
    next: int = 0
    """Number of the next call to begin."""
    running: int = 0
    failed: int = 0


class Pending(Cell):
    """A call that has not begun."""

    node: str
    input: bytes
    slots: list[Slot] = []


class Waiting(Cell):
    """Calls that wait until a value has come to the node that they call: (caller, k, number)."""

    calls: list[tuple[int, int, int]] = []


class Given(Cell):
    """What a call gave, or all calls of a round: JSON with null where `slots` are, outer slots first."""

    data: bytes
    slots: list[Slot] = []


class Ready(Cell):
    """An entry of the queue of ready node executions."""

    node: int
    k: int


class Held(Cell):
    """Outputs of a node execution whose predecessors have not ended. Its chunks are cells of their own."""

    chunks: int = 0
    done: bool = False


class Chunk(Cell):
    """Some outputs that are held back: (pin, value, selections)."""

    outputs: list[tuple[str, Payload, dict[str, Payload | None]]]


class Recorded(Cell):
    """Outputs that nodes emit instead of running: JSON object node id -> list of runs."""

    data: bytes


class Failed(Cell):
    """The first failure of a node, for the verdict."""

    code: str
    message: str
    child: bytes | None = None
    """The child execution that did not end well."""


class Due(Cell):
    """A timer. `kind`: resume, lease, review, wall."""

    at: int
    kind: str
    node: int = -1
    k: int = -1
