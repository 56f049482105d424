from __future__ import annotations

import random
from collections.abc import Iterator

import psycopg
import pytest

from millstream.connectors.database import migrate
from millstream.connectors.sink_read import read
from millstream.connectors.sink_rows import Placed
from millstream.connectors.sink_store import FencedError, RefusedError, SinkStore
from millstream.schemas.messages import Delta, Events, Payload
from tests.integration.connectors.histories import GRAPH, USER, Model, expected, stored, stories, story

pytestmark = pytest.mark.integration
TOPIC = "events"


@pytest.fixture
def database(dsn: str) -> str:
    migrate(dsn)
    return dsn


@pytest.fixture
def store(database: str) -> Iterator[SinkStore]:
    made = SinkStore(database, TOPIC)
    yield made
    made.close()


def placed(records: list[Events], partition: int = 0, begin: int = 0) -> list[Placed]:
    return [Placed(partition, begin + number, read(r, timestamp_ms=1)) for number, r in enumerate(records)]


def test_batches_of_any_size_give_the_same_rows(store: SinkStore, database: str) -> None:
    rng = random.Random(31)
    model = Model()
    offsets = store.offsets([0])
    for _ in range(40):
        told = story(rng)
        model.tell(told)
        records = told.records()
        batch_size = rng.choice([1, 2, 3, len(records)])
        for begin in range(0, len(records), batch_size):
            again = rng.choice([0, 0, 1, 2])  # the end of the batch before comes again
            batch = records[max(0, begin - again) : begin + batch_size]
            offsets = store.save(placed(batch, begin=offsets[0]), offsets)
    assert stored(database) == expected(model)


def test_a_sink_whose_offsets_were_moved_writes_nothing(store: SinkStore, database: str) -> None:
    records, _ = stories(random.Random(32), 3)
    zombie = SinkStore(database, TOPIC)
    believed = zombie.offsets([0, 1])
    assert store.offsets([0, 1]) == believed == {0: 0, 1: 0}
    store.save(placed(records[:2], partition=1), believed)
    before = stored(database)
    with pytest.raises(FencedError, match=r"\{1: \(0, 2\)\}"):
        zombie.save(placed(records[2:4], partition=0) + placed(records[4:], partition=1), believed)
    assert stored(database) == before
    assert zombie.offsets([0, 1]) == {0: 0, 1: 2}
    zombie.close()


def test_a_refused_batch_leaves_nothing_behind(store: SinkStore, database: str) -> None:
    delta = Delta(kind="OUTPUT", node_execution_id=b"n" * 16, pin="p", value=Payload(inline=b"{"))
    common = {"user_id": str(USER), "graph_id": str(GRAPH), "graph_version": 1, "at": 1}
    bad = Events(execution_id=b"e" * 16, first=0, deltas=[delta], **common)  # type: ignore[arg-type]
    good, _ = stories(random.Random(33), 1)
    with pytest.raises(RefusedError, match="invalid input syntax for type json"):
        store.save(placed([*good, bad]), store.offsets([0]))
    assert stored(database)["executions"] == {}
    assert store.offsets([0]) == {0: 0}


def test_a_lost_connection_is_replaced(store: SinkStore, database: str) -> None:
    records, model = stories(random.Random(34), 2)
    offsets = store.offsets([0])
    with psycopg.connect(database, autocommit=True) as conn:
        conn.execute(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
            " WHERE datname = current_database() AND application_name = 'millstream-sink'"
        )
    with pytest.raises(psycopg.OperationalError):
        store.save(placed(records), offsets)
    store.save(placed(records), store.offsets([0]))
    assert stored(database) == expected(model)
