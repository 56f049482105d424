"""The files of a new package of blocks."""

from __future__ import annotations

PYPROJECT = """\
[build-system]
requires = ["hatchling"]
build-backend = "hatchling.build"

[project]
name = "{name}"
version = "0.1.0"
description = "Blocks for Millstream."
requires-python = ">=3.11"
dependencies = ["millstream"]

[project.entry-points."millstream.blocks"]
{module} = "{module}"

[tool.hatch.build.targets.wheel]
only-include = ["{module}.py"]
"""

BLOCK = '''\
"""Blocks of {name}."""

from __future__ import annotations

from millstream import Sample, block


@block(samples=[Sample({{"text": "hello"}}, [("result", "HELLO")])])
async def {module}(text: str) -> str:
    """Write a text in capitals.

    text: What to write.
    result: The same in capitals.
    """
    return text.upper()
'''

TEST = """\
import asyncio

from millstream.testing import run
from {module} import {module}


def test_{module}() -> None:
    assert asyncio.run(run({module}, text="hello")) == "HELLO"
"""


def files(name: str, module: str) -> dict[str, str]:
    """Return file name -> text."""
    found = {"pyproject.toml": PYPROJECT, f"{module}.py": BLOCK, f"test_{module}.py": TEST}
    return {file: text.format(name=name, module=module) for file, text in found.items()}
