"""Closing an aiokafka consumer to its end.

Its `stop` cancels the fetches that are under way and lets their cancellation out (0.14.0): the connections then stay open,
and the caller takes it for a cancellation of his own.
"""

from __future__ import annotations

import asyncio
from typing import Any


async def stop_consumer(consumer: Any) -> None:
    """Stop an `AIOKafkaConsumer` and close its connections. Errors: CancelledError only if the caller is cancelled."""
    try:
        await consumer.stop()
    except asyncio.CancelledError:
        await consumer._client.close()
        task = asyncio.current_task()
        if task is not None and task.cancelling():
            raise
