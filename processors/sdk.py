"""The SDK of block authors: `@block` turns a typed function into a `Block`.

Form, JSON Schemas and pins come from the annotations, once, at import. A run then costs one check against the
compiled schema, one call, and one check of each output.
"""

from __future__ import annotations

import inspect
import re
import uuid
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from typing import Any, Final, overload

import jsonschema_rs
import msgspec

from millstream.processors import isolation, signature
from millstream.processors.context import Context, Park
from millstream.processors.definitions import Problem, place, report
from millstream.processors.samples import Sample
from millstream.schemas.blocks import BlockSpec, Kind
from millstream.schemas.errors import BlockError, BlockExecutionError, BlockInputError, MillstreamError

__all__ = ["Block", "Context", "Park", "Sample", "block", "block_id"]

NAMESPACE: Final = uuid.uuid5(uuid.NAMESPACE_URL, "urn:millstream:block")
"""Blocks without an id of their own get uuid5 of this and `package:name`."""

_SCALARS: Final = frozenset({str, int, float, bool, type(None)})
_PLAIN_OUTPUT_KINDS: Final = frozenset({"Input", "Output", "Agent"})
"""Kinds without the implicit `error` pin."""
_ID = re.compile(r"[0-9A-Za-z-]{36}")
"""AutoGPT has ids of 36 characters that are no hexadecimal UUIDs; they stay as they are."""

Check = Callable[[Any], bool]
Emits = AsyncGenerator[tuple[str, Any] | Park, None]


def block_id(package: str, name: str) -> str:
    """The id of a block that was given none: stable, and the same on every machine."""
    return str(uuid.uuid5(NAMESPACE, f"{package}:{name}"))


