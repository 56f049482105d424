"""The vault: seals what people confide, opens it again, and puts copies in reach of workers. Holds keys, no connection."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import msgspec
import orjson
from redis.asyncio import Redis

from millstream.api.credentials import envelope
from millstream.api.credentials.envelope import About
from millstream.api.credentials.keyring import Keyring, MasterKeys
from millstream.api.credentials.repository import CredentialRow, Credentials, SecretValues, hold_sealing
from millstream.api.credentials.settings import SecretSettings
from millstream.api.database import Connection
from millstream.connectors.sealed import name_of
from millstream.connectors.sealing import WorkerKey
from millstream.schemas.errors import CredentialError, UnavailableError
from millstream.schemas.ids import new_id
from millstream.schemas.secrets import VALUE, Opened

DAY_S = 86_400
VALUE_PROVIDER = "value"
"""What secret values are bound to in the place of a provider."""
SPARE_S = 60
"""A copy of an access token ends so long before the token."""


class Vault:
    """Seals and opens. One for an edge."""

    def __init__(self, settings: SecretSettings, redis: Redis) -> None:
        """Errors: ConfigurationError: keys that are none."""
        secret = settings.worker_key.get_secret_value()
        self.settings = settings
        self.keyring = Keyring(settings.master_keys.get_secret_value(), settings.master_keys_file)
        self.redis = redis
        self._worker_key = WorkerKey(secret) if secret else None

    @property
    def worker_key(self) -> WorkerKey:
        """Errors: UnavailableError."""
        if self._worker_key is None:
            raise UnavailableError(
                "This platform has no worker key, so runs cannot use secrets; whoever runs it can set MILLSTREAM_WORKER_KEY."
            )
        return self._worker_key

    @asynccontextmanager
    async def sealing(self, conn: Connection) -> AsyncIterator[MasterKeys]:
        """Lend the keys for a transaction in which something is sealed. Errors: UnavailableError."""
        async with conn.transaction():
            await hold_sealing(conn)
            yield self.keyring.keys()

    async def add_value(self, conn: Connection, value: Any, *, owner_id: UUID) -> UUID:
        """Keep a secret value. Returns its id."""
        about = About(account_id=owner_id, provider=VALUE_PROVIDER, id=new_id())
        async with self.sealing(conn) as keys:
            await SecretValues(conn).add(about, envelope.close(keys, orjson.dumps(value), about))
        return about.id

    async def add_credential(
        self, conn: Connection, data: Mapping[str, Any], *, owner_id: UUID, provider: str, **facts: Any
    ) -> CredentialRow:
        """Keep a credential. `facts`: kind, title, username, scopes, hosts, expires_at."""
        about = About(account_id=owner_id, provider=provider, id=new_id())
        async with self.sealing(conn) as keys:
            await Credentials(conn).add(about, envelope.close(keys, orjson.dumps(data), about), **facts)
        return await Credentials(conn).get(about.id, owner_id=owner_id)

    async def reseal(
        self, conn: Connection, row: CredentialRow, data: Mapping[str, Any], **facts: Any
    ) -> CredentialRow:
        """Replace what is secret in a credential."""
        async with self.sealing(conn) as keys:
            await Credentials(conn).reseal(row, envelope.close(keys, orjson.dumps(data), row.about), **facts)
        return await Credentials(conn).get(row.id, owner_id=row.account_id)

    def open(self, row: CredentialRow) -> dict[str, Any]:
        """Return what is secret in a credential. Errors: SealBrokenError, UnavailableError."""
        data: dict[str, Any] = orjson.loads(envelope.open_(self.keyring.keys(), row.envelope, row.about))
        return data

    def opened(self, row: CredentialRow) -> Opened:
        """Return a credential as workers get it: without what refreshes it."""
        data = {key: value for key, value in self.open(row).items() if key != "refresh_token"}
        if row.kind == "oauth2":
            data |= {"scopes": row.scopes, "username": row.username or ""}
        return Opened(
            id=str(row.id),
            kind=row.kind,
            data=data,
            provider=row.provider,
            title=row.title,
            hosts=tuple(row.hosts),
        )

    async def opened_values(self, conn: Connection, ids: Iterable[UUID], *, owner_id: UUID) -> list[Opened]:
        """Return those of `ids` that are secret values of the owner."""
        keys = self.keyring.keys()
        found = []
        for id_, sealed in (await SecretValues(conn).find(ids, owner_id=owner_id)).items():
            about = About(account_id=owner_id, provider=VALUE_PROVIDER, id=id_)
            value = orjson.loads(envelope.open_(keys, sealed, about))
            found.append(Opened(id=str(id_), kind=VALUE, data={"value": value}))
        return found

    def copy(self, opened: Opened, *, user_id: UUID, execution_id: UUID) -> bytes:
        """Return a copy that only a worker opens, for one execution of one user."""
        about = (str(user_id), str(execution_id), opened.id)
        return self.worker_key.seal(msgspec.json.encode(opened), about)

    async def lay_out(
        self,
        opened: Opened,
        *,
        user_id: UUID,
        execution_id: UUID,
        lasts_s: float,
        expires_at: datetime | None,
    ) -> bytes:
        """Put a copy into Redis until the execution is over, or the token is. Returns it. Errors: RedisError."""
        sealed = self.copy(opened, user_id=user_id, execution_id=execution_id)
        if expires_at is not None:
            lasts_s = min(lasts_s, (expires_at - datetime.now(UTC)).total_seconds() - SPARE_S)
        if lasts_s >= 1:
            await self.redis.set(name_of(str(execution_id), opened.id), sealed, ex=int(lasts_s))
        return sealed

    async def withdraw(self, executions: Iterable[UUID], secret_id: UUID) -> None:
        """Remove all copies of a secret."""
        names = [name_of(str(execution_id), str(secret_id)) for execution_id in executions]
        if names:
            await self.redis.delete(*names)


def absent(id_: UUID) -> CredentialError:
    """Return the error that says that a secret is not there for this run."""
    return CredentialError(f"The secret {id_} is gone, or this run may not have it.")
