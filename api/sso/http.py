"""Requests to providers: short, without redirects, of a size that fits in memory."""

from __future__ import annotations

from typing import Any

import httpx
import structlog

from millstream.schemas.errors import UnavailableError

log = structlog.get_logger(__name__)

ANSWER_S = 10.0
MOST_BYTES = 1_000_000


async def ask(method: str, url: str, **more: Any) -> tuple[int, Any]:
    """Return status and JSON of an answer. Errors: UnavailableError: none came, or none that is JSON of a fit size."""
    headers = {"Accept": "application/json", "User-Agent": "millstream"} | more.pop("headers", {})
    try:
        async with (
            httpx.AsyncClient(timeout=ANSWER_S, trust_env=False, follow_redirects=False) as client,
            client.stream(method, url, headers=headers, **more) as answer,
        ):
            body = b""
            async for part in answer.aiter_bytes():
                body += part
                if len(body) > MOST_BYTES:
                    raise ValueError("too long")
            return answer.status_code, httpx.Response(200, content=body).json()
    except (httpx.HTTPError, ValueError) as error:
        log.warning("provider_away", url=url, error=type(error).__name__)
        raise UnavailableError(
            "The provider of the log-in does not answer as it should; try again."
        ) from error
