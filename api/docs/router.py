"""`/docs`: a page without anything from elsewhere, which reads `/openapi.json` with the token that is typed into it.

The page itself says nothing about anybody, so it is open; what it reads and tries needs a login as everywhere.
"""

from __future__ import annotations

from importlib import resources

from fastapi import APIRouter, Response

from millstream.api.auth.guards import open_to_all
from millstream.api.http.requests import EdgeRoute
from millstream.api.state import EdgeDep
from millstream.schemas.errors import NotFoundError

router = APIRouter(prefix="/docs", include_in_schema=False, route_class=EdgeRoute)

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; frame-ancestors 'none'; "
    "base-uri 'none'; form-action 'none'"
)
_FOLDER = resources.files("millstream.api.docs") / "page"


def _sent(edge: EdgeDep, name: str, kind: str) -> Response:
    if not edge.settings.shows_docs:
        raise NotFoundError("The page is switched off here; /openapi.json has the same facts.")
    text = (_FOLDER / name).read_text(encoding="utf-8")
    return Response(text, media_type=kind, headers={"Content-Security-Policy": POLICY})


@router.get("")
@open_to_all
async def docs_page(edge: EdgeDep) -> Response:
    """Return the page."""
    return _sent(edge, "index.html", "text/html")


@router.get("/docs.js")
@open_to_all
async def docs_script(edge: EdgeDep) -> Response:
    """Return what the page runs."""
    return _sent(edge, "docs.js", "text/javascript")


@router.get("/docs.css")
@open_to_all
async def docs_style(edge: EdgeDep) -> Response:
    """Return how the page looks."""
    return _sent(edge, "docs.css", "text/css")
