"""`/api/v1/usage`."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Response
from pydantic import AwareDatetime, BaseModel, Field

from millstream.api.auth.guards import CurrentUser, require
from millstream.api.auth.principal import Scope
from millstream.api.database import ReadConnection
from millstream.api.http.answers import JsonAnswer
from millstream.api.http.problems import documented
from millstream.api.http.requests import EdgeRoute
from millstream.api.usage.repository import By, ModelCalls
from millstream.schemas.errors import InputInvalidError

router = APIRouter(prefix="/api/v1/usage", tags=["usage"], route_class=EdgeRoute)

DEFAULT_DAYS = 30


class UsageSums(BaseModel):
    """Calls of models, added up."""

    key: str = Field(description="What they have in common: `provider:model`, a day, an id; `total` for all.")
    calls: int
    repeats: int = Field(
        description="Calls that were made again by runs repeated after a crash; not in the other sums."
    )
    input_tokens: int
    output_tokens: int
    cached_tokens: int = Field(description="Of the input tokens, those from the provider's cache.")
    cost_microusd: int = Field(description="Millionths of a US dollar.")
    unpriced: int = Field(description="Calls whose price is not known; they count as 0 in the cost.")
    elapsed_ms: int


class UsageOut(BaseModel):
    """What models were asked in a time, and what it cost."""

    since: datetime
    until: datetime
    total: UsageSums
    items: list[UsageSums]


@router.get("", response_model=UsageOut, responses=documented(InputInvalidError))
@require(Scope.READ_GRAPH)
async def get_usage(
    user: CurrentUser,
    conn: ReadConnection,
    by: Annotated[By, Query(description="How calls are grouped.")] = "model",
    since: Annotated[AwareDatetime | None, Query(description="Default: 30 days before `until`.")] = None,
    until: Annotated[AwareDatetime | None, Query(description="Default: now.")] = None,
    execution_id: UUID | None = None,
) -> Response:
    """Return what the caller's runs have asked of models: tokens, cost, time."""
    end = until or datetime.now(UTC)
    try:
        begin = since or end - timedelta(days=DEFAULT_DAYS)
    except OverflowError as error:
        raise InputInvalidError("`until` is too early.") from error
    total, groups = await ModelCalls(conn).sums(
        by, owner_id=user.account_id, since=begin, until=end, execution_id=execution_id
    )
    items = [asdict(group) for group in groups]
    return JsonAnswer({"since": begin, "until": end, "total": asdict(total), "items": items})
