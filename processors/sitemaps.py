"""Sitemaps (sitemaps.org, version 0.9), as a plain function for a process of its own."""

from __future__ import annotations

from typing import Any, Final
from xml.etree.ElementTree import Element, ParseError

import defusedxml.ElementTree
from defusedxml.common import DefusedXmlException

from millstream.schemas.errors import BlockExecutionError

ENTRIES_LIMIT: Final = 50_000


def read(text: str) -> dict[str, list[Any]]:
    """Return the pages and the further sitemaps that one names; a plain text has one address a line.

    Errors: BlockExecutionError.
    """
    text = text.lstrip("\ufeff \t\r\n")
    if not text.startswith("<"):
        lines = [
            line.strip() for line in text.splitlines() if line.strip().startswith(("http://", "https://"))
        ]
        return {"pages": [{"url": line, "modified": ""} for line in lines[:ENTRIES_LIMIT]], "maps": []}
    try:
        root = defusedxml.ElementTree.fromstring(text, forbid_entities=True, forbid_external=True)
    except (ParseError, DefusedXmlException, ValueError) as error:
        raise BlockExecutionError(f"This is no sitemap: {error or type(error).__name__}.") from error
    name = _name(root)
    if name not in ("urlset", "sitemapindex"):
        raise BlockExecutionError(f"This is no sitemap: it begins with <{name}>.")
    entries = [{_name(part): (part.text or "").strip() for part in entry} for entry in root[:ENTRIES_LIMIT]]
    named = [entry for entry in entries if entry.get("loc", "").startswith(("http://", "https://"))]
    if name == "sitemapindex":
        return {"pages": [], "maps": [entry["loc"] for entry in named]}
    return {
        "pages": [{"url": entry["loc"], "modified": entry.get("lastmod", "")} for entry in named],
        "maps": [],
    }


def _name(element: Element) -> str:
    return str(element.tag).rpartition("}")[2]
