"""Small graphs for tests."""

from __future__ import annotations

from typing import Any

INPUT = "c0a8e994-ebf1-4a9c-a4d8-89d09c86741b"
OUTPUT = "363ae599-353e-4804-937e-b2ee3cef3da4"
SPLIT = "d5ea33c8-a575-477a-b42f-2fe3be5055ec"
STEP_THROUGH = "f66a3543-28d3-4ab5-8945-9b336371e2ce"
CALCULATOR = "b1ab9b19-67a6-406d-abf5-2dba76d00c79"
STORE = "1ff065e9-88e8-4358-9d82-8dc91f622ba9"
REVIEW = "8b2a7b3c-6e9d-4a5f-8c1b-2e3f4a5b6c7d"
AGENT = "e189baac-8c20-45a1-94a7-55177ea42565"
WAIT = "91efa1b8-0224-5c6d-8e80-ee210253abeb"
DECODE = "e4d74f39-9779-5bea-9b99-d22eaff7f307"
UNKNOWN = "00000000-0000-4000-8000-000000000001"


def node(id_: str, block: str, **defaults: Any) -> dict[str, Any]:
    return {
        "id": id_,
        "block_id": block,
        "input_default": defaults,
        "metadata": {"position": {"x": 0, "y": 0}},
    }


def link(source: str, out: str, sink: str, into: str) -> dict[str, Any]:
    return {"source_id": source, "source_name": out, "sink_id": sink, "sink_name": into}


def graph(nodes: list[dict[str, Any]], links: list[dict[str, Any]], **more: Any) -> dict[str, Any]:
    return {"name": "test", "description": "", "nodes": nodes, "links": links, **more}


def echo() -> dict[str, Any]:
    """One input, given out again."""
    return graph(
        [node("in", INPUT, name="text"), node("out", OUTPUT, name="said")],
        [link("in", "result", "out", "value")],
    )


def wide() -> dict[str, Any]:
    """Each item of a list, given out by itself."""
    return graph(
        [node("in", INPUT, name="items"), node("each", STEP_THROUGH), node("out", OUTPUT, name="item")],
        [link("in", "result", "each", "items"), link("each", "item", "out", "value")],
    )


def reviewed() -> dict[str, Any]:
    """A text that a person must approve."""
    return graph(
        [
            node("in", INPUT, name="text"),
            node("ask", REVIEW, name="Is this right?", editable=True),
            node("out", OUTPUT, name="approved"),
        ],
        [link("in", "result", "ask", "data"), link("ask", "approved_data", "out", "value")],
    )


def failing() -> dict[str, Any]:
    """A text that is to be JSON."""
    return graph(
        [node("in", INPUT, name="text"), node("decode", DECODE), node("out", OUTPUT, name="value")],
        [link("in", "result", "decode", "text"), link("decode", "result", "out", "value")],
    )


def waiting() -> dict[str, Any]:
    """Waits for the seconds given."""
    return graph(
        [
            node("in", INPUT, name="seconds"),
            node("wait", WAIT, value="done"),
            node("out", OUTPUT, name="after"),
        ],
        [link("in", "result", "wait", "seconds"), link("wait", "value", "out", "value")],
    )
