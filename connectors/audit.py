"""The audit chain's outbox and its end, as PostgreSQL has them."""

from __future__ import annotations

import json
import time
from typing import Any
from uuid import uuid4

import psycopg

from millstream.connectors.database import CONNECT_S
from millstream.schemas.audit import Head
from millstream.schemas.errors import UnavailableError

INSERT = """
INSERT INTO audit_outbox (audit_id, actor_id, action, subject, data, at_ms)
VALUES (%s, %s, %s, %s, %s, %s)
"""


def write(dsn: str, *, actor: str, action: str, subject: str, facts: dict[str, Any]) -> None:
    """Write down what an operator does from the command line; an edge moves it to the log. Errors: UnavailableError."""
    values = [uuid4(), actor, action, subject, json.dumps(facts), int(time.time() * 1000)]
    try:
        with psycopg.connect(dsn, connect_timeout=CONNECT_S) as conn:
            conn.execute(INSERT, values)
    except psycopg.Error as error:
        raise UnavailableError(
            f"PostgreSQL does not take an audit record: {type(error).__name__}."
        ) from error


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
