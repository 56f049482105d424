"""`Block`: one block as code and data, and how it runs.

A run costs one check of the inputs against the compiled schema, one call, and one check of each output.
"""

from __future__ import annotations

import inspect
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from typing import Any, Final

import jsonschema_rs
import msgspec

from millstream.processors import isolation, signature
from millstream.processors.context import Context, Park
from millstream.processors.definitions import place
from millstream.processors.samples import Sample
from millstream.schemas.blocks import BlockSpec
from millstream.schemas.errors import BlockError, BlockExecutionError, BlockInputError, MillstreamError

_NO_RULES: Final = frozenset(
    {"title", "description", "default", "examples", "advanced", "hidden", "format", "contentMediaType"}
)
"""Keywords of a pin's schema that every value satisfies."""
_SCALARS: Final = frozenset({str, int, float, bool, type(None)})

Check = Callable[[Any], bool]
Migrate = Callable[[dict[str, Any], str | None], dict[str, Any]]
"""Constants of a node that an older version of the block had, and that version if the node says it, to those of today."""
Emits = AsyncGenerator[tuple[str, Any] | Park, None]


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
        "migrate",
        "module",
        "no_samples",
        "samples",
        "spec",
        "where",
    )

    def __init__(
        self,
        fn: Callable[..., Any],
        spec: BlockSpec,
        shape: signature.Signature,
        samples: Sequence[Sample],
        migrate: Migrate | None = None,
        no_samples: str = "",
    ) -> None:
        self.fn = fn
        self.spec = spec
        self.migrate = migrate
        self.samples = tuple(samples)
        self.no_samples = no_samples
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
        once = (
            not self.spec.repeatable
        )  # a process that dies is not replaced, and the function not called again
        if inspect.isgeneratorfunction(fn):
            return lambda arguments: _replayed(fn, arguments, limit, once=once)
        return lambda arguments: isolation.call(fn, keywords=arguments, timeout_s=limit, alone=once)

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


async def _replayed(
    fn: Callable[..., Any], arguments: dict[str, Any], limit_s: float, *, once: bool
) -> AsyncIterator[Any]:
    """The emits of a plain generator, which ran to its end in another process."""
    for pin, value in await isolation.call(fn, keywords=arguments, timeout_s=limit_s, alone=once):
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
        rules = schema.keys() - _NO_RULES
        checks[pin] = _pin_check(schema, definitions) if rules else None
    return checks


def _pin_check(schema: dict[str, Any], definitions: dict[str, Any]) -> Check:
    fits: Check = jsonschema_rs.validator_for({**schema, "$defs": definitions}).is_valid
    if schema.get("type") == "number":
        # Infinity and NaN are numbers to the calculator, though not to JSON Schema.
        return lambda value: type(value) is float or fits(value)
    return fits
