"""What the execution routes take and answer."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID
from zoneinfo import available_timezones

from fastapi import Query
from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field

from millstream.schemas.messages import ExecutionStatus

Kind = Literal["graph", "block"]
Verdict = Literal["ok", "errors", "left_waiting", "stopped", "timed_out", "over_budget", "failed"]
Time = Annotated[AwareDatetime | None, Query(description="ISO 8601 with a zone.")]


def _zone(name: str) -> str:
    if name not in available_timezones():
        raise ValueError(f"{name!r} is no IANA time zone, such as 'Europe/Berlin'")
    return name


Zone = Annotated[str, AfterValidator(_zone)]

Chosen = dict[str, str | dict[str, Any]]


class Ask(BaseModel):
    """Base of bodies: a misspelt name is refused rather than passed over."""

    model_config = ConfigDict(extra="forbid")


class ExecuteIn(Ask):
    """A wish to run a graph."""

    inputs: dict[str, Any] = Field(default_factory=dict, description="Values by name of the graph's inputs.")
    nodes_input_masks: dict[str, dict[str, Any]] | None = Field(
        None, description="Values by node id and pin, laid over whatever else arrives there."
    )
    version: int | None = Field(
        None, ge=1, le=2**31 - 1, description="Version of the graph; default: the active one."
    )
    human_in_the_loop_safe_mode: bool = Field(True, description="Review blocks wait for a person.")
    sensitive_action_safe_mode: bool = Field(False, description="Sensitive blocks wait for a person.")
    dry_run: bool = Field(False, description="No effects outside; blocks are imitated.")
    test: bool = Field(False, description="A test run: nodes with pinned data emit it instead of running.")
    wall_time_s: float | None = Field(
        None, gt=0, le=30 * 86_400, description="Time limit of the run, in seconds."
    )
    budget_microusd: int | None = Field(
        None,
        ge=0,
        le=10**15,
        description="What the run may cost, in millionths of a US dollar; it fails with code `over_budget` beyond.",
    )
    timezone: Zone = Field("UTC", description="IANA zone for blocks that tell the time.")
    credentials_inputs: Chosen = Field(
        default_factory=dict,
        description="Credentials by the names in the graph's `credentials_input_schema`: "
        '`{"id", "provider", "type"}`, or only the id.',
    )
    source: str | None = Field(
        None, description="Where the wish comes from, for AutoGPT's clients; not used."
    )


class ReviewIn(Ask):
    """A person's decision."""

    approved: bool
    data: Any = Field(None, description="The data as reviewed, when it was edited.")
    message: str | None = Field(None, max_length=10_000, description="What the reviewer says.")


class StopIn(Ask):
    """Why an execution is stopped."""

    reason: str | None = Field(None, max_length=1000)


class ExecutionHead(BaseModel):
    """An execution without its values, in AutoGPT's form."""

    id: UUID
    user_id: UUID
    graph_id: UUID | None
    graph_version: int | None
    kind: Kind
    status: ExecutionStatus
    created_at: datetime
    started_at: datetime | None
    ended_at: datetime | None
    is_dry_run: bool
    parent_execution_id: UUID | None
    preset_id: UUID | None
    stats: dict[str, Any]
    verdict: dict[str, Any] | None
    failure: dict[str, Any] | None
    reason: dict[str, Any] | None
    """Why it has not ended: `{"kind": ...}`, see docs/states.md."""


class NodeExecutionOut(BaseModel):
    """One execution of a node."""

    id: UUID
    node_exec_id: UUID
    node_id: str
    block_id: str
    user_id: UUID
    graph_id: UUID | None
    graph_version: int | None
    graph_exec_id: UUID
    status: ExecutionStatus
    input_data: dict[str, Any]
    output_data: dict[str, list[Any]]
    add_time: datetime | None
    queue_time: datetime | None
    start_time: datetime | None
    end_time: datetime | None
    error: str | None
    failure: dict[str, Any] | None
    stats: dict[str, Any] | None
    reason: dict[str, Any] | None


class ExecutionOut(ExecutionHead):
    """An execution with its values. A value that is too large for the answer is `{"$ref": path to download}`."""

    inputs: dict[str, Any]
    credential_inputs: dict[str, dict[str, Any]] | None
    nodes_input_masks: dict[str, Any] | None
    outputs: dict[str, list[Any]]
    node_executions: list[NodeExecutionOut]
    next_node_offset: int | None
    sequence: int


class ExecutionPage(BaseModel):
    """A page of executions."""

    items: list[ExecutionHead]
    next_cursor: str | None


class OutputsOut(BaseModel):
    """What an execution has put out so far; all of it once it has ended."""

    id: UUID
    status: ExecutionStatus
    verdict: dict[str, Any] | None
    outputs: dict[str, list[Any]]


class EventOut(BaseModel):
    """One event, as recorded."""

    sequence: int
    kind: str
    at: datetime
    node_execution_id: UUID | None
    node_id: str | None
    block_id: str | None
    status: str | None
    pin: str | None
    value: Any
    detail: dict[str, Any] | None


class EventPage(BaseModel):
    """Events in order. `next_since` asks for those that follow; null: these are all that there are now."""

    items: list[EventOut]
    next_since: int | None
