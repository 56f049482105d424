from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from millstream.cli.board import Board, preview
from millstream.cli.run import parse_input, read_graph
from millstream.cli.words import OK, mark_of, reason_text, succeeded, verdict_text
from millstream.schemas.errors import InputInvalidError

BLOCKS = {"in": "AgentInputBlock", "calc": "CalculatorBlock", "note": "NoteBlock"}
GRAPH = {
    "name": "Sum",
    "nodes": [
        {"id": "1", "block_id": "in", "input_default": {"name": "first"}, "metadata": {}},
        {"id": "2", "block_id": "calc", "input_default": {}, "metadata": {"customized_name": "a + b"}},
        {"id": "3", "block_id": "calc", "input_default": {"name": "x"}, "metadata": None},
        {"id": "4", "block_id": "note", "input_default": {}, "metadata": {}},
        {"id": "5", "block_id": "gone", "input_default": {}, "metadata": {}},
    ],
}


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("a=1", ("a", 1)),
        ("a=1.5", ("a", 1.5)),
        ('a={"b": [true]}', ("a", {"b": [True]})),
        ("a=hello world", ("a", "hello world")),
        ('a="1"', ("a", "1")),
        ("a=", ("a", "")),
        ("a=b=c", ("a", "b=c")),
        ("a=007", ("a", "007")),
    ],
)
def test_values_are_json_or_else_text(text: str, found: tuple[str, Any]) -> None:
    assert parse_input(text) == found


