"""PDF: text, pages, putting together."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Annotated, Literal

from pydantic import Field

from millstream.processors import pdfs
from millstream.processors.annotations import Advanced, Emit, FileRef, Outputs, SecretText, ShortText
from millstream.processors.file_work import opened, packed, renamed, unpacked, worked
from millstream.processors.samples import Sample
from millstream.processors.sdk import block
from millstream.processors.services import FileContent, Files

_PDF = ("application/pdf",)
_NO_PDF = Sample({"file": "data:application/pdf,text"}, raises="block_input_invalid")
_BROKEN = Sample({"file": "data:,%25PDF-1.7"}, raises="block_failed")


async def _read(files: Files, ref: str) -> FileContent:
    return await opened(files, ref, _PDF, "a PDF")


class PdfText(Outputs):
    """Pins of PdfTextBlock."""

    text: str
    pages: list[str]
    page_count: int
    about: dict[str, str]


@block(categories=("DATA", "TEXT"), lane="cpu", timeout_s=120, samples=[_NO_PDF, _BROKEN])
async def pdf_text(
    file: FileRef, pages: ShortText = "", password: Advanced[SecretText] = "", *, files: Files
) -> AsyncIterator[Emit[PdfText]]:
    """Take the text out of a PDF. Pages that are pictures of text have none; a model that sees can read those.

    file: The PDF.
    pages: Which pages, such as `1-3, 7, 9-`; all without any. Going out, a text for each of them.
    password: What opens it, if it is locked.
    text: All of the text, with an empty line between pages.
    page_count: How many pages the PDF has.
    about: What it says of itself: title, author, dates.
    """
    found = await worked(
        pdfs.text, packed(await _read(files, file)), pages, password, what="Reading this PDF"
    )
    yield "text", "\n\n".join(text for text in found["texts"] if text)
    yield "pages", found["texts"]
    yield "page_count", found["count"]
    yield "about", found["about"]


class Pdf(Outputs):
    """Pins of blocks that make a PDF."""

    file: FileRef
    page_count: int


@block(categories=("DATA",), lane="cpu", timeout_s=120, samples=[_NO_PDF, _BROKEN])
async def pdf_pages(
    file: FileRef,
    pages: ShortText = "",
    turn: Advanced[Literal[0, 90, 180, 270]] = 0,
    password: Advanced[SecretText] = "",
    *,
    files: Files,
) -> AsyncIterator[Emit[Pdf]]:
    """Make a PDF of some pages of another, in any order. Scripts, forms and notes stay behind.

    file: The PDF; going out, the new one.
    pages: Which pages, such as `1-3, 7, 9-`; all without any.
    turn: How far they are turned, clockwise.
    password: What opens it, if it is locked.
    page_count: How many pages the new PDF has.
    """
    content = await _read(files, file)
    made = await worked(pdfs.take, packed(content), pages, password, turn, what="Taking these pages")
    yield "file", await files.write(unpacked(made["data"]), name=renamed(content.name, "pdf", "pages"))
    yield "page_count", made["count"]


@block(
    categories=("DATA",),
    lane="cpu",
    timeout_s=120,
    samples=[
        Sample({"inputs": []}, raises="block_input_invalid"),
        Sample({"inputs": ["data:,text"]}, raises="block_input_invalid"),
    ],
)
async def merge_pdfs(
    inputs: Annotated[list[FileRef], Field(min_length=1, max_length=100)],
    name: str = "merged.pdf",
    *,
    files: Files,
) -> AsyncIterator[Emit[Pdf]]:
    """Put PDFs together, one behind the other. Scripts, forms and notes stay behind.

    inputs: The PDFs, in order.
    name: Name of the new file.
    file: The new PDF.
    page_count: How many pages it has.
    """
    parts = [packed(await _read(files, ref)) for ref in inputs]
    made = await worked(pdfs.merge, parts, what="Putting these PDFs together")
    yield "file", await files.write(unpacked(made["data"]), name=renamed(name, "pdf", "merged"))
    yield "page_count", made["count"]
