"""Vector databases of others: one set of blocks, against servers that speak the protocols of Pinecone and Weaviate, and
against a real Chroma when it is installed.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from millstream.local.ports import free_ports
from millstream.processors.blocks import vectors_pinecone, vectors_services
from millstream.processors.guards.http import GuardedHttp
from millstream.processors.runnable import Block
from millstream.processors.stores.chroma import where_of as chroma_where
from millstream.processors.stores.weaviate import graphql
from millstream.processors.stores.weaviate import where_of as weaviate_where
from millstream.schemas.errors import BlockError, BlockInputError, CredentialError
from millstream.schemas.vectors import condition
from millstream.testing import SECRET, confidence, context, emits
from tests.unit.processors.conftest import serving
from tests.unit.processors.stores import PineconeServer, WeaviateServer, handler

TEXTS = ["about kafka", "about redis", 'about "tea"\n']
VECTORS = [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.1, 1.0]]
ABOUT: list[dict[str, Any]] = [
    {"lang": "en", "n": 1},
    {"lang": "en", "n": 2, "none": None},
    {"lang": 'd"e', "n": 3, "tags": ["x"]},
]
Say = Callable[..., Awaitable[dict[str, Any]]]


def sayer(http: GuardedHttp, origin: str, service: str, **always: Any) -> Say:
    async def say(block: Block, **inputs: Any) -> dict[str, Any]:
        given = {**always, **inputs}
        if service != "chroma":
            given["credentials"] = {"id": "c", "provider": service, "type": "api_key"}
        ctx = context(http=http, confidence=confidence(block, given, hosts=(origin,)))
        return dict(await emits(block, given, ctx))

    return say


@asynccontextmanager
async def pinecone() -> AsyncIterator[tuple[Say, PineconeServer]]:
    place = PineconeServer(SECRET)
    async with serving(handler(place.say)) as server:
        place.origin = server.origin
        services = {"pinecone": server.url}
        async with GuardedHttp(allow=frozenset({server.origin}), services=services) as http:
            yield sayer(http, server.origin, "pinecone"), place


@asynccontextmanager
async def weaviate() -> AsyncIterator[tuple[Say, WeaviateServer]]:
    place = WeaviateServer(SECRET)
    async with serving(handler(place.say)) as server, GuardedHttp(allow=frozenset({server.origin})) as http:
        yield sayer(http, server.origin, "weaviate", url=server.url), place


async def tried(say: Say, service: str, collection: str) -> None:
    """What all databases do alike."""
    here = {"service": service, "collection": collection}
    given = {"texts": TEXTS, "ids": ["k", "r", "t"], "vectors": VECTORS, "metadata": ABOUT}
    upsert, search, delete = (
        vectors_services.vector_store_upsert,
        vectors_services.vector_store_search,
        vectors_services.vector_store_delete,
    )
    assert (await say(upsert, **here, **given))["written"] == 3
    assert (await say(upsert, **here, **given))["written"] == 3
    near = await say(search, **here, vector=[0.0, 0.2, 1.0], limit=2)
    assert [match["id"] for match in near["matches"]] == ["t", "r"]
    assert near["texts"][0] == TEXTS[2]
    assert near["matches"][0]["score"] > 0.95
    assert near["matches"][0]["metadata"]["lang"] == 'd"e'

    async def ids(where: dict[str, Any]) -> list[str]:
        found = await say(search, **here, vector=[1.0, 1.0, 1.0], where=where)
        return sorted(match["id"] for match in found["matches"])

    assert await ids({}) == ["k", "r", "t"]
    assert await ids({"lang": "en"}) == ["k", "r"]
    assert await ids({"lang": 'd"e'}) == ["t"]
    assert await ids({"lang": "en", "n": {"$gte": 2}}) == ["r"]
    assert await ids({"$or": [{"n": 1}, {"n": {"$in": [3, 4]}}]}) == ["k", "t"]
    names = await say(vectors_services.vector_store_collections, service=service)
    assert collection in [each["name"] for each in names["collections"]]
    assert (await say(delete, **here, ids=["k"]))["done"]
    assert (await say(delete, **here, where={"lang": {"$ne": "en"}}))["done"]
    assert await ids({}) == ["r"]


async def test_pinecone() -> None:
    async with pinecone() as (say, place):
        made = await say(vectors_pinecone.pinecone_init, index_name="docs", dimension=3)
        assert made["index"] == "docs"
        assert place.indexes["docs"]["spec"] == {"serverless": {"cloud": "aws", "region": "us-east-1"}}
        await say(vectors_pinecone.pinecone_init, index_name="docs", dimension=3)
        await tried(say, "pinecone", "docs")
        done = await say(
            vectors_pinecone.pinecone_insert,
            index="docs",
            chunks=["a", "b"],
            embeddings=VECTORS[:2],
            namespace="own",
            metadata={"x": 1},
        )
        assert done["upsert_response"] == "2 vectors written"
        got = await say(
            vectors_pinecone.pinecone_query,
            query_vector=VECTORS[1],
            idx_name="docs",
            namespace="own",
            top_k=2,
            include_values=True,
        )
        assert got["combined_results"] == "b\n\na"
        assert got["results"]["matches"][0]["values"] == VECTORS[1]
        assert got["results"]["matches"][0]["metadata"] == {"text": "b", "x": 1}


async def test_weaviate() -> None:
    async with weaviate() as (say, place):
        await tried(say, "weaviate", "Docs")
        assert place.classes["Docs"]["vectorizer"] == "none"


@pytest.mark.full
async def test_chroma(tmp_path: Path) -> None:
    """A real server; `pip install millstream[chroma]` brings it."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    program = shutil.which("chroma", path=path)
    if program is None:
        pytest.skip("the extra `chroma` is not installed")
    [port] = free_ports(1)
    words = [program, "run", "--path", str(tmp_path / "db"), "--host", "127.0.0.1", "--port", str(port)]
    with (tmp_path / "log").open("wb") as log:
        server = await asyncio.create_subprocess_exec(*words, stdout=log, stderr=log, cwd=tmp_path)
    try:
        async with httpx.AsyncClient() as client, asyncio.timeout(60):
            while True:
                assert server.returncode is None, (tmp_path / "log").read_text()
                try:
                    if (await client.get(f"http://127.0.0.1:{port}/api/v2/heartbeat")).status_code == 200:
                        break
                except httpx.TransportError:
                    await asyncio.sleep(0.1)
        origin = f"127.0.0.1:{port}"
        async with GuardedHttp(allow=frozenset({origin})) as http:
            say = sayer(http, origin, "chroma", url=f"http://{origin}")
            await tried(say, "chroma", "docs")
            with pytest.raises(BlockError, match="no collection 'other'"):
                await say(
                    vectors_services.vector_store_search, service="chroma", collection="other", vector=[1.0]
                )
    finally:
        server.terminate()
        await asyncio.wait_for(server.wait(), 20)


