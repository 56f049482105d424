"""`millstream dev`: a platform whose blocks come also from a folder, and take effect when a file is saved."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from millstream.cli.console import painted, tell
from millstream.cli.up import Port, Workers, up

if TYPE_CHECKING:
    from millstream.processors.folders import Loaded

VARIABLE = "MILLSTREAM_BLOCKS"


def register(app: typer.Typer) -> None:
    app.command()(dev)


def dev(
    folder: Annotated[Path, typer.Argument(help="Folder with files of blocks.")] = Path(),
    port: Port = None,
    workers: Workers = None,
) -> None:
    """Start the platform and watch a folder: a saved block is live at once, a broken one says where. Ctrl-C stops it."""
    from millstream.processors.folders import Folder

    path = Folder(folder).path
    os.environ[VARIABLE] = str(path)
    argv = (sys.executable, "-P", "-m", "millstream.cli.main", "block", "watch", str(path))
    watcher = subprocess.Popen(argv, stdin=subprocess.DEVNULL)
    try:
        up(port=port, workers=workers)
    finally:
        watcher.terminate()
        watcher.wait()


def follow(folder: Path) -> None:
    """Say what is in a folder, and what becomes of each change, until Ctrl-C or SIGTERM."""
    from watchfiles import watch

    from millstream.processors.folders import Folder, FolderRegistry
    from millstream.processors.registry import load_registry

    registry = FolderRegistry(load_registry(), Folder(folder))
    told: dict[str, str] = {}
    _say(registry.folder.load(), told)
    often = {"debounce": 200, "step": 50, "rust_timeout": 500, "yield_on_timeout": True}
    for _ in watch(registry.folder.path, raise_interrupt=False, **often):  # type: ignore[arg-type]
        loaded = registry.refresh()
        if loaded is not None:
            _say(loaded, told)


def _say(loaded: Loaded, told: dict[str, str]) -> None:
    """`told`: what the last text of each block was."""
    for problem in loaded.problems:
        painted(f"  {problem}", "red")
    if loaded.problems:
        tell("  what these blocks were before stays in use")
    names = sorted(block.spec.name for block in loaded.blocks)
    if names:
        tell(f"  live: {', '.join(names)}")
    elif not loaded.problems:
        tell("  no blocks yet: save a file with a function under `@block`")
