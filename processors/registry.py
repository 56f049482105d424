"""The blocks that this installation has, by id: ours and those of installed packages.

A package announces modules of blocks in its entry points of group `millstream.blocks`; nothing is ever
imported because a graph or a request names it.
"""

from __future__ import annotations

import importlib
import pkgutil
import traceback
from collections.abc import Iterator
from importlib.metadata import EntryPoint, entry_points
from types import ModuleType
from typing import Final

from millstream.processors import blocks, definitions
from millstream.processors.definitions import Problem
from millstream.processors.sdk import Block
from millstream.schemas.blocks import BlockSpec
from millstream.schemas.errors import BlockUnknownError

GROUP: Final = "millstream.blocks"


class Registry:
    """Blocks by id. Immutable."""

    def __init__(self, found: dict[str, Block]) -> None:
        self._blocks = dict(sorted(found.items(), key=lambda item: (item[1].spec.name, item[0])))
        self._specs = [block.spec for block in self._blocks.values()]

    def get(self, block_id: str) -> Block:
        """Return the block. Errors: BlockUnknownError."""
        block = self._blocks.get(block_id)
        if block is None:
            raise BlockUnknownError(
                f"No block has the id {block_id!r} here; install the package that brings it.",
                block_id=block_id,
            )
        return block

    def find(self, block_id: str) -> Block | None:
        """Return the block, or None."""
        return self._blocks.get(block_id)

    def specs(self) -> list[BlockSpec]:
        """Return the data forms of all blocks, by name."""
        return list(self._specs)

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
    found: dict[str, Block] = {}
    for module in modules:
        for block in blocks_of(module):
            other = found.setdefault(block.spec.id, block)
            if other is not block:
                problems.append(_duplicate(block, other))
    if problems:
        raise definitions.failure(problems)
    return Registry(found)


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


def _duplicate(block: Block, other: Block) -> Problem:
    return Problem(
        where=block.where,
        what=f"{block.spec.name} has the id {block.spec.id} of {other.spec.name} ({other.where}).",
        remedy="Give one of them another id.",
    )
