"""The Mem0 blocks against a small server that speaks its HTTP form."""

from __future__ import annotations

import json
from typing import Any

from millstream.processors.blocks import memory_mem0
from millstream.processors.guards.http import GuardedHttp
from millstream.processors.runnable import Block
from millstream.testing import SECRET, confidence, context, emits
from tests.unit.processors.conftest import Request, serving
from tests.unit.processors.stores import Said, handler

CREDENTIALS = {"id": "c", "provider": "mem0", "type": "api_key"}


class Mem0Server:
    """Keeps each message as a memory."""

    def __init__(self) -> None:
        self.kept: list[dict[str, Any]] = []
        self.bodies: list[dict[str, Any]] = []

    def say(self, request: Request) -> Said:
        if request.headers.get("authorization") != f"Token {SECRET}":
            return 401, {"detail": "Given token not valid"}
        body = json.loads(request.body)
        self.bodies.append(body)
        if request.path == "/v1/memories/":
            made = [
                {"id": f"m{len(self.kept) + n}", "memory": each["content"], "created_at": f"2026-01-0{n + 1}"}
                for n, each in enumerate(body["messages"])
            ]
            self.kept += [each | {"user_id": body["user_id"]} for each in made]
            return 200, {"results": [{"id": m["id"], "memory": m["memory"], "event": "ADD"} for m in made]}
        assert request.path.startswith(("/v2/memories/search/", "/v2/memories/?page=1"))
        whose = {key: value for part in body["filters"]["AND"] for key, value in part.items()}
        found = [each for each in self.kept if each["user_id"] == whose["user_id"]]
        words = body.get("query", "")
        return 200, [each for each in found if words in each["memory"]]


async def test_memories_are_kept_found_and_scoped() -> None:
    place = Mem0Server()
    async with serving(handler(place.say)) as server:
        services = {"mem0": server.url}
        async with GuardedHttp(allow=frozenset({server.origin}), services=services) as http:

            async def said(block: Block, **inputs: Any) -> list[tuple[str, Any]]:
                given = {"credentials": CREDENTIALS, **inputs}
                ctx = context(
                    http=http,
                    user_id="u1",
                    graph_id="g1",
                    execution_id="e1",
                    confidence=confidence(block, given, hosts=(server.origin,)),
                )
                return await emits(block, given, ctx)

            messages = [{"role": "user", "content": "likes tea"}, {"role": "user", "content": "has a dog"}]
            added = await said(
                memory_mem0.add_memory, content={"discriminator": "conversation", "messages": messages}
            )
            assert [emit for emit in added if emit[0] != "results"] == [
                ("action", "ADD"),
                ("memory", "likes tea"),
                ("action", "ADD"),
                ("memory", "has a dog"),
            ]
            await said(memory_mem0.add_memory, limit_memory_to_run=True, limit_memory_to_agent=False)
            assert place.bodies[0]["agent_id"] == "g1"
            assert "run_id" not in place.bodies[0]
            assert (place.bodies[1]["run_id"], "agent_id" in place.bodies[1]) == ("e1", False)
            [(_, found)] = await said(
                memory_mem0.search_memory, query="tea", categories_filter=["food"], metadata_filter={"a": 1}
            )
            assert [each["memory"] for each in found] == ["likes tea"]
            assert place.bodies[2]["filters"] == {
                "AND": [
                    {"user_id": "u1"},
                    {"agent_id": "g1"},
                    {"categories": {"in": ["food"]}},
                    {"metadata": {"a": 1}},
                ]
            }
            [(_, everything)] = await said(memory_mem0.get_all_memories)
            assert len(everything) == 3
            latest = dict(await said(memory_mem0.get_latest_memory, conversation_id="e7"))
            assert (latest["memory"]["memory"], latest["found"]) == ("has a dog", True)
            assert {"run_id": "e7"} in place.bodies[-1]["filters"]["AND"]
            place.kept.clear()
            assert await said(memory_mem0.get_latest_memory) == [("found", False)]
