"""`python -m bench.fanout_clients`: thousands of WebSockets in one process, and the events that they are told.

Bare sockets with just enough of RFC 6455, so that the clients cost little beside the edge. Reads one JSON object from its
input (host, port, token, kafka, user, executions, per_s, seconds), prints `ready`, then at the end one JSON object.
"""

from __future__ import annotations

import asyncio
import base64
import os
import random
import sys
import time
from typing import Any, cast
from uuid import UUID

import orjson
import uvloop
from aiokafka import AIOKafkaProducer

from millstream.schemas.codec import encode
from millstream.schemas.messages import Delta, Events
from millstream.topics.catalogue import EVENTS

AT_ONCE = 50
TRIES = 5
SETTLE_S = 2.0
_MASK = b"\0\0\0\0"


class Client(asyncio.Protocol):
    """One socket that follows one execution."""

    def __init__(self, asked: dict[str, Any], execution_id: str) -> None:
        self._asked, self._id = asked, execution_id
        self._rest = b""
        self._open = False
        self.subscribed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.got: list[tuple[float, int]] = []
        self.closed = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is none by its class
        key = base64.b64encode(os.urandom(16)).decode()
        head = (
            f"GET /ws HTTP/1.1\r\nHost: {self._asked['host']}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n"
            f"Authorization: Bearer {self._asked['token']}\r\n\r\n"
        )
        self._transport.write(head.encode())

    def data_received(self, data: bytes) -> None:
        now = time.time()
        self._rest += data
        if not self._open:
            head, found, rest = self._rest.partition(b"\r\n\r\n")
            if not found:
                return
            if b" 101 " not in head:
                self._fail(head[:100].decode(errors="replace"))
                return
            self._open, self._rest = True, rest
            ask = {"method": "subscribe_graph_execution", "data": {"graph_exec_id": self._id}}
            self._send(1, orjson.dumps(ask))
        while (frame := self._frame()) is not None:
            self._take(*frame, now)

    def connection_lost(self, exc: Exception | None) -> None:
        self.closed = True
        self._fail("closed")

    def _frame(self) -> tuple[int, bytes] | None:
        data = self._rest
        if len(data) < 2:
            return None
        size, start = data[1] & 0x7F, 2
        if size >= 126:
            start = 4 if size == 126 else 10
            if len(data) < start:
                return None
            size = int.from_bytes(data[2:start], "big")
        if len(data) < start + size:
            return None
        self._rest = data[start + size :]
        return data[0] & 0x0F, data[start : start + size]

    def _take(self, code: int, payload: bytes, now: float) -> None:
        if code == 9:
            self._send(10, payload)
        elif code == 8:
            self._transport.close()
        elif code == 1:
            if self.subscribed.done():
                _, _, number = payload.rpartition(b',"sequence":')
                if number[:1].isdigit():
                    self.got.append((now, int(number.rstrip(b"}"))))
            elif b'"success":true' in payload:
                self.subscribed.set_result(None)
            else:
                self._fail(payload[:200].decode())

    def _send(self, code: int, payload: bytes) -> None:
        size = len(payload)
        length = bytes([0x80 | size]) if size < 126 else b"\xfe" + size.to_bytes(2, "big")
        self._transport.write(bytes([0x80 | code]) + length + _MASK + payload)

    def _fail(self, why: str) -> None:
        if not self.subscribed.done():
            self.subscribed.set_exception(ConnectionError(why))


async def _main() -> None:
    loop = asyncio.get_running_loop()
    asked = orjson.loads(await loop.run_in_executor(None, sys.stdin.readline))
    room = asyncio.Semaphore(AT_ONCE)

    async def opened(execution_id: str) -> Client:
        async with room:
            for left in reversed(range(TRIES)):
                _, client = await loop.create_connection(
                    lambda: Client(asked, execution_id), asked["host"], asked["port"]
                )
                try:
                    await client.subscribed
                except ConnectionError:
                    if not left:
                        raise
                    await asyncio.sleep(1.0)
                else:
                    return client
        raise AssertionError

    began = time.perf_counter()
    clients = await asyncio.gather(*(opened(id_) for id_ in asked["executions"]))
    opened_s = time.perf_counter() - began
    print("ready", flush=True)
    sent = await _emit(asked)
    await asyncio.sleep(SETTLE_S)
    latencies = sorted(
        (at - sent[number, sequence]) * 1000
        for number, client in enumerate(clients)
        for at, sequence in client.got
        if (number, sequence) in sent
    )
    first = min(sent.values())
    worst: dict[int, float] = {}
    for number, client in enumerate(clients):
        for at, sequence in client.got:
            if (number, sequence) in sent:
                second = int(sent[number, sequence] - first)
                worst[second] = max(worst.get(second, 0.0), (at - sent[number, sequence]) * 1000)
    found = {
        "opened_s": opened_s,
        "sent": len(sent),
        "latencies_ms": latencies,
        "worst_by_second_ms": [round(worst.get(n, 0.0)) for n in range(int(asked["seconds"]) + 1)],
        "closed": sum(client.closed for client in clients),
    }
    print(orjson.dumps(found).decode(), flush=True)
    os._exit(0)  # thousands of closing handshakes are of no use


async def _emit(asked: dict[str, Any]) -> dict[tuple[int, int], float]:
    """Append events, each of one execution, at a steady rate. Returns (client, sequence) -> when."""
    producer = AIOKafkaProducer(bootstrap_servers=asked["kafka"], acks="all", linger_ms=0)
    await producer.start()
    ids = [UUID(id_).bytes for id_ in asked["executions"]]
    next_of = [0] * len(ids)
    sent: dict[tuple[int, int], float] = {}
    began = time.perf_counter()
    total = round(asked["per_s"] * asked["seconds"])
    chance = random.Random(1)
    while len(sent) < total:
        due = min(total, int((time.perf_counter() - began) * asked["per_s"]) + 1)
        while len(sent) < due:
            number = chance.randrange(len(ids))
            sequence, next_of[number] = next_of[number], next_of[number] + 1
            events = Events(
                execution_id=ids[number],
                user_id=asked["user"],
                graph_id=str(UUID(bytes=ids[number])),
                graph_version=1,
                first=sequence,
                deltas=[Delta(kind="EXECUTION", status="RUNNING")],
                at=int(time.time() * 1000),
            )
            sent[number, sequence] = time.time()
            await producer.send(EVENTS.name, encode(events), key=ids[number])
        await asyncio.sleep(0.002)
    await producer.stop()
    return sent


if __name__ == "__main__":
    uvloop.run(_main())
