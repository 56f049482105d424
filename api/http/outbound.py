"""Requests to providers that the operator has named: short, without redirects, of a size that fits in memory."""

from __future__ import annotations

from typing import Any

import httpx
import structlog

from millstream.schemas.errors import UnavailableError

log = structlog.get_logger(__name__)

ANSWER_S = 10.0
MOST_BYTES = 1_000_000


async def ask(method: str, url: str, *, what: str = "log-in", **more: Any) -> tuple[int, Any]:
    """Return status and JSON of an answer. `what`: of what it is the provider, for people.

    Errors: UnavailableError: none came, none that is JSON of a fit size, or one that says so itself (429, 5xx).
    """
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
            if answer.status_code == 429 or answer.status_code >= 500:
                raise ValueError(f"status {answer.status_code}")
            return answer.status_code, httpx.Response(200, content=body).json()
    except (httpx.HTTPError, ValueError) as error:
        log.warning("provider_away", url=url, error=type(error).__name__)
        raise UnavailableError(
            f"The provider of the {what} does not answer as it should; try again in a moment."
        ) from error
