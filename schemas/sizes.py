"""Limits, each with its unit in the name, and the check that a value is JSON that all parts of us carry."""

from __future__ import annotations

import math
from typing import Any, Final

from millstream.schemas.errors import InputInvalidError

KIB: Final = 1024
MIB: Final = 1024 * KIB

VALUE_LIMIT_BYTES: Final = 25_000_000
"""One value on a pin, as JSON."""
INLINE_STATE_BYTES: Final = 1 * KIB
"""A value up to this size lies in the coordinator's state itself; a larger one by reference."""
INLINE_RESULT_BYTES: Final = 16 * KIB
"""A value up to this size travels inside a result; a larger one by reference."""
REQUEST_LIMIT_BYTES: Final = 32 * MIB
"""One HTTP request: the largest value, or the largest graph, with room for what is around it."""

NODE_DEFAULTS_LIMIT_BYTES: Final = MIB + 64 * KIB
"""`input_default` of one node: a text of a full MiB on one pin still fits."""
METADATA_LIMIT_BYTES: Final = MIB
"""`metadata` of one node."""

NODES_LIMIT: Final = 10_000
"""Nodes of one graph."""
LINKS_LIMIT: Final = 50_000
"""Links of one graph."""
SUB_GRAPHS_LIMIT: Final = 1_000
"""Graphs that travel with one graph."""

ID_LIMIT_CHARS: Final = 200
NAME_LIMIT_CHARS: Final = 500
PIN_LIMIT_CHARS: Final = 2_000
TEXT_LIMIT_CHARS: Final = 100_000
"""Description or instructions of a graph."""
PROBLEMS_LIMIT: Final = 200
"""Problems that one error names; the rest is counted."""

JSON_DEPTH_LIMIT: Final = 64
"""Containers within each other; `[]` has depth 1."""
INT_MIN: Final = -(2**63)
INT_MAX: Final = 2**64 - 1
"""The integers that JSON libraries carry exactly; a larger one would silently become a float on the way."""


class _Refused(Exception):
    """Carries the reason up; each level that it passes adds its step to the path."""

    def __init__(self, why: str, reason: str) -> None:
        super().__init__(reason)
        self.why = why
        self.steps: list[str | int] = []


def check_json(value: Any, *, nul: bool = True) -> None:
    """Refuse what is not JSON, or is JSON that one of our parts would change or choke on.

    Refused: NaN and infinities, lone surrogates, integers outside -2**63 .. 2**64-1, more than 64 containers
    within each other, keys that are no text, other Python types and, unless `nul`, the character U+0000
    (PostgreSQL has none).
    Errors: InputInvalidError, with facts `path` (like `a.b[3]`, empty for the value itself) and `why`.
    """
    try:
        _check(value, 1, nul)
    except _Refused as refused:
        path = path_text(reversed(refused.steps))
        where = f" at `{path}`" if path else ""
        raise InputInvalidError(f"{refused}{where}.", path=path, why=refused.why) from None


def path_text(steps: Any) -> str:
    """Return a path as people write it: `["nodes", 3, "id"]` is `nodes[3].id`."""
    text = ""
    for step in steps:
        if isinstance(step, int):
            text += f"[{step}]"
        else:
            text += f".{_shown(step)}" if text else _shown(step)
    return text


def _shown(step: str) -> str:
    """A key, short and safe to print: it may be what is wrong."""
    return step[:80].encode("utf-8", "backslashreplace").decode()


def _check(value: Any, depth: int, nul: bool) -> None:
    kind = type(value)
    if kind is str:
        _check_text(value, nul)
    elif kind is dict or kind is list:
        if depth > JSON_DEPTH_LIMIT:
            raise _Refused(
                "too_deep", f"More than {JSON_DEPTH_LIMIT} lists and objects within each other; flatten them"
            )
        _check_items(value, depth, nul)
    elif kind is float:
        if not math.isfinite(value):
            raise _Refused("not_finite", f"{value!r} is no JSON number; send null or a text instead")
    elif kind is int:
        if not INT_MIN <= value <= INT_MAX:
            raise _Refused("int_too_large", "An integer is outside -2**63 .. 2**64-1; send it as text")
    elif value is not None and kind is not bool:
        raise _Refused(
            "not_json", f"A value of type {kind.__name__!r} is not JSON; send text, numbers, lists or objects"
        )


def _check_items(value: dict[Any, Any] | list[Any], depth: int, nul: bool) -> None:
    items = value.items() if isinstance(value, dict) else enumerate(value)
    keyed = isinstance(value, dict)
    for key, item in items:
        try:
            if keyed:
                if type(key) is not str:
                    raise _Refused("not_json", f"The key {key!r} is no text; JSON objects have text keys")
                _check_text(key, nul)
            _check(item, depth + 1, nul)
        except _Refused as refused:
            refused.steps.append(key if isinstance(key, str | int) else repr(key))
            raise


def _check_text(text: str, nul: bool) -> None:
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError:
            raise _Refused(
                "lone_surrogate", "A text has half a surrogate pair, which UTF-8 cannot write; remove it"
            ) from None
    if not nul and "\0" in text:
        raise _Refused("nul", "A text has the character U+0000, which PostgreSQL cannot store; remove it")