def test_a_value_may_come_from_a_file(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("1\n")
    assert parse_input(f"a=@{tmp_path}/a.txt") == ("a", "1\n")
    with pytest.raises(InputInvalidError, match="cannot be read"):
        parse_input("a=@/no/such/file")


@pytest.mark.parametrize("text", ["a", "=1", ""])
def test_what_is_no_pair_is_refused(text: str) -> None:
    with pytest.raises(InputInvalidError, match="name=value"):
        parse_input(text)


def test_a_graph_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    for content in ("{", "[]"):
        (tmp_path / "g.json").write_text(content)
        with pytest.raises(InputInvalidError):
            read_graph(tmp_path / "g.json")
    with pytest.raises(InputInvalidError, match="No such file"):
        read_graph(tmp_path / "none.json")


def node_frame(
    node: str, run: str, status: str, *, reason: dict[str, Any] | None = None, **output: list[Any]
) -> dict[str, Any]:
    data = {
        "node_id": node,
        "node_exec_id": run,
        "status": status,
        "output_data": output,
        "reason": reason,
        "start_time": "2026-01-01T00:00:00.000Z",
        "end_time": "2026-01-01T00:00:01.500Z" if status == "COMPLETED" else None,
    }
    return {"method": "node_execution_event", "data": data, "sequence": 1}


def test_nodes_have_the_names_that_people_gave_them() -> None:
    assert [line.name for line in Board(GRAPH, BLOCKS).lines.values()] == [
        "first",
        "a + b",
        "Calculator",
        "unknown block",
    ]


def test_a_line_sums_up_all_runs_of_its_node() -> None:
    board = Board(GRAPH, BLOCKS)
    assert board.take(node_frame("2", "x", "RUNNING")) is None
    ended = board.take(node_frame("2", "x", "COMPLETED", result=[1, 2]))
    assert ended is not None
    assert (ended.state, ended.count, ended.last) == ("COMPLETED", "1", "2")
    assert board.take(node_frame("2", "x", "COMPLETED", result=[1, 2])) is None
    board.take(node_frame("2", "y", "RUNNING"))
    assert (ended.state, ended.count) == ("RUNNING", "1/2")
    board.take(node_frame("2", "y", "FAILED", result=[3], error=["no"]))
    assert (ended.state, ended.count, ended.last, board.failed_nodes) == ("FAILED", "2", "no", 1)


def test_the_table_fits_a_narrow_terminal_and_obeys_no_control_characters() -> None:
    board = Board(GRAPH, BLOCKS)
    board.take(node_frame("1", "x", "COMPLETED", result=["\x1b[31mred\x1b[0m [bold]x\n" + "y" * 500]))
    console = Console(width=80, record=True, file=open("/dev/null", "w"))  # noqa: SIM115
    console.print(board.table(1.0))
    console.file.close()
    text = console.export_text()
    assert max(map(len, text.splitlines())) <= 80
    assert "completed" in text
    assert "[bold]x" in text
    assert "\x1b[31m" not in text


def test_previews_are_one_short_line() -> None:
    assert preview("a\nb\x1b[0m\u202ec") == "a b [0m c"
    assert preview("x" * 100, 10) == "x" * 9 + "…"
    assert preview({"a": "ü"}) == '{"a": "ü"}'


@pytest.mark.parametrize(
    ("execution", "text", "well"),
    [
        ({"status": "COMPLETED", "verdict": {"result": "ok"}}, "completed", True),
        (
            {"status": "COMPLETED", "verdict": {"result": "errors", "errors": 2, "failed_nodes": ["2"]}},
            "completed, but nodes failed\n  a + b failed\n  and 1 more",
            False,
        ),
        (
            {
                "status": "COMPLETED",
                "verdict": {
                    "result": "left_waiting",
                    "waiting": [{"node": "2", "pins": ["a"], "reason": "no value arrived"}],
                },
            },
            "completed, but nodes never ran\n  a + b never ran: no value arrived (a)",
            False,
        ),
        (
            {"status": "FAILED", "failure": {"message": "no plan"}, "verdict": {"result": "failed"}},
            "failed: no plan",
            False,
        ),
        (
            {
                "status": "FAILED",
                "failure": {"message": "it ran over its time limit"},
                "verdict": {
                    "result": "timed_out",
                    "errors": 1,
                    "failed": [{"node": "2", "block": "b", "code": "x", "message": "it broke"}],
                },
            },
            "timed out: it ran over its time limit\n  a + b failed: it broke",
            False,
        ),
        (
            {"status": "TERMINATED", "verdict": {"result": "stopped", "by": "ada", "reason": "enough"}},
            "stopped by ada (enough)",
            False,
        ),
        ({"status": "TERMINATED", "verdict": {"result": "stopped"}}, "stopped", False),
        ({"status": "COMPLETED", "verdict": None}, "completed, outcome unknown", False),
        (
            {"status": "FAILED", "verdict": {"result": "over_budget"}, "failure": {"message": "5 of 4 USD"}},
            "over budget: 5 of 4 USD",
            False,
        ),
    ],
)
def test_the_verdict_is_said_in_words(execution: dict[str, Any], text: str, well: bool) -> None:
    assert verdict_text(execution, {"2": "a + b"}) == text
    assert succeeded(execution) is well
    assert (mark_of(execution) == OK) is well, "only a success looks like one"


def test_a_failed_node_is_told_with_its_block() -> None:
    failed = {"node": "2", "block": "calc", "code": "x", "message": "it broke"}
    execution = {"status": "COMPLETED", "verdict": {"result": "errors", "errors": 1, "failed": [failed]}}
    text = "completed, but nodes failed\n  a + b (CalculatorBlock) failed: it broke"
    assert verdict_text(execution, {"2": "a + b"}, BLOCKS) == text


@pytest.mark.parametrize(
    ("reason", "text"),
    [
        (None, ""),
        ({"kind": "running", "since": 1, "nodes": 2}, ""),
        ({"kind": "admission", "place": 3}, "place 3 in the queue"),
        ({"kind": "waiting", "pins": ["a", "b"]}, "waits for a, b"),
        ({"kind": "waiting", "count": 40}, "waits for 40"),
        ({"kind": "review", "who": ["u"], "since": 1}, "waits for a person"),
        ({"kind": "released", "missing": ["x"]}, "goes on without x"),
        ({"kind": "something new"}, "something new"),
    ],
)
def test_reasons_are_said_in_words(reason: dict[str, Any] | None, text: str) -> None:
    assert reason_text(reason) == text


def test_times_of_reasons_are_those_of_the_clock_on_the_wall() -> None:
    at = int(datetime(2026, 1, 1, 12, 30, 5).astimezone().timestamp() * 1000)
    retry = {"kind": "retry", "try": 2, "of": 4, "at": at, "error": "no"}
    assert reason_text(retry) == "try 2 of 4 at 12:30:05: no"
    assert reason_text({"kind": "timer", "until": at}) == "waits until 12:30:05"


@pytest.mark.parametrize("result", ["errors", "left_waiting"])
def test_the_board_of_a_run_that_completed_badly_does_not_look_like_a_success(result: str) -> None:
    board = Board(GRAPH, BLOCKS)
    waiting = {"kind": "waiting", "pins": ["b"]}
    board.take(node_frame("2", "x", "INCOMPLETE", reason=waiting))
    ended = {"status": "COMPLETED", "verdict": {"result": result}, "reason": None}
    board.take({"method": "graph_execution_event", "data": ended, "sequence": 7})
    console = Console(width=100, record=True, file=open("/dev/null", "w"))  # noqa: SIM115
    console.print(board.table(1.0))
    console.file.close()
    text = console.export_text()
    assert "✓" not in text
    assert "completed, but nodes" in text
    assert "(waits for b)" in text
