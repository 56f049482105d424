"""What runs of blocks in a worker are given: the web, files, values, progress, models, secrets."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

if TYPE_CHECKING:
    from millstream.cli.settings import Settings
    from millstream.connectors.sealed import SealedSecrets
    from millstream.connectors.vectors import PostgresVectors


def _files_folder(settings: Settings) -> Path:
    """Return where the edge stores uploads: `files/` of the object store, when that is a folder."""
    if settings.objects.startswith("file://"):
        return Path(unquote(settings.objects.removeprefix("file://"))) / "files"
    return settings.home / "files"


def own_origins(settings: Settings) -> frozenset[str]:
    """Return `host:port` of the edge, inside and as people reach it: blocks that call it would do so past its rules."""
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    parts = [urlsplit(url) for url in (f"http://{host}:{settings.port}", settings.public_url) if url]
    return frozenset(
        f"{part.hostname}:{part.port or (443 if part.scheme == 'https' else 80)}" for part in parts
    )


def contexts(
    settings: Settings,
    redis: Any,
    producer: Any,
    vault: SealedSecrets | None,
    vectors: PostgresVectors | None,
) -> Any:
    """Return what makes the context of each run."""
    from uuid import UUID

    from millstream.cli.models import switchboard
    from millstream.connectors.keyvalue import RedisKeyValue
    from millstream.connectors.progress import ProgressOf
    from millstream.connectors.shared import RedisShared
    from millstream.processors.confidence import Confidence, NoVault
    from millstream.processors.context import Context
    from millstream.processors.guards.files import LocalFiles
    from millstream.processors.guards.http import GuardedHttp
    from millstream.processors.services import NO_VECTORS
    from millstream.schemas.messages import Run

    deny = own_origins(settings)
    http = GuardedHttp(allow=frozenset(settings.http_allow), deny=deny, services=settings.service_urls)
    models = switchboard(settings, redis, producer, deny=deny)
    files = LocalFiles(_files_folder(settings))
    never = asyncio.Event()
    progress = ProgressOf(producer)

    opens = vault or NoVault()

    def context(task: Run, resumed: Any) -> Context:
        execution_id = str(UUID(bytes=task.execution_id))
        return Context(
            user_id=task.user_id,
            graph_id=task.graph_id,
            graph_version=task.graph_version,
            execution_id=execution_id,
            confidence=Confidence(opens, task.user_id, execution_id),
            node_id=task.node_id,
            node_execution_id=str(UUID(bytes=task.node_execution_id)),
            http=http,
            files=files.of(task.user_id, http),
            kv=RedisKeyValue(redis, task.user_id),
            shared=RedisShared(redis, task.user_id),
            vectors=NO_VECTORS if vectors is None else vectors.of(task.user_id),
            progress=progress.of(task),
            model_source=models,
            cancelled=never,
            attempt=task.attempt,
            dry_run=task.flags.dry_run,
            timezone=task.flags.timezone,
            human_in_the_loop_safe_mode=task.flags.human_in_the_loop_safe_mode,
            sensitive_action_safe_mode=task.flags.sensitive_action_safe_mode,
            budget_microusd=task.budget_microusd,
            resumed=resumed,
        )

    return context
