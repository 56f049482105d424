"""The graph that the chaos runs: a fan-out of five, a timer, a chain, and at its end an effect outside the platform."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tests.platform import Platform

STORE = "1ff065e9-88e8-4358-9d82-8dc91f622ba9"
ITEMS = [1, 2, 3, 4, 5]
CHAIN = 3
EFFECT = "effect"
_LINK = ("source_id", "source_name", "sink_id", "sink_name")


def runs_by_node() -> dict[str, int]:
    """Return how often each node of one execution runs."""
    many = ["wait", *(f"c{i}" for i in range(CHAIN)), EFFECT, "out"]
    return {"list": 1, "each": 1} | dict.fromkeys(many, len(ITEMS))


@dataclass(frozen=True)
class Saved:
    """The graph as the platform knows it."""

    id: str
    names: dict[str, str]
    """Our name of each node by the id that the platform gave it."""


def save(mill: Platform, effects_url: str) -> Saved:
    """Save the graph; its effect is a POST that may never be made twice."""
    blocks = {b["name"]: b["id"] for b in mill.client.get("/api/v1/blocks").json()}
    nodes: list[dict[str, Any]] = [
        {"id": "list", "block_id": STORE, "input_default": {"input": ITEMS}},
        {"id": "each", "block_id": blocks["StepThroughItemsBlock"]},
        {"id": "wait", "block_id": blocks["WaitBlock"], "input_default": {"seconds": 0.05}},
        *({"id": f"c{i}", "block_id": STORE} for i in range(CHAIN)),
        {
            "id": EFFECT,
            "block_id": blocks["SendWebRequestBlock"],
            "input_default": {"url": effects_url, "method": "POST"},
        },
        {"id": "out", "block_id": blocks["AgentOutputBlock"], "input_default": {"name": "out"}},
    ]
    last = f"c{CHAIN - 1}"
    links = [
        ("list", "output", "each", "items"),
        ("each", "item", "wait", "value"),
        ("wait", "value", "c0", "input"),
        *((f"c{i}", "output", f"c{i + 1}", "input") for i in range(CHAIN - 1)),
        (last, "output", "out", "value"),
        (last, "output", EFFECT, "body_#_item"),
    ]
    body: dict[str, Any] = {"name": "chaos", "description": "", "nodes": nodes}
    body["links"] = [dict(zip(_LINK, link, strict=True)) for link in links]
    answer = mill.client.post("/api/v1/graphs", json=body)
    assert answer.status_code == 201, answer.text
    made = answer.json()
    pairs = list(zip(nodes, made["nodes"], strict=True))
    assert all(ours["block_id"] == theirs["block_id"] for ours, theirs in pairs)
    return Saved(made["id"], {theirs["id"]: ours["id"] for ours, theirs in pairs})
