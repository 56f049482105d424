"""The coordinator's store on a real RocksDB, without Kafka."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from faust.types import TP

from millstream.streams.apps import EngineSettings, build
from millstream.streams.state import pack_offset
from millstream.streams.store import APPLIED, DELETIONS, OPTIONS, Store


@pytest.fixture
def store(tmp_path: Path) -> Store:
    settings = EngineSettings(bootstrap="127.0.0.1:1", folder=tmp_path, instance="one")
    app = build("store-test", settings, store="millrocks://")
    table = app.Table("rows", partitions=2, key_type=bytes, value_type=bytes)
    found = table.data
    assert isinstance(found, Store)
    return found


def row(applied: int, body: bytes = b"body") -> bytes:
    return pack_offset(applied) + body


class Deleted(int):
    """Stands for a deletion that says its applied offset."""


def recover(
    store: Store, *records: tuple[bytes, bytes | Deleted | None], first: int = 0, partition: int = 0
) -> None:
    """Have the store apply changelog records (key, value) with consecutive offsets, as Faust's recovery does."""
    tp = TP("changelog", partition)
    batch: list[Any] = [
        SimpleNamespace(
            message=SimpleNamespace(
                tp=tp,
                partition=partition,
                offset=offset,
                key=key,
                value=None if isinstance(value, Deleted) else value,
                headers=[(APPLIED, pack_offset(value))] if isinstance(value, Deleted) else [],
            )
        )
        for offset, (key, value) in enumerate(records, first)
    ]
    store.apply_changelog_batch(batch, lambda k: k, lambda v: v)


def rows(store: Store, partition: int = 0) -> dict[bytes, bytes]:
    return {k: v for k, v in store.rows(partition).scan(b"") if k != store.offset_key}


def test_recovery_keeps_the_row_with_the_higher_applied_offset(store: Store) -> None:
    """In one batch: the newer state was written first, then an older one by somebody who had slept."""
    recover(store, (b"k", row(7, b"new")), (b"k", row(5, b"old")))
    assert rows(store) == {b"k": row(7, b"new")}


def test_recovery_keeps_it_over_batches_too(store: Store) -> None:
    recover(store, (b"k", row(7, b"new")))
    recover(store, (b"k", row(5, b"old")), first=1)
    assert rows(store) == {b"k": row(7, b"new")}
    recover(store, (b"k", row(7, b"same step again")), first=2)
    recover(store, (b"k", row(300, b"later")), first=3)  # more than a byte: offsets compare as numbers
    assert rows(store) == {b"k": row(300, b"later")}


def test_deleted_rows_stay_deleted_and_come_back_when_written_again(store: Store) -> None:
    recover(store, (b"a", row(1)), (b"b", row(1)), (b"a", None))
    assert set(rows(store)) == {b"b"}
    recover(store, (b"b", None), first=3)
    assert rows(store) == {}
    recover(store, (b"a", row(9)), (b"a", None), (b"a", row(10, b"")), first=4)
    assert rows(store) == {b"a": row(10, b"")}


@pytest.mark.parametrize("together", [True, False])
def test_an_older_deletion_takes_no_newer_row(store: Store, together: bool) -> None:
    """Written last by somebody who had slept; in one batch with the row, or in a later one."""
    records: list[tuple[bytes, Any]] = [(b"k", row(7)), (b"k", Deleted(5))]
    if together:
        recover(store, *records)
    else:
        for n, record in enumerate(records):
            recover(store, record, first=n)
    assert rows(store) == {b"k": row(7)}
    recover(store, (b"k", Deleted(7)), first=2)
    assert rows(store) == {}


@pytest.mark.parametrize("together", [True, False])
def test_an_older_row_does_not_come_back_behind_a_deletion(store: Store, together: bool) -> None:
    records: list[tuple[bytes, Any]] = [(b"k", row(4)), (b"k", Deleted(7)), (b"k", row(5))]
    if together:
        recover(store, *records)
    else:
        for n, record in enumerate(records):
            recover(store, record, first=n)
    assert rows(store) == {}
    recover(store, (b"k", row(8)), first=3)
    assert rows(store) == {b"k": row(8)}
    recover(store, (b"k", None), first=4)  # of an older version: says nothing, counts
    assert rows(store) == {}


def test_remembered_deletions_have_a_bound(store: Store) -> None:
    recover(store, *((n.to_bytes(4, "big"), Deleted(n)) for n in range(DELETIONS + 10)))
    assert len(store._deleted[0]) == DELETIONS
    recover(
        store, (b"\0\0\0\0", row(1)), first=DELETIONS + 10
    )  # forgotten: it comes back, as without headers
    assert rows(store) == {b"\0\0\0\0": row(1)}


def test_recovery_notes_how_far_it_came(store: Store) -> None:
    recover(store, (b"a", row(1)), (b"b", row(2)), first=40)
    assert store.persisted_offset(TP("changelog", 0)) == 41
    recover(store, (b"c", row(1)), first=7, partition=1)
    assert store.persisted_offset(TP("changelog", 1)) == 7
    assert set(rows(store, 1)) == {b"c"}


def test_rows_and_their_changelog_offset_are_written_together(store: Store) -> None:
    store.write(0, [(b"a", row(1)), (b"b", row(1)), (b"a", None)], 12)
    assert set(rows(store)) == {b"b"}
    assert store.persisted_offset(TP("changelog", 0)) == 12
    store.write(0, [(b"c", row(2))])
    assert store.persisted_offset(TP("changelog", 0)) == 12


def test_rows_are_found_by_prefix_in_order(store: Store) -> None:
    store.write(1, [(name, row(1, name)) for name in (b"ab", b"aa", b"b", b"a\xff")])
    found = store.rows(1)
    assert [k for k, _ in found.scan(b"a")] == [b"aa", b"ab", b"a\xff"]
    assert found.get(b"b") == row(1, b"b")
    assert found.get(b"none") is None
    assert list(store.rows(0).scan(b"a")) == []


def test_caches_are_small_and_not_shared(store: Store) -> None:
    """Faust's own cache may grow to 2 GiB in each partition, and it changes the options that it is given."""
    assert store.options is None or store.options is not OPTIONS
    assert OPTIONS["block_cache_size"] <= 64 << 20
