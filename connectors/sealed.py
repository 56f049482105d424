"""Secrets as workers get them: a sealed copy in Redis, or, when that has gone, one from the edge's internal route."""

from __future__ import annotations

import asyncio

import httpx
import msgspec
import structlog
from redis.asyncio import Redis
from redis.exceptions import RedisError

from millstream.connectors.sealing import WorkerKey
from millstream.schemas.errors import CredentialError, SealBrokenError, UnavailableError
from millstream.schemas.secrets import Opened

log = structlog.get_logger(__name__)

TIMEOUT_S = 30.0
"""Of an answer of the edge: it may have to refresh a token first."""
TRIES = 6
FIRST_WAIT_S = 0.25
"""Doubled with each try: about 8 s in all, within which the sink has written down that a child execution is there."""
_DECODE = msgspec.json.Decoder(Opened).decode


def name_of(execution_id: str, secret_id: str) -> str:
    """Return the key of a copy in Redis."""
    return f"sealed:{execution_id}:{secret_id}"


def path_of(secret_id: str) -> str:
    """Return the path of the edge's internal route."""
    return f"/internal/credentials/{secret_id}"


class SealedSecrets:
    """`processors.confidence.Vault` of a worker."""

    def __init__(self, redis: Redis, key: WorkerKey, edge_url: str) -> None:
        """`edge_url`: empty if there is none to ask."""
        self._redis = redis
        self._key = key
        self._http = httpx.AsyncClient(
            base_url=edge_url,
            timeout=TIMEOUT_S,
            trust_env=False,
            headers={"Authorization": f"Worker {key.token}"},
        )
        self._can_ask = bool(edge_url)

    async def close(self) -> None:
        """Close connections."""
        await self._http.aclose()

    async def open(self, user_id: str, execution_id: str, secret_id: str) -> Opened:
        """Return a secret that an execution was granted.

        Errors: CredentialError: it was not, or it is gone; UnavailableError: neither Redis nor the edge answers.
        """
        about = (user_id, execution_id, secret_id)
        sealed = await self._copy(execution_id, secret_id)
        if sealed is not None:
            try:
                return _DECODE(self._key.unseal(sealed, about))
            except (SealBrokenError, msgspec.DecodeError):
                log.warning(
                    "sealed_copy_broken", secret=secret_id
                )  # of another key: the edge has the new one
        try:
            return _DECODE(self._key.unseal(await self._asked(execution_id, secret_id), about))
        except (SealBrokenError, msgspec.DecodeError) as error:
            raise CredentialError("The edge and this worker have different worker keys.") from error

    async def _copy(self, execution_id: str, secret_id: str) -> bytes | None:
        try:
            found = await self._redis.get(name_of(execution_id, secret_id))
        except (RedisError, OSError):
            return None
        return found if isinstance(found, bytes) else None

    async def _asked(self, execution_id: str, secret_id: str) -> bytes:
        if not self._can_ask:
            raise UnavailableError(
                "The copy of a secret has gone, and this worker knows no edge; set MILLSTREAM_EDGE_URL."
            )
        why = "it does not answer"
        for number in range(TRIES):
            if number:
                await asyncio.sleep(FIRST_WAIT_S * 2 ** (number - 1))
            try:
                answer = await self._http.post(path_of(secret_id), json={"execution_id": execution_id})
            except httpx.HTTPError as error:
                why = type(error).__name__
                continue
            if answer.status_code == 200:
                return answer.content
            if answer.status_code in (401, 403):
                raise CredentialError(f"The secret {secret_id} is gone, or this run may not have it.")
            why = f"it answered {answer.status_code}"
        raise UnavailableError(f"The edge did not give the secret {secret_id}: {why}.")
