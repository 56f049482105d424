"""`millstream block`: an author's commands: a new package, trying blocks out, their pages in the catalogue."""

from __future__ import annotations

import asyncio
import importlib
import keyword
import re
import sys
import time
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from millstream.cli import block_openapi
from millstream.cli.console import say
from millstream.schemas.errors import ConfigurationError, InputInvalidError

if TYPE_CHECKING:
    from millstream.processors.definitions import Problem
    from millstream.processors.runnable import Block

app = typer.Typer(help="Blocks: begin a package, try blocks out, write their pages.", no_args_is_help=True)

Target = Annotated[
    str,
    typer.Argument(help="A folder, a file, an installed package or a module; `all`: whatever is installed."),
]


def register(parent: typer.Typer) -> None:
    """Add the commands to the command line."""
    block_openapi.register(app)
    parent.add_typer(app, name="block")


@app.command()
def new(
    name: Annotated[str, typer.Argument(help="Name of the package, such as `word-count`.")],
    into: Annotated[Path, typer.Option("--into", help="Where its folder goes.")] = Path(),
) -> None:
    """Begin a package with one block: its file, a test, and a `pyproject.toml` that announces it."""
    from millstream.cli.block_new import files

    module = re.sub(r"[-.\s]+", "_", name).lower()
    if not re.fullmatch(r"[A-Za-z][A-Za-z0-9-]*", name) or keyword.iskeyword(module):
        raise InputInvalidError(f"{name!r} is no name for a package; use letters, digits and `-`.")
    if module in sys.stdlib_module_names or module == "millstream":
        raise InputInvalidError(f"Python has a module {module!r} already; choose another name.")
    folder = into / name
    if folder.exists():
        raise ConfigurationError(f"{str(folder)!r} is there already; choose another name, or remove it.")
    folder.mkdir(parents=True)
    for file, text in files(name, module).items():
        (folder / file).write_text(text)
        say(f"wrote {folder / file}")
    say(f"\nnext:  millstream block test {folder}    millstream dev {folder}")


@app.command("test")
def try_out(target: Target = ".") -> None:
    """Run samples, odd inputs, a cancelled run and a secret through blocks; say what each should do better, and where."""
    blocks, problems = _found(target)
    started = time.monotonic()
    for problem in problems:
        say(str(problem))
    failed = asyncio.run(_tried(blocks))
    samples = sum(len(block.samples) for block in blocks)
    took = time.monotonic() - started
    say(f"{len(blocks)} blocks, {samples} samples, {failed + len(problems)} problems ({took:.1f} s)")
    if failed or problems:
        raise typer.Exit(1)
    if not blocks:
        raise InputInvalidError(f"There are no blocks in {target!r}.")


@app.command()
def docs(
    target: Target = ".",
    to: Annotated[Path, typer.Option("--to", help="Folder for the pages.")] = Path("docs/blocks"),
) -> None:
    """Write a page for each file of blocks: what they do, their pins, an example."""
    from millstream.cli.block_pages import pages

    blocks, problems = _found(target)
    if problems:
        raise ConfigurationError("\n".join(map(str, problems)))
    to.mkdir(parents=True, exist_ok=True)
    for name, text in pages(blocks).items():
        (to / name).write_text(text)
        say(f"wrote {to / name}")


@app.command(hidden=True)
def watch(folder: Path) -> None:
    """Say what becomes of each file that is saved in a folder, until it is ended."""
    from millstream.cli.dev import follow

    follow(folder)


async def _tried(blocks: list[Block]) -> int:
    """Run all; returns how many problems there were."""
    from millstream.contract import rules
    from millstream.processors import isolation
    from millstream.trials import trials, web

    count = 0
    async with web() as place:
        for block in blocks:
            problems = [*rules(block), *await trials(block, place)]
            count += len(problems)
            if not problems:
                say(f"ok  {block.spec.name}")
            for problem in problems:
                say(str(problem))
    await isolation.close()
    return count


def _found(target: str) -> tuple[list[Block], list[Problem]]:
    """Return the blocks of a folder, a file, a package or a module, and what keeps others from being blocks."""
    from millstream.processors.folders import Folder
    from millstream.processors.registry import load_registry

    path = Path(target)
    if target == "all":
        return list(load_registry()), []
    if path.is_dir():
        loaded = Folder(path).load()
        return loaded.blocks, loaded.problems
    if path.is_file():
        loaded = Folder(path.parent).load()
        mine = [block for block in loaded.blocks if block.module == path.stem]
        file = str(path.resolve())
        return mine, [problem for problem in loaded.problems if problem.where.startswith(file)]
    return _of_package(target), []


def _of_package(name: str) -> list[Block]:
    """The blocks of an installed package, or of a module. Errors: InputInvalidError."""
    from millstream.processors.registry import GROUP, blocks_of, load_registry

    if name == "millstream":
        return [block for block in load_registry() if block.module.startswith("millstream.")]
    try:
        points = distribution(name).entry_points.select(group=GROUP)
        modules = sorted({point.module for point in points})
    except PackageNotFoundError:
        modules = [name]
    try:
        return [block for module in modules for block in blocks_of(importlib.import_module(module))]
    except ImportError as error:
        raise InputInvalidError(
            f"{name!r} is no folder, no file, no package and no module: {error}."
        ) from error
