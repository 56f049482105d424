"""`millstream check` and `test`: what CI runs and what a developer runs, the same commands in the same order."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Annotated

import typer

from millstream.cli.console import say
from millstream.schemas.errors import ConfigurationError

ROOT = Path(__file__).resolve().parents[1]
"""Of the repository; a wheel has no tests."""

CHECKS = (
    ("format", ("ruff", "format", "--check", ".")),
    ("lint", ("ruff", "check", ".")),
    ("types", ("mypy",)),
    ("imports", ("lint-imports",)),
)
QUICK = "not full"
"""What `test` runs without `--full`; a storm of faults of two minutes is part of it."""


def register(app: typer.Typer) -> None:
    app.command()(check)
    app.command("test", context_settings={"allow_extra_args": True, "ignore_unknown_options": True})(
        run_tests
    )


def check() -> None:
    """Run format check, lint, types and import contracts; all of them, also after a failure."""
    failed = _failed_checks()
    if failed:
        say(f"check failed: {', '.join(failed)}")
        raise typer.Exit(1)


def run_tests(
    context: typer.Context,
    full: Annotated[bool, typer.Option("--full", help="Also the tests that take minutes.")] = False,
) -> None:
    """Run everything: the checks, then unit, property and integration tests on real servers. Arguments go to pytest."""
    failed = _failed_checks()
    markers = [] if full else ["-m", QUICK]
    coverage = [] if context.args else ["--cov=millstream", "--cov-report=term:skip-covered"]
    # Tests that kill servers on a machine that others load too: in CI a failure is tried once more, and told as a rerun.
    again = ["--reruns", "1", "--reruns-delay", "2"] if os.environ.get("CI") else []
    code = _run("pytest", *markers, *again, *coverage, *(context.args or ["tests"]))
    raise typer.Exit(code or int(bool(failed)))


def _failed_checks() -> list[str]:
    _require_repository()
    failed = []
    for name, (program, *arguments) in CHECKS:
        say(f"==> {name}: {program} {' '.join(arguments)}")
        if _run(program, *arguments) != 0:
            failed.append(name)
    if failed:  # said before pytest's closing line, which stays the last
        say(f"==> failed: {', '.join(failed)}")
    return failed


def _require_repository() -> None:
    if not (ROOT / "pyproject.toml").is_file() or not (ROOT / "tests").is_dir():
        raise ConfigurationError(
            "`check` and `test` work in a clone of the repository; this is an installed package."
        )


def _run(program: str, *arguments: str) -> int:
    beside = Path(sys.executable).with_name(program)
    return subprocess.run(
        [str(beside) if beside.exists() else program, *arguments], cwd=ROOT, check=False
    ).returncode
