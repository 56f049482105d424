"""What an author of blocks types: a new package, trying it out, its pages; and that our own pages are up to date."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from millstream.cli import block_pages, documents
from millstream.cli.main import build
from millstream.contract import rules
from millstream.processors.folders import Folder
from millstream.processors.texts import Texts
from millstream.schemas.errors import InputInvalidError

APP = build()


@pytest.fixture(autouse=True)
def _clean() -> Iterator[None]:
    yield
    Texts({}).install()
    sys.meta_path[:] = [finder for finder in sys.meta_path if not isinstance(finder, Texts)]


def _typed(*words: object) -> Result:
    return CliRunner().invoke(APP, ["block", *map(str, words)])


def test_a_new_package_is_whole(tmp_path: Path) -> None:
    assert _typed("new", "word-count", "--into", tmp_path).exit_code == 0
    folder = tmp_path / "word-count"
    assert {file.name for file in folder.iterdir()} == {
        "pyproject.toml",
        "word_count.py",
        "test_word_count.py",
    }
    assert 'word_count = "word_count"' in (folder / "pyproject.toml").read_text()
    tried = _typed("test", folder)
    assert (tried.exit_code, tried.stdout.splitlines()[0]) == (0, "ok  WordCountBlock")
    assert "1 blocks, 1 samples, 0 problems" in tried.stdout
    own = subprocess.run(
        [
            sys.executable,
            "-m",
            "pytest",
            "-q",
            "-p",
            "no:cacheprovider",
            "--rootdir",
            str(folder),
            str(folder),
        ],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert own.returncode == 0, own.stdout


@pytest.mark.parametrize("name", ["json", "two words", "1st", "class", "../up", "millstream"])
def test_names_that_cannot_be_are_refused(name: str, tmp_path: Path) -> None:
    result = _typed("new", name, "--into", tmp_path)
    assert isinstance(result.exception, InputInvalidError)
    assert list(tmp_path.iterdir()) == []


def test_what_is_wrong_is_said_with_its_place(tmp_path: Path) -> None:
    _typed("new", "counting", "--into", tmp_path)
    file = tmp_path / "counting" / "counting.py"
    file.write_text(
        file.read_text().replace('"HELLO")', '"HULLO")').replace("    text: What to write.\n", "")
    )
    (tmp_path / "counting" / "broken_one.py").write_text("import nothing_like_this\n")
    tried = _typed("test", tmp_path / "counting")
    assert tried.exit_code == 1
    assert f"{tmp_path}/counting/broken_one.py:1: ModuleNotFoundError" in tried.stdout
    assert f"{file}:8: CountingBlock: nothing says what its input pins text are" in tried.stdout
    assert "emitted 'HELLO' on 'result', not 'HULLO'" in tried.stdout
    alone = _typed("test", file)
    assert "broken_one" not in alone.stdout
    assert "3 problems" in tried.stdout


def test_an_installed_module_is_tried_by_name() -> None:
    tried = _typed("test", "millstream.processors.blocks.maths")
    assert tried.exit_code == 0, tried.stdout
    assert "ok  CalculatorBlock" in tried.stdout
    assert isinstance(_typed("test", "no_such_module").exception, InputInvalidError)


def test_pages_say_pins_and_an_example(tmp_path: Path) -> None:
    _typed("new", "counting", "--into", tmp_path)
    assert _typed("docs", tmp_path / "counting", "--to", tmp_path / "pages").exit_code == 0
    page = (tmp_path / "pages" / "counting.md").read_text()
    for line in (
        "## CountingBlock",
        "| `text` | text | required | What to write. |",
        "| `result` | text | The same in capitals. |",
        '{"inputs": {"text": "hello"},',
    ):
        assert line in page
    assert "[CountingBlock](counting.md#countingblock)" in (tmp_path / "pages" / "README.md").read_text()


def test_our_pages_are_up_to_date() -> None:
    pages = documents.block_pages()
    folder = documents.FOLDER / "blocks"
    there = {f"blocks/{file.name}" for file in folder.glob("*.md")}
    assert there == set(pages), "run `millstream documents`, and remove pages of families that are gone"
    for name, text in pages.items():
        assert (documents.FOLDER / name).read_text() == text, f"{name} is stale: run `millstream documents`"


def test_a_new_package_keeps_the_contract(tmp_path: Path) -> None:
    _typed("new", "counting", "--into", tmp_path)
    loaded = Folder(tmp_path / "counting").load()
    assert loaded.problems == []
    [block] = loaded.blocks
    assert rules(block) == []
    assert block_pages.type_of({"anyOf": [{"type": "array", "items": {}}, {"type": "null"}]}, {}) == (
        "list of anything or null"
    )


def test_a_watched_folder_tells_of_each_save(tmp_path: Path) -> None:
    """What `millstream dev` shows in its terminal, beside the platform."""
    good = "from millstream import block\n\n\n@block\nasync def hello(name: str) -> str:\n    return name\n"
    argv = (sys.executable, "-P", "-m", "millstream.cli.main", "block", "watch", str(tmp_path))
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) as watcher:
        try:
            assert watcher.stdout is not None
            assert "no blocks yet" in watcher.stdout.readline()
            (tmp_path / "hello_blocks.py").write_text(good)
            assert "live: HelloBlock" in watcher.stdout.readline()
            (tmp_path / "hello_blocks.py").write_text(good.replace("return name", "return name +"))
            assert f"{tmp_path}/hello_blocks.py:6: SyntaxError" in watcher.stdout.readline()
            assert "stays in use" in watcher.stdout.readline()
            (tmp_path / "hello_blocks.py").write_text(good)
            assert "live: HelloBlock" in watcher.stdout.readline()
        finally:
            watcher.terminate()
