"""Lax conversion of a value to the type of a pin, as AutoGPT does it when a node becomes ready.

A value that already has the type is returned itself; null, `any` and typed objects (those with `properties`)
are left alone. A schema is compiled once into closures, since conversion runs for every node on the hot path;
nothing here refuses a value, that is the validator's part.

Rules (AutoGPT Platform of May 2026, observed): to text: JSON text; to a number: the length of a container,
else the number read from it, else 0; to boolean: the text `true` or `1`, else truthiness; to a list: pairs of
an object, a text `[...]` read as JSON, else a list of the one value; to an object: JSON text, `{"value": x}`
if that is no object, a list by its indexes. Elements of containers are converted too. Of a union the first
member counts, unless one fits already.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

Convert = Callable[[Any], Any]
Fits = Callable[[Any], bool]
Definitions = Mapping[str, Any]


class _Rule(NamedTuple):
    """What one schema does: convert, and tell whether a value needs no conversion."""

    convert: Convert
    fits: Fits
    leaves: bool = False
    """True if `convert` never changes anything."""


def compile_converter(schema: Mapping[str, Any]) -> Convert:
    """Return a function that converts values to `schema`.

    For a block's whole input schema (an object with `properties`) the function takes the dictionary of inputs
    and converts each pin that is in it; pins that the schema does not know stay. It never changes its
    argument: the same object comes back if nothing was to convert, else a copy.
    """
    definitions: Definitions = schema.get("$defs", {})
    rules = _Compiler(definitions)
    properties = schema.get("properties")
    if properties:
        pins = {pin: rules.rule(s).convert for pin, s in properties.items() if not rules.rule(s).leaves}
        return _inputs(pins)
    return rules.rule(schema).convert


def convert(value: Any, schema: Mapping[str, Any], definitions: Definitions | None = None) -> Any:
    """Convert one value to the schema of one pin; `definitions` are the `$defs` that it refers to."""
    return _Compiler(definitions or schema.get("$defs", {})).rule(schema).convert(value)


def _inputs(pins: dict[str, Convert]) -> Convert:
    def run(values: dict[str, Any]) -> dict[str, Any]:
        changed: dict[str, Any] | None = None
        for pin, value in values.items():
            if value is None:
                continue
            to_pin = pins.get(pin)
            if to_pin is None:
                continue
            new = to_pin(value)
            if new is not value:
                if changed is None:
                    changed = dict(values)
                changed[pin] = new
        return values if changed is None else changed

    return run


class _Compiler:
    """Turns schemas into rules; knows the definitions and which of them are being compiled."""

    def __init__(self, definitions: Definitions) -> None:
        self._definitions = definitions
        self._named: dict[str, _Rule] = {}

    def rule(self, schema: Any) -> _Rule:
        """The rule of one schema."""
        if not isinstance(schema, Mapping):
            return _ANY
        if "$ref" in schema:
            return self._reference(str(schema["$ref"]))
        members = schema.get("anyOf") or schema.get("oneOf")
        if members:
            return _union([self.rule(member) for member in members], [_is_null(m) for m in members])
        if "allOf" in schema and len(schema["allOf"]) == 1:
            return self.rule(schema["allOf"][0])
        kind = schema.get("type")
        if isinstance(kind, list):
            parts = [{**schema, "type": one} for one in kind]
            return _union([self.rule(part) for part in parts], [_is_null(part) for part in parts])
        rule = self._typed(kind, schema)
        return _choice(schema, rule) if "enum" in schema or "const" in schema else rule

    def _typed(self, kind: Any, schema: Mapping[str, Any]) -> _Rule:
        if kind == "array":
            return _array(self.rule(schema.get("items")))
        if kind == "object":
            if schema.get("properties"):
                return _MODEL
            return _object(self.rule(schema.get("additionalProperties")))
        return _SCALARS.get(kind, _ANY) if isinstance(kind, str) else _ANY

    def _reference(self, reference: str) -> _Rule:
        name = reference.rpartition("/")[2]
        if name not in self._named:
            # A schema may contain itself: until it is compiled, it stands for a rule that looks itself up
            # later.
            self._named[name] = _Rule(
                lambda value: self._named[name].convert(value), lambda value: self._named[name].fits(value)
            )
            self._named[name] = self.rule(self._definitions.get(name))
        return self._named[name]


def _same(value: Any) -> Any:
    return value


def _always(_: Any) -> bool:
    return True


_ANY = _Rule(_same, _always, leaves=True)
_MODEL = _Rule(_same, lambda value: isinstance(value, dict), leaves=True)
_NULL = _Rule(_same, lambda value: value is None, leaves=True)


def _is_null(schema: Any) -> bool:
    return isinstance(schema, Mapping) and schema.get("type") == "null"


def to_text(value: Any) -> Any:
    """Text of a value: itself, or its JSON with a space after `,` and `:`."""
    if type(value) is str or value is None:
        return value
    if isinstance(value, set | frozenset):
        value = list(value)
    return json.dumps(value, ensure_ascii=False, default=str)


def to_number(value: Any) -> Any:
    """Float of a value: the length of a container, what a text says, else 0."""
    if type(value) is float or value is None:
        return value
    if isinstance(value, int):
        try:
            return float(value)
        except OverflowError:
            return value
    if isinstance(value, list | dict | tuple | set | frozenset):
        return float(len(value))
    try:
        number = float(value)
    except (TypeError, ValueError):
        return 0.0
    return number if math.isfinite(number) else 0.0


def to_integer(value: Any) -> Any:
    """Integer of a value, towards zero; digits of a text are read exactly, however many."""
    if type(value) is int or value is None:
        return value
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, str):
        try:
            return int(value)
        except ValueError:
            pass
    number = to_number(value)
    return int(number) if math.isfinite(number) else 0


def to_boolean(value: Any) -> Any:
    """Boolean of a value: of a text whether it is `true` or `1` in any case, else truthiness."""
    if type(value) is bool or value is None:
        return value
    if isinstance(value, str):
        return value.strip().lower() in ("true", "1")
    return bool(value)


def to_list(value: Any) -> Any:
    """List of a value: of an object its pairs, of a text `[...]` what it says, else the value alone in a
    list.
    """
    if type(value) is list or value is None:
        return value
    if isinstance(value, list | tuple | set | frozenset):
        return list(value)
    if isinstance(value, dict):
        return [[key, item] for key, item in value.items()]
    if isinstance(value, str):
        text = value.strip()
        if text.startswith("[") and text.endswith("]"):
            read = _read_json(text)
            if isinstance(read, list):
                return read
    return [value]


def to_object(value: Any) -> Any:
    """Object of a value: what a JSON text says, a list by its indexes, else `{"value": x}`."""
    if type(value) is dict or value is None:
        return value
    if isinstance(value, dict):
        return dict(value)
    if isinstance(value, list | tuple):
        return {str(index): item for index, item in enumerate(value)}
    if isinstance(value, str):
        read = _read_json(value)
        return read if isinstance(read, dict) else {"value": read}
    return {"value": value}


def _read_json(text: str) -> Any:
    """What a JSON text says, or the text itself if it is none."""
    try:
        return json.loads(text, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        return text


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


_SCALARS: dict[str, _Rule] = {
    "string": _Rule(to_text, lambda value: isinstance(value, str)),
    "integer": _Rule(to_integer, lambda value: type(value) is int),
    "number": _Rule(to_number, lambda value: isinstance(value, int | float) and not isinstance(value, bool)),
    "boolean": _Rule(to_boolean, lambda value: type(value) is bool),
    "null": _NULL,
}


def _array(items: _Rule) -> _Rule:
    if items.leaves:
        return _Rule(to_list, lambda value: isinstance(value, list))
    item = items.convert

    def run(value: Any) -> Any:
        values = to_list(value)
        if values is None:
            return None
        for index, old in enumerate(values):
            new = item(old)
            if new is not old:
                return values[:index] + [new] + [item(one) for one in values[index + 1 :]]
        return values

    return _Rule(run, lambda value: isinstance(value, list) and all(map(items.fits, value)))


def _object(values: _Rule) -> _Rule:
    if values.leaves:
        return _Rule(to_object, lambda value: isinstance(value, dict))
    item = values.convert

    def run(value: Any) -> Any:
        old = to_object(value)
        if old is None:
            return None
        new = {key: item(one) for key, one in old.items()}
        return new if any(new[key] is not old[key] for key in old) else old

    return _Rule(run, lambda value: isinstance(value, dict) and all(map(values.fits, value.values())))


def _union(rules: list[_Rule], nulls: list[bool]) -> _Rule:
    members = [rule for rule, null in zip(rules, nulls, strict=True) if not null]
    if not members or any(member is _ANY for member in members):
        return _ANY
    checks = [member.fits for member in members]
    first = members[0].convert
    if len(members) == 1 and not members[0].leaves:
        # An optional pin: the one member converts, and leaves null alone by itself.
        return _Rule(first, lambda value: value is None or checks[0](value))

    def fits(value: Any) -> bool:
        return value is None or any(check(value) for check in checks)

    return _Rule(lambda value: value if fits(value) else first(value), fits, all(m.leaves for m in members))


def _choice(schema: Mapping[str, Any], rule: _Rule) -> _Rule:
    """An enumeration: a listed value stays, another is converted only if that gives a listed one."""
    listed = schema["enum"] if "enum" in schema else [schema["const"]]

    def run(value: Any) -> Any:
        if value is None or value in listed:
            return value
        new = rule.convert(value)
        return new if new in listed else value

    return _Rule(run, lambda value: value in listed)
