"""Progress of long blocks, to `nodes.progress`: for live views, best effort, never stored."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from millstream.schemas.codec import encode
from millstream.schemas.messages import Progress, Run
from millstream.topics.catalogue import PROGRESS


class ProgressOf:
    """Makes the `progress` of a run's context."""

    def __init__(self, producer: Any) -> None:
        self._producer = producer
        self._sending: set[asyncio.Task[Any]] = set()

    def of(self, task: Run) -> Callable[[float, str], None]:
        """Return the reporter of one task."""

        def report(fraction: float, note: str) -> None:
            message = Progress(
                execution_id=task.execution_id,
                node_execution_id=task.node_execution_id,
                user_id=task.user_id,
                fraction=min(1.0, max(0.0, fraction)),
                note=note[:500] or None,
            )
            sending = asyncio.create_task(
                self._producer.send(PROGRESS.name, encode(message), task.execution_id)
            )
            self._sending.add(sending)
            sending.add_done_callback(self._sending.discard)

        return report
