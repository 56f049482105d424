"""`/api/builder`: the block menu of AutoGPT's editor, by category, kind and service."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel

from millstream.api.auth.guards import CurrentUser, require
from millstream.api.auth.principal import Scope
from millstream.api.compat import models
from millstream.api.compat.blocks import listed
from millstream.api.compat.paging import PAGE_MOST, SIZE_MOST, Page, Pagination
from millstream.api.compat.providers import providers_of
from millstream.api.compat.route import REFUSALS, CompatRoute
from millstream.api.http.answers import JsonAnswer
from millstream.api.state import EdgeDep

router = APIRouter(
    prefix="/api/builder", tags=["AutoGPT: builder"], route_class=CompatRoute, responses=REFUSALS
)

ASKED_MOST = 500
Number = Annotated[int, Query(ge=1, le=PAGE_MOST)]
Size = Annotated[int, Query(ge=1, le=SIZE_MOST)]


class PagedBlocks(BaseModel):
    """A page of blocks."""

    blocks: list[models.Block]
    pagination: Pagination


class Category(BaseModel):
    """A category, with some of its blocks."""

    name: str
    total_blocks: int
    blocks: list[models.Block]


class Provider(BaseModel):
    """A service, and how many blocks use it."""

    name: str
    description: str
    integration_count: int


class PagedProviders(BaseModel):
    """A page of services."""

    providers: list[Provider]
    pagination: Pagination


def _categories(block: dict[str, Any]) -> set[str]:
    return {each["category"] for each in block["categories"]}


def _side(block: dict[str, Any]) -> str:
    """Where the menu has it: what is neither input nor output is an action."""
    kind: str = block["uiType"]
    return kind.lower() if kind in ("Input", "Output") else "action"


@router.get("/blocks", response_model=PagedBlocks)
@require(Scope.READ_BLOCK)
async def autogpt_find_blocks(
    _: CurrentUser,
    edge: EdgeDep,
    category: Annotated[str | None, Query(max_length=100)] = None,
    type: Literal["all", "input", "action", "output"] | None = None,
    provider: Annotated[str | None, Query(max_length=100)] = None,
    page: Number = 1,
    page_size: Size = 50,
) -> Response:
    """Return the blocks of a category, a side or a service, by name."""
    asked = Page(page, page_size)
    used = providers_of(edge.specs.values()).get(provider) if provider else None
    found = [
        block
        for block in sorted(listed(edge), key=lambda each: str(each["name"]))
        if (category is None or category.lower() in {name.lower() for name in _categories(block)})
        and (type in (None, "all") or _side(block) == type)
        and (provider is None or (used is not None and block["id"] in used.blocks))
    ]
    shown = found[asked.offset : asked.offset + asked.size]
    return JsonAnswer({"blocks": shown, "pagination": asked.of(len(found))})


@router.get("/blocks/batch", response_model=list[models.Block])
@require(Scope.READ_BLOCK)
async def autogpt_get_blocks(
    _: CurrentUser, edge: EdgeDep, block_ids: Annotated[list[str], Query(max_length=ASKED_MOST)]
) -> Response:
    """Return blocks by id, in the order asked; those that are not there are left out."""
    by_id = {block["id"]: block for block in listed(edge)}
    return JsonAnswer([by_id[id_] for id_ in block_ids if id_ in by_id])


@router.get("/categories", response_model=list[Category])
@require(Scope.READ_BLOCK)
async def autogpt_list_categories(
    _: CurrentUser, edge: EdgeDep, blocks_per_category: Annotated[int, Query(ge=1, le=SIZE_MOST)] = 3
) -> Response:
    """Return all categories, each with some of its blocks."""
    found: dict[str, list[dict[str, Any]]] = {}
    for block in sorted(listed(edge), key=lambda each: str(each["name"])):
        for name in _categories(block):
            found.setdefault(name, []).append(block)
    return JsonAnswer(
        [
            {"name": name, "total_blocks": len(blocks), "blocks": blocks[:blocks_per_category]}
            for name, blocks in sorted(found.items())
        ]
    )


@router.get("/providers", response_model=PagedProviders)
@require(Scope.READ_BLOCK)
async def autogpt_list_integrations(
    _: CurrentUser, edge: EdgeDep, page: Number = 1, page_size: Size = 50
) -> Response:
    """Return the services that blocks use, with how many do."""
    asked = Page(page, page_size)
    found = sorted(providers_of(edge.specs.values()).items())
    shown = [
        {"name": name, "description": "", "integration_count": len(used.blocks)}
        for name, used in found[asked.offset : asked.offset + asked.size]
    ]
    return JsonAnswer({"providers": shown, "pagination": asked.of(len(found))})
