"""Python of users, by Monty: an interpreter of its own, not CPython behind a list of forbidden names.

The one module that knows Monty, whose API is young. It has no files, no network, no environment and no modules
but its own few. Each run has a fresh interpreter process, started by one of our processes that can be killed
and that no run's code ever enters.
"""

from __future__ import annotations

from typing import Any, Final

from millstream.processors.json_form import json_form
from millstream.processors.sizing import weight
from millstream.schemas.errors import BlockExecutionError, BlockInputError

MEMORY_LIMIT_BYTES: Final = 256 * 1024 * 1024
PRINT_LIMIT_BYTES: Final = 1_000_000
CODE_LIMIT_CHARS: Final = 200_000
VALUE_LIMIT: Final = 3_000_000
"""Texts of a result and its parts, as `weight` counts them."""


def run(code: str, inputs: dict[str, Any], time_s: float) -> dict[str, Any]:
    """Run code with `inputs` as its variables. Returns `result`, the value of its last expression or of the
    variable `result`, and `printed`.

    Errors: BlockInputError for code that is no Python; BlockExecutionError for what it raises and for limits.
    """
    import pydantic_monty as monty

    if len(code) > CODE_LIMIT_CHARS:
        raise BlockInputError(f"The code has {len(code)} characters; at most {CODE_LIMIT_CHARS}.")
    for name in inputs:
        if not name.isidentifier():
            raise BlockInputError(f"The input {name[:80]!r} is no name for a variable.")
    printed = monty.CollectString(PRINT_LIMIT_BYTES)
    limits: monty.ResourceLimits = {
        "max_feed_duration_secs": time_s,
        "max_memory": MEMORY_LIMIT_BYTES,
        "max_recursion_depth": 500,
        "max_suspensions": 10_000,
    }
    try:
        with (
            monty.Monty(min_processes=1, max_processes=1, request_timeout=time_s + 1) as pool,
            pool.checkout(
                script_name="code.py", limits=limits, os_policy={"sleep": "zero", "timezone": "utc"}
            ) as session,
        ):
            value = session.feed_run(code, inputs=inputs, print_callback=printed)
            if value is None:
                value = _variable(session, monty)
    except monty.MontySyntaxError as error:
        raise BlockInputError(f"The code is no Python: {_shown(error)}") from error
    except monty.MontyCrashedError as error:
        raise BlockExecutionError(
            f"The interpreter had to be ended: {_reason(error, time_s)}.", printed=printed.output[-2000:]
        ) from error
    except monty.MontyError as error:
        raise BlockExecutionError(_shown(error), printed=printed.output[-2000:]) from error
    if weight(value, VALUE_LIMIT) > VALUE_LIMIT:
        raise BlockExecutionError("The result is too large; give a smaller part of it.")
    return {"result": json_form(_plain(value, monty)), "printed": printed.output}


def _variable(session: Any, monty: Any) -> Any:
    """The variable `result`, for code whose last line gives no value."""
    try:
        return session.feed_run("result")
    except monty.MontyRuntimeError:
        return None


def _plain(value: Any, monty: Any) -> Any:
    """Objects of classes that the code made come out as their attributes."""
    if isinstance(value, monty.MontyClassProxy):
        return {name: _plain(item, monty) for name, item in value.attributes.items()}
    if isinstance(value, dict):
        return {key: _plain(item, monty) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain(item, monty) for item in value]
    return value


def _shown(error: Any) -> str:
    """The trace in the user's code; line numbers are theirs."""
    text = error.display() if hasattr(error, "display") else str(error)
    return str(text).replace('File "<python-input-0>"', "code")[-4000:]


def _reason(error: Any, time_s: float) -> str:
    return f"it took more than {time_s:g} s" if error.timed_out else str(error)[:300]
