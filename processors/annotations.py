"""Types that authors write in signatures: outputs, media, flags of pins."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated, Any, Generic, TypeVar

from pydantic import Field

from millstream.processors.context import Park

T = TypeVar("T")


class Outputs:
    """Base of classes that name the output pins of a generator: one annotated attribute a pin."""


Pins = TypeVar("Pins", bound=Outputs)


class Of(Generic[Pins]):
    """Carries the `Outputs` class inside `Emit`; never made."""


Emit = tuple[str, Any] | Park | Of[Pins]
"""What a generator yields: `(pin, value)`, or `Park` as its last word."""


class Flag:
    """Marks a pin; `extra` goes into its JSON Schema."""

    def __init__(self, **extra: Any) -> None:
        self.extra: Mapping[str, Any] = MappingProxyType(extra)


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


class Empty:
    """The type of EMPTY."""

    def __repr__(self) -> str:
        return "EMPTY"


EMPTY: Any = Empty()
"""Default of a list or dictionary pin: a fresh empty one for each run."""
