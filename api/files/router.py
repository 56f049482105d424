"""`/api/v1/files`. Bytes are stored under a made-up name, with what is known of them beside: workers read both."""

from __future__ import annotations

import asyncio
import hashlib
import re
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any
from urllib.parse import quote
from uuid import UUID, uuid4

import orjson
from fastapi import APIRouter, File, Response, UploadFile
from pydantic import BaseModel

from millstream.api.audit.record import record
from millstream.api.auth.guards import CurrentUser, require
from millstream.api.auth.principal import Scope
from millstream.api.database import ReadConnection
from millstream.api.files.repository import FileRow, FileTable
from millstream.api.http.answers import JsonAnswer
from millstream.api.http.paging import LIMIT_DEFAULT, Cursor, CursorText, Limit, page
from millstream.api.http.problems import documented
from millstream.api.http.requests import EdgeRoute, upload
from millstream.api.state import Edge, EdgeDep
from millstream.processors.guards.sniffing import media_type_of
from millstream.schemas.errors import NotFoundError, PayloadTooLargeError

router = APIRouter(prefix="/api/v1/files", tags=["files"], route_class=EdgeRoute)

NAME_MOST_CHARS = 200
ANSWER_HEADERS = {"Content-Security-Policy": "sandbox; default-src 'none'"}
"""A file is somebody's: a browser must neither run it nor take it for a page of ours."""


class FileOut(BaseModel):
    """A file. `uri` is what a file input of a graph takes."""

    id: UUID
    uri: str
    name: str
    size: int
    media_type: str
    sha256: str
    created_at: datetime


class FilePage(BaseModel):
    """A page of files."""

    items: list[FileOut]
    next_cursor: str | None


@dataclass(frozen=True, slots=True)
class _Keys:
    """Where a file lies in the object store."""

    data: str
    about: str


def _keys(user_id: UUID, file_id: UUID) -> _Keys:
    key = f"files/{user_id}/{file_id}"
    return _Keys(key, key + ".json")


def _display_name(given: str) -> str:
    """The last part of a path that somebody gave, short and printable; for display only."""
    last = re.split(r"[/\\]", given)[-1]
    return "".join(char for char in last if char.isprintable())[:NAME_MOST_CHARS]


def _shown(row: FileRow) -> dict[str, Any]:
    return {
        "id": row.id,
        "uri": f"workspace://{row.id}",
        "name": row.name,
        "size": row.size,
        "media_type": row.type,
        "sha256": row.sha256.hex(),
        "created_at": row.created_at,
    }


@router.post("", status_code=201, response_model=FileOut, responses=documented(PayloadTooLargeError))
@upload
@require(Scope.WRITE_FILES)
async def upload_file(file: Annotated[UploadFile, File()], user: CurrentUser, edge: EdgeDep) -> Response:
    """Store a file (`multipart/form-data`, part `file`)."""
    shown = await stored(edge, file, owner_id=user.account_id)
    return JsonAnswer(shown, 201, headers={"Location": f"/api/v1/files/{shown['id']}"})


async def stored(edge: Edge, file: UploadFile, *, owner_id: UUID) -> dict[str, Any]:
    """Keep an uploaded file; returns what is known of it."""
    data = await file.read()
    file_id = uuid4()
    keys = _keys(owner_id, file_id)
    name = _display_name(file.filename or "")
    media_type = media_type_of(data, file.content_type or "")
    digest = await asyncio.to_thread(hashlib.sha256, data)
    about = {"name": name, "media_type": media_type, "size": len(data), "sha256": digest.hexdigest()}
    await edge.objects.put(keys.about, orjson.dumps(about))
    await edge.objects.put(keys.data, data)
    async with edge.pool.connection() as conn:
        created_at = await FileTable(conn).add(
            file_id,
            owner_id=owner_id,
            name=name,
            size=len(data),
            type_=media_type,
            sha256=digest.digest(),
            key=keys.data,
        )
    return {"id": file_id, "uri": f"workspace://{file_id}", **about, "created_at": created_at}


@router.get("", response_model=FilePage)
@require(Scope.READ_FILES)
async def list_files(
    user: CurrentUser, conn: ReadConnection, cursor: CursorText = None, limit: Limit = LIMIT_DEFAULT
) -> Response:
    """Return the caller's files, newest first."""
    rows = await FileTable(conn).list_(owner_id=user.account_id, cursor=Cursor.parse(cursor), limit=limit + 1)
    return JsonAnswer(
        page([_shown(row) for row in rows], [Cursor(row.created_at, row.id) for row in rows], limit)
    )


@router.get("/{file_id}", response_class=Response, responses=documented(NotFoundError))
@require(Scope.READ_FILES)
async def download_file(file_id: UUID, user: CurrentUser, edge: EdgeDep) -> Response:
    """Return a file's bytes, as an attachment: an upload, or what a block has written."""
    return await sent_file(edge, file_id, owner_id=user.account_id)


async def sent_file(edge: Edge, file_id: UUID, *, owner_id: UUID) -> Response:
    """Answer with a file of somebody. Errors: NotFoundError."""
    keys = _keys(owner_id, file_id)
    about = await _about(edge, keys, file_id)
    name = quote(about["name"] or str(file_id), safe="")
    headers = {**ANSWER_HEADERS, "Content-Disposition": f"attachment; filename*=UTF-8''{name}"}
    return Response(await edge.objects.get(keys.data), media_type=about["media_type"], headers=headers)


@router.delete("/{file_id}", status_code=204, responses=documented(NotFoundError))
@require(Scope.WRITE_FILES)
async def delete_file(file_id: UUID, user: CurrentUser, edge: EdgeDep) -> Response:
    """Remove a file. Executions that read it later fail."""
    keys = _keys(user.account_id, file_id)
    await _about(edge, keys, file_id)
    async with edge.pool.connection() as conn:
        await FileTable(conn).delete(
            file_id, owner_id=user.account_id
        )  # what blocks write is not in the table
        await record(conn, user, "file.deleted", file_id)
    await edge.objects.delete(keys.data)
    await edge.objects.delete(keys.about)
    return Response(status_code=204)


async def _about(edge: Edge, keys: _Keys, file_id: UUID) -> dict[str, Any]:
    """Return what is known of a file. Its owner is in the key, so another's is not found."""
    try:
        about: dict[str, Any] = orjson.loads(await edge.objects.get(keys.about))
    except NotFoundError as error:  # the store's own words have the key
        raise NotFoundError(f"There is no file {file_id}.") from error
    return about
