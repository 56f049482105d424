"""Documents with vectors in the real PostgreSQL."""

from __future__ import annotations

import asyncio
import math
import random
import uuid
from collections.abc import AsyncIterator, Iterator

import psycopg
import pytest

from millstream.connectors.database import migrate
from millstream.connectors.vectors import AccountVectors, PostgresVectors
from millstream.connectors.vectors_search import Searching
from millstream.schemas.errors import InputInvalidError, NotFoundError
from millstream.schemas.vectors import Document, condition
from tests.servers import Servers

pytestmark = pytest.mark.integration

DOCS = [
    Document(
        id="kafka", text="Kafka keeps records in topics.", vector=[1, 0, 0], metadata={"n": 1, "lang": "en"}
    ),
    Document(
        id="redis", text="Redis keeps values in memory.", vector=[0, 1, 0], metadata={"n": 2, "lang": "en"}
    ),
    Document(id="tee", text="Tee schmeckt am Morgen.", vector=[0, 0, 1], metadata={"n": 3, "lang": "de"}),
]


@pytest.fixture(scope="module")
def database(servers: Servers) -> Iterator[str]:
    with servers.database() as dsn:
        migrate(dsn)
        yield dsn


@pytest.fixture
async def vectors(database: str) -> AsyncIterator[PostgresVectors]:
    made = PostgresVectors(database, exact_below=1_000)
    await made.open()
    yield made
    await made.close()


def account(dsn: str) -> str:
    found = str(uuid.uuid4())
    with psycopg.connect(dsn) as conn:
        conn.execute("INSERT INTO accounts (id, kind) VALUES (%s, 'user')", [found])
    return found


@pytest.fixture
def mine(vectors: PostgresVectors, database: str) -> AccountVectors:
    return vectors.of(account(database))


async def test_what_is_written_twice_is_there_once(mine: AccountVectors) -> None:
    assert await mine.upsert("facts", DOCS) == (3, 0)
    assert await mine.upsert("facts", DOCS[:2]) == (0, 2)
    [collection] = await mine.collections()
    assert (collection.name, collection.dimension, collection.documents) == ("facts", 3, 3)


async def test_search_by_vector_by_words_and_by_both(mine: AccountVectors) -> None:
    await mine.upsert("facts", DOCS)
    near = await mine.search("facts", vector=[0.9, 0.1, 0], limit=2)
    assert [match.id for match in near] == ["kafka", "redis"]
    assert near[0].score == pytest.approx(0.9 / math.hypot(0.9, 0.1))
    worded = await mine.search("facts", text="Where does Redis keep its memory?")
    assert [match.id for match in worded] == ["redis"]
    both = await mine.search("facts", vector=[0, 0, 1], text="records")
    assert {match.id for match in both[:2]} == {"kafka", "tee"}, "each is the first of one half"
    assert await mine.search("facts") == []
    english = await mine.upsert("stems", DOCS, language="english")
    assert english == (3, 0)
    assert [m.id for m in await mine.search("stems", text="keeping a record", language="english")][
        0
    ] == "kafka"


