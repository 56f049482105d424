"""What dynamic pin names read from an emitted value and write into a node's inputs. Names: `schemas/pins.py`.

Pure: nothing here changes its arguments. `base_name` is here for readers who look for it beside `read` and
`merge`.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any, Final, NamedTuple

from millstream.schemas.pins import ATTRIBUTE, DELIMITERS, INDEX, KEY, TOOL_PREFIX, base_name, is_tool_pin

__all__ = ["MISSING", "base_name", "merge", "read", "split_tool_pin", "steps", "tool_pin"]

INDEX_LIMIT: Final = 100_000
"""Highest list index that may be written: a list is padded up to it, so a name alone could ask for gigabytes.
"""

_TOOL_SEPARATOR: Final = "_~_"


class _Missing:
    """The type of MISSING."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "MISSING"

    def __bool__(self) -> bool:
        return False


MISSING: Final = _Missing()
"""Nothing is to be delivered; null is a value."""


class Step(NamedTuple):
    """One step of a dynamic name: into a list, a dictionary or an object."""

    kind: str
    """`_$_`, `_#_` or `_@_`."""
    name: str


def tool_pin(node_id: str, pin: str) -> str:
    """Name of the output on which a model gives the argument `pin` to the tool that is node `node_id`."""
    return f"{TOOL_PREFIX}{node_id}{_TOOL_SEPARATOR}{pin}"


def split_tool_pin(name: str) -> tuple[str, str] | None:
    """Node id and pin of `tools_^_{node}_~_{pin}`; None if `name` is something else."""
    if not name.startswith(TOOL_PREFIX):
        return None
    node_id, separator, pin = name[len(TOOL_PREFIX) :].partition(_TOOL_SEPARATOR)
    return (node_id, pin) if separator and node_id and pin else None


@lru_cache(maxsize=4096)
def steps(rest: str) -> tuple[Step, ...] | None:
    """Cut what follows the base name into steps; None if it is not made of delimiters and non-empty names."""
    found: list[Step] = []
    while rest:
        kind = rest[:3]
        if kind not in DELIMITERS:
            return None
        ends = [end for end in (rest.find(mark, 3) for mark in DELIMITERS) if end >= 0]
        end = min(ends, default=len(rest))
        if end == 3:
            return None
        found.append(Step(kind, rest[3:end]))
        rest = rest[end:]
    return tuple(found)


def read(
    link_name: str, emitted_name: str, value: Any, *, sink_id: str | None = None, sink_pin: str | None = None
) -> Any:
    """Return what a link named `link_name` takes of a value emitted on `emitted_name`, or MISSING.

    A link of the same name takes the whole value, null included; one that selects a part delivers nothing
    when there is no such part or it is null. A tool's output goes only to the link of that node and pin.
    Errors: ValueError, if a tool's output is read without `sink_id` and `sink_pin`.
    """
    if emitted_name.startswith(TOOL_PREFIX) and is_tool_pin(link_name):
        if not sink_id or not sink_pin:
            raise ValueError(f"A tool output ({emitted_name!r}) is read for a node and a pin; give both.")
        return value if split_tool_pin(emitted_name) == (sink_id, sink_pin) else MISSING
    if link_name == emitted_name:
        return value
    if not link_name.startswith(emitted_name):
        return MISSING
    path = steps(link_name[len(emitted_name) :])
    if not path:
        return MISSING
    for step in path:
        value = _select(value, step)
        if value is None:
            return MISSING
    return value


def _select(value: Any, step: Step) -> Any:
    """The part that one step names, or None."""
    if step.kind == INDEX:
        if not isinstance(value, list):
            return None
        try:
            return value[int(step.name)]
        except (ValueError, IndexError):
            return None
    # Values are plain JSON once emitted, so an attribute is a key.
    return value.get(step.name) if isinstance(value, dict) else None


def merge(inputs: dict[str, Any]) -> dict[str, Any]:
    """Write dynamic names into their bases: `{"a_$_0": 1}` gives `{"a": [1], "a_$_0": 1}`.

    In the order of the keys; a value under the bare base name is the starting container, and a container of
    the wrong kind is replaced. Lists are padded with null. The dynamic names stay beside the bases.
    Errors: ValueError, for a list index that is no number from 0 to 100,000 and for a name that does not
    divide.
    """
    merged = dict(inputs)
    own: set[int] = set()
    """Ids of containers made here, which may be changed; all others belong to the caller."""
    for name, value in inputs.items():
        base = base_name(name)
        if base == name or is_tool_pin(name):
            continue
        path = steps(name[len(base) :])
        if path is None:
            raise ValueError(f"The pin name {name!r} is wrong: each of _$_ _#_ _@_ needs a name after it.")
        merged[base] = _write(merged.get(base), path, value, own)
    return merged


def _write(container: Any, path: tuple[Step, ...], value: Any, own: set[int]) -> Any:
    """Return `container` with `value` at `path`."""
    root = holder = _opened(container, path[0], own)
    for step, following in zip(path, path[1:], strict=False):
        inner = _opened(_get(holder, step), following, own)
        _put(holder, step, inner)
        holder = inner
    _put(holder, path[-1], value)
    return root


def _opened(container: Any, step: Step, own: set[int]) -> Any:
    """A list or dictionary that `step` can write into, and that is ours: the given one, a copy, or a new one."""
    if id(container) in own and isinstance(container, list if step.kind == INDEX else dict):
        return container
    if step.kind == INDEX:
        opened: Any = list(container) if isinstance(container, list) else []
    else:
        opened = dict(container) if isinstance(container, dict) else {}
    own.add(id(opened))
    return opened


def _get(holder: Any, step: Step) -> Any:
    if step.kind in (KEY, ATTRIBUTE):
        return holder.get(step.name)
    index = _index(step)
    return holder[index] if index < len(holder) else None


def _put(holder: Any, step: Step, value: Any) -> None:
    if step.kind in (KEY, ATTRIBUTE):
        holder[step.name] = value
        return
    index = _index(step)
    if index >= len(holder):
        holder.extend([None] * (index + 1 - len(holder)))
    holder[index] = value


def _index(step: Step) -> int:
    try:
        index = int(step.name)
    except ValueError:
        index = -1
    if not 0 <= index <= INDEX_LIMIT:
        raise ValueError(
            f"The list index {step.name!r} is no number from 0 to {INDEX_LIMIT}; rename the pin."
        )
    return index
