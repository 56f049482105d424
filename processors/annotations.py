"""Types that authors write in signatures: outputs, media, flags of pins."""

from __future__ import annotations

from typing import Annotated, Any, Generic, TypeVar

from pydantic import Field

from millstream.processors.context import Park
from millstream.processors.flags import Flag

T = TypeVar("T")


class Outputs:
    """Base of classes that name the output pins of a generator: one annotated attribute a pin."""


Pins = TypeVar("Pins", bound=Outputs)


class Of(Generic[Pins]):
    """Carries the `Outputs` class inside `Emit`; never made."""


Emit = tuple[str, Any] | Park | Of[Pins]
"""What a generator yields: `(pin, value)`, or `Park` as its last word."""


Advanced = Annotated[T, Flag(advanced=True)]
"""A pin that forms show only on demand."""
Hidden = Annotated[T, Flag(advanced=True, hidden=True)]
"""A pin that forms do not show."""

ShortText = Annotated[str, Field(json_schema_extra={"format": "short-text"})]
LongText = Annotated[str, Field(json_schema_extra={"format": "long-text"})]
DateText = Annotated[str, Field(json_schema_extra={"format": "date"})]
TimeText = Annotated[str, Field(json_schema_extra={"format": "time"})]
DateTimeText = Annotated[str, Field(json_schema_extra={"format": "date-time"})]
FileRef = Annotated[str, Field(json_schema_extra={"format": "file"})]
"""`workspace://<id>`, a data: URI or an http(s) URL; read it with `Files`."""

Image = Annotated[str, Field(json_schema_extra={"format": "file", "contentMediaType": "image/*"})]
Audio = Annotated[str, Field(json_schema_extra={"format": "file", "contentMediaType": "audio/*"})]
Video = Annotated[str, Field(json_schema_extra={"format": "file", "contentMediaType": "video/*"})]
"""References like `FileRef`, never bytes: what is large does not travel with messages."""
Markdown = Annotated[str, Field(json_schema_extra={"format": "markdown"})]
Json = Annotated[Any, Field(json_schema_extra={"format": "json"})]
Table = Annotated[list[dict[str, Any]], Field(json_schema_extra={"format": "table"})]
"""Rows by column name."""


SecretText = Annotated[str, Flag(secret=True, format="password", writeOnly=True)]
"""A text that nobody but the block sees: constants and inputs of it are sealed, and records have a reference."""


class Empty:
    """The type of EMPTY."""

    def __repr__(self) -> str:
        return "EMPTY"


EMPTY: Any = Empty()
"""Default of a list or dictionary pin: a fresh empty one for each run."""
