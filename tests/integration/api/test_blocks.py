from __future__ import annotations

import uuid
from typing import Any

import httpx
import msgspec

from millstream.api.blocks.router import BlockOut
from millstream.api.settings import EdgeSettings
from millstream.processors.catalogue import Catalogue
from millstream.processors.registry import Registry
from millstream.schemas.blocks import Cost
from tests.integration.api import graphs
from tests.integration.api.calls import ended, problem
from tests.integration.api.conftest import serving, with_limits
from tests.integration.api.engine import Engine


class Chosen:
    """A registry with one block switched off."""

    def __init__(self, registry: Registry, disabled: str) -> None:
        self._specs = [
            msgspec.structs.replace(spec, disabled=True) if spec.id == disabled else spec
            for spec in registry.specs()
        ]

    def specs(self) -> list[Any]:
        return self._specs


async def test_blocks_are_listed_in_autogpts_form(client: httpx.AsyncClient, registry: Registry) -> None:
    found = (await client.get("/api/v1/blocks")).json()
    assert len(found) == len(registry)
    for block in found:
        assert set(block) == set(BlockOut.model_fields)
        BlockOut.model_validate(block)
    [calculator] = [block for block in found if block["id"] == graphs.CALCULATOR]
    assert calculator["name"] == "CalculatorBlock"
    assert {"a", "b", "operation"} <= set(calculator["inputSchema"]["properties"])
    assert (await client.get(f"/api/v1/blocks/{graphs.CALCULATOR}")).json() == calculator
    problem(await client.get(f"/api/v1/blocks/{graphs.UNKNOWN}"), 404, "block_unknown")


async def test_a_block_runs_by_itself_and_says_what_it_emitted_in_order(
    client: httpx.AsyncClient, engine: Engine
) -> None:
    body = {"inputs": {"items": ["a", "b"]}}
    answer = await client.post(f"/api/v1/blocks/{graphs.STEP_THROUGH}/execute", json=body)
    assert answer.status_code == 200, answer.text
    found = answer.json()
    assert found["status"] == "COMPLETED"
    assert [pair for pair in found["outputs"] if pair[0] == "item"] == [["item", "a"], ["item", "b"]]
    last = await ended(client, found["id"])
    assert (last["kind"], last["status"]) == ("block", "COMPLETED")
    graphs_only = (await client.get("/api/v1/executions", params={"limit": 250})).json()["items"]
    assert found["id"] not in {item["id"] for item in graphs_only}
    both = (await client.get("/api/v1/executions", params={"kind": "block"})).json()["items"]
    assert found["id"] in {item["id"] for item in both}


async def test_a_large_output_of_a_block_comes_whole(client: httpx.AsyncClient, engine: Engine) -> None:
    body = {"inputs": {"input": "x" * 100_000}}
    answer = await client.post(f"/api/v1/blocks/{graphs.STORE}/execute", json=body)
    assert answer.json()["outputs"] == [["output", "x" * 100_000]]


async def test_inputs_that_do_not_fit_are_the_callers_fault(
    client: httpx.AsyncClient, engine: Engine
) -> None:
    body = {"inputs": {"a": "no number", "b": 1, "operation": "Add"}}
    answer = await client.post(f"/api/v1/blocks/{graphs.CALCULATOR}/execute", json=body)
    found = problem(answer, 400, "block_input_invalid")
    assert (found["kind"], found["outputs"]) == ("BlockInputError", [])


async def test_a_block_that_fails_says_how(client: httpx.AsyncClient, engine: Engine) -> None:
    answer = await client.post(f"/api/v1/blocks/{graphs.DECODE}/execute", json={"inputs": {"text": "{"}})
    found = problem(answer, 400, "block_failed")
    assert found["kind"] == "BlockExecutionError"
    assert uuid.UUID(found["execution_id"])


async def test_an_unknown_block_is_404_and_a_disabled_one_403(
    settings: EdgeSettings, registry: Registry, engine: Engine
) -> None:
    chosen: Any = Chosen(registry, graphs.CALCULATOR)
    async with serving(settings, chosen) as edge:
        url = f"/api/v1/blocks/{uuid.uuid4()}/execute"
        problem(await edge.client.post(url, json={}), 404, "block_unknown")
        url = f"/api/v1/blocks/{graphs.CALCULATOR}/execute"
        problem(await edge.client.post(url, json={}), 403, "block_disabled")
        listed = (await edge.client.get("/api/v1/blocks")).json()
        assert graphs.CALCULATOR not in {block["id"] for block in listed}


