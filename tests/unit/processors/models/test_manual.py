"""The example of docs/models.md runs."""

from __future__ import annotations

import importlib
import re
import sys
from pathlib import Path

import pytest

from millstream.testing import run

PAGE = Path(__file__).parents[4] / "docs" / "models.md"


async def test_the_block_of_the_manual_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    [source] = re.findall(r"^```python file=haiku.py\n(.*?)^```$", PAGE.read_text(), re.MULTILINE | re.DOTALL)
    (tmp_path / "haiku.py").write_text(source)
    monkeypatch.syspath_prepend(tmp_path)
    try:
        assert await run(importlib.import_module("haiku").haiku, about="logs") == "a haiku about logs"
    finally:
        sys.modules.pop("haiku", None)
