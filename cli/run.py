"""`millstream run`: submit a graph and follow it in the terminal."""

from __future__ import annotations

import asyncio
import json
import sys
import time
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any
from uuid import uuid4

import typer

from millstream.cli.console import complain, say, tell
from millstream.schemas.errors import ConfigurationError, InputInvalidError

if TYPE_CHECKING:
    from millstream.cli.board import Board
    from millstream.cli.edge_client import EdgeClient

FRAMES_A_SECOND = 10

GraphFile = Annotated[Path, typer.Argument(help="A graph as JSON, such as examples/calculator.json.")]
Inputs = Annotated[
    list[str] | None,
    typer.Option(
        "--input", "-i", help="name=value; the value as JSON, else as text; name=@file reads a text file."
    ),
]
Files = Annotated[
    list[str] | None, typer.Option("--file", "-f", help="name=path: uploads a file for a file input.")
]


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(run)


def run(
    graph: GraphFile,
    input_: Inputs = None,
    file: Files = None,
    url: Annotated[
        str | None, typer.Option(help="The edge; default: the platform of MILLSTREAM_HOME.")
    ] = None,
    token: Annotated[str | None, typer.Option(help="Its token; better in MILLSTREAM_TOKEN.")] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the execution as JSON, and nothing else.")
    ] = False,
) -> None:
    """Run a graph and follow it. Ends with 0 if it completed and no node failed, else with 1. Ctrl-C stops it."""
    body = read_graph(graph)
    inputs = dict(parse_input(text) for text in input_ or [])
    files = {name: Path(path) for name, path in (_pair(text, "--file") for text in file or [])}
    for path in files.values():
        if not path.is_file():
            raise InputInvalidError(f"There is no file {str(path)!r}.")
    found_url, found_token = _edge(url, token)
    raise typer.Exit(asyncio.run(_run(found_url, found_token, body, inputs, files, as_json=as_json)))


def read_graph(path: Path) -> dict[str, Any]:
    """Read a graph file. Errors: InputInvalidError."""
    try:
        body = json.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise InputInvalidError(f"The graph {str(path)!r} cannot be read: {error.strerror}.") from error
    except ValueError as error:
        raise InputInvalidError(f"The graph {str(path)!r} is not JSON: {error}.") from error
    if not isinstance(body, dict):
        raise InputInvalidError(f"The graph {str(path)!r} is no JSON object.")
    return body


def parse_input(text: str) -> tuple[str, Any]:
    """Read `name=value`: the value as JSON if it is some, else as text; `@path` is the text of a file. Errors:
    InputInvalidError."""
    name, value = _pair(text, "--input")
    if value.startswith("@"):
        try:
            return name, sys.stdin.read() if value == "@-" else Path(value[1:]).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise InputInvalidError(
                f"--input {name}: the file {value[1:]!r} cannot be read as text: {error}."
            ) from error
    try:
        return name, json.loads(value)
    except ValueError:
        return name, value


