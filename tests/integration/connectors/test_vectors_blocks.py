"""Blocks of search and memory, with the real PostgreSQL and the echo model on a real port."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import psycopg
import pytest

from millstream.connectors.database import migrate
from millstream.connectors.vectors import PostgresVectors
from millstream.processors.blocks import memory_facts, vectors
from millstream.processors.context import Context
from millstream.processors.runnable import Block
from millstream.schemas.errors import BlockError
from millstream.testing import emits
from tests.servers import Servers
from tests.unit.processors.models.conftest import Asking, asking, echo

pytestmark = pytest.mark.integration

TEXTS = [
    "Kafka keeps records in topics, which have partitions.",
    "Redis keeps values in memory and writes a log.",
    "A coordinator decides what happens to an execution.",
]


@pytest.fixture(scope="module")
def database(servers: Servers) -> Iterator[str]:
    with servers.database() as dsn:
        migrate(dsn)
        yield dsn


@pytest.fixture(scope="module")
async def ask() -> AsyncIterator[Asking]:
    async with echo() as url, asking(echo_url=url) as made:
        yield made


@pytest.fixture
async def run(database: str, ask: Asking) -> AsyncIterator[Callable[..., Context]]:
    """Makes contexts of one user."""
    user = str(uuid.uuid4())
    with psycopg.connect(database) as conn:
        conn.execute("INSERT INTO accounts (id, kind) VALUES (%s, 'user')", [user])
    store = PostgresVectors(database)
    await store.open()
    yield lambda **fields: ask.run(user_id=user, vectors=store.of(user), **fields)
    await store.close()


async def said(block: Block, ctx: Context, **inputs: Any) -> dict[str, Any]:
    return dict(await emits(block, inputs, ctx))


async def test_texts_are_found_by_meaning_by_words_and_by_filter(run: Callable[..., Context]) -> None:
    about = [{"part": "log"}, {"part": "cache"}, {"part": "engine"}]
    first = await said(vectors.upsert_documents, run(), collection="docs", texts=TEXTS, metadata=about)
    again = await said(vectors.upsert_documents, run(), collection="docs", texts=TEXTS, metadata=about)
    assert (first["added"], first["changed"], again["added"], again["changed"]) == (3, 0, 0, 3)
    assert first["ids"] == again["ids"]
    for mode in ("vector", "text", "hybrid"):
        got = await said(
            vectors.search_documents,
            run(),
            collection="docs",
            query="Which topics keep records?",
            mode=mode,
            limit=1,
        )
        assert got["texts"] == TEXTS[:1], mode
        assert got["context"] == f"[1] {TEXTS[0]}"
        assert got["matches"][0]["metadata"] == {"part": "log"}
    only = await said(
        vectors.search_documents, run(), collection="docs", query="records", where={"part": {"$ne": "log"}}
    )
    assert TEXTS[0] not in only["texts"]
    assert await said(vectors.list_collections, run()) == {
        "collections": [{"name": "docs", "dimension": 256, "documents": 3}]
    }
    assert await said(vectors.delete_documents, run(), collection="docs", where={"part": "log"}) == {
        "deleted": 1
    }
    assert await said(vectors.delete_documents, run(), collection="docs", everything=True) == {"deleted": 2}
    assert await said(vectors.list_collections, run()) == {"collections": []}


@pytest.mark.parametrize(
    ("block", "inputs", "words"),
    [
        (vectors.upsert_documents, {"collection": "c", "texts": []}, "no texts"),
        (vectors.upsert_documents, {"collection": "c", "texts": ["a", " "]}, "number 2 is empty"),
        (
            vectors.upsert_documents,
            {"collection": "c", "texts": ["a"], "ids": ["1", "2"]},
            "1 texts and 2 ids",
        ),
        (vectors.upsert_documents, {"collection": "~memory x", "texts": ["a"]}, "kept for memories"),
        (vectors.upsert_documents, {"collection": "c", "texts": ["a"], "vectors": [[0, 0]]}, "zeros"),
        (vectors.upsert_documents, {"collection": "c", "texts": ["a"], "language": "xx"}, "no such language"),
        (vectors.search_documents, {"collection": "c", "query": " "}, "Give a query"),
        (vectors.search_documents, {"collection": "nothing", "query": "a"}, "no collection 'nothing'"),
        (vectors.delete_documents, {"collection": "c"}, "Say which"),
        (memory_facts.remember, {"facts": []}, "1 to 50"),
        (memory_facts.remember, {"facts": ["a"], "metadata": {"~scope": "user"}}, "begin with '~'"),
        (memory_facts.recall, {"query": "a", "where": {"$x": 1}}, "no part of a filter"),
        (memory_facts.forget, {}, "Say what to forget"),
    ],
)
async def test_what_is_wrong_is_said(
    run: Callable[..., Context], block: Block, inputs: dict[str, Any], words: str
) -> None:
    with pytest.raises(BlockError, match=words):
        await said(block, run(), **inputs)


async def test_facts_are_remembered_for_those_whom_they_concern(run: Callable[..., Context]) -> None:
    here: dict[str, Any] = {"graph_id": "g1", "execution_id": str(uuid.uuid4())}
    await said(memory_facts.remember, run(**here), facts=["The user likes green tea"], scope="user")
    await said(memory_facts.remember, run(**here), facts=["The report is due on Friday"], categories=["work"])
    await said(memory_facts.remember, run(**here), facts=["The draft is in the folder of today"], scope="run")

    async def known(scope: str = "run", **fields: Any) -> set[str]:
        ctx = run(**(here | fields))
        found = await said(memory_facts.recall, ctx, query="the report, the tea, the draft", scope=scope)
        listed = await said(memory_facts.list_memories, ctx, scope=scope)
        texts = {memory["memory"] for memory in found["memories"]}
        assert texts == {memory["memory"] for memory in listed["memories"]}
        return {text.split()[1] for text in texts}

    assert await known() == {"user", "report", "draft"}
    assert await known("agent") == {"user", "report"}
    assert await known(execution_id=str(uuid.uuid4())) == {"user", "report"}
    assert await known(graph_id="g2", execution_id=str(uuid.uuid4())) == {"user"}
    work = await said(memory_facts.recall, run(**here), query="report", categories=["work"])
    assert [memory["categories"] for memory in work["memories"]] == [["work"]]
    assert await said(memory_facts.forget, run(graph_id="g2"), everything=True) == {"forgotten": 0}
    assert await said(memory_facts.forget, run(**here), categories=["work"]) == {"forgotten": 1}
    assert await known() == {"user", "draft"}
    assert await said(memory_facts.forget, run(**here), everything=True, scope="user") == {"forgotten": 1}
    assert await known() == {"draft"}


async def test_what_is_said_again_takes_the_place_of_what_was_said(run: Callable[..., Context]) -> None:
    first = run()
    told = await said(memory_facts.remember, first, facts=["The user likes green tea"])
    assert told["action"] == "added"
    newer = await said(memory_facts.remember, run(), facts=["The user likes green tea!"], same_from=0.8)
    assert newer["results"][0] | {"replaced": None} == {
        "action": "updated",
        "id": told["results"][0]["id"],
        "memory": "The user likes green tea!",
        "replaced": None,
    }
    repeated = await said(memory_facts.remember, first, facts=["The user likes green tea"])
    assert (repeated["action"], repeated["memory"]) == ("known", "The user likes green tea!")
    listed = await said(memory_facts.list_memories, run())
    assert [memory["memory"] for memory in listed["memories"]] == ["The user likes green tea!"]
    assert listed["latest"] == listed["memories"][0]


async def test_nothing_is_recalled_before_anything_is_remembered(run: Callable[..., Context]) -> None:
    assert await said(memory_facts.recall, run(), query="tea") == {
        "memories": [],
        "texts": [],
        "found": False,
    }
    assert await said(memory_facts.list_memories, run()) == {"memories": []}
