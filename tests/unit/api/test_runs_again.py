"""Which nodes run again from a node on, when nodes call others."""

from __future__ import annotations

from millstream.api.executions.again import runs_again
from millstream.schemas.graph import Graph, parse_graph


def graph(*links: str) -> Graph:
    ends = [[end.split(".") for end in link.split(" -> ")] for link in links]
    names = dict.fromkeys(name for pair in ends for name, _ in pair)
    return parse_graph(
        {
            "name": "g",
            "description": "",
            "nodes": [{"id": name, "block_id": "b"} for name in names],
            "links": [
                {"source_id": a, "source_name": pin, "sink_id": z, "sink_name": sink}
                for (a, pin), (z, sink) in ends
            ],
        }
    )


CALLS = graph(
    "in.v -> c.task", "c.tools -> t.x", "t.result -> side.v", "c.answer -> out.v", "in.v -> alone.v"
)


def test_what_follows_runs_again() -> None:
    assert runs_again(CALLS, "out", decided=set()) == {"out"}
    assert runs_again(CALLS, "c", decided=set()) == {"c", "t", "side", "out"}


def test_a_called_node_runs_again_with_its_caller() -> None:
    assert runs_again(CALLS, "t", decided=set()) == {"t", "side", "c", "out"}


def test_what_a_called_node_leads_to_needs_the_call_again() -> None:
    assert runs_again(CALLS, "side", decided=set()) == {"side", "c", "t", "out"}


def test_a_node_that_decided_once_called_nothing() -> None:
    assert runs_again(CALLS, "t", decided={"c"}) == {"t", "side"}
