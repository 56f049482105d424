"""What a run has for itself: `Log`, lines with its ids and without its secrets, and `State`, what its node keeps."""

from __future__ import annotations

from typing import Any

import structlog

from millstream.processors.masking import Mask
from millstream.processors.services import KeyValue

_FACT_LIMIT_CHARS = 2000


class Log:
    """Writes lines into the worker's log: a constant name of what happened, and facts by keyword."""

    __slots__ = ("_log", "_mask")

    def __init__(self, mask: Mask, **ids: Any) -> None:
        self._mask = mask
        self._log = structlog.get_logger("block").bind(**ids)

    def debug(self, event: str, **facts: Any) -> None:
        """For whoever looks into one block."""
        self._log.debug(event, **self._shown(facts))

    def info(self, event: str, **facts: Any) -> None:
        """What happened."""
        self._log.info(event, **self._shown(facts))

    def warning(self, event: str, **facts: Any) -> None:
        """What was odd, and went on."""
        self._log.warning(event, **self._shown(facts))

    def error(self, event: str, **facts: Any) -> None:
        """What somebody should look at; a block that fails raises instead."""
        self._log.error(event, **self._shown(facts))

    def _shown(self, facts: dict[str, Any]) -> dict[str, Any]:
        return {name: self._fact(value) for name, value in facts.items()}

    def _fact(self, value: Any) -> Any:
        if value is None or isinstance(value, bool | int | float):
            return value
        return self._mask.text(str(value))[:_FACT_LIMIT_CHARS]


class State:
    """Values of one node of one graph, from run to run: JSON by text key, as `KeyValue`."""

    __slots__ = ("_kv", "_prefix")

    def __init__(self, kv: KeyValue, prefix: str) -> None:
        self._kv = kv
        self._prefix = prefix

    async def get(self, key: str = "") -> Any:
        """Return the value, or None."""
        return await self._kv.get(self._prefix + key)

    async def set(self, key: str, value: Any) -> None:
        """Keep `value` under `key`; None removes it."""
        await self._kv.set(self._prefix + key, value)
