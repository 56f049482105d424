"""Secrets on their way through engine and worker: a reference in the task, the value in the block, none in what it says."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import orjson
import pytest
from msgspec import structs

from millstream import Context, Park, SecretText, block
from millstream.processors.confidence import Confidence
from millstream.processors.registry import Registry
from millstream.schemas.errors import CredentialError
from millstream.schemas.graph import parse_graph
from millstream.schemas.messages import Finished, Run
from millstream.schemas.secrets import Opened
from millstream.streams.running import Environment, Running, run_task
from millstream.testing import Silent
from tests.integration.api import graphs
from tests.unit.streams import context as contexts
from tests.unit.streams.simulation import DictCache, NoClaims, Simulation, Values

ID = "11111111-1111-4111-8111-111111111111"
REF = {"$secret": ID}
CANARY = "canary-0123456789"
SEEN: list[Any] = []
RESUMED: list[Any] = []


@block
async def take(
    text: SecretText, options: dict[str, str], count: int, how: str = "echo", *, ctx: Context
) -> str | Park:
    """Take secrets, and be careless with them."""
    SEEN.append((text, options, count))
    RESUMED.append(ctx.resumed)
    ctx.progress(0.5, f"at {text}")
    if how == "fail":
        raise ValueError(f"cannot use {text}")
    if how == "crash":
        raise RuntimeError(f"cannot use {options}")
    if how == "park":
        return Park(60.0, state={"text": text})
    return text if how == "echo" else f"<{text}>"


REGISTRY = Registry({take.spec.id: take})


class OneVault:
    def __init__(self, value: Any) -> None:
        self.value = value

    async def open(self, user_id: str, execution_id: str, secret_id: str) -> Opened:
        if self.value is None:
            raise CredentialError("gone")
        return Opened(id=secret_id, kind="value", data={"value": self.value})


def task_of(**defaults: Any) -> Run:
    given = {"text": REF, "options": {"a": REF, "b": "1"}, "count": "5", **defaults}
    graph = parse_graph(json.dumps(graphs.graph([graphs.node("n", take.spec.id, **given)], [])).encode())
    simulation = Simulation(registry=REGISTRY, graph=graph)
    simulation.step()
    [task] = simulation.tasks
    return task


async def ran(task: Run, value: Any = CANARY) -> tuple[Finished, list[str]]:
    told = Silent()

    def context(run: Run, resumed: Any) -> Context:
        return replace(
            contexts.context(run, resumed),
            confidence=Confidence(OneVault(value), run.user_id, "e"),
            progress=told,
        )

    async def say(message: object) -> None:
        raise AssertionError(message)

    env = Environment(
        registry=REGISTRY, values=Values(), claims=NoClaims(), cache=DictCache(), context=context, worker="w"
    )
    SEEN.clear()
    finished = await run_task(Running(task=task, worker="w", say=say, issued_ms=0), env)
    return finished, [note for _, note in told.said]


def test_the_engine_leaves_references_alone_and_converts_the_rest() -> None:
    values = orjson.loads(task_of().input)
    assert (values["text"], values["options"]) == (REF, {"a": REF, "b": "1"})
    assert values["count"] == 5


async def test_the_block_gets_values_and_says_references() -> None:
    finished, notes = await ran(task_of())
    assert SEEN == [(CANARY, {"a": CANARY, "b": "1"}, 5)]
    assert [orjson.loads(emit.value.inline or b"") for emit in finished.outputs] == [REF]
    assert notes == ["at •••"]


async def test_the_worker_converts_what_the_engine_could_not() -> None:
    await ran(task_of(), value=12345678)
    assert SEEN == [("12345678", {"a": "12345678", "b": "1"}, 5)]


@pytest.mark.parametrize("how", ["fail", "crash", "park", "within"])
async def test_whatever_a_block_does_no_secret_is_in_what_is_sent(how: str) -> None:
    finished, _ = await ran(task_of(how=how))
    assert CANARY not in repr(finished)
    assert (
        repr("•••".encode())[2:-1] in repr(finished) or "•••" in repr(finished) or "$secret" in repr(finished)
    )


async def test_a_block_that_stepped_aside_finds_its_state_as_it_left_it() -> None:
    task = task_of(how="park")
    finished, _ = await ran(task)
    assert finished.park is not None
    assert orjson.loads(finished.park.state) == {"text": REF}
    await ran(structs.replace(task, resumed=finished.park.state))
    assert RESUMED[-1] == {"text": CANARY}


async def test_a_secret_that_is_gone_fails_the_node_with_a_reason() -> None:
    finished, _ = await ran(task_of(), value=None)
    assert finished.failure is not None
    assert (finished.failure.code, finished.failure.message) == ("credentials_unavailable", "gone")
    assert SEEN == []
