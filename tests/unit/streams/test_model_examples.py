"""The examples that ask models, in the engine in memory, with the real blocks and the echo model on a real socket."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from millstream.processors.context import Context
from millstream.processors.registry import load_registry
from millstream.schemas.graph import parse_graph
from millstream.schemas.messages import Run
from millstream.testing import EchoModels
from tests.unit.streams import context as contexts
from tests.unit.streams.simulation import Simulation

EXAMPLES = Path(__file__).parents[3] / "examples"
ORDER = {"name": "Ada Lovelace", "email": "ada@example.com", "product": "difference engine", "quantity": 2}


def context(run: Run, resumed: Any) -> Context:
    return replace(contexts.context(run, resumed), model_source=EchoModels())


@pytest.mark.parametrize(
    ("name", "outputs"),
    [
        ("summarise", {"summary": ["Kafka keeps a log of everything that happens."]}),
        ("extract_order", {"order": [ORDER], "kind": ["order"]}),
    ],
)
async def test_the_demo_model_plays_the_example(name: str, outputs: dict[str, Any]) -> None:
    raw = (EXAMPLES / f"{name}.json").read_bytes()
    given = json.loads(raw)["nodes"][0]["input_default"]
    simulation = Simulation(
        load_registry(), parse_graph(raw), {given["name"]: given["value"]}, context=context
    )
    await simulation.run()
    assert simulation.outputs() == outputs
    assert simulation.detail["verdict"] == {"result": "ok"}
