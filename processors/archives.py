"""Archives (zip, tar, tar.gz, tar.bz2, tar.xz), as plain functions: read with bounds, written anew.

Nothing is ever unpacked to a disk. Bytes are counted as they come out, whatever the headers say; links, devices and
names that lead out of the archive are left out and told.
"""

from __future__ import annotations

import base64
import io
import lzma
import posixpath
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from fnmatch import fnmatchcase
from typing import IO, Any, Final

from millstream.schemas.errors import BlockExecutionError, BlockInputError
from millstream.schemas.sizes import VALUE_LIMIT_BYTES

MEMBERS_LIMIT: Final = 10_000
FILES_LIMIT: Final = 500
TOTAL_LIMIT_BYTES: Final = VALUE_LIMIT_BYTES
RATIO_LIMIT: Final = 200
RATIO_FREE_BYTES: Final = 1_000_000
"""Up to this size nothing is a bomb, however well it is packed."""
_CHUNK: Final = 65_536
_EPOCH: Final = (1980, 1, 1, 0, 0, 0)

Member = tuple[str, int, Callable[[], IO[bytes]]]


def members(data: bytes, skipped: list[dict[str, str]]) -> Iterator[Member]:
    """Name, claimed size and opener of each file; what is left out is added to `skipped`."""
    if data.startswith(b"PK"):
        yield from _zip_members(data, skipped)
    else:
        yield from _tar_members(data, skipped)


def _zip_members(data: bytes, skipped: list[dict[str, str]]) -> Iterator[Member]:
    archive = zipfile.ZipFile(io.BytesIO(data))
    _count(len(archive.infolist()))
    for info in archive.infolist():
        kind = info.external_attr >> 28
        if info.is_dir():
            continue
        if kind not in (0, 8):
            skipped.append({"name": info.filename[:200], "reason": "a link or a device"})
        elif info.flag_bits & 1:
            skipped.append({"name": info.filename[:200], "reason": "encrypted"})
        else:
            yield info.filename, info.file_size, lambda info=info: archive.open(info)  # type: ignore[misc]


def _tar_members(data: bytes, skipped: list[dict[str, str]]) -> Iterator[Member]:
    with tarfile.open(fileobj=io.BytesIO(data), mode="r:*") as archive:
        for number, info in enumerate(archive, 1):
            _count(number)
            if info.isdir():
                continue
            if not info.isreg():
                skipped.append({"name": info.name[:200], "reason": "a link or a device"})
            else:
                yield info.name, info.size, lambda info=info: archive.extractfile(info)  # type: ignore[misc]


def _count(number: int) -> None:
    if number > MEMBERS_LIMIT:
        raise BlockExecutionError(f"The archive has more than {MEMBERS_LIMIT} members.")


def safe_name(name: str) -> str | None:
    """The name inside the archive; None if it is absolute or leads out."""
    plain = name.replace("\\", "/")
    clean = posixpath.normpath(plain)
    if (
        plain.startswith("/")
        or clean in (".", "..")
        or clean.startswith("../")
        or plain[1:2] == ":"
        or "\0" in plain
    ):
        return None
    return clean


def read(data: str, patterns: list[str], listing: bool) -> dict[str, Any]:
    """List an archive, or take out the files whose names fit a pattern (all without any).

    Errors: BlockExecutionError if it is none, or unpacks to more than the limits.
    """
    raw = base64.b64decode(data)
    skipped: list[dict[str, str]] = []
    files: list[dict[str, Any]] = []
    total = 0
    try:
        for name, size, opener in members(raw, skipped):
            clean = safe_name(name)
            if clean is None:
                skipped.append({"name": name[:200], "reason": "its name leads out of the archive"})
                continue
            if patterns and not any(fnmatchcase(clean, pattern) for pattern in patterns):
                continue
            if listing:
                files.append({"name": clean, "size": size})
                continue
            if len(files) >= FILES_LIMIT:
                raise BlockExecutionError(f"More than {FILES_LIMIT} files fit; take fewer with `patterns`.")
            content = _content(opener, len(raw), total, clean)
            total += len(content)
            files.append({"name": clean, "size": len(content), "data": base64.b64encode(content).decode()})
    except (zipfile.BadZipFile, tarfile.TarError, zlib.error, lzma.LZMAError, EOFError, OSError) as error:
        raise BlockExecutionError(f"The archive cannot be read: {str(error)[:200]}.") from error
    except (NotImplementedError, RuntimeError, ValueError) as error:
        raise BlockExecutionError(f"The archive cannot be read: {str(error)[:200]}.") from error
    return {"files": files, "skipped": skipped[:1000]}


def _content(opener: Callable[[], IO[bytes]], packed: int, before: int, name: str) -> bytes:
    out = bytearray()
    with opener() as source:
        while piece := source.read(_CHUNK):
            out += piece
            total = before + len(out)
            if total > TOTAL_LIMIT_BYTES or total > max(RATIO_FREE_BYTES, packed * RATIO_LIMIT):
                raise BlockExecutionError(
                    f"The archive unpacks to far more than it holds (at {name[:100]!r}); at most {TOTAL_LIMIT_BYTES} "
                    f"bytes and {RATIO_LIMIT} times its size are unpacked."
                )
    return bytes(out)


def write(files: list[dict[str, str]], kind: str) -> dict[str, Any]:
    """An archive of files (`name`, `data`). The same files give the same bytes.

    Errors: BlockInputError for names that lead out or repeat.
    """
    out = io.BytesIO()
    named: dict[str, bytes] = {}
    for file in files:
        name = safe_name(file["name"])
        if name is None:
            raise BlockInputError(f"{file['name'][:100]!r} is no name for a file in an archive.")
        if name in named:
            raise BlockInputError(f"Two files are called {name[:100]!r}.")
        named[name] = base64.b64decode(file["data"])
    if kind == "zip":
        with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, content in named.items():
                info = zipfile.ZipInfo(name, _EPOCH)
                info.external_attr = 0o100644 << 16
                archive.writestr(info, content, zipfile.ZIP_DEFLATED)
    else:
        with tarfile.open(fileobj=out, mode="w:gz" if kind == "tar.gz" else "w") as archive_:
            for name, content in named.items():
                entry = tarfile.TarInfo(name)
                entry.size = len(content)
                archive_.addfile(entry, io.BytesIO(content))
    return {"data": base64.b64encode(out.getvalue()).decode()}
