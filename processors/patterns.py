"""Regular expressions of users, which must not hang a worker.

Python's `re` backtracks: some patterns take years on a short text. `cost` bounds the number of steps from the
pattern's parse tree; what is surely cheap runs here, everything else in a process that is killed at its time
limit.
"""

from __future__ import annotations

import re
import re._constants as _codes  # type: ignore[import-not-found]
import re._parser as _parser  # type: ignore[import-not-found]
from functools import lru_cache
from typing import Any, Final

from millstream.processors import isolation
from millstream.schemas.errors import BlockInputError

TIMEOUT_S: Final = 5.0
CHEAP_STEPS: Final = 2_000_000
"""At most some 10 ms, mostly microseconds; a hop to another process costs 0.2 ms."""
CHEAP_PATTERN_CHARS: Final = 500
MATCHES_LIMIT: Final = 10_000
_NEVER: Final = 10**18

_SINGLE = frozenset({"LITERAL", "NOT_LITERAL", "ANY", "IN", "CATEGORY", "AT", "RANGE"})
_REPEATS = frozenset({"MAX_REPEAT", "MIN_REPEAT", "POSSESSIVE_REPEAT"})


def compiled(pattern: str, flags: int) -> re.Pattern[str]:
    """Compile a pattern. Errors: BlockInputError, which says what is wrong and where."""
    try:
        return re.compile(pattern, flags)
    except (re.error, OverflowError, RecursionError) as error:
        raise BlockInputError(f"{pattern[:100]!r} is no regular expression: {error}.") from error


async def matches(
    pattern: str, text: str, flags: int, *, group: int = 0, most: int = MATCHES_LIMIT
) -> list[str]:
    """Texts of `group` in the first `most` matches, from left to right; matches without that group are left
    out.

    Errors: BlockInputError for a bad pattern, BlockTimeoutError.
    """
    if is_cheap(pattern, flags, len(text)):
        return _matches(pattern, text, int(flags), group, most)
    found: list[str] = await isolation.call(
        _matches, pattern, text, int(flags), group, most, timeout_s=TIMEOUT_S, what="The regular expression"
    )
    return found


async def found(pattern: str, text: str, flags: int) -> bool:
    """Tell whether the pattern matches somewhere. Errors: BlockInputError for a bad pattern,
    BlockTimeoutError.
    """
    if is_cheap(pattern, flags, len(text)):
        return _found(pattern, text, int(flags))
    return bool(
        await isolation.call(
            _found, pattern, text, int(flags), timeout_s=TIMEOUT_S, what="The regular expression"
        )
    )


def _found(pattern: str, text: str, flags: int) -> bool:
    return compiled(pattern, flags).search(text) is not None


def _matches(pattern: str, text: str, flags: int, group: int, most: int) -> list[str]:
    expression = compiled(pattern, flags)
    if not 0 <= group <= expression.groups:
        return []
    texts: list[str] = []
    for match in expression.finditer(text):
        value = match.group(group)
        if value is not None:
            texts.append(value)
            if len(texts) >= most:
                break
    return texts


def is_cheap(pattern: str, flags: int, text_chars: int) -> bool:
    """Tell whether a search surely ends within CHEAP_STEPS."""
    if len(pattern) > CHEAP_PATTERN_CHARS:
        return False
    shape = _shape(pattern, int(flags))
    return shape is None or (text_chars + 1) * _ways(shape, text_chars + 1) <= CHEAP_STEPS


@lru_cache(maxsize=512)
def _shape(pattern: str, flags: int) -> Any:
    """The parse tree; None if there is none, as then compiling fails at once."""
    try:
        return _parser.parse(pattern, flags)
    except (re.error, OverflowError, RecursionError):
        return None


def _ways(tree: Any, chars: int) -> int:
    """An upper bound of the ways in which `tree` can be tried at one place of a text of `chars` characters.

    A repeat of single characters can end in at most `chars` places; sequences multiply, alternatives add. A
    repeat of anything longer, a back reference or a condition counts as unbounded.
    """
    total = 1
    for code, argument in tree:
        total *= _ways_of(str(code), argument, chars)
        if total >= _NEVER:
            return _NEVER
    return total


def _ways_of(code: str, argument: Any, chars: int) -> int:
    if code in _SINGLE:
        return 1
    if code in _REPEATS:
        _, most, body = argument
        times = chars if most is _codes.MAXREPEAT else min(int(most), chars)
        if len(body) == 1 and str(body[0][0]) in _SINGLE:
            return times + 1
        return _ways(body, chars) + 1 if times <= 1 else _NEVER
    if code == "SUBPATTERN":
        return _ways(argument[3], chars)
    if code == "BRANCH":
        return min(_NEVER, sum(_ways(branch, chars) for branch in argument[1]))
    if code in ("ASSERT", "ASSERT_NOT"):
        return _ways(argument[1], chars) + 1
    if code == "ATOMIC_GROUP":
        return _ways(argument, chars)
    return _NEVER
