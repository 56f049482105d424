"""A watched folder: saved files take effect, broken ones keep what was, executions keep what they began with."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from millstream.processors.folders import Folder, FolderRegistry
from millstream.processors.registry import Registry, load_registry
from millstream.processors.sdk import Block, block_id
from millstream.processors.texts import Texts
from millstream.schemas.errors import BlockUnknownError, ConfigurationError
from millstream.testing import run

HEAD = "from millstream import block\n\n\n"
GREET = HEAD + "@block\nasync def greet(name: str) -> str:\n    return {}\n"
GREET_ID = block_id("greeting_blocks", "greet")
STORE_VALUE = "1ff065e9-88e8-4358-9d82-8dc91f622ba9"


@pytest.fixture(autouse=True)
def _clean() -> Iterator[None]:
    yield
    Texts({}).install()
    sys.meta_path[:] = [finder for finder in sys.meta_path if not isinstance(finder, Texts)]


def _save(folder: Path, name: str, text: str) -> int:
    """Save a file and return the time of it in milliseconds."""
    file = folder / name
    file.write_text(text)
    now = time.time_ns()
    os.utime(file, ns=(now, now))
    return now // 1_000_000


def _execution(ms: int) -> bytes:
    return ms.to_bytes(6, "big") + bytes(10)


@pytest.fixture
def base() -> Registry:
    return Registry({})


async def test_a_saved_file_is_live_and_runs_go_on_with_what_they_began_with(
    tmp_path: Path, base: Registry
) -> None:
    _save(tmp_path, "greeting_blocks.py", GREET.format("f'Hello {name}'"))
    registry = FolderRegistry(base, Folder(tmp_path))
    old = registry.get(GREET_ID)
    assert await run(old, name="Ada") == "Hello Ada"
    assert registry.refresh() is None, "nothing has changed"
    before = registry.catalogue().etag
    at = _save(tmp_path, "greeting_blocks.py", GREET.format("f'Good day {name}'"))
    assert await run(registry.get(GREET_ID), name="Ada") == "Good day Ada", "looked at when it is asked for"
    assert registry.get(GREET_ID, _execution(at - 1)) is old
    assert await run(registry.get(GREET_ID, _execution(at)), name="Ada") == "Good day Ada"
    assert registry.catalogue().etag != before
    assert registry.get(GREET_ID).spec.edition.startswith("1+")
    assert registry.get(GREET_ID).spec.edition != old.spec.edition


async def test_a_broken_file_says_where_and_changes_nothing(tmp_path: Path, base: Registry) -> None:
    _save(tmp_path, "greeting_blocks.py", GREET.format("name"))
    _save(tmp_path, "other_blocks.py", HEAD + "@block\nasync def other(a: int) -> int:\n    return a\n")
    registry = FolderRegistry(base, Folder(tmp_path))
    for text, line, words in (
        (GREET.format("name +"), 6, "SyntaxError"),
        ("import nothing_like_this\n", 1, "ModuleNotFoundError"),
        ("x = 1\ny = x / 0\n", 2, "ZeroDivisionError"),
        (HEAD + "@block\nasync def greet(name) -> str:\n    return name\n", 4, "has no type"),
    ):
        _save(tmp_path, "greeting_blocks.py", text)
        loaded = registry.refresh()
        assert loaded is not None
        [problem] = loaded.problems
        assert str(problem).startswith(f"{tmp_path}/greeting_blocks.py:{line}: ")
        assert words in str(problem)
        assert await run(registry.get(GREET_ID), name="Ada") == "Ada"
        assert registry.find(block_id("other_blocks", "other")) is not None
    _save(tmp_path, "greeting_blocks.py", GREET.format("'mended'"))
    assert await run(registry.get(GREET_ID), name="Ada") == "mended"


def test_a_file_that_is_gone_takes_its_blocks_along_but_not_from_runs(tmp_path: Path, base: Registry) -> None:
    began = _save(tmp_path, "greeting_blocks.py", GREET.format("name"))
    registry = FolderRegistry(base, Folder(tmp_path))
    (tmp_path / "greeting_blocks.py").unlink()
    with pytest.raises(BlockUnknownError):
        registry.get(GREET_ID)
    assert len(registry) == 0
    assert isinstance(registry.get(GREET_ID, _execution(began - 1000)), Block)
    with pytest.raises(BlockUnknownError, match="no longer in"):
        registry.get(GREET_ID, _execution(time.time_ns() // 1_000_000 + 1))


async def test_files_import_each_other_and_packages_of_ours_lie_in_folders(
    tmp_path: Path, base: Registry
) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "pyproject.toml").write_text("")
    (tmp_path / "not_mine").mkdir()
    _save(tmp_path / "not_mine", "stray_blocks.py", "raise RuntimeError\n")
    _save(tmp_path / "mine", "test_mine_blocks.py", "raise RuntimeError\n")
    _save(tmp_path / "mine", "_shared_words.py", "WORD = 'one'\n")
    text = (
        HEAD
        + "from _shared_words import WORD\n\n@block\nasync def word(a: int = 0) -> str:\n    return WORD\n"
    )
    _save(tmp_path / "mine", "mine_blocks.py", text)
    registry = FolderRegistry(base, Folder(tmp_path))
    id_ = block_id("mine_blocks", "word")
    assert await run(registry.get(id_)) == "one"
    _save(tmp_path / "mine", "_shared_words.py", "WORD = 'two'\n")
    assert await run(registry.get(id_)) == "two"


async def test_a_plain_function_runs_the_text_of_its_own_version_elsewhere(
    tmp_path: Path, base: Registry
) -> None:
    text = HEAD + "from _adds import more\n\n@block\ndef heavy(n: int) -> int:\n    return more(n)\n"
    _save(tmp_path, "_adds.py", "def more(n):\n    return n + 1\n")
    _save(tmp_path, "heavy_blocks.py", text)
    registry = FolderRegistry(base, Folder(tmp_path))
    old = registry.get(block_id("heavy_blocks", "heavy"))
    _save(tmp_path, "_adds.py", "def more(n):\n    return n + 100\n")
    new = registry.get(old.spec.id)
    assert [await run(each, n=1) for each in (old, new, old)] == [2, 101, 2]


def test_what_cannot_be_is_refused(tmp_path: Path) -> None:
    _save(tmp_path, "json.py", "raise RuntimeError\n")
    _save(tmp_path, "pytest.py", "raise RuntimeError\n")
    _save(tmp_path, "two words.py", "raise RuntimeError\n")
    _save(
        tmp_path,
        "taking_blocks.py",
        HEAD + f"@block(id='{STORE_VALUE}')\nasync def mine(a: int) -> int:\n    return a\n",
    )
    outside = tmp_path.parent / "outside_blocks.py"
    outside.write_text("raise RuntimeError\n")
    (tmp_path / "outside_blocks.py").symlink_to(outside)
    folder = Folder(tmp_path)
    assert tmp_path / "outside_blocks.py" not in folder.files()
    registry = FolderRegistry(load_registry(), folder)
    assert registry.get(STORE_VALUE).spec.name == "StoreValueBlock"
    text = "\n".join(map(str, folder.load().problems))
    for words in ("module 'json' of its own", "package 'pytest' already", "'two words.py' is no name"):
        assert words in text
    with pytest.raises(ConfigurationError, match="no folder"):
        Folder(tmp_path / "nowhere")
