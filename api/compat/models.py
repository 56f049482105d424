"""Bodies of AutoGPT's operations, as far as ours serve them."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import BaseModel, Field

from millstream.api.auth.principal import Scope
from millstream.api.compat.paging import Pagination
from millstream.api.executions.models import Chosen
from millstream.schemas.messages import ExecutionStatus

Version = Annotated[int, Field(ge=1, le=2**31 - 1)]
Values = dict[str, Any]


class GraphMeta(BaseModel):
    """A graph without its nodes."""

    id: UUID
    version: int
    is_active: bool
    name: str
    description: str
    user_id: UUID
    created_at: datetime


class ActiveIn(BaseModel):
    """Which version is to run by default."""

    active_graph_version: Version


class RunRequest(BaseModel):
    """A wish to run a graph."""

    inputs: Values = Field(default_factory=dict)
    credentials_inputs: Chosen = Field(default_factory=dict)
    source: str | None = None
    dry_run: bool = False


class Stats(BaseModel):
    """What a run has cost and taken: credits and seconds."""

    cost: int
    duration: float
    node_exec_count: int
    node_error_count: int
    error: str | None


class RunMeta(BaseModel):
    """A run without its nodes. Lists leave the inputs out."""

    id: UUID
    user_id: UUID
    graph_id: UUID | None
    graph_version: int | None
    inputs: Values | None
    credential_inputs: Values | None
    nodes_input_masks: Values | None
    preset_id: UUID | None
    status: ExecutionStatus
    started_at: datetime | None
    ended_at: datetime | None
    is_shared: bool
    share_token: str | None
    is_dry_run: bool
    stats: Stats | None


class NodeResult(BaseModel):
    """One execution of a node."""

    user_id: UUID
    graph_id: UUID | None
    graph_version: int | None
    graph_exec_id: UUID
    node_exec_id: UUID
    node_id: str
    block_id: str
    status: ExecutionStatus
    input_data: Values
    output_data: dict[str, list[Any]]
    add_time: datetime | None
    queue_time: datetime | None
    start_time: datetime | None
    end_time: datetime | None


class RunWithNodes(RunMeta):
    """A run with what its nodes took and gave."""

    outputs: dict[str, list[Any]]
    node_executions: list[NodeResult]


class PagedRuns(BaseModel):
    """A page of runs."""

    executions: list[RunMeta]
    pagination: Pagination


class PublicLink(BaseModel):
    """A public link."""

    share_url: str
    share_token: str


class SharedRun(BaseModel):
    """What a public link shows."""

    id: UUID
    graph_name: str
    graph_description: str | None
    status: ExecutionStatus
    created_at: datetime
    outputs: dict[str, list[Any]]


class ReviewItem(BaseModel):
    """One decision."""

    node_exec_id: UUID
    approved: bool
    message: str | None = Field(None, max_length=10_000)
    reviewed_data: Any = None
    auto_approve_future: bool = False


class ReviewRequest(BaseModel):
    """Decisions about one run."""

    reviews: Annotated[list[ReviewItem], Field(min_length=1, max_length=100)]


class ReviewResponse(BaseModel):
    """What became of them."""

    approved_count: int
    rejected_count: int
    failed_count: int
    error: str | None


class PendingReview(BaseModel):
    """A review that waits."""

    node_exec_id: UUID
    node_id: str
    user_id: UUID
    graph_exec_id: UUID
    graph_id: UUID | None
    graph_version: int | None
    payload: Any
    instructions: str | None
    editable: bool
    status: str
    review_message: str | None
    was_edited: bool | None
    processed: bool
    created_at: datetime | None
    updated_at: datetime | None
    reviewed_at: datetime | None


class Block(BaseModel):
    """A block."""

    id: str
    name: str
    inputSchema: Values
    outputSchema: Values
    description: str
    categories: list[dict[str, str]]
    contributors: list[dict[str, str]]
    staticOutput: bool
    uiType: str
    costs: list[Values]


class Uploaded(BaseModel):
    """A file that a run may take: `file_uri` is the value of its input."""

    file_uri: str
    file_name: str
    size: int
    content_type: str
    expires_in_hours: int


class WorkspaceItem(BaseModel):
    """A file of the account."""

    id: UUID
    name: str
    path: str
    mime_type: str
    size_bytes: int
    metadata: Values
    created_at: datetime


class WorkspaceFiles(BaseModel):
    """Some of them."""

    files: list[WorkspaceItem]
    offset: int
    has_more: bool


class WorkspaceFile(BaseModel):
    """A file that was stored."""

    file_id: UUID
    name: str
    path: str
    mime_type: str
    size_bytes: int


class FileGone(BaseModel):
    """It was removed."""

    deleted: bool


class PresetRequest(BaseModel):
    """A preset, or (`graph_execution_id`) one made of a run."""

    graph_execution_id: UUID | None = None
    graph_id: UUID | None = None
    graph_version: Version | None = None
    inputs: Values = Field(default_factory=dict)
    credentials: Chosen = Field(default_factory=dict)
    name: Annotated[str, Field(min_length=1, max_length=200)]
    description: Annotated[str, Field(max_length=10_000)]
    is_active: bool = True


class PresetUpdate(BaseModel):
    """What is changed of a preset; null and what is left out stay."""

    inputs: Values | None = None
    credentials: Chosen | None = None
    name: Annotated[str, Field(min_length=1, max_length=200)] | None = None
    description: Annotated[str, Field(max_length=10_000)] | None = None
    is_active: bool | None = None


class PresetRunRequest(BaseModel):
    """What one run has otherwise than its preset."""

    inputs: Values = Field(default_factory=dict)
    credential_inputs: Chosen = Field(default_factory=dict)


class Preset(BaseModel):
    """A preset."""

    graph_id: UUID
    graph_version: int
    inputs: Values
    credentials: Values
    name: str
    description: str
    is_active: bool
    webhook_id: None
    id: UUID
    user_id: UUID
    created_at: datetime
    updated_at: datetime
    webhook: None


class PagedPresets(BaseModel):
    """A page of presets."""

    presets: list[Preset]
    pagination: Pagination


class KeyRequest(BaseModel):
    """A key to be made."""

    name: Annotated[str, Field(min_length=1, max_length=100)]
    permissions: Annotated[list[Scope], Field(min_length=1, max_length=50)]
    description: str | None = None


class Key(BaseModel):
    """A key without its secret. Of its end nothing is kept: `tail` is empty."""

    user_id: UUID
    scopes: list[Scope]
    type: str
    created_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None
    revoked_at: datetime | None
    id: UUID
    name: str
    head: str
    tail: str
    status: str
    description: None


class PermissionsRequest(BaseModel):
    """What a key may do from now on."""

    permissions: Annotated[list[Scope], Field(min_length=1, max_length=50)]


class NewKey(BaseModel):
    """A new key; its text is shown once."""

    api_key: Key
    plain_text_key: str


class Caller(BaseModel):
    """A person."""

    id: UUID
    email: str
    name: str
    timezone: str
    created_at: datetime


class Zone(BaseModel):
    """A time zone."""

    timezone: Annotated[str, Field(max_length=64, examples=["Europe/Berlin"])]
