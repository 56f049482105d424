"""The SDK of block authors: `@block` turns a typed function into a `Block`.

Form, JSON Schemas and pins come from the annotations, once, at import; `runnable.py` is what a run then costs.
"""

from __future__ import annotations

import inspect
import re
import uuid
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, overload

from millstream.processors import signature
from millstream.processors.context import Context, Park
from millstream.processors.definitions import Problem, place, report
from millstream.processors.runnable import Block, Migrate
from millstream.processors.samples import Sample
from millstream.schemas.blocks import BlockSpec, Cost, Kind, Retry

__all__ = ["Block", "Context", "Cost", "Park", "Retry", "Sample", "block", "block_id"]

NAMESPACE: Final = uuid.uuid5(uuid.NAMESPACE_URL, "urn:millstream:block")
"""Blocks without an id of their own get uuid5 of this and `package:name`."""

_PLAIN_OUTPUT_KINDS: Final = frozenset({"Input", "Output", "Agent"})
"""Kinds without the implicit `error` pin."""
_ID = re.compile(r"[0-9A-Za-z-]{36}")
"""AutoGPT has ids of 36 characters that are no hexadecimal UUIDs; they stay as they are."""
_FORMER = re.compile(r"(?:[A-Za-z_]\w*:)?[A-Za-z_]\w*")
"""A function's name, or `package:function`."""


def block_id(package: str, name: str) -> str:
    """The id of a block that was given none: stable, and the same on every machine."""
    return str(uuid.uuid5(NAMESPACE, f"{package}:{name}"))


@overload
def block(fn: Callable[..., Any], /) -> Block: ...


@overload
def block(
    *,
    id: str | None = None,
    name: str | None = None,
    aliases: Sequence[str] = (),
    lane: str | None = None,
    categories: Sequence[str] = (),
    kind: Kind = "Standard",
    static_output: bool = False,
    sensitive: bool = False,
    disabled: bool = False,
    repeatable: bool = True,
    timeout_s: float | None = 1800.0,
    retry: Retry | None = None,
    cost: Cost | Sequence[Cost] = (),
    version: str = "1",
    renamed_pins: Mapping[str, str] | None = None,
    migrate: Migrate | None = None,
    join: bool = False,
    calls: str = "",
    samples: Sequence[Sample] = (),
    no_samples: str = "",
) -> Callable[[Callable[..., Any]], Block]: ...


def block(fn: Callable[..., Any] | None = None, /, **options: Any) -> Any:
    """Make a block of a typed function: bare (`@block`) or with options (`@block(lane="cpu")`).

    `id` and `name` default to uuid5 of `package:function` and the function's name in camel case with `Block`
    behind; `lane` to `io`, or `cpu` for a plain `def`, which runs in a process of its own.
    `aliases` are former ids, function names or `package:function`: graphs that have them go on.
    `renamed_pins` (former name to present one) and `migrate` (constants of a node, and the version that it
    says, to constants of today) bring graphs of former versions up to date when they are saved and started.
    `no_samples` says why there are none: what it asks is nowhere but in its own tests.
    Errors: BlockDefinitionError with every problem, its place and its remedy.
    """
    if fn is None:
        return lambda function: _define(function, **options)
    return _define(fn, **options)


def _define(
    fn: Callable[..., Any],
    *,
    id: str | None = None,
    name: str | None = None,
    aliases: Sequence[str] = (),
    lane: str | None = None,
    kind: Kind = "Standard",
    categories: Sequence[str] = (),
    samples: Sequence[Sample] = (),
    cost: Cost | Sequence[Cost] = (),
    renamed_pins: Mapping[str, str] | None = None,
    migrate: Migrate | None = None,
    no_samples: str = "",
    **flags: Any,
) -> Any:
    shape = signature.read(fn, plain_outputs=kind in _PLAIN_OUTPUT_KINDS)
    plain_function = not (inspect.iscoroutinefunction(fn) or inspect.isasyncgenfunction(fn))
    package = fn.__module__.partition(".")[0]
    renamed = dict(renamed_pins or {})
    problems = list(shape.problems)

    def problem(what: str, remedy: str) -> None:
        problems.append(Problem(where=place(fn), what=f"Block `{fn.__name__}`: {what}", remedy=remedy))

    if id is not None and not _ID.fullmatch(id):
        problem(f"its id {id!r} has not 36 characters.", "Leave `id` out, or give a UUID.")
    if plain_function and shape.services:
        problem("a plain `def` runs in another process, without services.", "Make it `async def`.")
    if plain_function and fn.__qualname__ != fn.__name__:
        problem("a plain `def` must stand at module level.", "Move it there, or make it `async def`.")
    if flags.get("retry") is not None and flags.get("repeatable") is False:
        problem("it may not run twice, and asks to be tried again.", "Leave one of the two out.")
    if wrong := [each for each in aliases if not (_ID.fullmatch(each) or _FORMER.fullmatch(each))]:
        problem(f"{wrong!r} are no former names.", "An alias is an id, `function` or `package:function`.")
    if not shape.problems and (wrong := _misdirected(renamed, shape)):
        problem(
            f"`renamed_pins` leads to {wrong!r}.",
            "It goes from former names to names of pins that are there.",
        )
    report(problems)
    if problems:
        return None
    spec = BlockSpec(
        id=id or block_id(package, fn.__name__),
        name=name or "".join(word.capitalize() for word in fn.__name__.split("_")) + "Block",
        description=shape.description,
        input_schema=shape.input_schema,
        output_schema=shape.output_schema,
        categories=tuple(categories),
        kind=kind,
        lane=lane or ("cpu" if plain_function else "io"),
        aliases=tuple(_former_id(each, package) for each in aliases),
        costs=(cost,) if isinstance(cost, Cost) else tuple(cost),
        renamed_pins=renamed,
        **flags,
    )
    return Block(fn, spec, shape, samples, migrate, no_samples)


def _misdirected(renamed: Mapping[str, str], shape: signature.Signature) -> list[str]:
    """Renames that end at no pin, or begin at one."""
    pins = {*shape.input_schema.get("properties", ()), *shape.output_schema.get("properties", ())}
    return [f"{old} -> {new}" for old, new in renamed.items() if new not in pins or old in pins]


def _former_id(alias: str, package: str) -> str:
    """The id of `function`, of `package:function`, or the id itself."""
    if _ID.fullmatch(alias):
        return alias
    before, _, function = alias.rpartition(":")
    return block_id(before or package, function)
