"""Blocks of a watched folder: what the edge knows of them changes with its files, and whoever looks is told."""

from __future__ import annotations

import structlog

from millstream.api.state import Edge
from millstream.api.ws import protocol
from millstream.processors.folders import FolderRegistry, changes

log = structlog.get_logger(__name__)


async def follow(edge: Edge, registry: FolderRegistry) -> None:
    """Take over each change of the folder, for ever."""
    async for loaded in changes(registry):
        for problem in loaded.problems:
            log.warning("block_unfit", where=problem.where, what=problem.what)
        if edge.specs.take(registry.catalogue()):
            edge.known.forget()  # their plans have the pins and lanes of before
            log.info("blocks_changed", blocks=len(edge.specs), revision=loaded.digest)
            frame = protocol.notification({"type": "blocks_changed", "etag": f'"{edge.specs.etag}"'})
            for socket in list(edge.sockets):
                socket.state.outbox.put(frame)
