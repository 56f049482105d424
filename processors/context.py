"""What a run knows of its surroundings (`Context`), and how it steps aside instead of sleeping (`Park`)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from millstream.processors.calls import Calls, Result, Tool
from millstream.processors.confidence import Confidence, NoVault
from millstream.processors.credentials import AnyCredential
from millstream.processors.own import Log, State
from millstream.processors.services import NO_VECTORS, Cancelled, Files, Http, KeyValue, Progress, Vectors
from millstream.processors.shared import NOT_SHARED, Shared
from millstream.schemas.errors import UnavailableError

if TYPE_CHECKING:
    from millstream.processors.models.interface import Models, ModelSource


@dataclass(slots=True, kw_only=True, eq=False)
class Context:
    """One run of one node. Not frozen, since a frozen dataclass of this width costs 4 microseconds a run."""

    user_id: str
    graph_id: str
    graph_version: int
    execution_id: str
    node_id: str
    node_execution_id: str
    http: Http
    files: Files
    kv: KeyValue
    progress: Progress
    cancelled: Cancelled
    attempt: int = 1
    dry_run: bool = False
    timezone: str = "UTC"
    """IANA name of the user's time zone."""
    human_in_the_loop_safe_mode: bool = True
    sensitive_action_safe_mode: bool = False
    spent_microusd: int = 0
    """What this run has cost so far, in millionths of a US dollar; see `spend`."""
    budget_microusd: int | None = None
    """What the execution could still spend when this run was sent; None: it has no budget."""
    tools: Sequence[Tool] = ()
    """What is linked from the node's tool pins, to be called by `Park(calls=...)`."""
    results: Sequence[Result] = ()
    """What the calls of the run before gave, in their order."""
    resumed: Any = None
    """None on the first call; after a `Park` its state, or `{"review": {"status", "data", "message"}}`."""
    confidence: Confidence | None = None
    """The secrets of the run; see `credentials`."""
    model_source: ModelSource | None = None
    """Connections to models, shared by all runs of the process; see `models`."""
    model_calls: dict[str, int] = field(default_factory=dict)
    """How often each question was put to a model, by its digest: part of the id of a call."""

    shared: Shared = NOT_SHARED
    """What runs decide among themselves, once each."""
    vectors: Vectors = NO_VECTORS
    """Documents with vectors; on the lane `data` alone."""

    def write(self, text: str) -> None:
        """Show the next piece of a text that is being written, in live views. What counts is what the block emits."""
        self.progress.text(text)

    @property
    def models(self) -> Models:
        """Models of all providers. Errors: UnavailableError in a process that has none."""
        if self.model_source is None:
            raise UnavailableError("This process asks no models; give the context a `model_source`.")
        return self.model_source.for_run(self)

    async def credentials(self, pin: str = "credentials") -> AnyCredential:
        """Return what was chosen on a credentials pin: ApiKey, UserPassword, OAuth2 or HostScoped.

        Give it to `http` as `auth`. Errors: CredentialError: nothing chosen, gone, or another's; UnavailableError.
        """
        return await self.trusted().credentials(pin)

    def trusted(self) -> Confidence:
        """Return the secrets of the run; in a process without a worker key there are none."""
        if self.confidence is None:
            self.confidence = Confidence(NoVault(), self.user_id, self.execution_id)
        return self.confidence

    def spend(self, microusd: int) -> None:
        """Note that the run has cost something, such as a call of a paid model; counted also if it fails later.

        Errors: ValueError if `microusd` is negative.
        """
        if microusd < 0:
            raise ValueError(f"nothing costs less than nothing: {microusd!r} millionths of a US dollar")
        self.spent_microusd += microusd

    @property
    def budget_left(self) -> int | None:
        """Millionths of a US dollar that may still be spent, None without a budget. Beyond, the execution fails.

        At most: other runs of the execution spend too, and what those cost is counted when they end.
        """
        return None if self.budget_microusd is None else max(0, self.budget_microusd - self.spent_microusd)

    @property
    def log(self) -> Log:
        """The worker's log, with the ids of this run in each line and without its secrets."""
        return Log(
            self.trusted().mask,
            execution_id=self.execution_id,
            node_execution_id=self.node_execution_id,
            graph_id=self.graph_id,
            node_id=self.node_id,
            attempt=self.attempt,
        )

    @property
    def state(self) -> State:
        """What this node of this graph keeps from run to run."""
        return State(self.kv, f"node#{self.graph_id}#{self.node_id}#")

    @property
    def idempotency_key(self) -> str:
        """The same for every attempt of this node execution, and for no other."""
        return self.node_execution_id


@dataclass(frozen=True, slots=True, kw_only=True)
class Review:
    """What a person is asked to decide."""

    payload: Any
    instructions: str = ""
    editable: bool = True


@dataclass(frozen=True, slots=True)
class Park:
    """Yielded last by a run: free the worker, call again after `delay_s` with `ctx.resumed == state`.

    With `delay_s` None and a `review` the run goes on when a person has decided; with `calls`, when all of them have
    ended, and `ctx.results` has what they gave.
    """

    delay_s: float | None
    state: Any = None
    review: Review | None = None
    calls: Calls | None = None
