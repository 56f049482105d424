"""What Notion calls rich text, properties and blocks, as plain values and Markdown, and back."""

from __future__ import annotations

import re
from typing import Any, Final

TEXT_CHARS: Final = 2_000
"""Longest text of one piece, as Notion has it."""
BLOCKS_MOST: Final = 100
"""Most blocks of one request, as Notion has it."""
_LINES: Final = (
    (re.compile(r"### (.*)"), "heading_3"),
    (re.compile(r"## (.*)"), "heading_2"),
    (re.compile(r"# (.*)"), "heading_1"),
    (re.compile(r"[-*] \[([ xX])\] (.*)"), "to_do"),
    (re.compile(r"[-*] (.*)"), "bulleted_list_item"),
    (re.compile(r"\d+[.)] (.*)"), "numbered_list_item"),
    (re.compile(r"> (.*)"), "quote"),
)
_MARKS: Final = {
    "heading_1": "# ",
    "heading_2": "## ",
    "heading_3": "### ",
    "bulleted_list_item": "- ",
    "numbered_list_item": "1. ",
    "quote": "> ",
}


def plain(rich: Any) -> str:
    """Return rich text as plain text."""
    return "".join(str(part.get("plain_text", "")) for part in rich or [] if isinstance(part, dict))


def rich(text: str) -> list[dict[str, Any]]:
    """Return plain text as rich text, in pieces that Notion takes."""
    pieces = [text[at : at + TEXT_CHARS] for at in range(0, len(text), TEXT_CHARS)]
    return [{"type": "text", "text": {"content": piece}} for piece in pieces[:BLOCKS_MOST]]


def title_of(page: dict[str, Any]) -> str:
    """Return the title of a page or of a database."""
    if "title" in page and isinstance(page["title"], list):
        return plain(page["title"])
    for value in (page.get("properties") or {}).values():
        if isinstance(value, dict) and value.get("type") == "title":
            return plain(value.get("title"))
    return ""


def values_of(properties: dict[str, Any]) -> dict[str, Any]:
    """Return the properties of a page as plain values, by name."""
    return {name: _value(found) for name, found in properties.items() if isinstance(found, dict)}


def _value(found: dict[str, Any]) -> Any:
    kind = str(found.get("type"))
    value = found.get(kind)
    if kind in ("title", "rich_text"):
        return plain(value)
    if kind in ("select", "status"):
        return (value or {}).get("name")
    if kind in ("multi_select", "people"):
        return [each.get("name") for each in value or []]
    if kind == "relation":
        return [each.get("id") for each in value or []]
    if kind == "formula" and isinstance(value, dict):
        return value.get(str(value.get("type")))
    if kind in ("created_by", "last_edited_by"):
        return (value or {}).get("name")
    return value


def blocks_of(markdown: str) -> list[dict[str, Any]]:
    """Return Markdown as blocks: headings, lists, to-dos, quotes, code and paragraphs; anything else is a paragraph."""
    found: list[dict[str, Any]] = []
    code: list[str] | None = None
    for line in markdown.splitlines():
        if line.startswith("```"):
            if code is not None:
                found.append(_block("code", "\n".join(code), language="plain text"))
            code = [] if code is None else None
        elif code is not None:
            code.append(line)
        elif line.strip() in ("---", "***"):
            found.append({"object": "block", "type": "divider", "divider": {}})
        elif line.strip():
            found.append(_line(line.strip()))
    if code:
        found.append(_block("code", "\n".join(code), language="plain text"))
    return found


def _line(line: str) -> dict[str, Any]:
    for pattern, kind in _LINES:
        match = pattern.fullmatch(line)
        if match and kind == "to_do":
            return _block(kind, match[2], checked=match[1] != " ")
        if match:
            return _block(kind, match[1])
    return _block("paragraph", line)


def _block(kind: str, text: str, **more: Any) -> dict[str, Any]:
    return {"object": "block", "type": kind, kind: {"rich_text": rich(text), **more}}


def markdown_of(block: dict[str, Any], depth: int) -> str:
    """Return one block as a line of Markdown; empty if it has no text."""
    kind = str(block.get("type"))
    value = block.get(kind) or {}
    text = plain(value.get("rich_text"))
    indent = "  " * depth
    if kind == "to_do":
        return f"{indent}- [{'x' if value.get('checked') else ' '}] {text}"
    if kind == "code":
        return f"```{value.get('language', '')}\n{text}\n```"
    if kind == "divider":
        return "---"
    if kind in ("image", "file", "pdf", "video", "bookmark", "embed"):
        target = value.get("url") or (value.get("external") or value.get("file") or {}).get("url", "")
        return f"{indent}[{plain(value.get('caption')) or kind}]({target})" if target else ""
    if kind == "child_page":
        return f"{indent}# {value.get('title', '')}"
    return f"{indent}{_MARKS.get(kind, '')}{text}" if text else ""
