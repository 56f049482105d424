"""The registry: by id only, from our modules and from installed packages, with all problems at once."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from millstream.processors.registry import GROUP, load_registry
from millstream.schemas.errors import BlockDefinitionError, BlockUnknownError

STORE_VALUE = "1ff065e9-88e8-4358-9d82-8dc91f622ba9"


def _install(folder: Path, module: str, source: str) -> None:
    """A package as pip leaves it: a module, and metadata that announces it."""
    (folder / f"{module}.py").write_text(source)
    info = folder / f"{module}-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {module}\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[{GROUP}]\n{module} = {module}\n")


def test_blocks_are_found_by_id_alone() -> None:
    registry = load_registry()
    assert registry.get(STORE_VALUE).spec.name == "StoreValueBlock"
    assert registry.find("millstream.processors.blocks.basic") is None
    assert registry.find("") is None
    with pytest.raises(BlockUnknownError, match="nothing-like-this"):
        registry.get("nothing-like-this")
    assert [spec.name for spec in registry.specs()] == sorted(spec.name for spec in registry.specs())
    assert len(registry) == len(registry.specs())


def test_a_package_brings_blocks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _install(
        tmp_path,
        "their_blocks",
        "from millstream import block\n\n@block\nasync def their_hello(name: str) -> str:\n    return name\n",
    )
    monkeypatch.syspath_prepend(tmp_path)
    [theirs] = [spec for spec in load_registry().specs() if spec.name == "TheirHelloBlock"]
    assert len(theirs.id) == 36
    sys.modules.pop("their_blocks")


def test_all_problems_are_told_with_file_and_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _install(
        tmp_path,
        "bad_blocks",
        "from millstream import block\n\n@block\nasync def one(a) -> str:\n    return a\n\n\n"
        "@block\nasync def two(*a: int) -> str:\n    return ''\n\n\n"
        f"@block(id='{STORE_VALUE}')\nasync def three(a: int) -> int:\n    return a\n",
    )
    _install(tmp_path, "broken_blocks", "x = 1\ny = x / 0\n")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(BlockDefinitionError) as caught:
        load_registry()
    sys.modules.pop("bad_blocks")
    text = str(caught.value)
    assert len(caught.value.facts["problems"]) == 4
    for part in (
        f"{tmp_path}/bad_blocks.py:3: Block `one`",
        f"{tmp_path}/bad_blocks.py:8: Block `two`",
        f"ThreeBlock has the id {STORE_VALUE} of StoreValueBlock",
        f"{tmp_path}/broken_blocks.py:2",
        "ZeroDivisionError",
        "Mend it",
    ):
        assert part in text
