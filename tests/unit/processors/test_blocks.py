"""The contract of all blocks: samples, observed cases of AutoGPT, pins as AutoGPT has them, texts for people."""

from __future__ import annotations

import asyncio
import json
import math
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest

from millstream.processors.guards.http import GuardedHttp
from millstream.processors.registry import load_registry
from millstream.processors.sdk import Block, Sample
from millstream.schemas.errors import BlockError, MillstreamError
from millstream.testing import Everywhere, confidence, context, emits
from tests.unit.processors.conftest import Request, answer, serving

DATA = Path(__file__).parents[2] / "data"
REGISTRY = load_registry()
BLOCKS = {block.spec.name: block for block in REGISTRY}
CASES = [json.loads(line) for line in (DATA / "block-cases.jsonl").read_text().splitlines()]
PINS = {row["name"]: row for row in map(json.loads, (DATA / "block-pins.jsonl").read_text().splitlines())}
SAMPLES = [
    pytest.param(block, sample, id=f"{block.spec.name}-{number}")
    for block in REGISTRY
    for number, sample in enumerate(block.samples)
]


@asynccontextmanager
async def _web(pages: Mapping[str, tuple[str, str]]) -> AsyncIterator[tuple[str, GuardedHttp]]:
    async def handle(request: Request, writer: asyncio.StreamWriter) -> None:
        path = request.path if request.path in pages else request.path.partition("?")[0]
        kind, text = pages.get(path, ("text/plain", "not here"))
        await answer(writer, 200 if path in pages else 404, text.encode(), Content_Type=kind)

    async with (
        serving(handle) as server,
        GuardedHttp(allow=frozenset({server.origin}), services=Everywhere(server.url)) as http,
    ):
        yield server.url, http


def _agrees(got: Any, expected: Any) -> bool:
    if isinstance(expected, type):
        return isinstance(got, expected)
    if callable(expected):
        return bool(expected(got))
    if isinstance(expected, dict) and "$float" in expected:
        return repr(float(got)) == expected["$float"] or (math.isnan(got) and expected["$float"] == "nan")
    return bool(got == expected) and isinstance(got, bool) == isinstance(expected, bool)


@pytest.mark.parametrize(("block", "sample"), SAMPLES)
async def test_block_emits_its_samples(block: Block, sample: Sample) -> None:
    async with _web(sample.serves) as (url, http):
        inputs = json.loads(json.dumps(dict(sample.inputs)).replace("{server}", url))
        before = json.dumps(inputs)
        known = (
            {} if sample.raises == "credentials_unavailable" else {"confidence": confidence(block, inputs)}
        )
        ctx = context(http=http, **known, **sample.context)
        if sample.raises:
            with pytest.raises(MillstreamError) as caught:
                await emits(block, inputs, ctx)
            assert caught.value.code == sample.raises
            return
        got = await emits(block, inputs, ctx, review=sample.review)
    assert [pin for pin, _ in got] == [pin for pin, _ in sample.emits]
    for (pin, value), (_, expected) in zip(got, sample.emits, strict=True):
        assert _agrees(value, expected), (pin, value, expected)
    assert json.dumps(inputs) == before, "a block must not change its inputs"


@pytest.mark.parametrize("case", CASES, ids=[f"{c['block']}-{n}" for n, c in enumerate(CASES)])
async def test_block_agrees_with_what_was_observed(case: dict[str, Any]) -> None:
    block = REGISTRY.get(case["id"])
    assert block.spec.name == case["block"]
    got: list[tuple[str, Any]] = []
    if "raises" in case:
        with pytest.raises(BlockError) as caught:
            got = await emits(block, case["input"])
        assert caught.value.kind == case["raises"]["kind"]
        if text := case["raises"].get("error_pin_text"):
            assert str(caught.value) == text
    else:
        got = await emits(block, case["input"])
    assert [pin for pin, _ in got] == [pin for pin, _ in case["outputs"]]
    for (pin, value), (_, expected) in zip(got, case["outputs"], strict=True):
        assert _agrees(value, expected), (pin, value, expected)