class Block:
    """One block: its data form (`spec`) and the code behind it."""

    __slots__ = (
        "_ask",
        "_checks",
        "_form",
        "_outputs",
        "_pins",
        "_services",
        "_validator",
        "fn",
        "module",
        "samples",
        "spec",
        "where",
    )

    def __init__(
        self, fn: Callable[..., Any], spec: BlockSpec, shape: signature.Signature, samples: Sequence[Sample]
    ) -> None:
        self.fn = fn
        self.spec = spec
        self.samples = tuple(samples)
        self.module = fn.__module__
        self.where = place(fn)
        self._form = shape.form
        self._pins = [(p.name, p.parameter, p.default, p.value if p.fresh else None) for p in shape.pins]
        self._services = tuple(shape.services)
        self._outputs = tuple(shape.outputs)
        self._validator: Any = jsonschema_rs.validator_for(spec.input_schema)
        self._ask = self._caller()
        self._checks = _checks(spec) if spec.kind == "Standard" else None

    def __repr__(self) -> str:
        return f"<Block {self.spec.name} {self.spec.id}>"

    def run(self, inputs: dict[str, Any], ctx: Context) -> Emits:
        """Run once: yields `(pin, value)` as they come, values in plain JSON, and perhaps `Park` as the last.

        A null is as good as absent. Close the iterator (`contextlib.aclosing`) if it is not read to its end.
        The time limit of the spec is the caller's to keep.
        Errors: BlockInputError if the inputs do not fit; BlockExecutionError if the block reports a failure,
        raises a ValueError or emits what its schema does not allow; BlockError for any other exception.
        """
        if self._form == "generator":
            return self._run_generator(inputs, ctx)
        return self._run_value(inputs, ctx)

    def arguments(self, inputs: dict[str, Any]) -> dict[str, Any]:
        """Check inputs against the schema and lay the defaults under them. Errors: BlockInputError."""
        given = {pin: value for pin, value in inputs.items() if value is not None}
        try:
            fits = self._validator.is_valid(given)
        except (ValueError, RecursionError) as error:
            raise BlockInputError(f"Inputs of {self.spec.name} are not JSON: {error}.") from error
        if not fits:
            raise self._misfit(given)
        arguments = {}
        for pin, parameter, default, fresh in self._pins:
            if pin in given:
                arguments[parameter] = given[pin]
            else:
                arguments[parameter] = default if fresh is None else fresh()
        return arguments

    async def _run_value(self, inputs: dict[str, Any], ctx: Context) -> Emits:
        arguments = self.arguments(inputs)
        for parameter, attribute in self._services:
            arguments[parameter] = getattr(ctx, attribute) if attribute else ctx
        try:
            value = await self._ask(arguments)
        except Exception as error:
            raise self._failure(error) from error
        if value is None:
            return
        if type(value) is Park:
            yield value
        elif self._form == "value":
            yield "result", self._output("result", value)
        else:
            is_mapping = isinstance(value, dict)
            for pin in self._outputs:
                part = value.get(pin) if is_mapping else getattr(value, pin, None)
                if part is not None:
                    yield pin, self._output(pin, part)

    async def _run_generator(self, inputs: dict[str, Any], ctx: Context) -> Emits:
        arguments = self.arguments(inputs)
        for parameter, attribute in self._services:
            arguments[parameter] = getattr(ctx, attribute) if attribute else ctx
        emits = self._ask(arguments)
        try:
            while True:
                try:
                    emit = await anext(emits)
                except StopAsyncIteration:
                    return
                except Exception as error:
                    raise self._failure(error) from error
                if type(emit) is Park:
                    yield emit
                    return
                pin, value = emit
                yield pin, self._output(pin, value)
        finally:
            await emits.aclose()

    def _caller(self) -> Callable[[dict[str, Any]], Any]:
        """How the function is called: directly, or in a killable process if it is a plain `def`."""
        fn = self.fn
        if inspect.iscoroutinefunction(fn) or inspect.isasyncgenfunction(fn):
            return lambda arguments: fn(**arguments)
        limit = self.spec.timeout_s or isolation.LONGEST_S
        if inspect.isgeneratorfunction(fn):
            return lambda arguments: _replayed(fn, arguments, limit)
        return lambda arguments: isolation.call(fn, keywords=arguments, timeout_s=limit)

    def _output(self, pin: str, value: Any) -> Any:
        """The value as plain JSON, checked. Errors: BlockExecutionError, also for whatever comes on `error`."""
        if pin == "error":
            raise BlockExecutionError(str(value), block=self.spec.name)
        if type(value) not in _SCALARS:
            try:
                value = msgspec.to_builtins(value, str_keys=True, enc_hook=_plain)
            except (TypeError, RecursionError, ValueError) as error:
                raise BlockExecutionError(f"{self.spec.name} emitted no JSON on {pin!r}: {error}.") from error
        if self._checks is not None:
            self._check(pin, value)
        return value

    def _check(self, pin: str, value: Any) -> None:
        assert self._checks is not None
        try:
            check = self._checks[pin]
            fits = check is None or check(value)
        except KeyError:
            raise BlockExecutionError(
                f"{self.spec.name} has no output {pin!r}.", block=self.spec.name
            ) from None
        except ValueError:
            fits = False
        if not fits:
            raise BlockExecutionError(
                f"{self.spec.name} emitted on {pin!r} what its schema does not allow: {_shown(value)}.",
                block=self.spec.name,
                pin=pin,
            )

    def _misfit(self, given: dict[str, Any]) -> BlockInputError:
        problems = []
        for error in self._validator.iter_errors(given):
            path = [str(step) for step in error.instance_path]
            problems.append(
                {"pin": path[0] if path else "", "path": "/".join(path), "reason": error.message[:300]}
            )
        reasons = "; ".join(f"{p['path']}: {p['reason']}" if p["path"] else p["reason"] for p in problems[:5])
        return BlockInputError(f"Inputs of {self.spec.name} do not fit: {reasons}.", problems=problems[:50])

    def _failure(self, error: Exception) -> MillstreamError:
        """What the caller gets for an exception of the block's own code."""
        if isinstance(error, BlockError):
            return error
        message = str(error) or type(error).__name__
        if isinstance(error, MillstreamError):
            return BlockExecutionError(message, **{**error.facts, "cause": error.code})
        kind = BlockExecutionError if isinstance(error, ValueError | RecursionError) else BlockError
        return kind(message, block=self.spec.name, exception=type(error).__name__)


