"""Rotation of the master key: a new one wraps from now on, all data keys are wrapped anew, then the old one is removed.

May be interrupted at any point: the next call goes on with the key that is there. The edges go on working meanwhile.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import psycopg

from millstream.api.credentials import envelope, keyring
from millstream.api.credentials.envelope import About, Envelope
from millstream.api.credentials.keyring import Keyring, MasterKeys
from millstream.api.credentials.repository import SEALING_LOCK
from millstream.api.credentials.vault import VALUE_PROVIDER
from millstream.schemas.errors import SealBrokenError, UnavailableError

BATCH = 500
PROVIDERS = {"credentials": "provider", "secret_values": f"'{VALUE_PROVIDER}'"}
"""The tables, and how each says its provider."""
CONNECT_S = 10


@dataclass(slots=True, kw_only=True)
class Rotated:
    """What a rotation has done."""

    key_id: str
    """The key that wraps now."""
    rewrapped: int = 0
    broken: int = 0
    """Rows that do not open with the keys that are there; their keys are kept."""
    retired: tuple[str, ...] = ()


def rotate(
    dsn: str, ring: Keyring, *, batch: int = BATCH, progress: Callable[[int], None] = lambda done: None
) -> Rotated:
    """Rotate, or go on with what was interrupted. With keys in a setting: wrap all by its first key.

    Errors: UnavailableError, ConfigurationError.
    """
    path = ring.path
    if path is not None and len(ring.keys().keys) == 1:
        keyring.add(path)
    keys = ring.keys()
    done = Rotated(key_id=keys.current[0])
    try:
        with psycopg.connect(dsn, connect_timeout=CONNECT_S, autocommit=True) as conn:
            for table in PROVIDERS:
                _rewrap_all(conn, table, keys, batch, done, progress)
            with conn.transaction():
                conn.execute("SELECT pg_advisory_xact_lock(%s)", [SEALING_LOCK])
                done.broken = 0
                for (
                    table
                ) in PROVIDERS:  # what was sealed while we worked, by an edge that had read the old file
                    _rewrap_all(conn, table, keys, batch, done, progress)
                if path is not None and not done.broken:
                    done.retired = tuple(list(keys.keys)[1:])
                    for key_id in done.retired:
                        keyring.retire(path, key_id)
    except psycopg.OperationalError as error:
        raise UnavailableError(
            "PostgreSQL does not answer; repeat the command, it goes on where it was."
        ) from error
    return done


def wrapped_by(dsn: str) -> dict[str, int]:
    """Return how many secrets each master key wraps. Errors: UnavailableError."""
    query = " UNION ALL ".join(f"SELECT key_id FROM {table}" for table in PROVIDERS)
    try:
        with psycopg.connect(dsn, connect_timeout=CONNECT_S) as conn:
            rows = conn.execute(
                f"SELECT key_id, count(*) FROM ({query}) t GROUP BY key_id".encode()
            ).fetchall()
    except psycopg.OperationalError as error:
        raise UnavailableError("PostgreSQL does not answer.") from error
    return {str(key_id): int(count) for key_id, count in rows}


def _rewrap_all(
    conn: psycopg.Connection[Any],
    table: str,
    keys: MasterKeys,
    batch: int,
    done: Rotated,
    progress: Callable[[int], None],
) -> None:
    after = UUID(int=0)
    while True:
        with conn.transaction():
            rows = _read(conn, table, keys.current[0], after, batch)
            for id_, *rest in rows:
                _rewrap(conn, table, keys, done, (id_, *rest))
        if not rows:
            return
        after = rows[-1][0]
        progress(done.rewrapped)


def _read(
    conn: psycopg.Connection[Any], table: str, current: str, after: UUID, limit: int
) -> list[tuple[Any, ...]]:
    query = (
        f"SELECT id, account_id, {PROVIDERS[table]}, ciphertext, data_key, key_id FROM {table} "
        "WHERE key_id <> %s AND id > %s ORDER BY id LIMIT %s FOR UPDATE"
    )
    return conn.execute(query.encode(), [current, after, limit]).fetchall()


def _rewrap(
    conn: psycopg.Connection[Any], table: str, keys: MasterKeys, done: Rotated, row: tuple[Any, ...]
) -> None:
    id_, account_id, provider, ciphertext, data_key, key_id = row
    sealed = Envelope(ciphertext=ciphertext, data_key=data_key, key_id=key_id)
    try:
        new = envelope.rewrap(keys, sealed, About(account_id=account_id, provider=provider, id=id_))
    except SealBrokenError:
        done.broken += 1
        return
    conn.execute(
        f"UPDATE {table} SET data_key = %s, key_id = %s WHERE id = %s".encode(),
        [new.data_key, new.key_id, id_],
    )
    done.rewrapped += 1
