"""What the graph routes answer, for OpenAPI. The answers themselves are built in `service.py`; a test holds both together."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from millstream.schemas.graph import Link


class ProblemOut(BaseModel):
    """What is wrong with a graph, and where."""

    node: str | None
    pin: str | None
    code: str
    reason: str
    severity: str
    graph: str | None
    path: str | None


class NodeOut(BaseModel):
    """A node as saved."""

    id: str
    block_id: str
    input_default: dict[str, Any]
    metadata: dict[str, Any]
    input_links: list[Link]
    output_links: list[Link]
    graph_id: str
    graph_version: int
    webhook_id: str | None


class SubGraphOut(BaseModel):
    """A graph that runs inside another."""

    id: str
    version: int
    is_active: bool
    name: str
    description: str
    instructions: str | None
    recommended_schedule_cron: str | None
    forked_from_id: str | None
    forked_from_version: int | None
    nodes: list[NodeOut]
    links: list[Link]


class GraphOut(SubGraphOut):
    """A saved graph in AutoGPT's form; `draft` and `problems` are ours."""

    user_id: UUID
    created_at: datetime
    sub_graphs: list[SubGraphOut]
    input_schema: dict[str, Any]
    output_schema: dict[str, Any]
    credentials_input_schema: dict[str, Any]
    has_external_trigger: bool
    has_human_in_the_loop: bool
    has_sensitive_action: bool
    trigger_setup_info: dict[str, Any] | None
    draft: bool
    problems: list[ProblemOut]


class GraphHeadOut(BaseModel):
    """A saved graph without its nodes."""

    id: UUID
    version: int
    user_id: UUID
    name: str
    description: str
    is_active: bool
    draft: bool
    created_at: datetime


class GraphPage(BaseModel):
    """A page of graphs."""

    items: list[GraphHeadOut]
    next_cursor: str | None


class GraphVersions(BaseModel):
    """Versions of a graph, newest first."""

    items: list[GraphHeadOut]


class PublishIn(BaseModel):
    """Which version."""

    model_config = ConfigDict(extra="forbid")

    version: Annotated[int | None, Field(ge=1, le=2**31 - 1, description="Default: the newest.")] = None


class Deleted(BaseModel):
    """How much was deleted."""

    version_counts: int


class Validated(BaseModel):
    """Whether a graph can be saved, and run."""

    valid: bool
    draft: bool
    problems: list[ProblemOut]
