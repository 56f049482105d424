"""Faust's table manager, corrected: recovery sees no changelog record of an assignment that has ended.

Such a record would be counted although what was before it in the queue was thrown away when the flow was opened: a hole in
the rows that nobody reads again. It comes again, from the place up to which the rows are on disk.
"""

from __future__ import annotations

from typing import Any

from faust.tables import TableManager
from mode.utils.queues import ThrowableQueue


class _Current(ThrowableQueue):  # type: ignore[misc]  # Faust is not typed
    """A queue that forgets events of an older generation of the group."""

    app: Any

    async def get(self) -> Any:
        """Return the next event of this generation."""
        while True:
            event = await super().get()
            if event.message.generation_id == self.app.consumer_generation_id:
                return event


class Tables(TableManager):  # type: ignore[misc]  # Faust is not typed
    """Faust's manager of tables with that queue."""

    _changelog_queue: Any

    @property
    def changelog_queue(self) -> Any:
        """Return the queue between the consumer and recovery."""
        if self._changelog_queue is None:
            app: Any = self.app
            queue = _Current(
                maxsize=app.conf.stream_buffer_maxsize, flow_control=app.flow_control, clear_on_resume=True
            )
            queue.app = app
            self._changelog_queue = queue
        return self._changelog_queue
