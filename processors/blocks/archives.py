"""Archives: look into, take files out, pack."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Annotated, Any, Literal

from pydantic import Field

from millstream.processors import archives
from millstream.processors.annotations import EMPTY, Advanced, Emit, FileRef, Outputs
from millstream.processors.blocks.spreadsheets import is_file
from millstream.processors.file_work import opened, packed, unpacked, worked
from millstream.processors.samples import Sample
from millstream.processors.sdk import block
from millstream.processors.services import Files
from millstream.schemas.errors import BlockInputError
from millstream.schemas.sizes import VALUE_LIMIT_BYTES

_KINDS = ("application/zip", "application/vnd.", "application/epub", "application/gzip", "application/octet-stream",
          "application/x-", "text/plain")  # fmt: skip
"""Tar has no magic at its beginning, and looks like text if all that it holds does."""


class Listed(Outputs):
    """Pins of ListArchiveBlock."""

    files: list[dict[str, Any]]
    count: int
    skipped: list[dict[str, str]]


@block(
    categories=("DATA",),
    lane="cpu",
    timeout_s=120,
    samples=[
        Sample(
            {"file": "data:;base64,UEsFBgAAAAAAAAAAAAAAAAAAAAAAAA=="},
            [("files", []), ("count", 0), ("skipped", [])],
        ),
        Sample({"file": "data:,text"}, raises="block_failed"),
        Sample({"file": "data:;base64,R0lGODlhAQABAAAAACw="}, raises="block_input_invalid"),
    ],
)
async def list_archive(file: FileRef, *, files: Files) -> AsyncIterator[Emit[Listed]]:
    """Tell what is in an archive (zip, tar, tar.gz, tar.bz2, tar.xz), without unpacking it.

    file: The archive.
    files: Its files: `name` and `size`, as the archive claims.
    count: How many.
    skipped: What would not come out, and why: links, encrypted files, names that lead out.
    """
    content = await opened(files, file, _KINDS, "an archive")
    found = await worked(archives.read, packed(content), [], True, what="Reading this archive")
    yield "files", found["files"]
    yield "count", len(found["files"])
    yield "skipped", found["skipped"]


class Extracted(Outputs):
    """Pins of ExtractArchiveBlock."""

    files: dict[str, FileRef]
    file: FileRef
    count: int
    skipped: list[dict[str, str]]


@block(
    categories=("DATA",),
    lane="cpu",
    timeout_s=180,
    samples=[
        Sample(
            {"archive": "data:;base64,UEsFBgAAAAAAAAAAAAAAAAAAAAAAAA=="},
            [("files", {}), ("count", 0), ("skipped", [])],
        ),
        Sample({"archive": "data:,text"}, raises="block_failed"),
    ],
)
async def extract_archive(
    archive: FileRef, patterns: list[str] = EMPTY, *, files: Files
) -> AsyncIterator[Emit[Extracted]]:
    """Take files out of an archive into the workspace. What unpacks to far more than it holds is refused; links and
    names that lead out are left out.

    archive: The archive: zip, tar, tar.gz, tar.bz2 or tar.xz.
    patterns: Names of the files wanted, such as `*.csv` or `docs/*`; all without any.
    files: The files by their names in the archive.
    file: Each file, one by one.
    count: How many came out.
    skipped: What did not, and why.
    """
    content = await opened(files, archive, _KINDS, "an archive")
    found = await worked(archives.read, packed(content), patterns, False, what="Unpacking this archive")
    refs = {one["name"]: await files.write(unpacked(one["data"]), name=one["name"]) for one in found["files"]}
    yield "files", refs
    for ref in refs.values():
        yield "file", ref
    yield "count", len(refs)
    yield "skipped", found["skipped"]


class Packed(Outputs):
    """Pins of CreateArchiveBlock."""

    archive: FileRef
    size: int


@block(
    categories=("DATA",),
    lane="cpu",
    timeout_s=120,
    samples=[
        Sample({"files": {"a/b.txt": "data:,hi"}}, [("archive", is_file), ("size", int)]),
        Sample({"files": {"a": "data:,hi"}, "kind": "tar.gz"}, [("archive", is_file), ("size", int)]),
        Sample({"files": {"../a": "data:,hi"}}, raises="block_input_invalid"),
        Sample({"files": {}}, raises="block_input_invalid"),
    ],
)
async def create_archive(
    files_: dict[str, FileRef],
    kind: Literal["zip", "tar", "tar.gz"] = "zip",
    name: Advanced[Annotated[str, Field(max_length=200)]] = "archive",
    *,
    files: Files,
) -> AsyncIterator[Emit[Packed]]:
    """Pack files into an archive.

    files: The files by the names that they get in it, such as `docs/a.txt`.
    kind: What kind of archive.
    name: Its name, without the ending.
    archive: The archive.
    size: Its bytes.
    """
    if not 0 < len(files_) <= archives.FILES_LIMIT:
        raise BlockInputError(f"An archive has 1 to {archives.FILES_LIMIT} files here.")
    parts: list[dict[str, str]] = []
    total = 0
    for inside, ref in files_.items():
        content = await files.read(ref)
        total += len(content.data)
        if total > VALUE_LIMIT_BYTES:
            raise BlockInputError(f"The files have more than {VALUE_LIMIT_BYTES} bytes together.")
        parts.append({"name": inside, "data": packed(content)})
    made = await worked(archives.write, parts, kind, what="Packing these files")
    data = unpacked(made["data"])
    yield "archive", await files.write(data, name=f"{name}.{kind}")
    yield "size", len(data)
