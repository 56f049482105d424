from __future__ import annotations

from pathlib import Path

import pytest

from tests.integration.streams.gate import UPGRADE_GATE

ROOT = Path(__file__).parents[3]


@pytest.mark.parametrize("name", UPGRADE_GATE)
def test_the_upgrade_gate_names_tests_that_exist(name: str) -> None:
    path, _, function = name.partition("::")
    assert f"def {function}(" in (ROOT / path).read_text() if function else (ROOT / path).is_file()