@pytest.mark.parametrize(
    ("inputs", "words"),
    [
        ({"vector": [1.0], "where": {"$regex": "x"}}, "no part of a filter"),
        ({"vector": [0.0]}, "zeros"),
        ({"query": " "}, "query or a vector"),
        ({"vector": [1.0], "service": "chroma"}, "address"),
        ({"vector": [1.0], "service": "chroma", "url": "ftp://x"}, "address"),
        ({"vector": [1.0], "service": "chroma", "url": "http://127.0.0.1:1"}, "private"),
    ],
)
async def test_what_is_wrong_is_said(inputs: dict[str, Any], words: str) -> None:
    given = {"service": "pinecone", "collection": "c"} | inputs
    async with GuardedHttp() as http:
        with pytest.raises(BlockError, match=words):
            await emits(vectors_services.vector_store_search, given, context(http=http))


async def test_a_key_goes_to_its_service_only() -> None:
    given = {
        "service": "weaviate",
        "collection": "Docs",
        "vector": [1.0],
        "url": "https://db.example.com",
        "credentials": {"id": "c", "provider": "pinecone", "type": "api_key"},
    }
    block = vectors_services.vector_store_search
    async with GuardedHttp() as http:
        with pytest.raises(CredentialError, match="'pinecone', not for 'weaviate'"):
            await emits(block, given, context(http=http, confidence=confidence(block, given)))
        given["credentials"] = {"id": "c", "provider": "weaviate", "type": "api_key"}
        with pytest.raises(BlockError, match="This credential is for"):
            await emits(block, given, context(http=http, confidence=confidence(block, given)))
        query = vectors_pinecone.pinecone_query
        asked = {
            "credentials": {"id": "c", "provider": "pinecone", "type": "api_key"},
            "query_vector": [1.0],
            "idx_name": "x",
            "host": "evil.example.com",
        }
        with pytest.raises(BlockError, match="This credential is for"):
            await emits(query, asked, context(http=http, confidence=confidence(query, asked)))


def test_filters_do_not_break_out_of_a_query() -> None:
    where = condition({"lang": 'x"}}) { y } #', "n": {"$gt": 1}})
    assert graphql(weaviate_where(where)) == (
        '{operator: And, operands: [{operator: Equal, path: ["m_lang"], valueText: "x\\"}}) { y } #"}, '
        '{operator: GreaterThan, path: ["m_n"], valueNumber: 1}]}'
    )
    with pytest.raises(BlockInputError, match="cannot be filtered"):
        weaviate_where(condition({'a"] }': 1}))
    for translate in (weaviate_where, chroma_where):
        with pytest.raises(BlockInputError, match="exists"):
            translate(condition({"a": {"$exists": True}}))
    assert chroma_where(condition({"a": 1, "$or": [{"b": 2}, {"c": {"$gt": 3, "$lt": 5}}]})) == {
        "$and": [
            {"a": {"$eq": 1}},
            {"$or": [{"b": {"$eq": 2}}, {"$and": [{"c": {"$gt": 3}}, {"c": {"$lt": 5}}]}]},
        ]
    }
