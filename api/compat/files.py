"""`/api/files/upload`, `/api/workspace/files/{id}`: files are kept until their owner removes them."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, File, Query, Response, UploadFile

from millstream.api.auth.guards import CurrentUser, require
from millstream.api.auth.principal import Scope
from millstream.api.compat import models
from millstream.api.compat.route import REFUSALS, CompatRoute
from millstream.api.files.router import sent_file, stored
from millstream.api.http.answers import JsonAnswer
from millstream.api.http.requests import upload
from millstream.api.state import EdgeDep

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


@router.get(
    "/workspace/files/{file_id}/download",
    response_class=Response,
)
@require(Scope.READ_FILES)
async def autogpt_download_file(file_id: UUID, user: CurrentUser, edge: EdgeDep) -> Response:
    """Return a file's bytes, as an attachment."""
    return await sent_file(edge, file_id, owner_id=user.account_id)
