"""JSON values: merge, patch (RFC 6902, RFC 7396), compare, flatten. Plain functions that change no argument."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any, Final

from millstream.processors.ordering import same_key
from millstream.schemas.errors import BlockExecutionError, BlockInputError

OPERATIONS_LIMIT: Final = 10_000
CHANGES_LIMIT: Final = 50_000
_MISSING: Final = object()


def equal(a: Any, b: Any) -> bool:
    """Whether two values are the same JSON: 1 and 1.0 are, 1 and true are not."""
    if isinstance(a, dict) and isinstance(b, dict):
        return a.keys() == b.keys() and all(equal(a[key], b[key]) for key in a)
    if isinstance(a, list) and isinstance(b, list):
        return len(a) == len(b) and all(map(equal, a, b))
    return not isinstance(a, dict | list) and not isinstance(b, dict | list) and same_key(a) == same_key(b)


def merged(a: Any, b: Any, lists: str) -> Any:
    """`b` laid over `a`: objects merge, key by key; lists are replaced, joined, or joined without repeats."""
    if isinstance(a, dict) and isinstance(b, dict):
        return {**a, **{key: merged(a[key], value, lists) if key in a else value for key, value in b.items()}}
    if isinstance(a, list) and isinstance(b, list) and lists != "replace":
        return [*a, *b] if lists == "append" else [*a, *(x for x in b if not any(equal(x, y) for y in a))]
    return b


def merge_patched(value: Any, patch: Any) -> Any:
    """RFC 7396: null takes a key away."""
    if not isinstance(patch, dict):
        return patch
    made = dict(value) if isinstance(value, dict) else {}
    for key, change in patch.items():
        if change is None:
            made.pop(key, None)
        else:
            made[key] = merge_patched(made.get(key), change)
    return made


def steps_of(pointer: Any) -> list[str]:
    """The steps of a JSON pointer (RFC 6901). Errors: BlockInputError."""
    if not isinstance(pointer, str) or (pointer and not pointer.startswith("/")):
        raise BlockInputError(f"{str(pointer)[:100]!r} is no JSON pointer; it looks like /a/0/b.")
    return [step.replace("~1", "/").replace("~0", "~") for step in pointer.split("/")[1:]]


def pointer_of(steps: tuple[str | int, ...]) -> str:
    """The JSON pointer of steps."""
    return "".join("/" + str(step).replace("~", "~0").replace("/", "~1") for step in steps)


def patched(value: Any, operations: list[Any]) -> Any:
    """RFC 6902: all operations, or none and an error that names the one that does not fit."""
    if len(operations) > OPERATIONS_LIMIT:
        raise BlockInputError(f"There are {len(operations)} operations; at most {OPERATIONS_LIMIT}.")
    document = copy.deepcopy(value)
    for number, operation in enumerate(operations, 1):
        if not isinstance(operation, dict) or "op" not in operation or "path" not in operation:
            raise BlockInputError(f"Operation {number} needs `op` and `path`.")
        try:
            document = _operated(document, operation)
        except (KeyError, IndexError, TypeError, ValueError) as error:
            raise BlockExecutionError(
                f"Operation {number} ({str(operation['op'])[:20]} {str(operation['path'])[:200]}) does not fit: {error}."
            ) from error
    return document


def _operated(document: Any, operation: dict[str, Any]) -> Any:
    kind, path = operation["op"], steps_of(operation["path"])
    if kind in ("add", "replace", "test"):
        if "value" not in operation:
            raise ValueError("it has no `value`")
        value = copy.deepcopy(operation["value"])
        if kind == "test":
            if not equal(_at(document, path), value):
                raise ValueError("the value there is another")
            return document
        return _put(document if kind == "add" else _without(document, path)[0], path, value)
    if kind == "remove":
        return _without(document, path)[0]
    if kind not in ("move", "copy"):
        raise ValueError("there is no such operation")
    source = steps_of(operation.get("from"))
    if kind == "copy":
        return _put(document, path, copy.deepcopy(_at(document, source)))
    if path[: len(source)] == source and len(path) > len(source):
        raise ValueError("nothing can move into itself")
    document, moved = _without(document, source)
    return _put(document, path, moved)


def _at(document: Any, path: list[str]) -> Any:
    for step in path:
        document = document[_place(document, step)]
    return document


def _place(container: Any, step: str, *, adding: bool = False) -> Any:
    """Key or index of a step. Errors: KeyError, IndexError, TypeError."""
    if isinstance(container, dict):
        if not adding and step not in container:
            raise KeyError(step)
        return step
    if not isinstance(container, list):
        raise TypeError(f"there is nothing below a value at {step!r}")
    if adding and step == "-":
        return len(container)
    if not step.isdecimal() or (step[0] == "0" and len(step) > 1):
        raise IndexError(f"{step!r} is no place in a list")
    if int(step) >= len(container) + adding:
        raise IndexError(f"the list has {len(container)} items")
    return int(step)


def _put(document: Any, path: list[str], value: Any) -> Any:
    if not path:
        return value
    container = _at(document, path[:-1])
    place = _place(container, path[-1], adding=True)
    if isinstance(container, list):
        container.insert(place, value)
    else:
        container[place] = value
    return document


def _without(document: Any, path: list[str]) -> tuple[Any, Any]:
    """The document without what is at `path`, and that."""
    if not path:
        return None, document
    container = _at(document, path[:-1])
    return document, container.pop(_place(container, path[-1]))


def changes(a: Any, b: Any) -> list[dict[str, Any]]:
    """Operations of RFC 6902 that make `b` of `a`; those that replace or remove also tell the `old` value."""
    found = []
    for change in _changes(a, b, ()):
        found.append(change)
        if len(found) > CHANGES_LIMIT:
            raise BlockExecutionError(f"There are more than {CHANGES_LIMIT} changes.")
    return found


def _changes(a: Any, b: Any, path: tuple[str | int, ...]) -> Iterator[dict[str, Any]]:
    if isinstance(a, dict) and isinstance(b, dict):
        for key in a:
            if key not in b:
                yield {"op": "remove", "path": pointer_of((*path, key)), "old": a[key]}
        for key, value in b.items():
            if key in a:
                yield from _changes(a[key], value, (*path, key))
            else:
                yield {"op": "add", "path": pointer_of((*path, key)), "value": value}
    elif isinstance(a, list) and isinstance(b, list):
        yield from _list_changes(a, b, path)
    elif not equal(a, b):
        yield {"op": "replace", "path": pointer_of(path), "value": b, "old": a}


def _list_changes(a: list[Any], b: list[Any], path: tuple[str | int, ...]) -> Iterator[dict[str, Any]]:
    for place, (old, new) in enumerate(zip(a, b, strict=False)):
        yield from _changes(old, new, (*path, place))
    # From behind, so that the places before stay what they are.
    for place in range(len(a) - 1, len(b) - 1, -1):
        yield {"op": "remove", "path": pointer_of((*path, place)), "old": a[place]}
    for place in range(len(a), len(b)):
        yield {"op": "add", "path": pointer_of((*path, place)), "value": b[place]}


def flattened(value: Any, separator: str) -> dict[str, Any]:
    """One level: `{"a": {"b": [1]}}` is `{"a.b.0": 1}`. Empty containers stay.

    Errors: BlockInputError if two paths get the same name.
    """
    found: dict[str, Any] = {}
    for path, leaf in _leaves(value, ()):
        name = separator.join(path)
        if name in found:
            raise BlockInputError(f"Two values would be called {name[:100]!r}; take another separator.")
        found[name] = leaf
    return found


def _leaves(value: Any, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Any]]:
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    if not items or (isinstance(value, list) and not value):
        yield path, value
        return
    for key, item in items:
        yield from _leaves(item, (*path, str(key)))


def nested(value: dict[str, Any], separator: str) -> Any:
    """The way back from `flattened`: levels whose keys are 0, 1, 2 ... become lists."""
    root: dict[str, Any] = {}
    for name, leaf in value.items():
        *way, last = name.split(separator) if separator else [name]
        level = root
        for step in way:
            below = level.setdefault(step, {})
            if not isinstance(below, dict):
                raise BlockInputError(f"{name[:100]!r} lies below a value.")
            level = below
        if isinstance(level.get(last, _MISSING), dict):
            raise BlockInputError(f"{name[:100]!r} is a value and has values below it.")
        level[last] = leaf
    return _listed(root)


def _listed(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    made = {key: _listed(item) for key, item in value.items()}
    places = [str(place) for place in range(len(made))]
    return [made[place] for place in places] if made and set(made) == set(places) else made
