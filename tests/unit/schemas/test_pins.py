import pytest

from millstream.schemas.pins import base_name, is_tool_pin


@pytest.mark.parametrize(
    ("pin", "base"),
    [
        ("value", "value"),
        ("plain_name_with_underscores", "plain_name_with_underscores"),
        ("list_$_0", "list"),
        ("values_#_a", "values"),
        ("object_@_attr", "object"),
        ("a_$_0_#_k_@_x", "a"),
        ("a_#_k_$_0", "a"),
        ("a_@_x_$_0", "a"),
        ("_#_k", ""),
        ("", ""),
        ("tools", "tools"),
        ("tools_^_node-1_~_query_#_x", "tools"),
        ("tools_x", "tools_x"),
        ("toolset", "toolset"),
    ],
)
def test_base_name_is_what_stands_before_the_first_delimiter(pin: str, base: str) -> None:
    assert base_name(pin) == base


def test_tool_pins_are_told_from_pins_that_begin_alike() -> None:
    assert is_tool_pin("tools")
    assert is_tool_pin("tools_^_store_~_input")
    assert not is_tool_pin("tools_#_a")
    assert not is_tool_pin("toolset")
