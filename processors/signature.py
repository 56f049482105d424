"""What a typed function says about its block: pins, JSON Schemas, services. Runs at import only, never per
run.
"""

from __future__ import annotations

import copy
import dataclasses
import functools
import inspect
import operator
import types
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Generator, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

import typing_extensions
from pydantic import BaseModel, TypeAdapter

from millstream.processors import docstrings
from millstream.processors.annotations import EMPTY, Of, Outputs
from millstream.processors.context import Context
from millstream.processors.definitions import Problem, place
from millstream.processors.flags import Flag
from millstream.processors.models.interface import Models
from millstream.processors.own import Log, State
from millstream.processors.services import Files, Http, KeyValue, Vectors

SERVICES: dict[Any, str] = {
    Context: "",
    Http: "http",
    Files: "files",
    KeyValue: "kv",
    Vectors: "vectors",
    Log: "log",
    Models: "models",
    State: "state",
}
"""Types that a keyword-only parameter may ask for, and the attribute of the context that holds them."""

Form = Literal["value", "fields", "generator"]
_ITERATORS = (AsyncIterator, AsyncGenerator, Iterator, Generator)


@dataclass(frozen=True, slots=True)
class Pin:
    """One input: where its value goes, and where it comes from when nothing was given."""

    name: str
    parameter: str
    required: bool
    default: Any = None
    fresh: bool = False
    """The default is a container, so that each run needs a copy of its own."""

    def value(self) -> Any:
        """The default, safe to change."""
        return copy.deepcopy(self.default) if self.fresh else self.default


@dataclass(slots=True)
class Signature:
    """A function as a block."""

    description: str = ""
    input_schema: dict[str, Any] = field(default_factory=dict)
    output_schema: dict[str, Any] = field(default_factory=dict)
    pins: list[Pin] = field(default_factory=list)
    services: list[tuple[str, str]] = field(default_factory=list)
    """(parameter, attribute of the context)."""
    form: Form = "value"
    outputs: list[str] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)


class _Reader:
    """Reads one function; problems are noted, not raised, so that an author sees all of them."""

    def __init__(self, fn: Callable[..., Any]) -> None:
        self.fn = fn
        self.out = Signature()

    def problem(self, what: str, remedy: str) -> None:
        """Note a problem of this function."""
        name = getattr(self.fn, "__name__", "?")
        self.out.problems.append(Problem(where=place(self.fn), what=f"Block `{name}`: {what}", remedy=remedy))

    def read(self, *, plain_outputs: bool) -> Signature:
        """Fill the signature. With `plain_outputs` there is no implicit `error` pin."""
        try:
            hints = get_type_hints(self.fn, include_extras=True)
        except Exception as error:  # noqa: BLE001 - an annotation may raise anything; the author must see where
            self.problem(f"its annotations cannot be read: {error}.", "Import the names at module level.")
            return self.out
        inputs = self._inputs(hints)
        outputs = self._outputs(hints)
        if "error" in outputs:
            self.problem("an output is named `error`.", "Raise instead; every block has that pin.")
        if not plain_outputs:
            outputs = {"error": str, **outputs}
        self.out.description, notes = docstrings.split(self.fn, {*inputs, *outputs})
        required = [pin.name for pin in self.out.pins if pin.required]
        self.out.input_schema = self._schema(inputs, required, notes, "validation")
        self.out.output_schema = self._schema(outputs, [], notes, "serialization")
        properties = self.out.input_schema.get("properties", {})
        for pin in self.out.pins:
            if not pin.required and not (pin.fresh and not pin.default):
                properties[pin.name]["default"] = pin.value()
        return self.out

    def _inputs(self, hints: dict[str, Any]) -> dict[str, Any]:
        inputs: dict[str, Any] = {}
        for parameter in inspect.signature(self.fn).parameters.values():
            hint = hints.get(parameter.name)
            if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
                self.problem(f"`*{parameter.name}` is no pin.", "Name each pin.")
            elif hint is None:
                self.problem(
                    f"parameter `{parameter.name}` has no type.", "Annotate it; `Any` takes everything."
                )
            elif parameter.kind is parameter.KEYWORD_ONLY:
                if hint in SERVICES:
                    self.out.services.append((parameter.name, SERVICES[hint]))
                else:
                    known = ", ".join(service.__name__ for service in SERVICES)
                    self.problem(
                        f"`{parameter.name}` is behind `*` and no service.", f"Services are {known}."
                    )
            elif hint in SERVICES:
                self.problem(f"service `{parameter.name}` stands among the pins.", "Move it behind a `*`.")
            else:
                pin = _pin(parameter, hint)
                self.out.pins.append(pin)
                inputs[pin.name] = hint
        return inputs

    def _outputs(self, hints: dict[str, Any]) -> dict[str, Any]:
        returned = hints.get("return", inspect.Signature.empty)
        if returned is inspect.Signature.empty:
            self.problem("it has no return type.", "Write `-> str`, or `-> AsyncIterator[Emit[...]]`.")
            return {}
        if inspect.isasyncgenfunction(self.fn) or inspect.isgeneratorfunction(self.fn):
            self.out.form = "generator"
            declared = _declared(returned)
            if declared is None:
                self.problem(
                    "it yields, but its return type names no pins.",
                    "Write `-> AsyncIterator[Emit[Pins]]` with `class Pins(Outputs): ...`.",
                )
                return {}
            return _named(declared)
        fields = _fields(returned)
        if fields is not None:
            self.out.form = "fields"
            self.out.outputs = [_pin_name(name) for name in fields]
            return {_pin_name(name): _emitted(hint) for name, hint in fields.items()}
        self.out.form = "value"
        self.out.outputs = ["result"] if returned is not type(None) else []
        return {"result": _emitted(returned)} if returned is not type(None) else {}

    def _schema(
        self,
        hints: dict[str, Any],
        required: list[str],
        notes: dict[str, str],
        mode: Literal["validation", "serialization"],
    ) -> dict[str, Any]:
        """JSON Schema of pins, by way of a TypedDict: a model would refuse pins like `json` or `copy`."""
        try:
            shape: Any = typing_extensions.TypedDict("Pins", hints)  # type: ignore[misc]
            schema = TypeAdapter(shape).json_schema(mode=mode)
        except Exception as error:  # noqa: BLE001 - pydantic raises many kinds; the author must see where
            reason = str(error).partition("\n")[0]
            self.problem(
                f"a type has no JSON Schema: {reason}.", "Use JSON types, dataclasses or TypedDicts."
            )
            return {}
        schema.pop("title", None)
        schema.setdefault("properties", {})
        schema["required"] = required
        for name, hint in hints.items():
            pin = schema["properties"][name]
            pin.setdefault("title", name.replace("_", " ").strip().title())
            pin.update(_flags(hint))
            if name in notes:
                pin.setdefault("description", notes[name])
        return schema


