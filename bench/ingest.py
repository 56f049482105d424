"""`python -m bench.ingest`: starts per second that one edge takes as lines (`POST /api/v1/ingest/{graph}`), and as requests.

A start counts when the edge has said that Kafka and PostgreSQL have it. The engine has no part in it: nothing is run.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import time

import httpx
import psycopg

from bench.fanout import TOKEN, Edge
from millstream.connectors.database import migrate
from millstream.local.ports import LOOPBACK
from millstream.topics.admin import apply
from tests.integration.api import graphs
from tests.servers import temporary

UNBOUNDED = {
    "MILLSTREAM_USER_QUEUE": "10000000",
    "MILLSTREAM_INBOX_LAG": "0",
    "MILLSTREAM_LANE_LAG": "0",
    "MILLSTREAM_SINK_LAG": "0",
}
"""Nobody takes what is started."""
SINGLE = 300


async def _lines(client: httpx.AsyncClient, graph_id: str, many: int, *, keys: str) -> float:
    lines = (
        {"inputs": {"text": f"line {n}"}} | ({"key": f"{keys}-{n}"} if keys else {}) for n in range(many)
    )
    body = "\n".join(map(json.dumps, lines)).encode()
    began = time.perf_counter()
    answer = await client.post(
        f"/api/v1/ingest/{graph_id}", content=body, headers={"Content-Type": "application/x-ndjson"}
    )
    took = time.perf_counter() - began
    answer.raise_for_status()
    if answer.json()["started"] != many:
        raise RuntimeError(f"only {answer.json()['started']} of {many} lines were started")
    return many / took


async def _main(many: int, rounds: int, senders: int) -> None:
    with temporary() as servers, servers.database() as dsn:
        apply({"bootstrap.servers": servers.kafka})
        migrate(dsn)
        async with (
            Edge(servers, dsn, servers.home.path, **UNBOUNDED) as edge,
            httpx.AsyncClient(
                base_url=f"http://{LOOPBACK}:{edge.port}",
                headers={"Authorization": f"Bearer {TOKEN}"},
                trust_env=False,
                timeout=300,
            ) as client,
        ):
            made = (await client.post("/api/v1/graphs", json=graphs.echo())).json()["id"]
            await _lines(client, made, 1000, keys="")
            for name, keys in (("lines", ""), ("lines with keys", "key")):
                for number in range(rounds):
                    began = time.perf_counter()
                    sent = [
                        _lines(client, made, many // senders, keys=keys and f"{keys}-{number}-{sender}")
                        for sender in range(senders)
                    ]
                    await asyncio.gather(*sent)
                    rate = many // senders * senders / (time.perf_counter() - began)
                    print(f"{name}: {rate:,.0f} starts/s ({many:,} by {senders} at once)", flush=True)
            began = time.perf_counter()
            for _ in range(SINGLE):
                answer = await client.post(f"/api/v1/graphs/{made}/execute", json={"inputs": {"text": "a"}})
                answer.raise_for_status()
            print(f"requests, one after the other: {SINGLE / (time.perf_counter() - began):,.0f} starts/s")
        with psycopg.connect(dsn) as conn:
            row = conn.execute("SELECT count(*) FROM executions WHERE accepted_at IS NOT NULL").fetchone()
        print(f"accepted in PostgreSQL: {row[0] if row else 0:,}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--lines", type=int, default=50_000)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--senders", type=int, default=1, help="requests at once")
    given = parser.parse_args()
    asyncio.run(_main(given.lines, given.rounds, given.senders))
