"""The start script, with stand-ins for Python and uv that write down how they were called."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

SCRIPT = Path(__file__).resolve().parents[3] / "millstream"

PYTHON = """\
#!/bin/sh
case "$*" in
    "-c import sys, venv"*) exit {too_old} ;;
    "-c "*) exit 0 ;;
    *) echo "python $*" >>"$CALLS" ;;
esac
"""
UV = """\
#!/bin/sh
echo "uv $*" >>"$CALLS"
case "$1" in
    venv) for last; do :; done; rm -rf "$last"; mkdir -p "$last/bin"; cp "$PYTHON" "$last/bin/python" ;;
    pip) [ ! -e "$BROKEN" ] ;;
esac
"""


class Clone:
    """A folder with the script, and a PATH on which everything is a stand-in."""

    def __init__(self, folder: Path, *, too_old: bool = False) -> None:
        self.root, self.bin = folder / "clone", folder / "bin"
        self.root.mkdir()
        self.bin.mkdir()
        shutil.copy(SCRIPT, self.root / "millstream")
        (self.root / "pyproject.toml").write_text("[project]\n")
        (self.root / "requirements.lock").write_text("a==1\n")
        for name, text in (("python3.11", PYTHON.format(too_old=int(too_old))), ("uv", UV)):
            (self.bin / name).write_text(text)
            (self.bin / name).chmod(0o755)
        for tool in ("sh", "cat", "cksum", "rm", "mkdir", "cp", "dirname", "readlink", "grep"):
            found = shutil.which(tool)
            assert found
            (self.bin / tool).symlink_to(found)
        self.calls = folder / "calls"
        self.broken = folder / "broken"

    def run(self, *arguments: str, script: Path | None = None) -> subprocess.CompletedProcess[str]:
        self.calls.write_text("")
        return subprocess.run(
            [str(script or self.root / "millstream"), *arguments],
            env={
                "PATH": str(self.bin),
                "CALLS": str(self.calls),
                "PYTHON": str(self.bin / "python3.11"),
                "BROKEN": str(self.broken),
            },
            cwd=os.sep,
            capture_output=True,
            text=True,
            check=False,
        )

    @property
    def called(self) -> list[str]:
        """First two words of each call, such as `uv venv`."""
        return [" ".join(line.split()[:2]) for line in self.calls.read_text().splitlines()]


@pytest.fixture
def clone(tmp_path: Path) -> Clone:
    return Clone(tmp_path)


FIRST = ["uv venv", "uv pip", "uv pip", "python -P"]
LATER = ["python -P"]


def test_the_first_start_installs_and_later_ones_do_not(clone: Clone) -> None:
    first = clone.run("status", "--json")
    assert (first.returncode, clone.called) == (0, FIRST)
    assert first.stdout == ""
    assert "installing the packages" in first.stderr
    assert clone.calls.read_text().endswith("-m millstream.cli.main status --json\n")
    second = clone.run("up")
    assert (second.stderr, clone.called) == ("", LATER)


def test_changed_packages_are_installed_into_the_same_environment(clone: Clone) -> None:
    clone.run()
    (clone.root / "requirements.lock").write_text("a==2\n")
    clone.run()
    assert clone.called == ["uv pip", "uv pip", "python -P"]
    clone.run()
    assert clone.called == LATER


def test_a_clone_that_was_moved_is_installed_again(clone: Clone) -> None:
    clone.run()
    moved = clone.root.with_name("moved")
    clone.root.rename(moved)
    clone.run(script=moved / "millstream")
    assert clone.called == FIRST
    clone.run(script=moved / "millstream")
    assert clone.called == LATER


def test_after_a_failed_start_the_environment_is_made_anew(clone: Clone) -> None:
    clone.broken.touch()
    failed = clone.run()
    assert failed.returncode != 0
    assert clone.called == ["uv venv", "uv pip"]
    assert "start again to go on" in failed.stderr
    clone.broken.unlink()
    assert clone.run().returncode == 0
    assert clone.called == FIRST


def test_it_works_through_links_from_anywhere(clone: Clone, tmp_path: Path) -> None:
    (tmp_path / "first").symlink_to(clone.root / "millstream")
    (tmp_path / "second").symlink_to("first")
    done = clone.run("token", script=tmp_path / "second")
    assert done.returncode == 0, done.stderr
    assert (clone.root / ".venv").exists()


def test_without_a_new_enough_python_it_says_so(tmp_path: Path) -> None:
    clone = Clone(tmp_path, too_old=True)
    done = clone.run()
    assert done.returncode != 0
    assert "Python 3.11 or later is needed" in done.stderr
    assert clone.called == []
