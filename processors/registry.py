"""The blocks that this installation has, by id: ours and those of installed packages.

A package announces modules of blocks in its entry points of group `millstream.blocks`; nothing is ever
imported because a graph or a request names it.
"""

from __future__ import annotations

import importlib
import pkgutil
import traceback
from collections.abc import Iterable, Iterator
from importlib.metadata import EntryPoint, entry_points
from types import ModuleType
from typing import Final

from millstream.processors import blocks, definitions
from millstream.processors.catalogue import Catalogue
from millstream.processors.definitions import Problem
from millstream.processors.runnable import Block
from millstream.schemas.blocks import BlockSpec
from millstream.schemas.errors import BlockUnknownError

GROUP: Final = "millstream.blocks"


class Registry:
    """Blocks by id."""

    def __init__(self, found: dict[str, Block]) -> None:
        self._fill(found)

    def _fill(self, found: dict[str, Block]) -> None:
        self._blocks = dict(sorted(found.items(), key=lambda item: (item[1].spec.name, item[0])))
        self._former = {alias: block for block in found.values() for alias in block.spec.aliases}

    def get(self, block_id: str, execution_id: bytes | None = None) -> Block:
        """Return the block, also by a former id. Errors: BlockUnknownError.

        `execution_id`: for which run; what is installed is the same for all of them.
        """
        block = self.find(block_id)
        if block is None:
            raise BlockUnknownError(
                f"No block has the id {block_id!r} here; install the package that brings it.",
                block_id=block_id,
            )
        return block

    def find(self, block_id: str) -> Block | None:
        """Return the block, also by a former id, or None."""
        return self._blocks.get(block_id) or self._former.get(block_id)

    def specs(self) -> list[BlockSpec]:
        """Return the data forms of all blocks, by name."""
        return [block.spec for block in self._blocks.values()]

    def catalogue(self) -> Catalogue:
        """Return what the edge knows of the blocks."""
        migrations = {block.spec.id: block.migrate for block in self if block.migrate is not None}
        return Catalogue(self.specs(), migrations)

    def __iter__(self) -> Iterator[Block]:
        return iter(self._blocks.values())

    def __len__(self) -> int:
        return len(self._blocks)


def load_registry() -> Registry:
    """Import the built-in modules and those of entry points, and gather their blocks.

    Errors: BlockDefinitionError, which names every problem of every module with file, line and remedy.
    """
    with definitions.collect() as problems:
        modules = [*_own_modules(problems), *_announced(problems)]
    found = by_id((block for module in modules for block in blocks_of(module)), problems)
    if problems:
        raise definitions.failure(problems)
    return Registry(found)


def by_id(blocks: Iterable[Block], problems: list[Problem]) -> dict[str, Block]:
    """Return blocks by their ids; two that want one id, be it a former one, are a problem."""
    found: dict[str, Block] = {}
    for block in blocks:
        other = found.setdefault(block.spec.id, block)
        if other is not block:
            problems.append(_duplicate(block, other, block.spec.id))
    taken = dict(found)
    for block in found.values():
        for alias in block.spec.aliases:
            other = taken.setdefault(alias, block)
            if other is not block:
                problems.append(_duplicate(block, other, alias))
    return found


def blocks_of(module: ModuleType) -> list[Block]:
    """The blocks that a module defines, in its order; those that it imported are not its own."""
    mine = [value for value in vars(module).values() if isinstance(value, Block)]
    return [block for block in mine if block.module == module.__name__]


def _own_modules(problems: list[Problem]) -> list[ModuleType]:
    names = [f"{blocks.__name__}.{info.name}" for info in pkgutil.iter_modules(blocks.__path__)]
    return [module for name in sorted(names) if (module := _imported(name, name, problems)) is not None]


def _announced(problems: list[Problem]) -> list[ModuleType]:
    points: list[EntryPoint] = sorted(entry_points(group=GROUP), key=lambda point: (point.name, point.value))
    found = []
    for point in points:
        module = _imported(point.module, f"entry point {point.name!r} = {point.value!r}", problems)
        if module is not None:
            found.append(module)
    return found


def _imported(name: str, what: str, problems: list[Problem]) -> ModuleType | None:
    """Import one module; whatever it raises becomes a problem with the line that raised it."""
    try:
        return importlib.import_module(name)
    except Exception as error:  # noqa: BLE001 - somebody else's module may raise anything
        last = traceback.extract_tb(error.__traceback__)[-1]
        problems.append(
            Problem(
                where=f"{last.filename}:{last.lineno}",
                what=f"{what} cannot be imported: {type(error).__name__}: {error}.",
                remedy="Mend it, or uninstall its package.",
            )
        )
        return None


def _duplicate(block: Block, other: Block, id_: str) -> Problem:
    return Problem(
        where=block.where,
        what=f"{block.spec.name} has the id {id_} of {other.spec.name} ({other.where}).",
        remedy="Give one of them another id.",
    )
