"""Code of users, in sandboxes: Python and JavaScript."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Annotated, Any

from pydantic import Field

from millstream.processors import isolation, javascript_sandbox, python_sandbox
from millstream.processors.annotations import EMPTY, Advanced, Emit, LongText, Outputs
from millstream.processors.samples import Sample
from millstream.processors.sdk import block

STARTING_S = 10.0
"""Time for processes to start, beside the time that the code itself may take."""

Seconds = Advanced[Annotated[float, Field(gt=0, le=60)]]


class Ran(Outputs):
    """Pins of blocks that run code."""

    result: Any
    printed: str


@block(
    categories=("DEVELOPER_TOOLS", "LOGIC"),
    lane="cpu",
    timeout_s=90,
    samples=[
        Sample(
            {
                "code": "print('hi')\nsum(n * factor for n in numbers)",
                "inputs": {"numbers": [1, 2], "factor": 3},
            },
            [("result", 9), ("printed", "hi\n")],
        ),
        Sample({"code": "result = {'a': (1, 2)}"}, [("result", {"a": [1, 2]}), ("printed", "")]),
        Sample({"code": "1 / 0"}, raises="block_failed"),
        Sample({"code": "def f(:"}, raises="block_input_invalid"),
        Sample({"code": "import socket"}, raises="block_failed"),
        Sample({"code": "open('/etc/passwd').read()"}, raises="block_failed"),
    ],
)
async def run_python(
    code: LongText, inputs: dict[str, Any] = EMPTY, time_limit_s: Seconds = 5.0
) -> AsyncIterator[Emit[Ran]]:
    """Run Python in a sandbox (Monty): without files, network, packages and the platform's own Python. Of the
    standard library there are `math`, `json`, `re`, `datetime`, `random`, `itertools` and a few more.

    code: The code. The value of its last line goes out, or else that of the variable `result`.
    inputs: Variables of the code by name.
    time_limit_s: How long it may take.
    result: The value as JSON; sets become lists, dates become texts.
    printed: What it printed.
    """
    found = await isolation.call(
        python_sandbox.run, code, inputs, time_limit_s, timeout_s=time_limit_s + STARTING_S, what="The code"
    )
    for pin in ("result", "printed"):
        yield pin, found[pin]


@block(
    categories=("DEVELOPER_TOOLS", "LOGIC"),
    lane="cpu",
    timeout_s=90,
    disabled=not javascript_sandbox.is_installed(),
    samples=[
        Sample(
            {"code": "console.log('hi', [1]);\nreturn inputs.a.map(n => n * 2)", "inputs": {"a": [1, 2]}},
            [("result", [2, 4]), ("printed", "hi [1]")],
        ),
        Sample({"code": "throw new Error('no')"}, raises="block_failed"),
        Sample({"code": "return ("}, raises="block_input_invalid"),
        Sample({"code": "return fetch('https://example.org')"}, raises="block_failed"),
    ]
    if javascript_sandbox.is_installed()
    else [Sample({}, raises="block_input_invalid")],
)
async def run_javascript(
    code: LongText, inputs: dict[str, Any] = EMPTY, time_limit_s: Seconds = 5.0
) -> AsyncIterator[Emit[Ran]]:
    """Run JavaScript in a sandbox (V8): the language alone, without files, network, timers and packages. It needs
    the extra `js` (`pip install 'millstream[js]'`); without it this block is disabled.

    code: The body of a function; what it returns goes out. `inputs` is its argument.
    inputs: The data of the code.
    time_limit_s: How long it may take.
    result: The value as JSON.
    printed: What it wrote with `console.log`.
    """
    found = await isolation.call(
        javascript_sandbox.run,
        code,
        inputs,
        time_limit_s,
        timeout_s=time_limit_s + STARTING_S,
        what="The code",
        memory_bytes=0,
        alone=True,
    )
    for pin in ("result", "printed"):
        yield pin, found[pin]