def read(fn: Callable[..., Any], *, plain_outputs: bool = False) -> Signature:
    """Return what `fn` says about its block, with its problems."""
    return _Reader(fn).read(plain_outputs=plain_outputs)


def _pin_name(name: str) -> str:
    """`list` of `list_`: a trailing underscore lets pins have names that Python uses."""
    return name[:-1] if name.endswith("_") else name


def _pin(parameter: inspect.Parameter, hint: Any) -> Pin:
    name = _pin_name(parameter.name)
    default = parameter.default
    if default is parameter.empty:
        return Pin(name, parameter.name, True)
    if default is EMPTY:
        return Pin(name, parameter.name, False, [] if _container(hint) is list else {}, True)
    if isinstance(default, Mapping):
        return Pin(name, parameter.name, False, dict(default), True)
    if isinstance(default, list | tuple):
        return Pin(name, parameter.name, False, list(default), True)
    return Pin(name, parameter.name, False, default)


def _container(hint: Any) -> Any:
    """`list` of `Advanced[list[str]]`."""
    while get_origin(hint) is Annotated:
        hint = get_args(hint)[0]
    return get_origin(hint) or hint


def _declared(returned: Any) -> type | None:
    """The `Outputs` class inside `AsyncIterator[Emit[...]]`."""
    if get_origin(returned) not in _ITERATORS:
        return None
    for member in get_args(get_args(returned)[0]):
        if get_origin(member) is Of:
            inner = get_args(member)[0]
            return inner if inspect.isclass(inner) and issubclass(inner, Outputs) else None
    return None


def _named(declared: type) -> dict[str, Any]:
    return {_pin_name(name): hint for name, hint in get_type_hints(declared, include_extras=True).items()}


def _fields(returned: Any) -> dict[str, Any] | None:
    """Types of the fields of a dataclass, TypedDict or model; None if it is something else."""
    if not inspect.isclass(returned):
        return None
    if dataclasses.is_dataclass(returned):
        hints = get_type_hints(returned, include_extras=True)
        return {one.name: hints[one.name] for one in dataclasses.fields(returned)}
    if issubclass(returned, BaseModel):
        return {name: info.annotation for name, info in returned.model_fields.items()}
    if typing_extensions.is_typeddict(returned):
        return {name: _bare(hint) for name, hint in get_type_hints(returned, include_extras=True).items()}
    return None


def _emitted(hint: Any) -> Any:
    """`str` of `str | None`: None says that nothing comes out."""
    if get_origin(hint) in (Union, types.UnionType):
        members = tuple(member for member in get_args(hint) if member is not type(None))
        return functools.reduce(operator.or_, members)
    return hint


def _bare(hint: Any) -> Any:
    """A TypedDict field without `Required[...]` or `NotRequired[...]`."""
    origin = get_origin(hint)
    return (
        get_args(hint)[0] if origin in (typing_extensions.Required, typing_extensions.NotRequired) else hint
    )


def _flags(hint: Any) -> dict[str, Any]:
    """What `Flag`s anywhere in an annotation add to the schema."""
    found: dict[str, Any] = {}
    if get_origin(hint) is Annotated:
        for note in hint.__metadata__:
            if isinstance(note, Flag):
                found.update(note.extra)
    if get_origin(hint) in (Annotated, Union, types.UnionType):
        for inner in get_args(hint)[:1] if get_origin(hint) is Annotated else get_args(hint):
            found.update(_flags(inner))
    return found
