"""Table `presets`. One method a question. Never commits."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

import orjson
from psycopg.rows import class_row, scalar_row

from millstream.api.audit.record import record_own
from millstream.api.database import Connection
from millstream.api.http.paging import Cursor
from millstream.schemas.errors import NotFoundError

_ROW = (
    "id, account_id, graph_id, graph_version, name, description, inputs, nodes_input_masks, credentials_inputs, "
    "is_active, created_at, updated_at"
)
INSERT = f"""
INSERT INTO presets (id, account_id, graph_id, graph_version, name, description, inputs, nodes_input_masks,
    credentials_inputs, is_active)
VALUES (%(id)s, %(owner_id)s, %(graph_id)s, %(graph_version)s, %(name)s, %(description)s, %(inputs)s::json,
    %(nodes_input_masks)s::json, %(credentials_inputs)s::json, %(is_active)s) RETURNING {_ROW}
"""
UPDATE = f"""
UPDATE presets SET graph_version = %(graph_version)s, name = %(name)s, description = %(description)s,
    inputs = %(inputs)s::json, nodes_input_masks = %(nodes_input_masks)s::json,
    credentials_inputs = %(credentials_inputs)s::json, is_active = %(is_active)s, updated_at = now()
WHERE id = %(id)s AND account_id = %(owner_id)s RETURNING {_ROW}
"""
GET = f"SELECT {_ROW} FROM presets WHERE id = %(id)s AND account_id = %(owner_id)s"
LIST = f"""
SELECT {_ROW} FROM presets WHERE account_id = %(owner_id)s
AND (%(graph_id)s::uuid IS NULL OR graph_id = %(graph_id)s)
AND (%(at)s::timestamptz IS NULL OR (created_at, id) < (%(at)s, %(after)s::uuid))
ORDER BY created_at DESC, id DESC LIMIT %(limit)s OFFSET %(offset)s
"""
COUNT = "SELECT count(*) FROM presets WHERE account_id = %(owner_id)s AND graph_id = %(graph_id)s"
DELETE = "DELETE FROM presets WHERE id = %(id)s AND account_id = %(owner_id)s"
_JSON = ("inputs", "nodes_input_masks", "credentials_inputs")


@dataclass(frozen=True, slots=True, kw_only=True)
class Saved:
    """What a preset says."""

    graph_id: UUID
    graph_version: int | None
    """None: the version that is active when it is run."""
    name: str
    description: str
    inputs: dict[str, Any]
    nodes_input_masks: dict[str, Any] | None
    credentials_inputs: dict[str, Any]
    is_active: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Preset(Saved):
    """A preset of an account."""

    id: UUID
    account_id: UUID
    created_at: datetime
    updated_at: datetime


class Presets:
    """Presets by id, and lists of them."""

    def __init__(self, conn: Connection) -> None:
        self._conn = conn

    async def add(self, saved: Saved, *, owner_id: UUID) -> Preset:
        """Insert a preset."""
        row = await self._one(INSERT, _values(saved) | {"id": uuid4(), "owner_id": owner_id})
        assert row is not None
        await record_own(self._conn, "preset.saved", row.id)
        return row

    async def update(self, preset_id: UUID, saved: Saved, *, owner_id: UUID) -> Preset:
        """Change all of a preset but its graph. Errors: NotFoundError."""
        row = await self._one(UPDATE, _values(saved) | {"id": preset_id, "owner_id": owner_id})
        await record_own(self._conn, "preset.saved", preset_id)
        return _found(row, preset_id)

    async def get(self, preset_id: UUID, *, owner_id: UUID, lock: bool = False) -> Preset:
        """Read a preset. Errors: NotFoundError, also if another owner has it."""
        query = GET + " FOR UPDATE" if lock else GET
        return _found(await self._one(query, {"id": preset_id, "owner_id": owner_id}), preset_id)

    async def list_(
        self, *, owner_id: UUID, graph_id: UUID | None, cursor: Cursor | None, limit: int, offset: int = 0
    ) -> list[Preset]:
        """Read an owner's presets, newest first."""
        at, after = (cursor.at, cursor.id) if cursor else (None, None)
        values = {
            "owner_id": owner_id,
            "graph_id": graph_id,
            "at": at,
            "after": after,
            "limit": limit,
            "offset": offset,
        }
        async with self._conn.cursor(row_factory=class_row(Preset)) as cur:
            await cur.execute(LIST, values)
            return await cur.fetchall()

    async def count(self, graph_id: UUID, *, owner_id: UUID) -> int:
        """Return how many presets of a graph there are."""
        async with self._conn.cursor(row_factory=scalar_row) as cur:
            await cur.execute(COUNT, {"owner_id": owner_id, "graph_id": graph_id})
            return int(await cur.fetchone() or 0)

    async def delete(self, preset_id: UUID, *, owner_id: UUID) -> None:
        """Remove a preset. Errors: NotFoundError."""
        done = await self._conn.execute(DELETE, {"id": preset_id, "owner_id": owner_id})
        if not done.rowcount:
            raise NotFoundError(f"There is no preset {preset_id}.")
        await record_own(self._conn, "preset.deleted", preset_id)

    async def _one(self, query: str, values: dict[str, Any]) -> Preset | None:
        async with self._conn.cursor(row_factory=class_row(Preset)) as cur:
            await cur.execute(query, values)
            return await cur.fetchone()


def _values(saved: Saved) -> dict[str, Any]:
    values = {name: getattr(saved, name) for name in Saved.__slots__}
    for name in _JSON:
        if values[name] is not None:
            values[name] = orjson.dumps(values[name]).decode()
    return values


def _found(row: Preset | None, preset_id: UUID) -> Preset:
    if row is None:
        raise NotFoundError(f"There is no preset {preset_id}.")
    return row
