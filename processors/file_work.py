"""Work on files in a process of its own: bytes travel there and back in Base64, and are kept by reference."""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Any, Final

from millstream.processors import isolation
from millstream.processors.guards.sniffing import media_type_of
from millstream.processors.services import FileContent, Files
from millstream.schemas.errors import BlockInputError
from millstream.schemas.sizes import VALUE_LIMIT_BYTES

RESULT_LIMIT_BYTES: Final = 2 * VALUE_LIMIT_BYTES
"""Room for files of the largest size in Base64."""


async def opened(files: Files, ref: str, kinds: tuple[str, ...], what: str) -> FileContent:
    """Read a file whose content, whatever its name and sender say, is of one of `kinds` (`image/`, or whole).

    Errors: BlockInputError if it is something else; those of `Files.read`.
    """
    content = await files.read(ref)
    found = media_type_of(content.data, content.media_type)
    if not found.startswith(kinds):
        raise BlockInputError(f"The file is {found}, not {what}.", media_type=found)
    return content


def packed(content: FileContent) -> str:
    """The bytes as text."""
    return base64.b64encode(content.data).decode()


def unpacked(text: str) -> bytes:
    """The bytes of `packed`, or of a result of `worked`."""
    return base64.b64decode(text)


async def worked(fn: Callable[..., Any], *arguments: Any, what: str, timeout_s: float = 60.0) -> Any:
    """Call a plain function in another process. Errors: those of `isolation.call`."""
    return await isolation.call(fn, *arguments, timeout_s=timeout_s, most_bytes=RESULT_LIMIT_BYTES, what=what)


def renamed(name: str, ending: str, default: str) -> str:
    """`photo.png` of `photo.heic` and `png`; `default` stands in for a name that is not known."""
    stem = name.rpartition(".")[0] or name or default
    return f"{stem}.{ending}"