@pytest.mark.parametrize(
    ("where", "ids"),
    [
        ({"lang": "en"}, ["kafka", "redis"]),
        ({"n": {"$gte": 2}}, ["redis", "tee"]),
        ({"n": {"$gt": 1, "$lt": 3}}, ["redis"]),
        ({"n": {"$gt": "1"}}, []),
        ({"lang": {"$ne": "en"}}, ["tee"]),
        ({"none": {"$ne": "en"}}, ["kafka", "redis", "tee"]),
        ({"n": {"$in": [1, 3, "2"]}}, ["kafka", "tee"]),
        ({"n": {"$nin": [1]}}, ["redis", "tee"]),
        ({"none": {"$nin": [1]}}, ["kafka", "redis", "tee"]),
        ({"none": {"$exists": False}, "n": {"$exists": True}}, ["kafka", "redis", "tee"]),
        ({"$or": [{"n": 1}, {"$and": [{"lang": "de"}, {"n": 3}]}]}, ["kafka", "tee"]),
        ({"lang' = 'en' OR true --": 1}, []),
        ({"lang": "en' OR true --"}, []),
        ({"%s": "%(x)s {}"}, []),
    ],
)
async def test_filters_are_bound_and_mean_what_they_say(
    mine: AccountVectors, where: dict[str, object], ids: list[str]
) -> None:
    """A40."""
    await mine.upsert("facts", DOCS)
    for found in (
        await mine.search("facts", vector=[1, 1, 1], where=where),
        await mine.search("facts", text="keeps Tee", where=where),
        await mine.search("facts", vector=[1, 1, 1], text="keeps Tee", where=where),
        await mine.documents("facts", where=where),
    ):
        assert sorted(match.id for match in found) == ids
    assert await mine.delete("facts", where=where) == len(ids)
    [collection] = await mine.collections()
    assert collection.documents == 3 - len(ids)


async def test_nothing_of_others_is_found_changed_or_removed(
    vectors: PostgresVectors, database: str, mine: AccountVectors
) -> None:
    other = vectors.of(account(database))
    await mine.upsert("facts", DOCS)
    for asked in (
        lambda: other.search("facts", vector=[1, 0, 0]),
        lambda: other.documents("facts"),
        lambda: other.delete("facts", ids=["kafka"]),
    ):
        with pytest.raises(NotFoundError):
            await asked()
    assert not await other.drop("facts")
    await other.upsert("facts", [Document(id="kafka", text="theirs", vector=[1, 0])])
    assert [match.text for match in await mine.search("facts", text="Kafka")] == [DOCS[0].text]
    assert await other.drop("facts")
    assert len(await mine.documents("facts")) == 3
    with psycopg.connect(database) as conn, pytest.raises(psycopg.errors.ForeignKeyViolation):
        conn.execute("UPDATE vector_documents SET account_id = gen_random_uuid()")


async def test_an_account_takes_its_documents_along(vectors: PostgresVectors, database: str) -> None:
    gone = account(database)
    await vectors.of(gone).upsert("facts", DOCS)
    with psycopg.connect(database) as conn:
        conn.execute("DELETE FROM accounts WHERE id = %s", [gone])
        left = conn.execute("SELECT count(*) FROM vector_documents WHERE account_id = %s", [gone]).fetchone()
    assert left == (0,)
    with pytest.raises(NotFoundError):
        await vectors.of(gone).upsert("facts", DOCS)


async def test_what_does_not_fit_is_refused(mine: AccountVectors) -> None:
    await mine.upsert("facts", DOCS)
    with pytest.raises(InputInvalidError, match="3 numbers, these have 2"):
        await mine.upsert("facts", [Document(id="x", text="", vector=[1, 2])])
    with pytest.raises(InputInvalidError, match="those of the collection have 3"):
        await mine.search("facts", vector=[1, 2])
    with pytest.raises(InputInvalidError, match="language"):
        await mine.search("facts", text="a", language="klingon")
    with pytest.raises(InputInvalidError, match="language"):
        await mine.upsert("facts", DOCS, language="pg_catalog.english'); --")
    with pytest.raises(InputInvalidError, match="no account"):
        await AccountVectors(mine._vectors, "tester").collections()
    assert await mine.delete("facts") == 0
    assert await mine.upsert("nul", [Document(id="a", text="a\0b\ud800", vector=[1])]) == (1, 0)
    assert (await mine.documents("nul"))[0].text == "ab?"
    assert await mine.search("nul", text="\ud800 \0") == []
    with pytest.raises(InputInvalidError):
        await mine.upsert("nul", [Document(id="a", text="", vector=[1], metadata={"x": "\0"})])


