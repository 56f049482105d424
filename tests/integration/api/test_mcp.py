"""The edge as an MCP server, asked by the client of the `mcp` package over HTTP."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx2
import pytest
from mcp.client import Client
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.exceptions import MCPError
from mcp_types import CallToolResult, Tool

from millstream.api.mcp.catalogue import CREDENTIALS, Blocks, graph_of, graph_tool
from millstream.processors.blocks.mcp_tools import mcp_tool
from millstream.processors.confidence import Confidence
from millstream.processors.guards.http import GuardedHttp
from millstream.schemas.blocks import BlockSpec
from millstream.schemas.secrets import Opened
from millstream.testing import context, emits
from tests.integration.api import graphs
from tests.integration.api.calls import ended, problem, saved
from tests.integration.api.conftest import Running, client_of
from tests.integration.api.engine import Engine
from tests.integration.api.people import Person, key_of, person

pytestmark = pytest.mark.usefixtures("engine")
ALL = ("USE_TOOLS", "EXECUTE_GRAPH", "READ_GRAPH", "EXECUTE_BLOCK")


@asynccontextmanager
async def tools_of(
    running: Running, token: str, query: str = "", mode: str = "auto"
) -> AsyncIterator[Client]:
    headers = {"Authorization": f"Bearer {token}"}
    async with (
        httpx2.AsyncClient(headers=headers, trust_env=False, timeout=60) as web,
        Client(streamable_http_client(f"{running.url}/mcp{query}", http_client=web), mode=mode) as client,
    ):
        yield client


async def listed(client: Client) -> list[Tool]:
    tools: list[Tool] = []
    cursor = None
    while True:
        page = await client.list_tools(cursor=cursor)
        tools += page.tools
        cursor = page.next_cursor
        if cursor is None:
            return tools


def facts(result: CallToolResult) -> dict[str, Any]:
    found: dict[str, Any] = result.structured_content
    [part] = result.content
    assert part.type == "text"
    return found


async def token_of(who: Person, *scopes: str) -> str:
    made = await key_of(who.client, *(scopes or ALL))
    return str(made["key"])


@pytest.mark.parametrize("mode", ["auto", "legacy"])
async def test_a_graph_is_a_tool_with_its_inputs_and_gives_its_outputs(running: Running, mode: str) -> None:
    async with person(running) as ada:
        graph = await saved(ada.client, graphs.echo() | {"name": "Say it again!", "description": "Echoes."})
        async with tools_of(running, await token_of(ada), mode=mode) as client:
            assert client.server_info is not None
            assert client.server_info.name == "millstream"
            tools = {tool.name: tool for tool in await listed(client)}
            name = f"say_it_again_{uuid.UUID(graph['id']).hex}"
            tool = tools[name]
            assert tool.description == "Run the agent 'Say it again!'. Echoes."
            assert tool.input_schema["required"] == ["text"]
            assert "calculator" in tools
            result = await client.call_tool(name, {"text": "hello"})
            found = facts(result)
            assert (result.is_error, found["status"], found["outputs"]) == (
                False,
                "COMPLETED",
                {"said": ["hello"]},
            )
            ran = await ended(ada.client, found["execution_id"])
            assert ran["graph_id"] == graph["id"]


async def test_a_block_is_a_tool_with_its_pins(running: Running) -> None:
    async with person(running) as ada, tools_of(running, await token_of(ada)) as client:
        [tool] = [tool for tool in await listed(client) if tool.name == "calculator"]
        assert tool.input_schema["required"] == ["operation", "a", "b"]
        result = await client.call_tool("calculator", {"operation": "Add", "a": 2, "b": 40})
        assert facts(result)["outputs"] == {"result": [42]}
        wrong = await client.call_tool("calculator", {"operation": "Guess", "a": 2, "b": 40})
        assert wrong.is_error
        assert "operation" in str(facts(wrong))


async def test_a_long_run_answers_with_a_handle(running: Running, engine: Engine) -> None:
    async with person(running) as ada:
        await saved(ada.client, graphs.echo() | {"name": "slow"})
        async with tools_of(running, await token_of(ada), "?wait_s=0.1") as client:
            [name] = [tool.name for tool in await listed(client) if tool.name.startswith("slow_")]
            async with engine.held():
                first = facts(await client.call_tool(name, {"text": "late"}))
                assert first["status"] in ("QUEUED", "RUNNING")
                assert "get_execution" in first["note"]
            last = await client.call_tool(
                "get_execution", {"execution_id": first["execution_id"], "wait_s": 20}
            )
            assert facts(last)["outputs"] == {"said": ["late"]}


async def test_what_is_refused_is_told_to_the_model(running: Running) -> None:
    async with person(running) as ada:
        echo = await saved(ada.client, graphs.echo())
        failing = await saved(ada.client, graphs.failing())
        async with tools_of(running, await token_of(ada)) as client:
            missing = await client.call_tool(
                graph_tool("x", uuid.UUID(echo["id"])), {CREDENTIALS: {"x": "y"}}
            )
            assert missing.is_error
            assert facts(missing)["code"] == "graph_invalid"
            assert facts(missing)["problems"][0]["code"] == "credentials_name_unknown"
            failed = await client.call_tool(graph_tool("x", uuid.UUID(failing["id"])), {"text": "{"})
            assert failed.is_error
            assert facts(failed)["verdict"]["result"] == "errors"
            assert "JSON" in str(facts(failed)["verdict"])
            odd = await client.call_tool("get_execution", {"execution_id": "mine"})
            assert facts(odd)["code"] == "input_invalid"
            with pytest.raises(MCPError, match="no tool 'nothing'"):
                await client.call_tool("nothing", {})
            with pytest.raises(MCPError, match="cursor"):
                await client.list_tools(cursor="!")


async def test_nobody_sees_or_runs_what_is_of_others(running: Running) -> None:
    async with person(running) as ada, person(running) as eve:
        graph = await saved(ada.client, graphs.echo() | {"name": "secret plan"})
        name = graph_tool("secret plan", uuid.UUID(graph["id"]))
        async with tools_of(running, await token_of(ada)) as client:
            mine = facts(await client.call_tool(name, {"text": "mine"}))["execution_id"]
        async with tools_of(running, await token_of(eve)) as client:
            assert name not in {tool.name for tool in await listed(client)}
            for tool, arguments in ((name, {"text": "x"}), ("get_execution", {"execution_id": mine})):
                refused = await client.call_tool(tool, arguments)
                assert refused.is_error
                assert facts(refused)["code"] == "not_found"


async def test_a_key_gets_the_tools_of_its_scopes(running: Running) -> None:
    async with person(running) as ada:
        graph = await saved(ada.client, graphs.echo())
        name = graph_tool("test", uuid.UUID(graph["id"]))
        async with tools_of(running, await token_of(ada, "USE_TOOLS", "EXECUTE_BLOCK")) as client:
            names = {tool.name for tool in await listed(client)}
            assert "calculator" in names
            assert name not in names
            assert "get_execution" not in names
            refused = await client.call_tool(name, {"text": "x"})
            assert facts(refused)["code"] == "forbidden"
        graphs_alone = await token_of(ada, "USE_TOOLS", "EXECUTE_GRAPH", "READ_GRAPH")
        async with tools_of(running, graphs_alone) as client:
            assert {tool.name for tool in await listed(client)} == {name, "get_execution"}
            refused = await client.call_tool("calculator", {"operation": "Add", "a": 1, "b": 1})
            assert facts(refused)["code"] == "forbidden"
        async with client_of(running.url, await token_of(ada, "EXECUTE_GRAPH")) as client_without:
            problem(await client_without.post("/mcp", json={}), 403, "forbidden")
    async with client_of(running.url, None) as stranger:
        problem(await stranger.post("/mcp", json={}), 401, "unauthenticated")


async def test_a_client_chooses_graphs_or_blocks(running: Running) -> None:
    async with person(running) as ada:
        graph = await saved(ada.client, graphs.echo())
        name = graph_tool("test", uuid.UUID(graph["id"]))
        token = await token_of(ada)
        async with tools_of(running, token, "?tools=graphs") as client:
            assert {tool.name for tool in await listed(client)} == {name, "get_execution"}
            with pytest.raises(MCPError, match="no tool 'calculator'"):
                await client.call_tool("calculator", {})
        async with tools_of(running, token, "?tools=blocks") as client:
            names = {tool.name for tool in await listed(client)}
            assert "calculator" in names
            assert name not in names
        async with client_of(running.url, token) as client_:
            problem(await client_.post("/mcp?tools=mine", json={}), 400, "input_invalid")


async def test_many_graphs_come_in_pages_and_drafts_not_at_all(running: Running) -> None:
    async with person(running) as ada:
        for number in range(53):
            await saved(ada.client, graphs.echo() | {"name": f"number {number}"})
        draft = graphs.graph([graphs.node("a", graphs.UNKNOWN)], []) | {"name": "draft"}
        await saved(ada.client, draft)
        async with tools_of(running, await token_of(ada), "?tools=graphs") as client:
            first = await client.list_tools()
            assert first.next_cursor is not None
            assert len(first.tools) == 50  # with the look, and without the draft
            names = [tool.title for tool in await listed(client)]
    assert names == ["Look at a run", *(f"number {number}" for number in reversed(range(53)))]


async def test_a_graph_that_needs_credentials_asks_for_their_ids(running: Running) -> None:
    block = next(
        spec
        for spec in running.edge.specs.values()
        if "credentials" in spec.input_schema.get("required", ()) and not spec.disabled
    )
    async with person(running) as ada:
        await saved(ada.client, graphs.graph([graphs.node("a", block.id)], []) | {"name": "keyed"})
        async with tools_of(running, await token_of(ada), "?tools=graphs") as client:
            [tool] = [tool for tool in await listed(client) if tool.title == "keyed"]
    assert CREDENTIALS in tool.input_schema["required"]
    assert "_credentials" in tool.input_schema["properties"][CREDENTIALS]["description"]


async def test_a_block_of_ours_calls_a_graph_of_ours(running: Running) -> None:
    class Vault:
        async def open(self, user_id: str, execution_id: str, secret_id: str) -> Opened:
            data = {"api_key": token}
            return Opened(id=secret_id, kind="api_key", provider="mcp", title="", hosts=(origin,), data=data)

    origin = running.url.removeprefix("http://")
    async with person(running) as ada, GuardedHttp(allow=frozenset({origin})) as http:
        token = await token_of(ada)
        graph = await saved(ada.client, graphs.echo())
        inputs = {
            "server_url": f"{running.url}/mcp",
            "credentials": {"id": str(uuid.uuid4()), "provider": "mcp", "type": "api_key"},
            "selected_tool": graph_tool("test", uuid.UUID(graph["id"])),
            "tool_arguments": {"text": "round"},
        }
        trusted = Confidence(Vault(), "tester", "e")
        trusted.about(mcp_tool.spec.input_schema, inputs)
        [(pin, value)] = await emits(mcp_tool, inputs, context(http=http, confidence=trusted))
    assert (pin, value["outputs"]) == ("result", {"said": ["round"]})


async def test_bodies_have_a_limit(running: Running) -> None:
    async with person(running) as ada, client_of(running.url, await token_of(ada)) as client:
        answer = await client.post("/mcp", json={"x": "y" * 40_000_000})
        problem(answer, 413, "payload_too_large")


def test_names_of_tools_fit_and_lead_back() -> None:
    id_ = uuid.uuid4()
    for name in ("", "Ä" * 300, "a b/c", "x" * 300):
        tool = graph_tool(name, id_)
        assert len(tool) <= 64
        assert graph_of(tool) == id_
    assert graph_of("calculator") is None


def test_blocks_of_one_name_are_told_apart() -> None:
    specs = [
        BlockSpec(
            id=str(uuid.UUID(int=n)), name="SameBlock", description="", input_schema={}, output_schema={}
        )
        for n in range(2)
    ]
    assert list(Blocks(specs).by_name) == ["same", "same_00000000"]