async def test_a_block_that_takes_longer_goes_on_after_202(
    settings: EdgeSettings, registry: Registry, client: httpx.AsyncClient, engine: Engine
) -> None:
    async with serving(with_limits(settings, block_wait_s=0.2), registry) as edge:
        async with engine.held():
            answer = await edge.client.post(
                f"/api/v1/blocks/{graphs.STORE}/execute", json={"inputs": {"input": 1}}
            )
            assert answer.status_code == 202
        last = await ended(client, answer.headers["Location"].rpartition("/")[2])
        assert last["node_executions"][0]["output_data"] == {"output": [1]}


class Renewed(Chosen):
    """A registry in which the calculator has a former id, a former pin, a migration and a price."""

    def __init__(self, registry: Registry) -> None:
        new = {
            "aliases": (FORMER,),
            "version": "2",
            "renamed_pins": {"left": "a"},
            "costs": (Cost(microusd=12_000), Cost(microusd=7, per="digit")),
        }
        specs = [
            msgspec.structs.replace(spec, **new) if spec.id == graphs.CALCULATOR else spec
            for spec in registry.specs()
        ]
        self._specs: Any = Catalogue(specs, {graphs.CALCULATOR: _doubled})


FORMER = str(uuid.uuid4())


def _doubled(constants: dict[str, Any], version: str | None) -> dict[str, Any]:
    return constants | {"b": constants["b"] * 2} if version is None else constants


async def test_a_graph_of_a_former_version_is_shown_saved_and_run_as_one_of_today(
    settings: EdgeSettings, registry: Registry, client: httpx.AsyncClient, engine: Engine
) -> None:
    old = graphs.graph(
        [
            graphs.node("sum", FORMER, operation="Add", left=1, b=20),
            graphs.node("out", graphs.OUTPUT, name="sum"),
        ],
        [graphs.link("sum", "result", "out", "value")],
    )
    draft = (await client.post("/api/v1/graphs", json=old)).json()
    assert draft["draft"], "the block was not known by that id"
    renewed: Any = Renewed(registry)
    async with serving(settings, renewed) as edge:
        checked = (await edge.client.post("/api/v1/graphs/validate", json=old)).json()
        assert checked["valid"], checked
        saved = (await edge.client.post("/api/v1/graphs", json=old)).json()
        shown = (await edge.client.get(f"/api/v1/graphs/{draft['id']}")).json()
        for graph in (saved, shown):
            assert not graph["draft"], graph["problems"]
            [node] = [node for node in graph["nodes"] if node["block_id"] == graphs.CALCULATOR]
            assert node["input_default"] == {"operation": "Add", "a": 1, "b": 40}
            assert node["metadata"]["block_version"] == "2"
            answer = await edge.client.post(f"/api/v1/graphs/{graph['id']}/execute", json={"inputs": {}})
            assert answer.status_code == 202, answer.text
            last = await ended(client, answer.json()["id"])
            assert (last["status"], last["outputs"]) == ("COMPLETED", {"sum": [41]})


async def test_lists_have_a_tag_and_prices(settings: EdgeSettings, registry: Registry) -> None:
    renewed: Any = Renewed(registry)
    async with serving(settings, renewed) as edge:
        answer = await edge.client.get("/api/v1/blocks")
        same = await edge.client.get("/api/v1/blocks", headers={"If-None-Match": answer.headers["ETag"]})
        assert (same.status_code, same.content) == (304, b"")
        other = await edge.client.get("/api/v1/blocks", headers={"If-None-Match": '"other"'})
        assert other.json() == answer.json()
        [ours] = [block for block in answer.json() if block["id"] == graphs.CALCULATOR]
        assert [(cost["microusd"], cost["per"]) for cost in ours["costs"]] == [(12_000, "call"), (7, "digit")]
        [theirs] = [
            block
            for block in (await edge.client.get("/api/blocks")).json()
            if block["id"] == graphs.CALCULATOR
        ]
        assert theirs["costs"] == [{"cost_amount": 2, "cost_filter": {}, "cost_type": "run"}]
        former = await edge.client.get(f"/api/v1/blocks/{FORMER}")
        assert former.json()["id"] == graphs.CALCULATOR
