"""Pages by cursor: an opaque text that says where the next page begins, and stays right while rows are added."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

import orjson
from fastapi import Query

from millstream.schemas.errors import InputInvalidError

LIMIT_DEFAULT = 25
LIMIT_MOST = 250

Limit = Annotated[int, Query(ge=1, le=LIMIT_MOST, description="Items on a page.")]
CursorText = Annotated[str | None, Query(max_length=500, description="`next_cursor` of the page before.")]


@dataclass(frozen=True, slots=True)
class Cursor:
    """The last row of a page that is ordered by time and id, newest first."""

    at: datetime
    id: UUID

    @property
    def text(self) -> str:
        """The form that clients get."""
        return base64.urlsafe_b64encode(orjson.dumps([self.at, self.id])).decode().rstrip("=")

    @classmethod
    def parse(cls, text: str | None) -> Cursor | None:
        """Read a client's cursor. Errors: InputInvalidError."""
        if text is None:
            return None
        try:
            at, id_ = orjson.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
            return cls(datetime.fromisoformat(at), UUID(id_))
        except (ValueError, TypeError, AttributeError, binascii.Error) as error:
            raise InputInvalidError(
                f"The cursor {text[:40]!r} is none of ours; begin without one."
            ) from error


def page(items: list[dict[str, Any]], cursors: list[Cursor], limit: int) -> dict[str, Any]:
    """Return a page of at most `limit` items, asked for with one more to see whether there is a next page."""
    more = len(items) > limit
    return {"items": items[:limit], "next_cursor": cursors[limit - 1].text if more else None}
