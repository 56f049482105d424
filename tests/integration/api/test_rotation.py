"""Rotation of the master key, on a real database: interrupted, resumed, and beside an edge that goes on sealing."""

from __future__ import annotations

import asyncio
import json
import os
import threading
import uuid
from pathlib import Path
from typing import Any

import psycopg
import pytest
from pydantic import SecretStr

from millstream.api.auth.principal import LOCAL_USER_ID
from millstream.api.credentials import keyring
from millstream.api.credentials.keyring import Keyring
from millstream.api.credentials.rotation import rotate, wrapped_by
from millstream.api.credentials.settings import SecretSettings
from millstream.api.credentials.vault import Vault
from millstream.connectors import database
from millstream.connectors import redis as redis_
from millstream.schemas.errors import ConfigurationError, SealBrokenError, UnavailableError


@pytest.fixture
def path(tmp_path: Path) -> Path:
    found = tmp_path / keyring.FILE_NAME
    keyring.ensure(found)
    return found


@pytest.fixture
def migrated(dsn: str) -> str:
    database.migrate(dsn)
    with psycopg.connect(dsn) as conn:
        conn.execute(
            "INSERT INTO accounts (id, kind) VALUES (%s, 'user') ON CONFLICT DO NOTHING", [LOCAL_USER_ID]
        )
    return dsn


def vault_of(path: Path, redis_url: str) -> Vault:
    settings = SecretSettings(master_keys_file=path, worker_key=SecretStr("k" * 20))
    return Vault(settings, redis_.client(redis_url))


async def fill(dsn: str, vault: Vault, count: int) -> list[uuid.UUID]:
    async with await psycopg.AsyncConnection.connect(dsn) as conn:
        return [await vault.add_value(conn, f"secret {n}", owner_id=LOCAL_USER_ID) for n in range(count)]


async def values(dsn: str, vault: Vault, ids: list[uuid.UUID]) -> set[str]:
    async with await psycopg.AsyncConnection.connect(dsn) as conn:
        return {o.data["value"] for o in await vault.opened_values(conn, ids, owner_id=LOCAL_USER_ID)}


def test_the_file_is_private_and_made_once(path: Path) -> None:
    before = path.read_text()
    path.chmod(0o644)
    keyring.ensure(path)
    assert path.read_text() == before
    assert path.stat().st_mode & 0o777 == 0o600
    assert json.loads(before)["keys"][keyring.read(path).current[0]] not in repr(keyring.read(path))


@pytest.mark.parametrize(
    "text", ["", "{", "{}", '{"keys": {}, "retired": {}}', '{"keys": {"a": "eA=="}, "retired": {}}']
)
def test_a_damaged_file_is_refused_not_replaced(path: Path, text: str) -> None:
    path.write_text(text)
    with pytest.raises(ConfigurationError):
        Keyring(path=path).keys()
    with pytest.raises(ConfigurationError):
        keyring.add(path)
    assert path.read_text() == text


def test_without_keys_secrets_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UnavailableError, match="MILLSTREAM_MASTER_KEYS"):
        Keyring(path=tmp_path / "none").keys()


async def test_all_is_wrapped_anew_and_the_old_key_is_gone(path: Path, migrated: str, redis_url: str) -> None:
    vault = vault_of(path, redis_url)
    ids = await fill(migrated, vault, 25)
    old = vault.keyring.keys().current[0]
    done = await asyncio.to_thread(rotate, migrated, Keyring(path=path), batch=10)
    assert (done.rewrapped, done.broken, done.retired) == (25, 0, (old,))
    assert wrapped_by(migrated) == {done.key_id: 25}
    assert len(await values(migrated, vault, ids)) == 25  # the edge reads the file again
    assert list(keyring.read(path).retired) == [old]
    again = await asyncio.to_thread(rotate, migrated, Keyring(path=path))
    assert again.key_id not in (old, done.key_id)
    assert len(await values(migrated, vault, ids)) == 25


async def test_an_interrupted_rotation_goes_on_where_it_was(
    path: Path, migrated: str, redis_url: str
) -> None:
    vault = vault_of(path, redis_url)
    ids = await fill(migrated, vault, 30)

    def stop(count: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        rotate(migrated, Keyring(path=path), batch=10, progress=stop)
    assert sorted(wrapped_by(migrated).values()) == [10, 20]
    assert len(await values(migrated, vault, ids)) == 30  # both keys are there meanwhile
    half = keyring.read(path).current[0]
    done = rotate(migrated, Keyring(path=path), batch=10)
    assert (done.key_id, done.rewrapped) == (half, 20)
    assert wrapped_by(migrated) == {half: 30}


async def test_nothing_is_lost_that_is_sealed_meanwhile(path: Path, migrated: str, redis_url: str) -> None:
    vault = vault_of(path, redis_url)
    stop, ids = threading.Event(), await fill(migrated, vault, 5)

    async def go_on() -> None:
        while not stop.is_set():
            ids.extend(await fill(migrated, vault, 3))

    sealing = asyncio.create_task(go_on())
    for _ in range(4):
        await asyncio.to_thread(rotate, migrated, Keyring(path=path), batch=7)
    stop.set()
    await sealing
    assert len(keyring.read(path).keys) == 1
    async with await psycopg.AsyncConnection.connect(migrated) as conn:
        assert len(await vault.opened_values(conn, ids, owner_id=LOCAL_USER_ID)) == len(ids)


async def test_a_key_is_kept_while_something_does_not_open(path: Path, migrated: str, redis_url: str) -> None:
    vault = vault_of(path, redis_url)
    [first, second] = await fill(migrated, vault, 2)
    with psycopg.connect(migrated) as conn:
        conn.execute("UPDATE secret_values SET data_key = %s WHERE id = %s", [os.urandom(60), first])
    done = rotate(migrated, Keyring(path=path))
    assert (done.broken, done.retired) == (1, ())
    assert len(keyring.read(path).keys) == 2
    assert await values(migrated, vault, [second]) == {"secret 1"}
    with pytest.raises(SealBrokenError):
        await values(migrated, vault, [first])


async def test_keys_in_a_setting_are_changed_by_their_order(migrated: str, redis_url: str) -> None:
    import base64

    one, two = (base64.b64encode(os.urandom(32)).decode() for _ in range(2))

    def vault(keys: str) -> Vault:
        settings: Any = SecretSettings(master_keys=SecretStr(keys), worker_key=SecretStr("k" * 20))
        return Vault(settings, redis_.client(redis_url))

    ids = await fill(migrated, vault(f"one:{one}"), 3)
    done = rotate(migrated, Keyring(f"two:{two},one:{one}"))
    assert (done.key_id, done.rewrapped, done.retired) == ("two", 3, ())
    assert len(await values(migrated, vault(f"two:{two}"), ids)) == 3
