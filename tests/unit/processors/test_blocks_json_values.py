"""JSON values and expressions: what is promised for all values, and what an expression cannot reach."""

from __future__ import annotations

import ast
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from millstream.processors import isolation, json_tools
from millstream.processors.blocks import expressions, json_values
from millstream.schemas.errors import BlockError, BlockExecutionError, BlockInputError, BlockTimeoutError
from millstream.testing import emits, run

ROOT = Path(__file__).parents[3]
KEYS = st.sampled_from(["a", "b", "", "0", "~/", "é"])
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 3) | st.sampled_from([0.5, "x", ""]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=10,
)


@given(VALUES, VALUES)
@settings(deadline=None)
def test_changes_make_the_new_value_of_the_old_one(old: Any, new: Any) -> None:
    before = json.dumps(old)
    assert json_tools.equal(json_tools.patched(old, json_tools.changes(old, new)), new)
    assert json.dumps(old) == before, "a patch changes a copy"
    assert bool(json_tools.changes(old, new)) != json_tools.equal(old, new)


@given(st.dictionaries(KEYS, VALUES, max_size=3), st.dictionaries(KEYS, VALUES, max_size=3))
@settings(deadline=None)
def test_merging_keeps_what_the_later_object_says(a: Any, b: Any) -> None:
    made = json_tools.merged(a, b, "replace")
    assert made.keys() == a.keys() | b.keys()
    assert all(json_tools.equal(made[k], b[k]) for k in b if not isinstance(b[k], dict))
    assert json_tools.merged(made, b, "replace") == made


@given(
    st.dictionaries(
        st.sampled_from("abc"), VALUES.filter(lambda v: v not in ({}, [])), min_size=1, max_size=3
    )
)
@settings(deadline=None)
def test_flat_objects_come_back(value: dict[str, Any]) -> None:
    def listed(one: Any) -> Any:
        """Objects with keys 0, 1 ... come back as lists: they look the same when flat."""
        if isinstance(one, list):
            return [listed(item) for item in one]
        if isinstance(one, dict):
            made = {key: listed(item) for key, item in one.items()}
            places = [str(n) for n in range(len(made))]
            return [made[p] for p in places] if made and set(made) == set(places) else made
        return one

    assert json_tools.nested(json_tools.flattened(value, "\x1f"), "\x1f") == listed(value)


@pytest.mark.parametrize(
    "operation",
    [
        {"op": "add", "path": "/list/01", "value": 1},
        {"op": "add", "path": "/list/9", "value": 1},
        {"op": "add", "path": "/a"},
        {"op": "remove", "path": "/list/-"},
        {"op": "replace", "path": "/none", "value": 1},
        {"op": "test", "path": "/n", "value": True},
        {"op": "move", "from": "/o", "path": "/o/x"},
        {"op": "copy", "path": "/x"},
        {"op": "eval", "path": "/x"},
        {"path": "/x"},
        "x",
    ],
)
async def test_a_patch_that_does_not_fit_says_which_operation(operation: Any) -> None:
    value = {"list": [1], "n": 1, "o": {}}
    with pytest.raises(BlockError, match="Operation 2|JSON pointer"):
        await run(
            json_values.patch_json, value=value, patch=[{"op": "add", "path": "/z", "value": 1}, operation]
        )


@pytest.mark.parametrize(
    "expression",
    [
        "''.__class__",
        "x.__class__.__mro__",
        "x.constructor.constructor('return process')()",
        "__import__('os')",
        "open('/etc/passwd')",
        "import('fs')",
        "this",
        "globals()",
        "x['__class__']",
        "{{ x }}",
        "${x}",
        "x = 1",
        "(() => 1)()",
        "lambda: 1",
        "(" * 5000 + ")" * 5000,
        "[" * 99 + "]" * 99 + ".nothing",
        "-" * 9000 + "1",
        "!" * 9000 + "true",
        "1" + "+1" * 4900,
        "a" + ".a" * 4900,
        "[0].map(a, [0].map(b, [0].map(c, nothing)))",
        "lists.range(2000000000)",
    ],
)
async def test_a03_an_expression_reaches_values_and_nothing_else(expression: str) -> None:
    try:
        found = await run(expressions.evaluate_expression, expression=expression, values={"x": "text"})
    except BlockError as error:
        assert error.code in ("block_input_invalid", "block_failed", "block_timeout")  # noqa: PT017
        assert "root:" not in str(error)  # noqa: PT017
    else:
        assert found in (1, -1, 4901, True), "arithmetic, and nothing else, has a value"


