"""Blocks from a watched folder: its files, and a registry in which a saved file takes the place of what it was.

Only `*.py` of the folder that its owner named, and of folders in it that have a `pyproject.toml` (as `millstream block
new` makes them); never by a name in a graph. Files that begin with `test_` or `_` bring no blocks.
"""

from __future__ import annotations

import builtins
import importlib
import sys
import time
import traceback
from collections import defaultdict
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass, field
from importlib.machinery import PathFinder
from pathlib import Path
from typing import Final

import msgspec

from millstream.processors import definitions
from millstream.processors.definitions import Problem
from millstream.processors.registry import Registry, blocks_of, by_id
from millstream.processors.runnable import Block
from millstream.processors.texts import ATTRIBUTE, Texts
from millstream.schemas.errors import BlockUnknownError, ConfigurationError

VERSIONS_KEPT: Final = 32
"""Of a block, for executions that began with them."""
FILE_LIMIT_BYTES: Final = 1_000_000
JUST_NOW_MS: Final = 10_000
"""How old the newest file may be for its time to count as the time of the change."""
Stamp = tuple[tuple[str, int, int], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """What a folder holds."""

    blocks: list[Block] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    broken: frozenset[str] = frozenset()
    """Modules that could not be imported; the blocks that they had stay."""
    digest: str = ""
    changed_ms: int = 0


class Folder:
    """A folder with files of blocks. Errors: ConfigurationError if there is none."""

    def __init__(self, path: Path) -> None:
        self.path = path.expanduser().resolve()
        if not self.path.is_dir():
            raise ConfigurationError(f"{str(path)!r} is no folder; make it, or name another.")

    def files(self) -> list[Path]:
        """Return the files that may bring blocks or be imported by those, in a fixed order."""
        folders = [self.path, *(each.parent for each in sorted(self.path.glob("*/pyproject.toml")))]
        found = [file for folder in folders for file in sorted(folder.glob("*.py"))]
        return [
            file
            for file in found
            if file.name != "conftest.py"
            and not file.name.startswith("test_")
            and file.resolve().is_relative_to(self.path)
        ]

    def stamp(self) -> Stamp:
        """Return what changes with any of the files, without reading them."""
        found = []
        for file in self.files():
            try:
                status = file.stat()
            except FileNotFoundError:
                continue
            found.append((str(file), status.st_mtime_ns, status.st_size))
        return tuple(found)

    def load(self) -> Loaded:
        """Read and import all files. What is wrong with one keeps it from bringing blocks, and no other."""
        with definitions.collect() as problems:
            texts = Texts(self._read(problems))
            texts.install()
            importlib.invalidate_caches()
            found, broken = _imported(texts, problems)
        for block in found:
            block.spec = msgspec.structs.replace(block.spec, revision=texts.digest)
        return Loaded(
            blocks=found,
            problems=list(problems),
            broken=frozenset(broken),
            digest=texts.digest,
            changed_ms=_changed_ms(self.stamp()),
        )

    def _read(self, problems: list[Problem]) -> dict[str, tuple[str, str]]:
        modules: dict[str, tuple[str, str]] = {}
        for file in self.files():
            name, where = file.stem, f"{file}:1"
            try:
                text = file.read_text()
            except FileNotFoundError:
                continue
            except (OSError, UnicodeDecodeError) as error:
                problems.append(
                    Problem(where=where, what=f"It cannot be read: {error}.", remedy="Save it as UTF-8.")
                )
                continue
            what = _unfit(name, file, modules)
            if what or len(text) > FILE_LIMIT_BYTES:
                what = what or f"It has more than {FILE_LIMIT_BYTES} characters."
                problems.append(Problem(where=where, what=what, remedy="Rename or split the file."))
                continue
            modules[name] = (str(file), text)
        return modules


def _unfit(name: str, file: Path, modules: dict[str, tuple[str, str]]) -> str:
    """Why a file cannot be a module; empty if it can."""
    if not name.isidentifier():
        return f"{file.name!r} is no name of a module."
    if name in modules:
        return f"{modules[name][0]} has the name {name!r} too."
    if name in sys.stdlib_module_names or hasattr(builtins, name) or name == "millstream":
        return f"Python has a module {name!r} of its own."
    other = PathFinder.find_spec(name)
    origin = None if other is None else other.origin
    if other is not None and (origin is None or Path(origin).name != file.name):
        return f"There is a package {name!r} already."
    return ""


def _imported(texts: Texts, problems: list[Problem]) -> tuple[list[Block], set[str]]:
    found: list[Block] = []
    broken: set[str] = set()
    for name, (file, _) in texts.modules.items():
        before = len(problems)
        try:
            there = sys.modules.get(name)
            if there is not None and ATTRIBUTE not in vars(there):
                del sys.modules[name]  # the same package, installed
            module = importlib.import_module(name)
        except Exception as error:  # noqa: BLE001 - an author's file may raise anything
            problems.append(
                Problem(
                    where=_line_of(error, file), what=f"{type(error).__name__}: {error}.", remedy="Mend it."
                )
            )
        if len(problems) > before:
            broken.add(name)
        elif not name.startswith("_"):
            found += blocks_of(module)
    return found, broken


def _line_of(error: Exception, file: str) -> str:
    """`file:line` in the file, where an exception came through it."""
    if isinstance(error, SyntaxError) and error.filename:
        return f"{error.filename}:{error.lineno or 1}"
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename == file]
    return f"{file}:{frames[-1].lineno if frames else 1}"


