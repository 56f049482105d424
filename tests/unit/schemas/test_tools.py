"""Every block as a tool: what OpenAI's strict mode allows, and no pin that is none of a model's business."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Annotated, Any, Literal

import pytest

from millstream import EMPTY, Block, Credentials, Hidden, Provider, SecretText, block
from millstream.processors.registry import load_registry
from millstream.schemas.tools import tool_name

BLOCKS = list(load_registry())
ALLOWED = {"type", "description", "enum", "anyOf", "items", "properties", "required", "additionalProperties"} | {
    "$ref", "$defs", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf", "minItems", "maxItems",
}  # fmt: skip


def _schemas(schema: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield schema
    inner = [
        *schema.get("properties", {}).values(),
        *schema.get("$defs", {}).values(),
        *schema.get("anyOf", []),
    ]
    for part in [*inner, *([schema["items"]] if "items" in schema else [])]:
        yield from _schemas(part)


@pytest.mark.parametrize("each", BLOCKS, ids=lambda each: each.spec.name)
def test_every_block_is_a_tool(each: Block) -> None:
    tool = each.spec.tool()
    function = tool["function"]
    assert tool["type"] == "function"
    assert re.fullmatch(r"[a-zA-Z0-9_-]{1,64}", function["name"])
    assert function["description"]
    parameters = function["parameters"]
    assert parameters["type"] == "object"
    if function["strict"]:
        for schema in _schemas(parameters):
            assert schema.keys() <= ALLOWED
            assert schema.keys() & {"type", "anyOf", "enum", "$ref"}
            if schema.get("type") == "object":
                assert schema["additionalProperties"] is False
                assert schema["required"] == list(schema["properties"])


def test_tool_names_tell_blocks_apart() -> None:
    names = [tool_name(each.spec.name) for each in BLOCKS]
    assert len(set(names)) == len(names)
    assert tool_name("SendHTTPRequestBlock") == "send_http_request"
    assert tool_name("Block") == "block"
    assert len(tool_name("A" * 100)) == 64


@block
async def look(
    query: str,
    mode: Literal["a", "b"] = "a",
    tags: list[str] = EMPTY,
    key: SecretText = "",
    depth: Hidden[int] = 1,
    credentials: Annotated[Credentials, Provider("jina")] = EMPTY,
) -> str:
    """Look for something.

    query: What.
    """
    return query


def test_what_may_be_left_out_is_null_in_a_strict_tool() -> None:
    function = look.spec.tool()["function"]
    assert function["strict"]
    assert list(function["parameters"]["properties"]) == ["query", "mode", "tags"]
    assert function["parameters"]["required"] == ["query", "mode", "tags"]
    assert function["parameters"]["properties"]["mode"]["anyOf"][-1] == {"type": "null"}
    assert "$defs" not in function["parameters"]


@block
async def anything(value: Any, extra: dict[str, Any] = EMPTY) -> Any:
    """Take whatever comes."""
    return value


def test_pins_of_any_form_make_a_tool_that_is_not_strict() -> None:
    function = anything.spec.tool()["function"]
    assert not function["strict"]
    assert function["parameters"]["required"] == ["value"]