def _type(schema: dict[str, Any], definitions: dict[str, Any]) -> str:
    """A schema in the notation of the facts: `array<string>`, `object{a:integer}|null`, `enum(a,b)`."""
    if "credentials_provider" in schema:
        kinds = (schema["credentials_provider"], schema["credentials_types"])
        return f"credentials({'; '.join(', '.join(each) for each in kinds)})"
    if "$ref" in schema:
        return _type(definitions[schema["$ref"].rpartition("/")[2]], definitions)
    members = schema.get("anyOf") or schema.get("oneOf")
    if members:
        return "|".join(_type(member, definitions) for member in members)
    if "const" in schema:
        return f"const({schema['const']})"
    if "enum" in schema:
        return f"enum({','.join(map(str, schema['enum']))})"
    kind = schema.get("type", "any")
    if kind == "array":
        return f"array<{_type(schema.get('items', {}), definitions)}>"
    if kind == "object":
        if "properties" in schema:
            inner = ", ".join(f"{n}:{_type(s, definitions)}" for n, s in schema["properties"].items())
            return f"object{{{inner}}}"
        values = schema.get("additionalProperties")
        return f"map<{_type(values, definitions)}>" if isinstance(values, dict) else "object"
    return f"{kind}:{schema['format']}" if "format" in schema else str(kind)


@pytest.mark.parametrize("name", list(PINS))
def test_pins_are_those_of_autogpt(name: str) -> None:
    facts, spec = PINS[name], BLOCKS[name].spec
    assert (spec.id, spec.kind, list(spec.categories)) == (facts["id"], facts["kind"], facts["categories"])
    assert (spec.static_output, spec.sensitive, spec.timeout_s) == (
        facts["static"],
        facts["sensitive"],
        facts["timeout_s"],
    )
    schema = spec.input_schema
    ours = {
        pin: {
            "type": _type(prop, schema.get("$defs", {})),
            "required": pin in schema["required"],
            **{key: prop[key] for key in ("default", "advanced", "hidden") if key in prop},
        }
        for pin, prop in schema["properties"].items()
    }
    theirs = {
        pin["name"]: {key: value for key, value in pin.items() if key != "name"} for pin in facts["inputs"]
    }
    assert ours == theirs
    outputs = spec.output_schema
    assert {pin: _type(prop, outputs.get("$defs", {})) for pin, prop in outputs["properties"].items()} == {
        pin["name"]: pin["type"] for pin in facts["outputs"]
    }


@pytest.mark.parametrize("block", list(REGISTRY), ids=lambda block: block.spec.name)
def test_block_is_well_made(block: Block) -> None:
    spec = block.spec
    assert spec.name.endswith("Block")
    assert len(spec.id) == 36
    assert spec.description, "a block needs a docstring"
    assert block.samples or block.no_samples or spec.kind == "Note", "a block needs samples"
    for schema in (spec.input_schema, spec.output_schema):
        jsonschema_rs.meta.validate(schema)
        assert json.loads(json.dumps(schema)) == schema
    for pin, prop in spec.input_schema["properties"].items():
        assert (
            pin in spec.input_schema["required"] or "default" in prop or prop["type"] in ("array", "object")
        )
        if prop.get("type") == "boolean":
            assert "default" in prop, f"{pin} is boolean and has no default"
        if "default" in prop and prop["default"] is not None:
            assert jsonschema_rs.is_valid(
                {**prop, "$defs": spec.input_schema.get("$defs", {})}, prop["default"]
            )
    has_error = "error" in spec.output_schema["properties"]
    assert has_error == (spec.kind not in ("Input", "Output", "Agent"))
    own_pins = [pin for pin in spec.output_schema["properties"] if pin != "error"]
    assert own_pins or spec.kind == "Agent"


def test_ids_and_names_are_unique_and_there_are_enough() -> None:
    assert (
        len({block.spec.id for block in REGISTRY})
        == len({block.spec.name for block in REGISTRY})
        == len(REGISTRY)
    )
    assert len(REGISTRY) >= 55


NEEDY = [block for block in REGISTRY if block.spec.input_schema["required"]]


@pytest.mark.parametrize("block", NEEDY, ids=lambda block: block.spec.name)
async def test_missing_inputs_are_input_errors(block: Block) -> None:
    with pytest.raises(BlockError) as caught:
        await emits(block, {})
    assert caught.value.code == "block_input_invalid"
    assert block.spec.input_schema["required"][0] in str(caught.value)
