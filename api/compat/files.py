"""`/api/files/upload`, `/api/workspace/files`: files are kept until their owner removes them."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, File, Query, Response, UploadFile

from millstream.api.auth.guards import CurrentUser, require
from millstream.api.auth.principal import Scope
from millstream.api.compat import models
from millstream.api.compat.route import REFUSALS, CompatRoute
from millstream.api.database import ReadConnection
from millstream.api.files.repository import FileTable
from millstream.api.files.router import delete_file, sent_file, stored
from millstream.api.http.answers import JsonAnswer
from millstream.api.http.requests import upload
from millstream.api.state import EdgeDep
from millstream.schemas.errors import InputInvalidError

router = APIRouter(prefix="/api", tags=["AutoGPT: files"], route_class=CompatRoute, responses=REFUSALS)


@router.post("/files/upload", response_model=models.Uploaded)
@upload
@require(Scope.WRITE_FILES)
async def autogpt_upload_file(
    file: Annotated[UploadFile, File()],
    user: CurrentUser,
    edge: EdgeDep,
    expiration_hours: Annotated[
        int, Query(ge=1, le=48, description="The least; files are kept until they are removed.")
    ] = 24,
) -> Response:
    """Store a file; `file_uri` is what a file input takes."""
    found = await stored(edge, file, owner_id=user.account_id)
    return JsonAnswer(
        {
            "file_uri": found["uri"],
            "file_name": found["name"],
            "size": found["size"],
            "content_type": found["media_type"],
            "expires_in_hours": expiration_hours,
        }
    )


@router.get("/workspace/files", response_model=models.WorkspaceFiles)
@require(Scope.READ_FILES)
async def autogpt_list_files(
    user: CurrentUser,
    conn: ReadConnection,
    limit: Annotated[int, Query(ge=1, le=1000)] = 200,
    offset: Annotated[int, Query(ge=0, le=1_000_000)] = 0,
) -> Response:
    """Return the account's files, newest first."""
    rows = await FileTable(conn).list_(owner_id=user.account_id, cursor=None, limit=limit + 1, offset=offset)
    files = [
        {
            "id": row.id,
            "name": row.name,
            "path": f"/{row.name}",
            "mime_type": row.type,
            "size_bytes": row.size,
            "metadata": {},
            "created_at": row.created_at,
        }
        for row in rows[:limit]
    ]
    return JsonAnswer({"files": files, "offset": offset, "has_more": len(rows) > limit})


@router.post("/workspace/files/upload", response_model=models.WorkspaceFile)
@upload
@require(Scope.WRITE_FILES)
async def autogpt_add_file(
    file: Annotated[UploadFile, File()],
    user: CurrentUser,
    edge: EdgeDep,
    overwrite: Annotated[
        bool, Query(description="`true` is refused: files of one name live beside each other.")
    ] = False,
) -> Response:
    """Store a file."""
    if overwrite:
        raise InputInvalidError("Files are not replaced; remove the old one first.", path="overwrite")
    found = await stored(edge, file, owner_id=user.account_id)
    return JsonAnswer(
        {
            "file_id": found["id"],
            "name": found["name"],
            "path": f"/{found['name']}",
            "mime_type": found["media_type"],
            "size_bytes": found["size"],
        }
    )


@router.delete("/workspace/files/{file_id}", response_model=models.FileGone)
@require(Scope.WRITE_FILES)
async def autogpt_delete_file(file_id: UUID, user: CurrentUser, edge: EdgeDep) -> Response:
    """Remove a file. Runs that read it later fail."""
    await delete_file(file_id, user, edge)
    return JsonAnswer({"deleted": True})


@router.get(
    "/workspace/files/{file_id}/download",
    response_class=Response,
)
@require(Scope.READ_FILES)
async def autogpt_download_file(file_id: UUID, user: CurrentUser, edge: EdgeDep) -> Response:
    """Return a file's bytes, as an attachment."""
    return await sent_file(edge, file_id, owner_id=user.account_id)
