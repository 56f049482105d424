"""Reading and writing of dynamic pins: the rules of AutoGPT's graph format, one case a line."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from millstream.processors.pins import (
    INDEX_LIMIT,
    MISSING,
    base_name,
    merge,
    read,
    split_tool_pin,
    steps,
    tool_pin,
)

DEEP = {"k": [10, {"x": {"y": [1, 2, {"z": "end"}]}}], "n": None, "": 1, "plain_name": 2}


@pytest.mark.parametrize(
    ("link", "emitted", "value", "expected"),
    [
        ("result", "result", 5, 5),
        ("result", "result", None, None),
        ("result", "other", 5, MISSING),
        ("result_$_1", "result", [10, 20, 30], 20),
        ("result_$_-1", "result", [10, 20, 30], 30),
        ("result_$_-3", "result", [10, 20, 30], 10),
        ("result_$_-4", "result", [10, 20, 30], MISSING),
        ("result_$_3", "result", [10, 20, 30], MISSING),
        ("result_$_x", "result", [10], MISSING),
        ("result_$_1.0", "result", [10, 20], MISSING),
        ("result_$_0", "result", {"0": 1}, MISSING),
        ("result_$_0", "result", "text", MISSING),
        ("result_#_key1", "result", {"key1": "v"}, "v"),
        ("result_#_zzz", "result", {"key1": "v"}, MISSING),
        ("result_#_0", "result", ["v"], MISSING),
        ("result_#_key1", "result", None, MISSING),
        ("result_@_attr1", "result", {"attr1": "v"}, "v"),
        ("result_@_attr1", "result", {}, MISSING),
        ("result_@_real", "result", 5, MISSING),
        ("result_$_0_$_1", "result", [[1, 2]], 2),
        ("result_$_0_#_key1", "result", [{"key1": 7}], 7),
        ("result_#_key1_$_1", "result", {"key1": [1, 2]}, 2),
        ("result_#_k_$_1_@_x_#_y_$_2_@_z", "result", DEEP, "end"),
        ("result_#_n", "result", DEEP, MISSING),
        ("result_#_plain_name", "result", DEEP, 2),
        ("result_#_", "result", DEEP, MISSING),
        ("result_#_k_$_", "result", DEEP, MISSING),
        ("result_#__$_0", "result", DEEP, MISSING),
        ("result_more_#_k", "result", DEEP, MISSING),
        ("result_more", "result", DEEP, MISSING),
        ("res", "result", 1, MISSING),
        ("result_$_0", "result_$_0", "whole", "whole"),
        ("result_$_0_#_k", "result_$_0", {"k": 1}, 1),
        ("result_$_0", "result", [0], 0),
        ("result_$_0", "result", [False], False),
        ("result_$_0", "result", [""], ""),
    ],
)
def test_read(link: str, emitted: str, value: Any, expected: Any) -> None:
    got = read(link, emitted, value, sink_id="n", sink_pin="p")
    assert got is expected if expected is MISSING else got == expected and type(got) is type(expected)


@pytest.mark.parametrize(
    ("link", "emitted", "sink", "expected"),
    [
        ("tools", "tools_^_node123_~_query", ("node123", "query"), "v"),
        ("tools", "tools_^_node123_~_max_keyword_difficulty", ("node123", "max_keyword_difficulty"), "v"),
        ("tools", "tools_^_node123_~_query", ("other", "query"), MISSING),
        ("tools", "tools_^_node123_~_query", ("node123", "other"), MISSING),
        ("tools_^_node123_~_query", "tools_^_node123_~_query", ("node123", "query"), "v"),
        ("tools_^_anything", "tools_^_node123_~_query", ("node123", "query"), "v"),
        ("result", "tools_^_node123_~_query", ("node123", "query"), MISSING),
        ("tools", "tools_^_broken", ("broken", "query"), MISSING),
        ("tools", "tools", ("n", "p"), "v"),
        ("tools", "finished", ("n", "p"), MISSING),
    ],
)
def test_read_of_tools(link: str, emitted: str, sink: tuple[str, str], expected: Any) -> None:
    got = read(link, emitted, "v", sink_id=sink[0], sink_pin=sink[1])
    assert got is expected if expected is MISSING else got == expected


def test_a_tool_output_needs_node_and_pin() -> None:
    for half in ({"sink_id": "n"}, {"sink_pin": "p"}, {}):
        with pytest.raises(ValueError, match="give both"):
            read("tools", "tools_^_n_~_p", 1, **half)


def test_tool_pin_names_round_trip() -> None:
    assert split_tool_pin(tool_pin("n1", "a_b")) == ("n1", "a_b")
    assert split_tool_pin("tools") is None
    assert split_tool_pin("tools_^__~_x") is None


@pytest.mark.parametrize(
    ("name", "base"),
    [
        ("a", "a"),
        ("a_b_c", "a_b_c"),
        ("a_$_0_#_k", "a"),
        ("a_#_k_$_0", "a"),
        ("a_@_x", "a"),
        ("tools_^_n_~_p", "tools"),
        ("tools", "tools"),
        ("toolsmith", "toolsmith"),
    ],
)
def test_base_name(name: str, base: str) -> None:
    assert base_name(name) == base


@pytest.mark.parametrize(
    ("inputs", "base", "expected"),
    [
        ({"list_$_0": "a", "list_$_1": "b"}, "list", ["a", "b"]),
        ({"list_$_1": "b", "list_$_0": "a"}, "list", ["a", "b"]),
        ({"list_$_2": "c"}, "list", [None, None, "c"]),
        ({"dict_#_k": "v"}, "dict", {"k": "v"}),
        ({"object_@_a": 1}, "object", {"a": 1}),
        ({"n_$_0_$_0": "a", "n_$_0_$_1": "b", "n_$_1_$_0": "c"}, "n", [["a", "b"], ["c"]]),
        ({"n_$_0_#_a": 1, "n_$_1_#_a": 2}, "n", [{"a": 1}, {"a": 2}]),
        ({"n_#_a_$_0": 1, "n_#_a_$_1": 2, "n_#_b_$_0": 3}, "n", {"a": [1, 2], "b": [3]}),
        ({"n_#_a_@_b_$_1_#_c": 1}, "n", {"a": {"b": [None, {"c": 1}]}}),
        ({"v": {"a": 1, "b": 2}, "v_#_b": 9}, "v", {"a": 1, "b": 9}),
        ({"v_#_b": 9, "v": {"a": 1}}, "v", {"a": 1, "b": 9}),
        ({"v": [1, 2, 3], "v_$_1": 9}, "v", [1, 9, 3]),
        ({"v": "text", "v_#_b": 9}, "v", {"b": 9}),
        ({"v": None, "v_$_0": 9}, "v", [9]),
        ({"v_$_0": 1, "v_#_k": 2}, "v", {"k": 2}),
        ({"v_#_k": 2, "v_$_0": 1}, "v", [1]),
        ({"v": {"a": {"b": 1}}, "v_#_a_#_c": 2}, "v", {"a": {"b": 1, "c": 2}}),
        ({"v_#_a": {"x": 1}, "v_#_a_#_y": 2}, "v", {"a": {"x": 1, "y": 2}}),
    ],
)
def test_merge(inputs: dict[str, Any], base: str, expected: Any) -> None:
    before = copy.deepcopy(inputs)
    merged = merge(inputs)
    assert merged[base] == expected
    assert inputs == before
    assert {name: merged[name] for name in inputs if name != base} == {
        n: v for n, v in before.items() if n != base
    }


def test_merge_leaves_plain_names_and_tool_pins_alone() -> None:
    inputs = {"a": 1, "b_c": [2], "tools_^_n_~_p_#_k": 3}
    assert merge(inputs) == inputs


@pytest.mark.parametrize("name", ["l_$_x", "l_$_-1", f"l_$_{INDEX_LIMIT + 1}", "l_$_1.5", "l_$_", "l_#_a_$_"])
def test_merge_refuses_wrong_names(name: str) -> None:
    with pytest.raises(ValueError, match="pin"):
        merge({name: 1})


def test_steps() -> None:
    assert steps("_$_0_#_k") == (("_$_", "0"), ("_#_", "k"))
    assert steps("x_$_0") is None
    assert steps("_$__#_k") is None


PATHS = st.lists(
    st.one_of(
        st.tuples(st.just("_$_"), st.integers(0, 5).map(str)),
        st.tuples(st.sampled_from(["_#_", "_@_"]), st.text("abc xyz_-9", min_size=1, max_size=4)),
    ),
    min_size=1,
    max_size=5,
).filter(lambda path: steps("".join(kind + name for kind, name in path)) == tuple(path))


@given(PATHS, st.integers())
def test_what_is_written_is_read_again(path: list[tuple[str, str]], value: int) -> None:
    name = "pin" + "".join(kind + step for kind, step in path)
    assert read(name, "pin", merge({name: value})["pin"], sink_id="n", sink_pin="p") == value