def _pair(text: str, option: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals or not name:
        raise InputInvalidError(f"{option} {text!r} is not name=value.")
    return name, value


def _edge(url: str | None, token: str | None) -> tuple[str, str]:
    from millstream.cli.connect import edge_url
    from millstream.cli.settings import load
    from millstream.local import keys
    from millstream.local.home import Home

    settings = load()
    secret = token or settings.token.get_secret_value()
    if not secret:
        secrets = keys.find(Home(settings.home))
        if secrets is None:
            raise ConfigurationError(
                f"There is no token in {str(settings.home)!r}: start a platform with `./millstream up`, or give --token."
            )
        secret = secrets.token
    return url or edge_url(settings), secret


async def _run(
    url: str,
    token: str,
    graph: dict[str, Any],
    inputs: dict[str, Any],
    files: dict[str, Path],
    *,
    as_json: bool,
) -> int:
    from millstream.cli.board import Board
    from millstream.cli.edge_client import EdgeClient, RequestRefusedError
    from millstream.cli.words import succeeded

    async with EdgeClient(url, token) as edge:
        blocks = {block["id"]: block["name"] for block in await edge.get("/api/v1/blocks")}
        named = graph
        try:
            saved = named = await edge.post("/api/v1/graphs", graph)
            board = Board(saved, blocks)
            _check_names(saved, [*inputs, *files])
            for name, path in files.items():
                inputs[name] = await edge.upload(path)
            wish = {"inputs": inputs}
            started = await edge.post(f"/api/v1/graphs/{saved['id']}/execute", wish, key=uuid4().hex)
        except RequestRefusedError as error:
            _explain(error, named, blocks)
            return 1
        try:
            await _follow(edge, started["id"], board, quiet=as_json)
        except asyncio.CancelledError:
            await edge.post(f"/api/v1/executions/{started['id']}/stop", {"reason": "Ctrl-C"})
            complain(f"stopped execution {started['id']}")
            raise
        execution = await edge.get(f"/api/v1/executions/{started['id']}", wait_s=15)
    if as_json:
        say(json.dumps(execution, indent=2, ensure_ascii=False))
    else:
        _conclude(execution, board)
    return 0 if succeeded(execution) else 1


def _check_names(graph: dict[str, Any], names: list[str]) -> None:
    """A misspelt input would be ignored, and the graph run on its defaults."""
    known = graph["input_schema"]["properties"]
    for name in names:
        if name not in known:
            there = ", ".join(map(repr, known)) or "none"
            raise InputInvalidError(f"The graph has no input {name!r}; it has {there}.")


def _explain(error: Any, graph: dict[str, Any], blocks: dict[str, str]) -> None:
    """Print a refusal with the names of nodes that people know."""
    from millstream.cli.board import node_name

    complain(f"error: {error}")
    names = {node["id"]: node_name(node, blocks) for node in graph.get("nodes", []) if "block_id" in node}
    for problem in error.facts.get("problems") or []:
        place = [names.get(problem.get("node"), problem.get("node")), problem.get("pin"), problem.get("path")]
        where = ", ".join(str(part) for part in place if part)
        complain(f"  {where + ': ' if where else ''}{problem.get('reason')}")


async def _follow(edge: EdgeClient, execution_id: str, board: Board, *, quiet: bool) -> None:
    """Show the execution until it ends: as a live table on a terminal, else a line for each node run that ends."""
    from rich.console import Console
    from rich.live import Live

    console = Console()
    live = Live(console=console, auto_refresh=False) if console.is_terminal and not quiet else None
    began = shown = time.monotonic()
    asked = False
    with live or nullcontext():
        async for frame in edge.follow(execution_id):
            line = board.take(frame)
            now = time.monotonic()
            if live is not None and (board.ended or now - shown > 1 / FRAMES_A_SECOND):
                live.update(board.table(now - began), refresh=True)
                shown = now
            elif live is None and not quiet and line is not None:
                tell(f"{line.name:<32} {frame['data']['status'].lower():<10} {line.last}")
            if board.status == "REVIEW" and not asked:
                complain(
                    f"waits for a person: GET /api/v1/executions/{execution_id}/reviews, then "
                    "POST /api/v1/reviews/<node_exec_id>"
                )
            asked = board.status == "REVIEW"
            if board.ended:
                return


def _conclude(execution: dict[str, Any], board: Board) -> None:
    """Print the outputs, and what became of it."""
    from millstream.cli.console import painted
    from millstream.cli.words import mark_of, verdict_text

    for name, values in execution["outputs"].items():
        for value in values:
            text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
            say(f"{name}: {harmless(text)}")
    names = {node_id: line.name for node_id, line in board.lines.items()}
    seconds = execution["stats"]["duration"]
    icon, style = mark_of(execution)
    text = f"{icon} {verdict_text(execution, names, board.blocks)} ({seconds:.2f} s, execution {execution['id']})"
    painted(harmless(text), style)


def harmless(text: str) -> str:
    """Return a text without characters that a terminal obeys, but for line ends and tabs."""
    return "".join(c if c.isprintable() or c in "\n\t" else " " for c in text)
