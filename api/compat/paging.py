"""AutoGPT's pages: numbered from 1, with totals."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import Depends, Query
from pydantic import BaseModel

PAGE_MOST = 100_000
SIZE_MOST = 100


class Pagination(BaseModel):
    """Where one is."""

    total_items: int
    total_pages: int
    current_page: int
    page_size: int


@dataclass(frozen=True, slots=True)
class Page:
    """A page that is asked for."""

    number: int
    size: int

    @property
    def offset(self) -> int:
        """How many items come before it."""
        return (self.number - 1) * self.size

    def of(self, total: int) -> dict[str, Any]:
        """Return where this page is among `total` items."""
        return {
            "total_items": total,
            "total_pages": -(-total // self.size),
            "current_page": self.number,
            "page_size": self.size,
        }


def _page(
    page: Annotated[int, Query(ge=1, le=PAGE_MOST)] = 1,
    page_size: Annotated[int, Query(ge=1, le=SIZE_MOST)] = 25,
) -> Page:
    return Page(page, page_size)


PageDep = Annotated[Page, Depends(_page)]
