"""`/asyncapi.json` and `/asyncapi`."""

from __future__ import annotations

import base64
import hashlib
from functools import cache
from typing import Any

from fastapi import APIRouter, Response
from starlette.responses import HTMLResponse

from millstream.api.asyncapi.page import STYLE, page_of
from millstream.api.auth.guards import CurrentUser, require
from millstream.api.http.answers import JsonAnswer
from millstream.api.http.requests import EdgeRoute
from millstream.api.state import EdgeDep
from millstream.topics.asyncapi import document

router = APIRouter(route_class=EdgeRoute)

MEDIA_TYPE = "application/vnd.aai.asyncapi+json;version=3.0.0"
_STYLE_HASH = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
POLICY = f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
"""Our one style sheet, by its digest; nothing else is loaded or run."""


@router.get("/asyncapi.json", include_in_schema=False)
@require()
async def asyncapi(edge: EdgeDep, _: CurrentUser) -> Response:
    """Return the description of the topics."""
    return JsonAnswer(_document(edge.settings.version), media_type=MEDIA_TYPE)


@router.get("/asyncapi", include_in_schema=False)
@require()
async def asyncapi_page(edge: EdgeDep, _: CurrentUser) -> Response:
    """Return the topics as a plain page."""
    return HTMLResponse(_page(edge.settings.version), headers={"Content-Security-Policy": POLICY})


@cache
def _document(version: str) -> dict[str, Any]:
    return document(version)


@cache
def _page(version: str) -> str:
    return page_of(_document(version))
