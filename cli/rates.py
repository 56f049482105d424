"""Settings of limits."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field


class RateSettings(BaseModel):
    """How often somebody may ask. Variables: `MILLSTREAM_RATES__<FIELD>`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    on: bool = Field(default=True, description="`false`: requests are not counted, log-ins still are.")
    reads: Annotated[int, Field(ge=1)] = Field(
        default=1200,
        description="Reading requests of one user per minute; half of it for one key, four times as many for one address.",
    )
    writes: Annotated[int, Field(ge=1)] = Field(default=600, description="The same for changing requests.")
    starts: Annotated[int, Field(ge=1)] = Field(default=600, description="The same for starts of executions.")
    uploads: Annotated[int, Field(ge=1)] = Field(default=60, description="The same for uploads of files.")
    sockets: Annotated[int, Field(ge=1)] = Field(
        default=600, description="The same for WebSockets that are opened."
    )
