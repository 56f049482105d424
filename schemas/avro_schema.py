"""Avro schemas derived from the message classes: one self-contained `.avsc` a message, with docs on every field."""

from __future__ import annotations

import types
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

import msgspec

from millstream.schemas.messages import Message

NAMESPACE = "dev.millstream"
_PRIMITIVES: dict[type, str] = {bytes: "bytes", str: "string", int: "long", bool: "boolean", float: "double"}


def avro_schema(cls: type[Message]) -> dict[str, Any]:
    """Return the Avro schema of a message as a JSON-like dict; nested records are defined at their first use.

    Errors: TypeError for an annotation that has no Avro form.
    """
    schema: dict[str, Any] = _record(cls, set())
    return schema


def _record(cls: type[Message], seen: set[str]) -> Any:
    if cls.__name__ in seen:
        return f"{NAMESPACE}.{cls.__name__}"
    seen.add(cls.__name__)
    hints = get_type_hints(cls, include_extras=True)
    fields = [_field(field, hints[field.name], seen) for field in msgspec.structs.fields(cls)]
    doc = " ".join((cls.__doc__ or "").split())
    return {"type": "record", "name": cls.__name__, "namespace": NAMESPACE, "doc": doc, "fields": fields}


def _field(field: msgspec.structs.FieldInfo, hint: Any, seen: set[str]) -> dict[str, Any]:
    doc = next((m.description for m in getattr(hint, "__metadata__", ())[::-1] if m.description), "")
    avro: dict[str, Any] = {"name": field.name, "type": _type(hint, field.name, seen), "doc": doc}
    if field.default is not msgspec.NODEFAULT:
        avro["default"] = _default(field.default)
    elif field.default_factory is not msgspec.NODEFAULT:
        avro["default"] = field.default_factory()
    return avro


def _default(value: Any) -> Any:
    if isinstance(value, Message):
        return msgspec.to_builtins(value)
    return value.decode("latin-1") if isinstance(value, bytes) else value


def _type(hint: Any, name: str, seen: set[str]) -> Any:
    origin = get_origin(hint)
    if origin is Annotated:
        return _annotated(hint, name, seen)
    if origin in (Union, types.UnionType):
        [inner] = [a for a in get_args(hint) if a is not type(None)]
        return ["null", _type(inner, name, seen)]
    if origin is Literal:
        return _enum(name, list(get_args(hint)), seen)
    if origin is list:
        return {"type": "array", "items": _type(get_args(hint)[0], name, seen)}
    if isinstance(hint, type) and issubclass(hint, Message):
        return _record(hint, seen)
    if hint in _PRIMITIVES:
        return _PRIMITIVES[hint]
    raise TypeError(f"field {name!r}: {hint!r} has no Avro form")


def _annotated(hint: Any, name: str, seen: set[str]) -> Any:
    base, *metas = get_args(hint)
    if base is bytes and any(m.min_length == 16 and m.max_length == 16 for m in metas):
        if "Id" in seen:
            return f"{NAMESPACE}.Id"
        seen.add("Id")
        return {"type": "fixed", "name": "Id", "namespace": NAMESPACE, "size": 16}
    return _type(base, name, seen)


def _enum(name: str, symbols: list[str], seen: set[str]) -> Any:
    title = name.title().replace("_", "")
    if title in seen:
        return f"{NAMESPACE}.{title}"
    seen.add(title)
    return {"type": "enum", "name": title, "namespace": NAMESPACE, "symbols": symbols}