async def test_a03_an_expression_that_works_for_ever_is_ended() -> None:
    inner = "lists.range(3000)"
    expression = f"{inner}.map(a, {inner}.map(b, {inner}.exists(c, a + b + c < 0)))"
    with pytest.raises(BlockTimeoutError):
        await isolation.call(expressions.evaluate_expression.fn, expression, {}, timeout_s=1.0)
    assert await run(expressions.evaluate_expression, expression="1 + 1") == 2


async def test_a03_lists_and_objects_where_a_text_is_due_are_typed_errors() -> None:
    for wrong in (["1 + 1"], {"expression": "1"}, 5, True):
        with pytest.raises(BlockInputError, match="expression"):
            await emits(expressions.evaluate_expression, {"expression": wrong})


async def test_errors_of_expressions_say_what_to_do() -> None:
    with pytest.raises(BlockExecutionError, match=r"has\(a\.b\)"):
        await run(expressions.evaluate_expression, expression="x.y", values={"x": {}})
    with pytest.raises(BlockExecutionError, match="double"):
        await run(expressions.evaluate_expression, expression="n * 1.5", values={"n": 2})
    with pytest.raises(BlockInputError, match="stands for the item"):
        await run(expressions.map_by_expression, items=[1], expression="item", values={"item": 1})


async def test_a08_a_schema_fetches_and_runs_nothing() -> None:
    for schema in (
        {"$ref": "http://127.0.0.1:1/schema"},
        {"$ref": "file:///etc/passwd"},
        {"properties": {"a": {"$ref": "https://example.org/x#/$defs/y"}}},
    ):
        with pytest.raises(BlockInputError, match="leads out"):
            await emits(json_values.validate_json, {"value": {"a": 1}, "schema": schema})
    local = {"$defs": {"n": {"type": "integer"}}, "$ref": "#/$defs/n"}
    assert dict(await emits(json_values.validate_json, {"value": 1, "schema": local}))["valid"] is True


async def test_json_path_with_a_hostile_pattern_is_ended_or_refused() -> None:
    value = {"a": ["a" * 40 + "!"]}
    try:
        got = dict(
            await emits(expressions.query_json_path, {"value": value, "path": "$.a[?match(@, '(a|a)*b')]"})
        )
    except BlockError as error:
        assert error.code in ("block_input_invalid", "block_timeout")  # noqa: PT017
    else:
        assert got["count"] == 0


FORBIDDEN_CALLS = {"eval", "exec", "compile", "__import__"}
OF_OUR_OWN_TEXT = {"encoder.py", "texts.py"}
"""They take our own message classes, and the operator's own folder of blocks; no value of a user goes in."""
FORBIDDEN_MODULES = {"pickle", "cPickle", "marshal", "shelve", "dill", "cloudpickle"}


def _sources() -> list[Path]:
    folders = ("schemas", "topics", "processors", "streams", "connectors", "api", "cli", "local")
    return [path for folder in folders for path in sorted((ROOT / folder).rglob("*.py"))]


def test_a01_a08_a10_no_code_of_ours_evaluates_text_or_revives_objects() -> None:
    """Validation, planning, saving and decoding are data work: there is no call that could run what a user wrote."""
    found = []
    for path in (path for path in _sources() if path.name not in OF_OUR_OWN_TEXT):
        for node in ast.walk(ast.parse(path.read_text())):
            if (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Name)
                and node.func.id in FORBIDDEN_CALLS
            ):
                found.append(f"{path.name}:{node.lineno} {node.func.id}")
            if isinstance(node, ast.Import | ast.ImportFrom):
                names = (
                    [node.module or ""] if isinstance(node, ast.ImportFrom) else [n.name for n in node.names]
                )
                hits = [name for name in names if name.partition(".")[0] in FORBIDDEN_MODULES]
                found += [f"{path.name}:{node.lineno} {name}" for name in hits]
    assert not found


def test_a01_the_edge_knows_no_sandbox() -> None:
    """Only workers run code: what the edge does with a code block is its form."""
    for path in sorted((ROOT / "api").rglob("*.py")):
        assert "sandbox" not in "".join(_imported(path)), path


def _imported(path: Path) -> list[str]:
    tree = ast.parse(path.read_text())
    return [ast.unparse(node) for node in ast.walk(tree) if isinstance(node, ast.Import | ast.ImportFrom)]
