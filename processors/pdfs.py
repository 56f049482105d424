"""PDF by pypdf, as plain functions for a process of their own: text, pages, putting together. No script in a PDF
runs, nothing that it names is fetched, and what is written anew has no scripts, forms or attachments."""

from __future__ import annotations

import base64
import io
import logging
from typing import Any, Final

from millstream.schemas.errors import BlockExecutionError, BlockInputError

PAGES_LIMIT: Final = 5_000
TEXT_LIMIT_CHARS: Final = 10_000_000


def _opened(data: str, password: str = "") -> Any:
    from pypdf import PdfReader
    from pypdf.errors import PyPdfError

    logging.getLogger("pypdf").setLevel(logging.CRITICAL)
    try:
        reader = PdfReader(io.BytesIO(base64.b64decode(data)))
        if reader.is_encrypted and not reader.decrypt(password):
            raise BlockInputError("The PDF is locked; give its password.")
        pages = len(reader.pages)
    except (PyPdfError, OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise BlockExecutionError(f"The file cannot be read as PDF: {str(error)[:200]}.") from error
    if pages > PAGES_LIMIT:
        raise BlockExecutionError(f"The PDF has {pages} pages; at most {PAGES_LIMIT} are read.")
    return reader


def chosen(pages: str, count: int) -> list[int]:
    """Places of `1-3, 7, 9-`, counted from 1; all without any. Errors: BlockInputError."""
    if not pages.strip():
        return list(range(count))
    found: list[int] = []
    for part in pages.split(","):
        first, dash, last = (piece.strip() for piece in part.partition("-"))
        try:
            start = int(first) if first or not dash else 1
            end = (int(last) if last else count) if dash else start
        except ValueError as error:
            raise BlockInputError(f"{part.strip()[:40]!r} names no pages; write 1-3, 7, 9-.") from error
        if not 1 <= start <= end or start > count:
            raise BlockInputError(f"The PDF has {count} pages, not {part.strip()[:40]!r}.")
        found.extend(range(start - 1, min(end, count)))
    if len(found) > PAGES_LIMIT:
        raise BlockInputError(f"{len(found)} pages are too many; at most {PAGES_LIMIT}.")
    return found


def text(data: str, pages: str, password: str) -> dict[str, Any]:
    """Text of pages, with what the PDF says of itself."""
    reader = _opened(data, password)
    texts: list[str] = []
    size = 0
    for place in chosen(pages, len(reader.pages)):
        try:
            one = reader.pages[place].extract_text() or ""
        except Exception as error:
            raise BlockExecutionError(f"Page {place + 1} cannot be read: {str(error)[:200]}.") from error
        size += len(one)
        if size > TEXT_LIMIT_CHARS:
            raise BlockExecutionError(f"The text has more than {TEXT_LIMIT_CHARS} characters; choose pages.")
        texts.append(one.encode("utf-8", "replace").decode().strip())
    try:
        known = {
            str(key).removeprefix("/"): str(value)[:1000] for key, value in (reader.metadata or {}).items()
        }
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        known = {}
    return {"texts": texts, "count": len(reader.pages), "about": known}


def take(data: str, pages: str, password: str, degrees: int) -> dict[str, Any]:
    """Some pages as a PDF of their own, turned clockwise."""
    reader = _opened(data, password)
    return _written([(reader, place) for place in chosen(pages, len(reader.pages))], degrees)


def merge(parts: list[str]) -> dict[str, Any]:
    """All pages of several PDFs, in order."""
    readers = [_opened(part) for part in parts]
    every = [(reader, place) for reader in readers for place in range(len(reader.pages))]
    if len(every) > PAGES_LIMIT:
        raise BlockExecutionError(f"There would be {len(every)} pages; at most {PAGES_LIMIT} are written.")
    return _written(every, 0)


def _written(pages: list[tuple[Any, int]], degrees: int) -> dict[str, Any]:
    from pypdf import PdfWriter

    writer = PdfWriter()
    try:
        for reader, place in pages:
            page = writer.add_page(reader.pages[place], excluded_keys=["/AA", "/Annots", "/B"])
            if degrees:
                page.rotate(degrees)
        out = io.BytesIO()
        writer.write(out)
    except Exception as error:
        raise BlockExecutionError(f"The PDF cannot be written: {str(error)[:200]}.") from error
    return {"data": base64.b64encode(out.getvalue()).decode(), "count": len(pages)}
