"""Executions of chosen times, and what a statement reads."""

from __future__ import annotations

import os
from datetime import datetime
from typing import Any
from uuid import UUID

import psycopg

from millstream.connectors import partitions


def id_at(at: datetime) -> UUID:
    """Return a UUIDv7 of a time."""
    raw = bytearray(int(at.timestamp() * 1000).to_bytes(6, "big") + os.urandom(10))
    raw[6], raw[8] = 0x70 | (raw[6] & 0x0F), 0x80 | (raw[8] & 0x3F)
    return UUID(bytes=bytes(raw))


async def kept(dsn: str, now: datetime, months: int = 0) -> partitions.Kept:
    """Do a round at a time."""
    async with await psycopg.AsyncConnection.connect(dsn, autocommit=True) as conn:
        found = await partitions.keep(conn, months=months, now=now)
    assert found is not None
    return found


def rows_read(plan: dict[str, Any]) -> float:
    """Return how many rows a plan of `EXPLAIN (ANALYZE, FORMAT JSON)` took from tables, those that it threw away included."""
    below = sum(rows_read(part) for part in plan.get("Plans", ()))
    if "Relation Name" not in plan or plan["Node Type"] == "ModifyTable":
        return below
    thrown = plan.get("Rows Removed by Filter", 0) + plan.get("Rows Removed by Index Recheck", 0)
    return float(below + (plan["Actual Rows"] + thrown) * plan["Actual Loops"])


def tables_read(plan: dict[str, Any]) -> set[str]:
    """Return the tables that were looked at."""
    is_read = "Relation Name" in plan and plan["Node Type"] != "ModifyTable" and plan["Actual Loops"]
    found = {plan["Relation Name"]} if is_read else set()
    return found.union(*(tables_read(part) for part in plan.get("Plans", ())))


def explained(conn: psycopg.Connection[Any], query: str | bytes, values: Any) -> dict[str, Any]:
    """Carry a statement out and return its plan."""
    text = query if isinstance(query, bytes) else query.encode()
    row = conn.execute(b"EXPLAIN (ANALYZE, FORMAT JSON) " + text, values).fetchone()
    assert row is not None
    plan: dict[str, Any] = row[0][0]["Plan"]
    return plan
