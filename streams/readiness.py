"""Whether a node has all its inputs, and what they are after merging, masking and conversion. Pure.

The rules are those that agents made for AutoGPT rely on: a default does not stand in for a linked pin, a mask does;
conversion is lax; what does not fit waits, silently. Large values are not here: they are let through by reference and
converted by the worker that fetches them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
import orjson

from millstream.processors.pins import merge
from millstream.schemas.messages import Payload, Slot
from millstream.schemas.pins import base_name
from millstream.schemas.secrets import REF, REF_BYTES
from millstream.streams.plan import RunNode

MISSING_PINS = "missing"
"""Input of a join that says which of its pins got nothing."""


class Ref:
    """Stands for a value that is in the object store."""

    __slots__ = ("payload",)

    def __init__(self, payload: Payload) -> None:
        self.payload = payload


class Input(msgspec.Struct, frozen=True):
    """The complete input of a node execution."""

    values: dict[str, Any]
    data: bytes
    """`values` as JSON, null where `slots` are."""
    slots: list[Slot]


class Unready(msgspec.Struct, frozen=True):
    """Why a node does not run yet: its pins that are missing or do not fit, and a sentence."""

    pins: tuple[str, ...]
    reason: str


def load(payload: Payload) -> Any:
    """Return the value, or a `Ref`."""
    return Ref(payload) if payload.inline is None else orjson.loads(payload.inline)


def inline(value: Any) -> Payload:
    """Return a value as a payload in place."""
    data = orjson.dumps(value)
    return Payload(inline=data, type=json_type(value), size=len(data))


def json_type(value: Any) -> str:
    """Name the JSON type of a Python value."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, (int, float)):
        return "number"
    if isinstance(value, str):
        return "string"
    return "object" if isinstance(value, dict) else "array"


def assemble(
    node: RunNode,
    delivered: Mapping[str, Any],
    mask: Mapping[str, Any] | None,
    *,
    released: bool = False,
    excused: frozenset[str] = frozenset(),
) -> Input | Unready:
    """Merge what was delivered with defaults and mask, convert it, and check that the node can run.

    `released`: it is a join for which nothing more comes; the linked pins without a value go to its input `missing`.
    `excused`: linked pins that need no value, since a call may leave them out.
    """
    values = node.defaults()
    values.update(delivered)
    if mask:
        values.update(mask)
    lacking = [pin for pin in node.linked if pin not in delivered and not (mask and pin in mask)]
    if excused:
        lacking = [pin for pin in lacking if pin not in excused]
    if released:
        values[MISSING_PINS] = sorted(lacking)
    elif lacking:
        return Unready(tuple(lacking), f"no value has arrived on {_names(lacking)}")
    if node.dynamic or (mask and any(base_name(pin) != pin for pin in mask)):
        try:
            values = merge(values)
        except (ValueError, TypeError, KeyError) as error:
            return Unready(tuple(node.linked), f"the values do not merge: {error}")
    if any(type(value) is Ref for value in delivered.values()):
        return _with_refs(node, values, {pin for pin, value in values.items() if _holds_ref(value)})
    unlike = {pin for pin, value in values.items() if type(value) in _NESTING and _holds_secret(value)}
    if unlike:
        return _with_refs(node, values, unlike)
    values = node.convert(values)
    problem = _problem(node, values)
    return problem or Input(values, orjson.dumps(values), [])


_NESTING = (dict, list)


def _holds_secret(value: Any) -> bool:
    """Tell whether there is a reference to a secret in it: the worker converts it, once it has the secret."""
    return REF_BYTES in orjson.dumps(value)


def _with_refs(node: RunNode, values: dict[str, Any], refs: set[str]) -> Input | Unready:
    plain = node.convert({pin: value for pin, value in values.items() if pin not in refs})
    problem = _problem(node, plain, present=refs)
    if problem:
        return problem
    values = {pin: values[pin] if pin in refs else plain[pin] for pin in values}
    slots: list[Slot] = []
    holed = {
        pin: _hole(value, "/" + token(pin), slots) if pin in refs else value for pin, value in values.items()
    }
    return Input(values, orjson.dumps(holed), slots)


def _problem(node: RunNode, values: dict[str, Any], present: set[str] = frozenset()) -> Unready | None:  # type: ignore[assignment]
    missing = [pin for pin in node.required if pin not in present and values.get(pin) is None]
    if missing:
        return Unready(tuple(missing), f"required and without a value: {_names(missing)}")
    checked = {pin: value for pin, value in values.items() if value is not None}
    if present:
        errors = [e for e in node.validator.iter_errors(checked) if e.instance_path]
    elif node.validator.is_valid(checked):
        return None
    else:
        errors = list(node.validator.iter_errors(checked))
    if not errors:
        return None
    pins = tuple(dict.fromkeys(str(e.instance_path[0]) for e in errors if e.instance_path))
    return Unready(pins, errors[0].message[:300])


def _holds_ref(value: Any) -> bool:
    if isinstance(value, Ref):
        return True
    if isinstance(value, dict):
        if REF in value:
            return True
        return any(_holds_ref(v) for v in value.values()) if value else False
    return isinstance(value, list) and any(type(v) in (Ref, dict, list) and _holds_ref(v) for v in value)


def holed(values: dict[str, Any]) -> Input:
    """Return inputs as they are, for a block that is run by itself."""
    slots: list[Slot] = []
    data = orjson.dumps({pin: _hole(value, "/" + token(pin), slots) for pin, value in values.items()})
    return Input(values, data, slots)


def _hole(value: Any, path: str, slots: list[Slot]) -> Any:
    if isinstance(value, Ref):
        slots.append(Slot(path=path, value=value.payload))
        return None
    if isinstance(value, dict):
        return {k: _hole(v, f"{path}/{token(k)}", slots) for k, v in value.items()}
    if isinstance(value, list):
        return [_hole(v, f"{path}/{i}", slots) for i, v in enumerate(value)]
    return value


def token(key: str) -> str:
    """Return a key as a part of an RFC 6901 pointer."""
    return key.replace("~", "~0").replace("/", "~1")


def _names(pins: list[str]) -> str:
    return ", ".join(repr(pin) for pin in sorted(pins)[:5]) + (", ..." if len(pins) > 5 else "")
