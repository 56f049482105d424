"""The blocks of a process: those of installed packages, and of the folder that its owner watches."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from millstream.cli.settings import Settings
    from millstream.processors.registry import Registry


def registry(settings: Settings, *, folder: bool = True) -> Registry:
    """Return all blocks, without those of the folder if that is said.

    Errors: BlockDefinitionError; ConfigurationError: there is no such folder.
    """
    from millstream.processors.folders import Folder, FolderRegistry
    from millstream.processors.registry import load_registry

    installed = load_registry()
    if settings.blocks is None or not folder:
        return installed
    return FolderRegistry(installed, Folder(settings.blocks))


async def keep_up(blocks: Registry) -> None:
    """Follow the folder, if there is one, for ever. The edge's log and `millstream dev` tell of files that are broken."""
    import asyncio

    from millstream.processors.folders import FolderRegistry, changes

    if isinstance(blocks, FolderRegistry):
        async for _ in changes(blocks):
            pass
    await asyncio.Event().wait()
