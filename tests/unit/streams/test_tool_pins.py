"""Links that lead to the arguments of a tool: the engine passes them on to the block by their names."""

from __future__ import annotations

from typing import Any

from millstream.processors.registry import load_registry
from millstream.schemas.graph import Graph
from tests.integration.api.graphs import INPUT, graph, link, node
from tests.unit.streams.simulation import Simulation

TOOL = "a0a4b1c2-d3e4-4f56-a7b8-c9d0e1f2a3b4"
SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}


async def test_a_link_may_lead_to_an_argument_of_the_tool() -> None:
    tool: dict[str, Any] = {
        "server_url": "http://127.0.0.1/mcp",
        "selected_tool": "weather",
        "tool_input_schema": SCHEMA,
    }
    made = graph(
        [node("in", INPUT, name="where"), node("tool", TOOL, **tool)],
        [link("in", "result", "tool", "city")],
    )
    simulation = Simulation(load_registry(), Graph.model_validate(made), {"where": "Ulm"})
    await simulation.run()
    [ran] = simulation.executions()["tool"]
    assert ran["input"]["city"] == "Ulm"
    assert ran["status"] == "FAILED"
    assert "private network" in str(ran["output"]["error"]), (
        "it was called, and the guard refused the address"
    )
