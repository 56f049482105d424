"""RocksDB store of the coordinator's table: small caches, and of two versions of a row the one with the higher applied
offset stays (a coordinator that slept through a rebalance may have written an older one last). A deletion is a version too:
its applied offset is a header of the changelog record."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import rocksdict
from faust import stores
from faust.stores import rocksdb

SCHEME = "millrocks"
OPTIONS = {"block_cache_size": 8 << 20, "write_buffer_size": 8 << 20, "max_open_files": 64}
"""Of each of the partitions' databases; Faust's default cache is 2 GiB each."""
APPLIED = "applied"
"""Header of a deletion in the changelog: 8 bytes, as at the start of a row. Without one it always counts."""
DELETIONS = 20_000
"""Of each partition, the newest ones that recovery remembers: an older row behind one of them stays deleted."""
_PREFIX = 8


def register() -> None:
    """Make `millrocks://` a store URL that Faust knows."""
    stores.STORES.aliases[SCHEME] = f"{__name__}:Store"


class Store(rocksdb.Store):  # type: ignore[misc]  # Faust is not typed
    """Rows start with the applied offset, 8 bytes big endian."""

    def __init__(self, url: Any, app: Any, table: Any, **kwargs: Any) -> None:
        kwargs["options"] = dict(OPTIONS)
        super().__init__(url, app, table, **kwargs)
        self._deleted: dict[int, dict[bytes, bytes]] = defaultdict(dict)

    def apply_changelog_batch(
        self, batch: Iterable[Any], to_key: Callable[[Any], Any], to_value: Callable[[Any], Any]
    ) -> None:
        """Write recovered rows, newest last; neither a row nor a deletion replaces a row with a higher applied offset."""
        rows: dict[int, dict[bytes, bytes | None]] = defaultdict(dict)
        offsets: dict[Any, int] = {}
        for event in batch:
            message = event.message
            offsets[message.tp] = max(message.offset, offsets.get(message.tp, -1))
            known = rows[message.partition]
            key: bytes = message.key
            old = known[key] if key in known else self._db_for_partition(message.partition).get(key)
            stamp = _deleted_at(message) if message.value is None else message.value[:_PREFIX]
            before = self._deleted[message.partition].get(key) if old is None else old[:_PREFIX]
            if stamp is None or before is None or stamp >= before:
                known[key] = message.value
                self._remember(message.partition, key, stamp if message.value is None else None)
        for partition, values in rows.items():
            self.write(partition, values.items())
        for tp, offset in offsets.items():
            self.set_persisted_offset(tp, offset)

    def _remember(self, partition: int, key: bytes, stamp: bytes | None) -> None:
        deleted = self._deleted[partition]
        deleted.pop(key, None)
        if stamp is not None:
            deleted[key] = stamp
            if len(deleted) > DELETIONS:
                del deleted[next(iter(deleted))]

    def write(
        self, partition: int, rows: Iterable[tuple[bytes, bytes | None]], changelog_offset: int | None = None
    ) -> None:
        """Write rows, None deletes, and the changelog offset up to which the partition is complete, in one batch."""
        batch = rocksdict.WriteBatch(raw_mode=True)
        for name, value in rows:
            if value is None:
                batch.delete(name)
            else:
                batch.put(name, value)
        if changelog_offset is not None:
            batch.put(self.offset_key, str(changelog_offset).encode())
        self._db_for_partition(partition).write(batch)

    def rows(self, partition: int) -> PartitionRows:
        """Return the rows of a partition."""
        return PartitionRows(self, partition)


def _deleted_at(message: Any) -> bytes | None:
    """Return the applied offset of a deletion, None if it does not say."""
    headers = message.headers or ()
    return next((value for name, value in _pairs(headers) if name == APPLIED), None)


def _pairs(headers: Any) -> Iterable[tuple[str, bytes]]:
    return headers.items() if isinstance(headers, Mapping) else headers


class PartitionRows:
    """`streams.state.Rows` of one partition."""

    def __init__(self, store: Store, partition: int) -> None:
        self._store = store
        self._partition = partition

    def get(self, key: bytes) -> bytes | None:
        """Return a row."""
        value: bytes | None = self._store._db_for_partition(self._partition).get(key)
        return value

    def page(self, start: bytes, limit: int) -> list[tuple[bytes, bytes]]:
        """Return rows from `start` on, sorted by key, whatever they are; Faust's own row is left out."""
        rows = self._store._db_for_partition(self._partition).iter()
        rows.seek(start)
        found: list[tuple[bytes, bytes]] = []
        while rows.valid() and len(found) < limit:
            if rows.key() != self._store.offset_key:
                found.append((rows.key(), rows.value()))
            rows.next()
        return found

    def scan(self, prefix: bytes) -> Iterator[tuple[bytes, bytes]]:
        """Return the rows below a prefix, sorted by key."""
        rows = self._store._db_for_partition(self._partition).iter()
        rows.seek(prefix)
        while rows.valid():
            key = rows.key()
            if not key.startswith(prefix):
                return
            yield key, rows.value()
            rows.next()
