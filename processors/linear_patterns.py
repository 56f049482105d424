"""Regular expressions by RE2: whatever the pattern, a search takes time in proportion to the text.

RE2 has no back references and no look-around. `\\d`, `\\w` and `\\b` are ASCII in it, other than in Python's `re`,
which is why `patterns` (blocks that promise `re`) does not use it. A match costs some 20 microseconds in the
Python binding, so callers bound the number of matches and run in a process of their own.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from millstream.schemas.errors import BlockInputError

PROGRAM_LIMIT_BYTES: Final = 8 * 1024 * 1024
PATTERN_LIMIT_CHARS: Final = 10_000


def compiled(
    pattern: str, *, ignore_case: bool = False, multi_line: bool = False, dot_all: bool = False
) -> Any:
    """Compile a pattern. Errors: BlockInputError, which says what is wrong."""
    import re2  # type: ignore[import-untyped]

    if len(pattern) > PATTERN_LIMIT_CHARS:
        raise BlockInputError(f"The pattern has {len(pattern)} characters; at most {PATTERN_LIMIT_CHARS}.")
    options = re2.Options()
    options.log_errors = False
    options.max_mem = PROGRAM_LIMIT_BYTES
    flags = "i" * ignore_case + "m" * multi_line + "s" * dot_all
    try:
        return re2.compile(f"(?{flags}){pattern}" if flags else pattern, options)
    except re2.error as error:
        raise BlockInputError(f"{pattern[:100]!r} is no pattern: {_reason(error)}.") from error


def _reason(error: Exception) -> str:
    said = error.args[0] if error.args else error
    text = said.decode("utf-8", "replace") if isinstance(said, bytes) else str(said)
    if "perl operator" in text or "escape sequence" in text:
        text += " (RE2 has no look-around and no back references)"
    return text


def found(expression: Any, text: str, most: int) -> Iterator[dict[str, Any]]:
    """The first `most` matches: text, start, end (in characters), groups in order, named groups."""
    for number, match in enumerate(expression.finditer(text)):
        if number >= most:
            return
        start, end = match.span()
        yield {
            "text": match.group(0),
            "start": start,
            "end": end,
            "groups": list(match.groups()),
            "named": match.groupdict(),
        }
