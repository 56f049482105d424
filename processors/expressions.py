"""Expressions of users in CEL, the Common Expression Language: values in, one value out.

CEL has no loops but over lists that are there, no functions of its own, no attributes of Python. It is evaluated
by a Rust library in a process that is killed at its time limit.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from millstream.processors.json_form import json_form
from millstream.schemas.errors import BlockExecutionError, BlockInputError

LENGTH_LIMIT_CHARS: Final = 10_000
DEPTH_LIMIT: Final = 100
_ERRORS: Final = (ValueError, TypeError, KeyError, IndexError, ArithmeticError, RuntimeError, RecursionError)


def compiled(expression: str) -> Callable[[Mapping[str, Any]], Any]:
    """A function from variables to the value of `expression`, as JSON. Errors: BlockInputError.

    The function's errors: BlockExecutionError, which says what is wrong.
    """
    import cel
    from cel.stdlib import add_stdlib_to_context

    if len(expression) > LENGTH_LIMIT_CHARS or _depth(expression) > DEPTH_LIMIT:
        raise BlockInputError(
            f"The expression is too long: at most {LENGTH_LIMIT_CHARS} characters and {DEPTH_LIMIT} brackets."
        )
    try:
        program = cel.compile(expression)
    except (*_ERRORS, BaseExceptionGroup) as error:
        raise BlockInputError(f"The expression is not right: {_said(error)}") from error

    def value(variables: Mapping[str, Any]) -> Any:
        context = cel.Context()
        add_stdlib_to_context(context)
        for name, item in variables.items():
            context.add_variable(name, item)
        try:
            found = program.execute(context)
        except KeyError as error:
            raise BlockExecutionError(
                f"There is no key {error} in what `{expression[:200]}` asks; `has(a.b)` tests for one."
            ) from error
        except _ERRORS as error:
            raise BlockExecutionError(f"`{expression[:200]}` fails: {_said(error)}") from error
        if isinstance(found, cel.OptionalValue):
            found = found.or_value(None)
        return json_form(found)

    return value


def _depth(expression: str) -> int:
    """Brackets within each other, whatever they stand for: deep nesting would exhaust the parser's stack."""
    deepest = depth = 0
    for char in expression:
        depth += (char in "([{") - (char in ")]}")
        deepest = max(deepest, depth)
    return deepest


def _said(error: BaseException) -> str:
    return " ".join(str(error).split())[:800]