async def test_the_index_finds_the_nearest_and_knows_the_owner(
    mine: AccountVectors, vectors: PostgresVectors, database: str
) -> None:
    chance = random.Random(7)
    other = vectors.of(account(database))

    def some(prefix: str) -> list[Document]:
        return [
            Document(id=f"{prefix}{n}", text=f"text {n}", vector=[chance.gauss(0, 1) for _ in range(256)])
            for n in range(1_000)
        ]

    documents = some("a")
    await mine.upsert("many", documents)
    await other.upsert("many", some("b"))
    asked = documents[123].vector
    found = await mine.search("many", vector=asked, limit=20)
    assert found[0].id == "a123"
    assert len(found) == 20
    assert all(match.id.startswith("a") for match in found)
    row = await mine._collection("many")
    searching = Searching(collection=row, account=mine._id(), where=condition(None), limit=20, exact=False)
    async with vectors.transaction() as conn:
        exact = await searching._rows(conn, searching._compared(), str(list(asked)))
        await conn.execute("SET LOCAL enable_seqscan = off")
        await conn.execute("SET LOCAL enable_sort = off")
        query = searching._indexed().as_string(conn)
        plan = await conn.execute(
            "EXPLAIN " + query,
            [str(list(asked)), row["id"], mine._id(), str(list(asked)), 20],
            prepare=False,
        )
        assert "vector_documents_256" in str(await plan.fetchall())
    assert len({each["id"] for each in exact} & {match.id for match in found}) >= 18


@pytest.mark.parametrize("dimension", [3, 3072, 4000])
async def test_other_dimensions_are_searched_as_well(database: str, dimension: int) -> None:
    """3072 numbers are indexed in half precision; of 3 and of 4,000 there is no index."""
    chance = random.Random(dimension)
    store = PostgresVectors(database, exact_below=0)
    await store.open()
    try:
        mine = store.of(account(database))
        documents = [
            Document(id=str(n), text="", vector=[chance.gauss(0, 1) for _ in range(dimension)])
            for n in range(20)
        ]
        await mine.upsert("d", documents)
        found = await mine.search("d", vector=documents[7].vector, limit=20)
    finally:
        await store.close()
    assert found[0].id == "7"
    assert found[0].score == pytest.approx(1.0, abs=1e-3)
    assert len(found) == 20


async def test_memories_that_say_the_same_are_kept_once_and_the_newest_wins(mine: AccountVectors) -> None:
    def said(text: str, *vector: float) -> Document:
        return Document(id=text, text=text, vector=vector, metadata={"agent": "a"})

    first = await mine.remember("m", said("likes tea", 1, 0), key="1", within={"agent": "a"})
    second = await mine.remember("m", said("likes green tea", 0.99, 0.1), key="2", within={"agent": "a"})
    assert (first.action, second.action, second.id, second.replaced) == (
        "added",
        "updated",
        first.id,
        "likes tea",
    )
    late = await mine.remember("m", said("likes tea", 1, 0), key="1", within={"agent": "a"})
    assert (late.action, late.text) == ("known", "likes green tea"), "a repeat of an old run changes nothing"
    apart = await mine.remember("m", said("has a dog", 0, 1), key="3", within={"agent": "a"})
    elsewhere = await mine.remember(
        "m",
        Document(id="other agent", text="likes tea", vector=[1, 0], metadata={"agent": "b"}),
        key="4",
        within={"agent": "b"},
    )
    assert (apart.action, elsewhere.action) == ("added", "added")
    assert len(await mine.documents("m")) == 3


async def test_memories_of_two_at_once_do_not_double(mine: AccountVectors) -> None:
    done = await asyncio.gather(
        *(
            mine.remember("m", Document(id=f"d{n}", text="likes tea", vector=[1, 0]), key=str(n))
            for n in range(12)
        )
    )
    assert sorted(each.action for each in done) == ["added"] + ["updated"] * 11
    assert len(await mine.documents("m")) == 1
