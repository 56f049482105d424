"""What a link shows: the outputs of its run, what became of it, and the name of its graph. No inputs, no nodes, no owner."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import quote
from uuid import UUID

from millstream.api.database import Connection
from millstream.api.executions import shown
from millstream.api.executions.repository import Executions, Whole
from millstream.api.executions.values import Values
from millstream.api.graphs.repository import Graphs
from millstream.api.shares import links
from millstream.api.shares.repository import Share, Shares
from millstream.api.state import Edge
from millstream.schemas.errors import NotFoundError


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """A link that is good, and its run."""

    share: Share
    row: Whole
    name: str
    description: str


async def opened(conn: Connection, edge: Edge, token: str) -> Opened:
    """Return what a token opens. Errors: NotFoundError."""
    share = await Shares(conn).find(links.id_of(token))
    if share is None:
        raise links.unknown()
    links.check(edge.auth.root, share, token)
    try:
        row = await Executions(conn).get(share.execution_id, owner_id=share.account_id)
    except NotFoundError as error:  # deleted meanwhile
        raise links.unknown() from error
    name = description = ""
    if row.graph_id is not None:
        graph = await Graphs(conn).find(row.graph_id, owner_id=share.account_id, version=row.graph_version)
        if graph is not None:
            name, description = graph.body["name"], graph.body["description"]
    return Opened(share=share, row=row, name=name, description=description)


class PublicResolver(shown.Resolver):
    """Links to large values go through the shared link: its readers have no login."""

    def __init__(self, edge: Edge, execution_id: UUID, token: str) -> None:
        super().__init__(edge.objects, execution_id, edge.settings.limits.answer_bytes)
        self._token = token

    async def value(self, text: str | None, ref: dict[str, Any] | None, left_out: int | None = None) -> Any:
        """Return a value for the answer."""
        found = await super().value(text, ref, left_out)
        if isinstance(found, dict) and "$ref" in found and ref is not None:
            return {**found, "$ref": f"/api/v1/shared/{self._token}/values/{quote(ref['key'])}"}
        return found


async def outputs(conn: Connection, edge: Edge, found: Opened, token: str) -> dict[str, list[Any]]:
    """Return the outputs of a shared run."""
    id_ = found.row.id
    values = Values(conn, id_, room_bytes=edge.settings.limits.answer_bytes)
    return await shown.outputs_of(values, PublicResolver(edge, id_, token))
