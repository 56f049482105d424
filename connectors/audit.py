"""The end of the audit chain, as PostgreSQL has it."""

from __future__ import annotations

import psycopg

from millstream.connectors.database import CONNECT_S
from millstream.schemas.audit import Head
from millstream.schemas.errors import UnavailableError


def read_head(dsn: str) -> Head:
    """Return the end of the chain. Errors: UnavailableError."""
    try:
        with psycopg.connect(dsn, connect_timeout=CONNECT_S) as conn:
            row = conn.execute("SELECT chain_id, sequence, hash, sent FROM audit_chain").fetchone()
    except psycopg.OperationalError as error:
        raise UnavailableError("PostgreSQL does not answer.") from error
    if row is None:
        raise UnavailableError("PostgreSQL has no end of the audit chain: its row was deleted.")
    return Head(chain_id=str(row[0]), sequence=row[1], hash=bytes(row[2]), sent=row[3])
