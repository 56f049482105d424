"""A context for blocks that run in this process: real guards, no network, values in a dict."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any
from uuid import UUID

from millstream.processors.context import Context
from millstream.processors.guards.files import LocalFiles
from millstream.processors.guards.http import GuardedHttp
from millstream.schemas.messages import Run
from millstream.testing import Silent

_HTTP = GuardedHttp()
_FILES = LocalFiles(Path("/nonexistent"))


class DictKeyValue:
    def __init__(self) -> None:
        self.values: dict[str, Any] = {}

    async def get(self, key: str) -> Any:
        return self.values.get(key)

    async def set(self, key: str, value: Any) -> None:
        self.values[key] = value


_KV = DictKeyValue()


def context(task: Run, resumed: Any) -> Context:
    return Context(
        user_id=task.user_id,
        graph_id=task.graph_id,
        graph_version=task.graph_version,
        execution_id=str(UUID(bytes=task.execution_id)),
        node_id=task.node_id,
        node_execution_id=str(UUID(bytes=task.node_execution_id)),
        http=_HTTP,
        files=_FILES.of(task.user_id, _HTTP),
        kv=_KV,
        progress=Silent(),
        budget_microusd=task.budget_microusd,
        cancelled=asyncio.Event(),
        attempt=task.attempt,
        human_in_the_loop_safe_mode=task.flags.human_in_the_loop_safe_mode,
        sensitive_action_safe_mode=task.flags.sensitive_action_safe_mode,
        resumed=resumed,
    )
