"""A model that chooses among linked nodes: once, and as an agent. The model is a scripted server of OpenAI's protocol."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import orjson

from millstream.processors.blocks import orchestr_turns
from millstream.processors.confidence import Confidence
from millstream.processors.context import Context
from millstream.processors.registry import Registry
from millstream.schemas.graph import Graph, parse_graph
from millstream.schemas.messages import Run
from millstream.schemas.secrets import Opened
from tests.unit.processors.conftest import Request
from tests.unit.processors.models.conftest import asking, echo, said, scripted
from tests.unit.streams import context as contexts
from tests.unit.streams import transitions
from tests.unit.streams.calling import BLOCKS
from tests.unit.streams.scenes import OUT
from tests.unit.streams.simulation import Simulation

REGISTRY: Registry = BLOCKS
IDS = {spec.name: spec.id for spec in REGISTRY.specs()}
KEY = {"id": "9d2c1a52-0f0e-4d35-8f6c-0d6a5c1f0001", "provider": "openai", "type": "api_key"}


class OneVault:
    async def open(self, user_id: str, execution_id: str, secret_id: str) -> Opened:
        return Opened(
            id=secret_id,
            kind="api_key",
            provider="openai",
            title="k",
            hosts=(),
            data={"api_key": "sk-canary-123"},
        )


def wants(*calls: tuple[str, dict[str, Any]], text: str = "") -> dict[str, Any]:
    """An answer that calls tools."""
    answer = said(text)
    answer["choices"][0]["message"]["tool_calls"] = [
        {"id": f"call{i}", "type": "function", "function": {"name": n, "arguments": json.dumps(a)}}
        for i, (n, a) in enumerate(calls)
    ]
    answer["choices"][0]["finish_reason"] = "tool_calls"
    return answer


def graph(
    name: str, defaults: dict[str, Any], *pins: str, links: Sequence[tuple[str, str, str, str]] = ()
) -> Graph:
    """A deciding node with a calculator and a template as tools, and an output for each of its pins."""
    rows: list[tuple[str, str, dict[str, Any]]] = [
        ("c", name, defaults),
        ("sum", "CalculatorBlock", {"operation": "Add"}),
        ("greet", "FillTextTemplateBlock", {"format": "Hello {{who}}!"}),
        *((pin, OUT, {"name": pin}) for pin in pins),
    ]
    ends = [("c", "tools", "sum", "a"), ("c", "tools", "sum", "b"), ("c", "tools", "greet", "values_#_who")]
    ends += [("c", pin, pin, "value") for pin in pins] + list(links)
    names = {"sum": "Add numbers"}
    return parse_graph(
        {
            "name": "g",
            "description": "",
            "nodes": [
                {
                    "id": i,
                    "block_id": IDS[b],
                    "input_default": d,
                    "metadata": {"customized_name": names[i]} if i in names else {},
                }
                for i, b, d in rows
            ],
            "links": [
                {"source_id": a, "source_name": p, "sink_id": z, "sink_name": s} for a, p, z, s in ends
            ],
        }
    )


async def ran(found: Graph, answers: list[dict[str, Any]]) -> tuple[Simulation, list[dict[str, Any]]]:
    """Run with a model that gives these answers; returns also the questions."""

    def script(request: Request, number: int) -> tuple[int, Any, dict[str, str]]:
        return 200, answers[number - 1], {}

    async with scripted(script) as server:
        config = {"providers": {"openai": {"base_url": f"{server.url}/v1"}}, "default": "openai:m"}
        address = server.url.removeprefix("http://")
        async with asking(config, allow=(address,)) as models:

            def made(task: Run, resumed: Any) -> Context:
                ctx = contexts.context(task, resumed)
                ctx.model_source = models.board
                ctx.confidence = Confidence(OneVault(), ctx.user_id, ctx.execution_id)
                return ctx

            simulation = Simulation(REGISTRY, found, context=made)
            await simulation.run()
        questions = [json.loads(request.body) for request in server.requests]
    transitions.check(delta for _, delta in simulation.events)
    return simulation, questions


def agent(**defaults: Any) -> dict[str, Any]:
    return {"task": "add and greet", "credentials": KEY, "model": "m", **defaults}


async def test_an_agent_calls_its_tools_and_answers() -> None:
    answers = [
        wants(("add_numbers", {"a": 2, "b": 3}), ("fill_text_template", {"values_who": "Ada"})),
        wants(("add_numbers", {"a": 5, "b": 5})),
        said("It is 10, and hello."),
    ]
    simulation, questions = await ran(graph("AgentLoopBlock", agent(), "answer"), answers)
    assert simulation.outputs() == {"answer": ["It is 10, and hello."]}
    assert simulation.detail["verdict"] == {"result": "ok"}
    runs = simulation.executions()
    assert [run["input"]["a"] for run in runs["sum"]] == [2, 5]
    assert [run["output"]["output"] for run in runs["greet"]] == [["Hello Ada!"]]
    [first, second, third] = [question["messages"] for question in questions]
    assert [m["role"] for m in first] == ["system", "user"]
    told = [(m["tool_call_id"], m["content"]) for m in second if m["role"] == "tool"]
    assert told == [("call0", "5.0"), ("call1", "Hello Ada!")]
    assert [m["role"] for m in third][-2:] == ["assistant", "tool"]
    functions = [tool["function"] for tool in questions[0]["tools"]]
    assert [f["name"] for f in functions] == ["add_numbers", "fill_text_template"]
    assert set(functions[0]["parameters"]["properties"]) == {"a", "b"}, "only what is linked"
    assert functions[0]["parameters"]["required"] == ["a", "b"]


async def test_each_turn_is_a_task_with_its_own_attempt() -> None:
    answers = [wants(("add_numbers", {"a": 1, "b": 1})), said("2")]
    found = graph("AgentLoopBlock", agent(), "answer")
    simulation, _ = await ran(found, answers)
    stats = [orjson.loads(d.detail)["stats"] for _, d in simulation.events
             if d.kind == "NODE" and d.node_id == "c" and d.detail and b"stats" in d.detail]  # fmt: skip
    assert [each["attempt"] for each in stats] == [2]
    rounds = [orjson.loads(d.detail)["reason"] for _, d in simulation.events
              if d.detail and b'"kind":"calls"' in d.detail]  # fmt: skip
    assert [(each["round"], each["nodes"]) for each in rounds] == [(1, ["sum"])]


async def test_a_tool_that_fails_is_told_to_the_model() -> None:
    answers = [
        wants(("add_numbers", {"a": "x", "b": {}})),
        wants(("add_numbers", {"a": 1, "b": 1})),
        said("2"),
    ]
    found = graph("AgentLoopBlock", agent(), "answer")
    nodes = [n if n.id != "sum" else n.model_copy(update={"block_id": IDS["GetListItemBlock"],
             "input_default": {"list": [7], "index": 9}}) for n in found.nodes]  # fmt: skip
    links = [ln if ln.sink_id != "sum" else ln.model_copy(update={"sink_name": "list" if ln.sink_name == "a" else "index"})
             for ln in found.links]  # fmt: skip
    answers = [wants(("add_numbers", {"list": [1], "index": 5})), said("none")]
    simulation, questions = await ran(found.model_copy(update={"nodes": nodes, "links": links}), answers)
    [told] = [m["content"] for m in questions[1]["messages"] if m["role"] == "tool"]
    assert told.startswith("Error: ")
    assert simulation.outputs() == {"answer": ["none"]}
    assert simulation.detail["verdict"] == {"result": "ok"}, "the model took care of it"


async def test_calls_that_fit_no_tool_are_answered_at_once() -> None:
    answers = [
        wants(("rm_rf", {"path": "/"})),
        wants(("add_numbers", {"a": 1, "b": 1, "operation": "Power"})),
        wants(("add_numbers", {"a": 1})),
        said("I give up"),
    ]
    simulation, questions = await ran(graph("AgentLoopBlock", agent(), "answer"), answers)
    told = [m["content"] for m in questions[3]["messages"] if m["role"] == "tool"]
    assert "there is no tool 'rm_rf'" in told[0]
    assert "has no parameter 'operation'" in told[1]
    assert "needs the parameter 'b'" in told[2]
    assert "sum" not in simulation.executions()
    _, questions = await ran(graph("AgentLoopBlock", agent(), "error"), [wants(("no", {}))] * 4)
    assert len(questions) == 4, "three more tries, then it fails"


async def test_an_agent_that_never_answers_is_stopped() -> None:
    answers = [wants(("add_numbers", {"a": 1, "b": 1}))] * 3
    simulation, questions = await ran(graph("AgentLoopBlock", agent(max_turns=3), "answer"), answers)
    assert len(questions) == 3
    assert simulation.outputs() == {"answer": ["Stopped after 3 turns without an answer."]}


def decide(**defaults: Any) -> dict[str, Any]:
    return {
        "prompt": "add {{n}}",
        "prompt_values": {"n": "2 and 3"},
        "credentials": KEY,
        "model": "m",
        **defaults,
    }


async def test_the_orchestrator_decides_once_and_emits_on_the_tools_pins() -> None:
    found = graph("OrchestratorBlock", decide(), "conversations", links=[("sum", "result", "o2", "value")])
    found.nodes.append(type(found.nodes[0])(id="o2", block_id=IDS[OUT], input_default={"name": "sum"}))
    simulation, questions = await ran(found, [wants(("add_numbers", {"a": 2, "b": 3}))])
    assert simulation.outputs()["sum"] == [5]
    assert questions[0]["messages"][-1]["content"] == "add 2 and 3"
    assert questions[0].get("parallel_tool_calls") is False
    [[*_, last]] = simulation.outputs()["conversations"]
    assert last["tool_calls"][0]["function"]["name"] == "add_numbers"
    runs = simulation.executions()
    assert set(runs["c"][0]["output"]) == {"tools_^_sum_~_a", "tools_^_sum_~_b", "conversations"}


async def test_the_orchestrator_goes_on_with_what_a_tool_gave() -> None:
    history = [
        {"role": "user", "content": "add 2 and 3"},
        wants(("add_numbers", {"a": 2, "b": 3}))["choices"][0]["message"],
    ]
    defaults = decide(conversation_history=history, last_tool_output=5)
    simulation, questions = await ran(graph("OrchestratorBlock", defaults, "finished"), [said("five")])
    assert simulation.outputs() == {"finished": ["five"]}
    roles = [m["role"] for m in questions[0]["messages"]]
    assert roles == ["system", "user", "assistant", "tool"]
    assert questions[0]["messages"][-1]["content"] == "5"
    del defaults["last_tool_output"]
    simulation, _ = await ran(graph("OrchestratorBlock", defaults, "error"), [])
    [message] = simulation.outputs()["error"]
    assert "link what the tool gives to `last_tool_output`" in message


async def test_the_orchestrator_as_an_agent() -> None:
    answers = [wants(("add_numbers", {"a": 2, "b": 3})), said("five")]
    found = graph("OrchestratorBlock", decide(agent_mode_max_iterations=5), "finished", "conversations")
    simulation, _ = await ran(found, answers)
    assert simulation.outputs()["finished"] == ["five"]
    [conversation] = simulation.outputs()["conversations"]
    assert [m["role"] for m in conversation] == ["system", "user", "assistant", "tool", "assistant"]
    assert b"sk-canary-123" not in b"".join(simulation.rows.rows.values())


async def test_the_echo_model_runs_an_agent_without_any_key() -> None:
    task = 'call add_numbers with {"a": 2, "b": 40}, then call fill_text_template with {"values_who": "you"}'
    async with echo() as url, asking(echo_url=url) as models:

        def made(run: Run, resumed: Any) -> Context:
            ctx = contexts.context(run, resumed)
            ctx.model_source = models.board
            return ctx

        simulation = Simulation(REGISTRY, graph("AgentLoopBlock", {"task": task}, "answer"), context=made)
        await simulation.run()
    assert simulation.outputs() == {"answer": ["The tools gave: 42.0; Hello you!"]}


def test_long_conversations_lose_old_results_first() -> None:
    long = "x" * 300_000
    messages = [
        {"role": "system", "content": "s"},
        orchestr_turns.answer_to("1", "y" * 40_000),
        {"role": "tool", "tool_call_id": "2", "content": long},
        *({"role": "user", "content": "z" * 20_000} for _ in range(7)),
    ]
    found = orchestr_turns.compacted(messages)
    assert len(found) == len(messages)
    assert sum(len(m["content"]) for m in found) < orchestr_turns.KEPT_CHARS
    assert found[-6:] == messages[-6:]
    assert len(orchestr_turns.answer_to("1", long)["content"]) < 51_000
