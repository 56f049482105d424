"""What models cost reaches the engine in the last message of a run, also of one that fails; without money no call is made."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any
from uuid import uuid4

from millstream.processors.blocks.ai_data import extract_data
from millstream.processors.context import Context
from millstream.processors.registry import load_registry
from millstream.schemas.messages import Finished, Run
from millstream.streams.running import Environment, Running, run_task
from tests.unit.processors.conftest import Request
from tests.unit.processors.models.conftest import Asking, asking, said, scripted
from tests.unit.streams import context as contexts
from tests.unit.streams.simulation import DictCache, NoClaims, Values

SCHEMA = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}


async def ran(it: Asking, **fields: Any) -> Finished:
    def context(run: Run, resumed: Any) -> Context:
        return replace(contexts.context(run, resumed), model_source=it.board)

    async def say(message: object) -> None:
        return None

    env = Environment(
        registry=load_registry(),
        values=Values(),
        claims=NoClaims(),
        cache=DictCache(),
        context=context,
        worker="w",
    )
    task = Run(
        execution_id=uuid4().bytes,
        node_execution_id=uuid4().bytes,
        node=0,
        k=0,
        user_id=str(uuid4()),
        graph_id="g",
        graph_version=1,
        node_id="n",
        block_id=extract_data.spec.id,
        input=json.dumps({"text": "x", "json_schema": SCHEMA, "model": "gpt-4o", "tries": 3}).encode(),
        **fields,
    )
    return await run_task(Running(task=task, worker="w", say=say, issued_ms=0), env)


async def test_costs_of_models_are_those_of_the_run() -> None:
    answers = ["no", '{"n": 1}', "no", "no", "no", "no", "no"]

    def script(request: Request, number: int) -> Any:
        return 200, said(answers[number - 1]), {}

    async with scripted(script) as server:
        config = {"providers": {"openai": {"base_url": server.url, "api_key": "sk-operators"}}}
        async with asking(config, allow=(server.origin,)) as it:
            good = await ran(it)
            assert (good.failure, good.cost_microusd) == (None, 150)
            bad = await ran(it)
            assert bad.failure is not None
            assert (bad.failure.code, bad.cost_microusd) == ("block_failed", 225)
            poor = await ran(it, budget_microusd=100)
            assert poor.failure is not None
            assert (poor.failure.code, poor.cost_microusd) == ("block_failed", 150)
            assert "budget" in poor.failure.message
            assert len(server.requests) == 7
