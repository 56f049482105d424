"""Lax conversion: the observed rules, and that what fits is never touched."""

from __future__ import annotations

from typing import Any

import jsonschema_rs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from millstream.processors.convert import compile_converter, convert

TEXT = {"type": "string"}
INT = {"type": "integer"}
FLOAT = {"type": "number"}
BOOL = {"type": "boolean"}
LIST: dict[str, Any] = {"type": "array", "items": {}}
DICT: dict[str, Any] = {"type": "object", "additionalProperties": True}
NULL = {"type": "null"}


def list_of(items: Any) -> dict[str, Any]:
    return {"type": "array", "items": items}


def map_of(values: Any) -> dict[str, Any]:
    return {"type": "object", "additionalProperties": values}


def any_of(*members: Any) -> dict[str, Any]:
    return {"anyOf": list(members)}


@pytest.mark.parametrize(
    ("value", "schema", "expected"),
    [
        (5.5, INT, 5),
        (-5.5, INT, -5),
        ("5.5", INT, 5),
        ("7", INT, 7),
        (" 7 ", INT, 7),
        ("12345678901234567890123", INT, 12345678901234567890123),
        ("seven", INT, 0),
        ("inf", INT, 0),
        (True, INT, 1),
        ([1, 2, 3], INT, 3),
        ([], INT, 0),
        ({"a": 1}, INT, 1),
        ("7", any_of(INT, NULL), 7),
        ("5.5", FLOAT, 5.5),
        (5, FLOAT, 5.0),
        ("x", FLOAT, 0.0),
        ("nan", FLOAT, 0.0),
        ([1, 2], FLOAT, 2.0),
        (10**400, FLOAT, 10**400),
        ("True", BOOL, True),
        ("False", BOOL, False),
        ("1", BOOL, True),
        ("yes", BOOL, False),
        ("", BOOL, False),
        (0, BOOL, False),
        ([0], BOOL, True),
        (5, TEXT, "5"),
        (5.0, TEXT, "5.0"),
        (True, TEXT, "true"),
        ({"a": 1, "b": 2}, TEXT, '{"a": 1, "b": 2}'),
        ([1, 2, 3], TEXT, "[1, 2, 3]"),
        (["é"], TEXT, '["é"]'),
        ([], TEXT, "[]"),
        ("5", LIST, ["5"]),
        (5, LIST, [5]),
        ((1, 2), LIST, [1, 2]),
        ({3}, LIST, [3]),
        ({"a": 1}, LIST, [["a", 1]]),
        ("[5,4,2]", LIST, [5, 4, 2]),
        (" [5] ", LIST, [5]),
        ("[5,4", LIST, ["[5,4"]),
        ("[5 4]", LIST, ["[5 4]"]),
        ("5", list_of(INT), [5]),
        ("[5,4,2]", list_of(INT), [5, 4, 2]),
        ([5, 4, 2], list_of(TEXT), ["5", "4", "2"]),
        ([5, "x", None], list_of(TEXT), ["5", "x", None]),
        ([["1"], ["2"]], list_of(list_of(INT)), [[1], [2]]),
        ("5", DICT, {"value": 5}),
        ("five", DICT, {"value": "five"}),
        ("[1]", DICT, {"value": [1]}),
        (5, DICT, {"value": 5}),
        ('{"a": [1]}', DICT, {"a": [1]}),
        ([1, 2, 3], DICT, {"0": 1, "1": 2, "2": 3}),
        ({"a": "1"}, map_of(INT), {"a": 1}),
        ('{"a": "1"}', map_of(INT), {"a": 1}),
        ("x", any_of(INT, TEXT), "x"),
        (5, any_of(TEXT, INT), 5),
        (5.5, any_of(TEXT, INT), "5.5"),
        ([1], any_of(INT, TEXT), 1),
        (5, any_of(FLOAT, TEXT), 5),
        ("[1]", any_of(LIST, NULL), [1]),
        ([1, "a"], any_of(list_of(TEXT), NULL), ["1", "a"]),
        ("5", {"type": ["integer", "null"]}, 5),
        ("x", {}, "x"),
        (5, any_of({}, NULL), 5),
        ("Mod", {"enum": ["Add", "Divide"], "type": "string"}, "Mod"),
        (5, {"enum": ["5", "6"], "type": "string"}, "5"),
        (7, {"enum": ["5", "6"], "type": "string"}, 7),
        ("x", {"const": "strftime", "type": "string"}, "x"),
        ("x", {"type": "object", "properties": {"a": INT}}, "x"),
        ({"a": "1"}, {"type": "object", "properties": {"a": INT}}, {"a": "1"}),
    ],
)
def test_convert(value: Any, schema: dict[str, Any], expected: Any) -> None:
    inner = schema if "properties" not in schema else {"$ref": "#/$defs/M", "$defs": {"M": schema}}
    got = convert(value, inner)
    assert got == expected
    assert type(got) is type(expected)


@pytest.mark.parametrize(
    "schema", [TEXT, INT, FLOAT, BOOL, LIST, DICT, any_of(INT, NULL), list_of(INT), map_of(INT)]
)
def test_null_is_left_alone(schema: dict[str, Any]) -> None:
    assert convert(None, schema) is None


def test_definitions_are_followed_and_may_contain_themselves() -> None:
    definitions = {"Tree": {"type": "array", "items": {"$ref": "#/$defs/Tree"}}, "Count": INT}
    assert convert([[], [["[]"]]], {"$ref": "#/$defs/Tree"}, definitions) == [[], [[[]]]]
    assert convert("5", {"$ref": "#/$defs/Count"}, definitions) == 5


def test_inputs_of_a_block_are_converted_pin_by_pin() -> None:
    to_inputs = compile_converter(
        {"type": "object", "properties": {"a": FLOAT, "t": TEXT, "x": {}}, "required": ["a"]}
    )
    assert to_inputs({"a": "1", "t": None, "x": "1", "values_#_a": "1"}) == {
        "a": 1.0,
        "t": None,
        "x": "1",
        "values_#_a": "1",
    }
    same = {"a": 1.0, "t": "x"}
    assert to_inputs(same) is same
    changing = {"a": 1}
    assert to_inputs(changing) == {"a": 1.0}
    assert type(changing["a"]) is int


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=6,
)
SCHEMAS = st.recursive(
    st.sampled_from([TEXT, INT, FLOAT, BOOL, LIST, DICT]),
    lambda inner: st.builds(list_of, inner) | st.builds(map_of, inner) | st.builds(any_of, inner, inner),
    max_leaves=4,
)


@given(JSON, SCHEMAS)
def test_a_converted_value_fits_and_stays(value: Any, schema: dict[str, Any]) -> None:
    got = convert(value, schema)
    assert convert(got, schema) == got
    if value is not None and not _holds_null(value):
        assert jsonschema_rs.is_valid(schema, got) or _is_wide(value)


def _holds_null(value: Any) -> bool:
    """Null is never converted; it, or a text of it, may stand inside a container."""
    if isinstance(value, str):
        return "null" in value
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return value is None or any(_holds_null(one) for one in inner)


def _is_wide(value: Any) -> bool:
    return isinstance(value, int) and abs(value) > 2**1000
