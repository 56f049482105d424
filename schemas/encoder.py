"""Avro encoders made from the message classes: straight-line Python for each class, once at import.

`fastavro` writes a nullable record by validating it first, deeply; that made the Events record, which is nothing but nullable
fields, the dearest thing on the coordinator's path (42 us; 9 us so). A test holds these bytes equal to fastavro's.
"""

from __future__ import annotations

import struct
import types
from collections.abc import Callable
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

import msgspec

from millstream.schemas.messages import Message

Encoder = Callable[[Any], bytes]
_SMALL = 4096


def varint(value: int) -> bytes:
    """Return an Avro long: zigzag, then seven bits a byte, low first. Errors: OverflowError over 64 bits."""
    if not -(1 << 63) <= value < 1 << 63:
        raise OverflowError(f"{value} does not fit into an Avro long")
    rest = (value << 1) ^ (value >> 63)
    out = bytearray()
    while rest > 0x7F:
        out.append((rest & 0x7F) | 0x80)
        rest >>= 7
    out.append(rest)
    return bytes(out)


_TABLE = [varint(n) for n in range(_SMALL)]


def _long(value: int) -> bytes:
    return _TABLE[value] if 0 <= value < _SMALL else varint(value)


def _bytes(value: bytes) -> bytes:
    return _long(len(value)) + value


def _text(value: str) -> bytes:
    data = value.encode()
    return _long(len(data)) + data


def _fixed(value: bytes) -> bytes:
    if len(value) != 16:
        raise ValueError(f"an id has 16 bytes, not {len(value)}")
    return value


_PRIMITIVES: dict[Any, Encoder] = {
    bytes: _bytes,
    str: _text,
    int: _long,
    float: struct.Struct("<d").pack,
}


class Encoders:
    """Makes encoders, one a class."""

    def __init__(self) -> None:
        self._made: dict[type[Message], Encoder] = {}

    def of(self, cls: type[Message]) -> Encoder:
        """Return the function that turns a message into its Avro body."""
        if cls not in self._made:
            self._made[cls] = self._record(cls)
        return self._made[cls]

    def _record(self, cls: type[Message]) -> Encoder:
        hints = get_type_hints(cls, include_extras=True)
        names: dict[str, Any] = {}
        parts = []
        for number, field in enumerate(msgspec.structs.fields(cls)):
            parts.append(self._part(f"m.{field.name}", hints[field.name], f"f{number}", names))
        code = f"lambda m: b''.join(({', '.join(parts)},))"
        encoder: Encoder = eval(code, names)
        return encoder

    def _part(self, value: str, hint: Any, name: str, names: dict[str, Any]) -> str:
        origin = get_origin(hint)
        if origin is Annotated:
            base, *metas = get_args(hint)
            if base is bytes and any(meta.min_length == 16 for meta in metas):
                names[name] = _fixed
                return f"{name}({value})"
            return self._part(value, base, name, names)
        if origin in (Union, types.UnionType):
            [inner] = [a for a in get_args(hint) if a is not type(None)]
            return f"(b'\\0' if {value} is None else b'\\2' + {self._part(value, inner, name, names)})"
        if origin is Literal:
            names[name] = {symbol: _long(i) for i, symbol in enumerate(get_args(hint))}
            return f"{name}[{value}]"
        if hint is bool:
            return f"(b'\\1' if {value} else b'\\0')"
        if origin is list:
            names[f"{name}l"] = _long
            item = self._part("x", get_args(hint)[0], name, names)
            return f"(b'\\0' if not {value} else {name}l(len({value})) + b''.join([{item} for x in {value}]) + b'\\0')"
        names[name] = self.of(hint) if issubclass(hint, Message) else _PRIMITIVES[hint]
        return f"{name}({value})"