def _changed_ms(stamp: Stamp) -> int:
    """When the folder became what it is: its newest file's time, if that is just now, or else now."""
    now = time.time_ns() // 1_000_000
    newest = max((changed // 1_000_000 for _, changed, _ in stamp), default=now)
    return newest if now - JUST_NOW_MS <= newest <= now else now


class FolderRegistry(Registry):
    """Installed blocks, and over them those of a folder. What an execution began with, it goes on with."""

    def __init__(self, base: Registry, folder: Folder) -> None:
        self.folder = folder
        self._base = {block.spec.id: block for block in base}
        self._stamp: Stamp | None = None
        self._mine: dict[str, Block] = {}
        self._versions: dict[str, list[tuple[int, Block | None]]] = defaultdict(list)
        super().__init__(self._base)
        self.refresh()

    def refresh(self) -> Loaded | None:
        """Load the folder if it has changed; None if it has not."""
        stamp = self.folder.stamp()
        if stamp == self._stamp:
            return None
        first = self._stamp is None
        self._stamp = stamp
        loaded = self.folder.load()
        kept = [block for block in self._mine.values() if block.module in loaded.broken]
        mine = self._without_clashes([*loaded.blocks, *kept], loaded.problems)
        since = 0 if first else loaded.changed_ms
        for id_ in mine.keys() | self._mine.keys():
            new = mine.get(id_)
            if new is not self._mine.get(id_):
                self._versions[id_].append((since, new))
                del self._versions[id_][:-VERSIONS_KEPT]
        self._mine = mine
        self._fill({**self._base, **mine})
        return loaded

    def _without_clashes(self, blocks: Iterable[Block], problems: list[Problem]) -> dict[str, Block]:
        found = {}
        for id_, block in by_id(blocks, problems).items():
            there = self._base.get(id_)
            if there is None or there.module == block.module:  # an installed copy of the same file
                found[id_] = block
                continue
            problems.append(
                Problem(
                    where=block.where,
                    what=f"{block.spec.name} has the id {id_} of {there.spec.name}, which is installed.",
                    remedy="Give it another id.",
                )
            )
        return found

    def get(self, block_id: str, execution_id: bytes | None = None) -> Block:
        """Return the block that an execution began with. Errors: BlockUnknownError.

        A file that was saved a moment ago may not have been noticed yet, so the folder is looked at.
        """
        if block_id in self._versions or self.find(block_id) is None:
            self.refresh()
        versions = self._versions.get(block_id)
        if not versions or execution_id is None:
            return super().get(block_id)
        began_ms = int.from_bytes(execution_id[:6], "big")  # of a UUIDv7; children have their parent's
        block = next((block for since, block in reversed(versions) if since <= began_ms), versions[0][1])
        if block is None:
            raise BlockUnknownError(f"The block {block_id!r} is no longer in {str(self.folder.path)!r}.")
        return block


async def changes(registry: FolderRegistry) -> AsyncIterator[Loaded]:
    """Yield what each change of the folder brought, for ever; within a quarter of a second of the last save."""
    from watchfiles import awatch

    # Looked at twice a second besides: a file may be saved before the watch begins.
    watch = awatch(registry.folder.path, debounce=200, step=50, rust_timeout=500, yield_on_timeout=True)
    async for _ in watch:
        loaded = registry.refresh()
        if loaded is not None:
            yield loaded
