"""`millstream run` as a process, against an edge."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from pathlib import Path
from typing import Any

import httpx

from tests.integration.api import graphs
from tests.integration.api.calls import shown, until
from tests.integration.api.conftest import TOKEN, Running
from tests.integration.api.engine import Engine

NODES = {"in": "Given", "decode": "Parse it", "wait": "Sleep"}


async def spawned(
    running: Running, tmp_path: Path, graph: dict[str, Any], *options: str
) -> asyncio.subprocess.Process:
    for node in graph["nodes"]:
        node["metadata"]["customized_name"] = NODES.get(node["id"], node["id"])
    path = tmp_path / "graph.json"
    path.write_text(json.dumps(graph))
    environ = {name: value for name, value in os.environ.items() if not name.startswith("MILLSTREAM_")}
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "millstream.cli.main",
        "run",
        str(path),
        "--url",
        running.url,
        *options,
        env=environ | {"MILLSTREAM_TOKEN": TOKEN, "MILLSTREAM_HOME": str(tmp_path)},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )


async def ran(
    running: Running, tmp_path: Path, graph: dict[str, Any], *options: str
) -> tuple[int | None, str, str]:
    """Run the command; returns exit code, standard output, standard error."""
    process = await spawned(running, tmp_path, graph, *options)
    out, err = await process.communicate()
    return process.returncode, out.decode(), err.decode()


async def test_outputs_are_printed_and_success_is_0(running: Running, engine: Engine, tmp_path: Path) -> None:
    code, out, err = await ran(running, tmp_path, graphs.echo(), "-i", "text=hi")
    assert (code, err) == (0, "")
    lines = out.splitlines()
    assert lines[0].split() == ["Given", "completed", "hi"]
    assert "said: hi" in lines
    assert lines[-1].startswith("✓ completed (")


async def test_a_failed_node_is_1_and_named(running: Running, engine: Engine, tmp_path: Path) -> None:
    code, out, _ = await ran(running, tmp_path, graphs.failing(), "-i", 'text="{"')
    assert code == 1
    assert "✗ completed, but nodes failed\n  Parse it (" in out
    assert "✓" not in out


async def test_a_node_that_never_ran_is_1_and_named(running: Running, engine: Engine, tmp_path: Path) -> None:
    nodes = [
        graphs.node("in", graphs.INPUT, name="text"),
        graphs.node("calc", graphs.CALCULATOR, a=1, b=1),
    ]
    graph = graphs.graph(nodes, [graphs.link("in", "result", "calc", "operation")])
    code, out, _ = await ran(running, tmp_path, graph, "-i", "text=Divine")
    assert code == 1
    assert "! completed, but nodes never ran\n  calc never ran: " in out


async def test_json_is_the_execution_and_nothing_else(
    running: Running, engine: Engine, tmp_path: Path
) -> None:
    code, out, _ = await ran(running, tmp_path, graphs.wide(), "--json", "-i", "items=[1,2]")
    assert code == 0
    assert json.loads(out)["outputs"] == {"item": [1, 2]}


async def test_a_file_is_uploaded(running: Running, engine: Engine, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("x")
    code, out, _ = await ran(running, tmp_path, graphs.echo(), "--file", f"text={tmp_path}/notes.txt")
    assert code == 0
    uri = next(line for line in out.splitlines() if line.startswith("said: ")).removeprefix("said: ")
    found = await running.client.get(f"/api/v1/files/{uri.removeprefix('workspace://')}")
    assert found.text == "x"


async def test_refusals_are_sentences_with_the_names_of_nodes(running: Running, tmp_path: Path) -> None:
    misspelt = graphs.echo()
    misspelt["links"][0]["sink_name"] = "valeu"
    unknown = graphs.graph([graphs.node("odd", graphs.UNKNOWN)], [])
    for graph, options, said in (
        (graphs.echo(), ["-i", "txt=1"], "The graph has no input 'txt'; it has 'text'."),
        (misspelt, [], "did you mean 'value'"),
        (unknown, [], f"No block has the id '{graphs.UNKNOWN}'"),
        (graphs.echo(), ["-f", "text=/no/file"], "There is no file '/no/file'."),
        (graphs.echo(), ["--token", "wrong-but-long-enough"], "The token is not valid here"),
    ):
        code, out, err = await ran(running, tmp_path, graph, *options)
        assert (code, out) == (1, "")
        assert said in err
        assert "Traceback" not in err


async def test_ctrl_c_stops_the_execution(
    running: Running, client: httpx.AsyncClient, engine: Engine, tmp_path: Path
) -> None:
    async with engine.held():
        process = await spawned(running, tmp_path, graphs.echo(), "-i", "text=never")
        found: list[str] = []

        async def is_running() -> bool:
            page = (await client.get("/api/v1/executions", params={"limit": 1})).json()
            found[:] = [item["id"] for item in page["items"] if item["status"] == "RUNNING"]
            return bool(found) and (await shown(client, found[0]))["inputs"] == {"text": "never"}

        await until(is_running)
        await asyncio.sleep(0.3)
        process.send_signal(signal.SIGINT)
        _, err = await process.communicate()
        assert process.returncode == 130
        assert f"stopped execution {found[0]}" in err.decode()
    assert (await shown(client, found[0]))["status"] == "TERMINATED"
