"""The manual's examples run: snippets with `file=` are modules, all others are run in order."""

from __future__ import annotations

import ast
import inspect
import re
import sys
from pathlib import Path
from typing import Any

import pytest

PAGE = Path(__file__).parents[3] / "docs" / "blocks.md"
SNIPPETS = re.findall(r"^```python(?: file=(\S+))?\n(.*?)^```$", PAGE.read_text(), re.MULTILINE | re.DOTALL)


async def test_examples_of_the_manual_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(tmp_path)
    before = set(sys.modules)
    ran = 0
    for name, source in SNIPPETS:
        path = tmp_path / (name or f"snippet_{ran}.py")
        path.write_text(source)
        if name:
            continue
        code = compile(source, str(path), "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
        result: Any = eval(code, {"__name__": path.stem})
        if inspect.isawaitable(result):
            await result
        ran += 1
    assert ran >= 6
    for made in set(sys.modules) - before:
        if getattr(sys.modules[made], "__file__", None) and str(tmp_path) in str(sys.modules[made].__file__):
            del sys.modules[made]


def test_the_hello_block_is_four_lines() -> None:
    [hello] = [source for name, source in SNIPPETS if name == "hello.py"]
    assert len([line for line in hello.splitlines() if line.strip()]) == 4