async def _replayed(fn: Callable[..., Any], arguments: dict[str, Any], limit_s: float) -> AsyncIterator[Any]:
    """The emits of a plain generator, which ran to its end in another process."""
    for pin, value in await isolation.call(fn, keywords=arguments, timeout_s=limit_s):
        yield pin, value


def _plain(value: Any) -> Any:
    """JSON form of what msgspec does not know: models, and whatever tells its own `model_dump`."""
    dump = getattr(value, "model_dump", None)
    if dump is not None:
        return dump(mode="json")
    raise TypeError(f"a value of type {type(value).__name__}")


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 200 else text[:200] + "..."


def _checks(spec: BlockSpec) -> dict[str, Check | None]:
    """One check a pin; None for a pin that takes everything."""
    definitions = spec.output_schema.get("$defs", {})
    checks: dict[str, Check | None] = {}
    for pin, schema in spec.output_schema["properties"].items():
        rules = schema.keys() - {
            "title",
            "description",
            "default",
            "examples",
            "advanced",
            "hidden",
            "format",
        }
        checks[pin] = _pin_check(schema, definitions) if rules else None
    return checks


def _pin_check(schema: dict[str, Any], definitions: dict[str, Any]) -> Check:
    fits: Check = jsonschema_rs.validator_for({**schema, "$defs": definitions}).is_valid
    if schema.get("type") == "number":
        # Infinity and NaN are numbers to the calculator, though not to JSON Schema.
        return lambda value: type(value) is float or fits(value)
    return fits


@overload
def block(fn: Callable[..., Any], /) -> Block: ...


@overload
def block(
    *,
    id: str | None = None,
    name: str | None = None,
    lane: str | None = None,
    categories: Sequence[str] = (),
    kind: Kind = "Standard",
    static_output: bool = False,
    sensitive: bool = False,
    disabled: bool = False,
    repeatable: bool = True,
    timeout_s: float | None = 1800.0,
    version: str = "1",
    join: bool = False,
    samples: Sequence[Sample] = (),
) -> Callable[[Callable[..., Any]], Block]: ...


def block(fn: Callable[..., Any] | None = None, /, **options: Any) -> Any:
    """Make a block of a typed function: bare (`@block`) or with options (`@block(lane="cpu")`).

    `id` and `name` default to uuid5 of `package:function` and the function's name in camel case with `Block`
    behind; `lane` to `io`, or `cpu` for a plain `def`, which runs in a process of its own.
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
    lane: str | None = None,
    kind: Kind = "Standard",
    categories: Sequence[str] = (),
    samples: Sequence[Sample] = (),
    **flags: Any,
) -> Any:
    shape = signature.read(fn, plain_outputs=kind in _PLAIN_OUTPUT_KINDS)
    plain_function = not (inspect.iscoroutinefunction(fn) or inspect.isasyncgenfunction(fn))
    problems = list(shape.problems)

    def problem(what: str, remedy: str) -> None:
        problems.append(Problem(where=place(fn), what=f"Block `{fn.__name__}`: {what}", remedy=remedy))

    if id is not None and not _ID.fullmatch(id):
        problem(f"its id {id!r} has not 36 characters.", "Leave `id` out, or give a UUID.")
    if plain_function and shape.services:
        problem("a plain `def` runs in another process, without services.", "Make it `async def`.")
    if plain_function and fn.__qualname__ != fn.__name__:
        problem("a plain `def` must stand at module level.", "Move it there, or make it `async def`.")
    report(problems)
    if problems:
        return None
    spec = BlockSpec(
        id=id or block_id(fn.__module__.partition(".")[0], fn.__name__),
        name=name or "".join(word.capitalize() for word in fn.__name__.split("_")) + "Block",
        description=shape.description,
        input_schema=shape.input_schema,
        output_schema=shape.output_schema,
        categories=tuple(categories),
        kind=kind,
        lane=lane or ("cpu" if plain_function else "io"),
        **flags,
    )
    return Block(fn, spec, shape, samples)
