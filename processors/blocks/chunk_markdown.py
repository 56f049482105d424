"""Markdown cut at its headings, so that each piece of a document knows what it is about."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import Field

from millstream.processors.samples import Sample
from millstream.processors.sdk import block
from millstream.schemas.errors import BlockInputError

CHARS_A_TOKEN = 4
"""About, for texts in European languages."""
CHUNK_LIMIT = 10_000
_HEADING = re.compile(r" {0,3}(#{1,6})(?:[ \t]+(.*?))?(?:[ \t]+#+)?[ \t]*")
_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})")
_SENTENCE = re.compile(r"(?<=[.!?])\s+")

_DOCUMENT = "# Tea\nGreen tea is mild.\n\n## Time\nTwo minutes.\n```\n# no heading\n```\n"


@dataclass
class Chunks:
    """Pins of ChunkMarkdownBlock."""

    chunks: list[str]
    headings: list[str]
    metadata: list[dict[str, Any]]
    count: int


@block(
    categories=("TEXT", "DATA"),
    timeout_s=30,
    samples=[
        Sample(
            {"text": _DOCUMENT},
            [
                (
                    "chunks",
                    ["Tea\n\nGreen tea is mild.", "Tea > Time\n\nTwo minutes.\n```\n# no heading\n```"],
                ),
                ("headings", ["Tea", "Tea > Time"]),
                ("metadata", [{"heading": "Tea", "part": 0}, {"heading": "Tea > Time", "part": 1}]),
                ("count", 2),
            ],
        ),
        Sample(
            {"text": "One two three. Four five six.", "most_tokens": 4},
            [
                ("chunks", ["One two three.", "Four five six."]),
                ("headings", ["", ""]),
                ("metadata", [{"heading": "", "part": 0}, {"heading": "", "part": 1}]),
                ("count", 2),
            ],
        ),
        Sample({"text": ""}, [("chunks", []), ("headings", []), ("metadata", []), ("count", 0)]),
    ],
)
def chunk_markdown(
    text: str,
    most_tokens: Annotated[int, Field(ge=4, le=25_000)] = 400,
    with_heading: bool = True,
) -> Chunks:
    """Cut a Markdown document at its headings, and what is too long between two headings at paragraphs, lines and sentences.
    The pieces and their metadata go into UpsertDocumentsBlock as they are.

    text: The document; plain text is cut as well.
    most_tokens: Longest piece without its heading, in tokens of about four characters.
    with_heading: Begin each piece with the headings above it, which helps a search.
    chunks: The pieces, in order.
    headings: For each piece the headings above it, like `Tea > Time`.
    metadata: For each piece an object with `heading`, and `part`, its number.
    count: How many pieces there are.
    """
    most_chars = most_tokens * CHARS_A_TOKEN
    chunks: list[str] = []
    headings: list[str] = []
    for heading, body in _sections(text):
        for piece in _pieces(body, most_chars):
            chunks.append(f"{heading}\n\n{piece}" if heading and with_heading else piece)
            headings.append(heading)
            if len(chunks) > CHUNK_LIMIT:
                raise BlockInputError(f"There would be more than {CHUNK_LIMIT:,} pieces; make them larger.")
    metadata: list[dict[str, Any]] = [
        {"heading": heading, "part": number} for number, heading in enumerate(headings)
    ]
    return Chunks(chunks=chunks, headings=headings, metadata=metadata, count=len(chunks))


def _sections(text: str) -> list[tuple[str, str]]:
    """What stands below each heading, with the headings above it; `#` in fenced code is none."""
    found: list[tuple[str, list[str]]] = [("", [])]
    above: list[tuple[int, str]] = []
    fence = ""
    for line in text.splitlines():
        mark = _FENCE.match(line)
        if mark is not None:
            if not fence:
                fence = mark[1]
            elif line.strip().startswith(fence) and not line.strip().strip(fence[0]):
                fence = ""
        heading = None if fence or mark else _HEADING.fullmatch(line)
        if heading is None:
            found[-1][1].append(line)
            continue
        level = len(heading[1])
        above = [each for each in above if each[0] < level] + [(level, (heading[2] or "").strip())]
        found.append((" > ".join(title for _, title in above if title), []))
    return [(heading, "\n".join(lines).strip()) for heading, lines in found]


def _pieces(body: str, most_chars: int) -> list[str]:
    """A text in pieces that are not too long, cut where it hurts least."""
    return [piece for piece in (part.strip() for part in _cut(body, most_chars, 0)) if piece]


def _cut(text: str, most_chars: int, level: int) -> list[str]:
    if len(text) <= most_chars:
        return [text]
    if level == 4:
        return [text[start : start + most_chars] for start in range(0, len(text), most_chars)]
    if level == 2:
        parts, joint = _SENTENCE.split(text), " "
    else:
        joint = ("\n\n", "\n", "", " ")[level]
        parts = text.split(joint)
    pieces: list[str] = []
    open_: list[str] = []
    size = 0
    for part in parts:
        if open_ and size + len(part) > most_chars:
            pieces.append(joint.join(open_))
            open_, size = [], 0
        if len(part) > most_chars:
            pieces += _cut(part, most_chars, level + 1)
            continue
        open_.append(part)
        size += len(part) + len(joint)
    return [*pieces, joint.join(open_)] if open_ else pieces
