"""A canary: a secret that must be found nowhere but where it was sent. And the search for it, which is tested to find."""

from __future__ import annotations

import base64
import contextlib
import time
import uuid
import zlib
from collections.abc import Iterator
from pathlib import Path

import psycopg
from confluent_kafka import TopicPartition
from rocksdict import AccessType, Options, Rdict

from millstream.local import keys, ports, postgres
from millstream.local.home import Home
from millstream.topics.clients import consumer
from tests.integration.api import graphs
from tests.platform import Platform

DEPTH = 4
"""How often compressed data within compressed data is opened: a plan has its children's in it."""
ZLIB_HEADS = (b"\x78\x01", b"\x78\x5e", b"\x78\x9c", b"\x78\xda")


class Search:
    """Looks for texts in bytes: as they are, in hexadecimal, in base64 at any place, in zlib streams."""

    def __init__(self, *texts: str) -> None:
        self.needles = {text: _needles(text) for text in texts}
        self.found: dict[str, set[str]] = {text: set() for text in texts}
        """Where each was found."""

    def look(self, place: str, data: bytes | None, depth: int = 0) -> None:
        """Note `place` for each text that is in `data`."""
        if not data:
            return
        for text, needles in self.needles.items():
            if any(needle in data for needle in needles):
                self.found[text].add(place)
        if depth < DEPTH:
            for inner in _inflated(data):
                self.look(place, inner, depth + 1)

    def everywhere(self, platform: Platform) -> dict[str, set[str]]:
        """Search the whole platform, while it runs. Returns the places of each text."""
        self.topics(platform)
        self.database(platform)
        self.tables(platform)
        self.files(platform)
        return self.found

    def topics(self, platform: Platform) -> None:
        """All records of all topics, changelogs too: keys, values and headers as they came over the wire."""
        for topic, key, value, headers in records(platform):
            for data in (key, value, *headers):
                self.look(f"topic {topic}", data)

    def database(self, platform: Platform) -> None:
        """All rows of all tables of PostgreSQL. `bytea` shows as hexadecimal, which is looked for too."""
        with psycopg.connect(dsn(platform)) as conn:
            names = conn.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").fetchall()
            for (name,) in names:
                for (row,) in conn.execute(f'SELECT t::text FROM "{name}" t'.encode()):
                    self.look(f"postgres {name}", row.encode())
                    for part in row.replace('"', ",").split(","):
                        if part.startswith("\\\\x") or part.startswith("\\x"):
                            with contextlib.suppress(ValueError):
                                self.look(f"postgres {name}", bytes.fromhex(part.lstrip("\\x").strip(")")))

    def tables(self, platform: Platform) -> None:
        """The tables on RocksDB: opened beside the process that writes them, and as files."""
        for current in platform.home.rglob("CURRENT"):
            for key, value in rows(current.parent):
                self.look("rocksdb", key)
                self.look("rocksdb", value)
        for file in platform.home.glob("tables/**/*"):
            self._file("rocksdb files", file)

    def files(self, platform: Platform) -> None:
        """Logs, and the object store."""
        for file in platform.home.glob("logs/*"):
            self._file("logs", file)
        for file in platform.home.glob("objects/**/*"):
            self._file("objects", file)

    def _file(self, place: str, file: Path) -> None:
        with contextlib.suppress(FileNotFoundError):  # RocksDB removes its own
            if file.is_file():
                self.look(place, file.read_bytes(), DEPTH if place.startswith("rocksdb") else 0)


def _needles(text: str) -> list[bytes]:
    raw = text.encode()
    hexed = raw.hex().encode()
    needles = [raw, hexed, hexed.upper()]
    for shift in range(3):
        inner = base64.b64encode(b"\0" * shift + raw)[4:-4]
        needles += [inner, inner.replace(b"+", b"-").replace(b"/", b"_")]
    return needles


def _inflated(data: bytes) -> Iterator[bytes]:
    for head in ZLIB_HEADS:
        at = data.find(head)
        while at >= 0:
            with contextlib.suppress(zlib.error):
                yield zlib.decompressobj().decompress(data[at:], 50_000_000)
            at = data.find(head, at + 1)


def plant(platform: Platform) -> list[str]:
    """Put secrets of which nothing must be found into a credential and into a run; returns them."""
    key, value = (f"canary{uuid.uuid4().hex}" for _ in range(2))
    body = {"type": "api_key", "provider": "canary", "title": "canary", "api_key": key}
    made = platform.client.post("/api/v1/credentials", json=body)
    assert made.status_code == 201, made.text
    graph = graphs.graph(
        [
            graphs.node("in", graphs.INPUT, name="secret", secret=True),
            graphs.node("store", graphs.STORE),
            graphs.node("out", graphs.OUTPUT, name="out"),
        ],
        [graphs.link("in", "result", "store", "input"), graphs.link("store", "output", "out", "value")],
    )
    ended = platform.wait(platform.execute(platform.save(graph), {"secret": value}))
    assert set(ended["outputs"]["out"][0]) == {"$secret"}
    return [key, value]


def kafka_of(platform: Platform) -> str:
    return f"127.0.0.1:{ports.remembered(Home(platform.home))['kafka']}"


def dsn(platform: Platform) -> str:
    home = Home(platform.home)
    secrets = keys.find(home)
    assert secrets is not None
    return postgres.dsn(secrets, ports.remembered(home)["postgres"])


def records(platform: Platform) -> Iterator[tuple[str, bytes | None, bytes | None, list[bytes]]]:
    """Every record of every topic, as the wire has it."""
    client = consumer({"bootstrap.servers": kafka_of(platform)}, "test-canary")
    try:
        ends: dict[tuple[str, int], int] = {}
        begins: list[TopicPartition] = []
        for topic in client.list_topics(timeout=10).topics.values():
            for number in topic.partitions:
                first, end = client.get_watermark_offsets(TopicPartition(topic.topic, number), timeout=10)
                if first < end:
                    ends[topic.topic, number] = end
                    begins.append(TopicPartition(topic.topic, number, first))
        client.assign(begins)
        silent = 0
        while ends:
            got = client.consume(1000, timeout=0.5)
            for message in got:
                assert message.error() is None, message.error()
                headers = [value for _, value in message.headers() or [] if value]
                yield message.topic(), message.key(), message.value(), headers
            for each in client.position([TopicPartition(*place) for place in ends]):
                if each.offset >= ends[each.topic, each.partition]:
                    del ends[each.topic, each.partition]
            silent = 0 if got else silent + 1
            assert silent < 60, f"not read to the end: {ends}"
    finally:
        client.close()


def rows(folder: Path) -> list[tuple[bytes, bytes]]:
    """Every row of a RocksDB folder, read beside the process that writes it; the folder may go meanwhile."""
    for _ in range(5):
        try:
            table = Rdict(str(folder), options=Options(raw_mode=True), access_type=AccessType.read_only())
            try:
                return list(table.items())
            finally:
                table.close()
        except Exception as error:  # noqa: BLE001 - rocksdict has one kind; a file may just have been compacted away
            last = error
            time.sleep(0.2)
    if not (folder / "CURRENT").exists():
        return []
    raise last
