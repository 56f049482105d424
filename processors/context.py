"""What a run knows of its surroundings (`Context`), and how it steps aside instead of sleeping (`Park`)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from millstream.processors.confidence import Confidence, NoVault
from millstream.processors.credentials import AnyCredential
from millstream.processors.services import Cancelled, Files, Http, KeyValue, Progress
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
    resumed: Any = None
    """None on the first call; after a `Park` its state, or `{"review": {"status", "data", "message"}}`."""
    confidence: Confidence | None = None
    """The secrets of the run; see `credentials`."""
    model_source: ModelSource | None = None
    """Connections to models, shared by all runs of the process; see `models`."""

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

    With `delay_s` None and a `review` the run goes on when a person has decided.
    """

    delay_s: float | None
    state: Any = None
    review: Review | None = None
