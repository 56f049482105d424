import json
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from millstream.schemas.errors import InputInvalidError
from millstream.schemas.sizes import INT_MAX, INT_MIN, JSON_DEPTH_LIMIT, check_json


def nested(depth: int) -> Any:
    value: Any = []
    for _ in range(depth - 1):
        value = [value]
    return value


@pytest.mark.parametrize(
    ("value", "why", "path"),
    [
        (float("nan"), "not_finite", ""),
        ({"a": [1, float("inf")]}, "not_finite", "a[1]"),
        ({"a": {"b": ["\ud800"]}}, "lone_surrogate", "a.b[0]"),
        ({"\udc00": 1}, "lone_surrogate", "\\udc00"),
        ([2**64], "int_too_large", "[0]"),
        ([-(2**63) - 1], "int_too_large", "[0]"),
        ({1: 2}, "not_json", "[1]"),
        ({"a": b"bytes"}, "not_json", "a"),
        ({"a": (1, 2)}, "not_json", "a"),
    ],
)
def test_what_is_no_portable_json_is_refused_with_its_place(value: Any, why: str, path: str) -> None:
    with pytest.raises(InputInvalidError) as caught:
        check_json(value)
    assert (caught.value.facts["why"], caught.value.facts["path"]) == (why, path)
    assert str(caught.value).encode()  # the message itself can be written


def test_depth_is_counted_in_containers() -> None:
    check_json(nested(JSON_DEPTH_LIMIT))
    with pytest.raises(InputInvalidError, match="64"):
        check_json(nested(JSON_DEPTH_LIMIT + 1))


def test_nul_is_refused_only_on_request() -> None:
    check_json({"a": "x\0y"})
    with pytest.raises(InputInvalidError) as caught:
        check_json({"a": "x\0y"}, nul=False)
    assert caught.value.facts["why"] == "nul"


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(INT_MIN, INT_MAX)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


@given(JSON)
def test_what_is_accepted_survives_both_json_libraries(value: Any) -> None:
    check_json(value)
    assert orjson.loads(orjson.dumps(value)) == value
    assert json.loads(json.dumps(value)) == value
