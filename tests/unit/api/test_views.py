from __future__ import annotations

from datetime import UTC, datetime
from uuid import uuid4

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from millstream.api.http.answers import dumps
from millstream.api.http.paging import Cursor, page
from millstream.api.http.requests import parse_json
from millstream.api.views import put, shortened
from millstream.schemas.errors import InputInvalidError


def test_values_are_put_at_their_pointers() -> None:
    document = b'{"a~/b":null,"list":[0,{"x":null}],"":1}'
    filled = put(
        document, {"/a~0~1b": "A", "/list/1/x": [1], "/": 2, "/list/9": 0, "/no/where": 0, "/list/y": 0}
    )
    assert orjson.loads(filled) == {"a~/b": "A", "list": [0, {"x": [1]}], "": 2}


@given(st.lists(st.text(max_size=300), max_size=50), st.integers(600, 5000))
def test_shortened_values_fit_and_whole_ones_stay(texts: list[str], limit: int) -> None:
    values = [orjson.dumps(text) for text in texts]
    shown = dumps(shortened(values, limit))
    if sum(map(len, values)) <= limit:
        assert orjson.loads(shown) == texts
    assert len(shown) <= limit + len(values) + 100
    orjson.loads(shown)


def test_a_cursor_survives_its_text() -> None:
    cursor = Cursor(datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC), uuid4())
    assert Cursor.parse(cursor.text) == cursor
    assert Cursor.parse(None) is None


@given(st.text(max_size=80))
def test_a_made_up_cursor_is_refused(text: str) -> None:
    with pytest.raises(InputInvalidError):
        Cursor.parse(text)


def test_a_page_points_behind_its_last_item() -> None:
    cursors = [Cursor(datetime(2026, 1, 1, tzinfo=UTC), uuid4()) for _ in range(3)]
    items = [{"n": n} for n in range(3)]
    assert page(items, cursors, 2) == {"items": items[:2], "next_cursor": cursors[1].text}
    assert page(items, cursors, 3) == {"items": items, "next_cursor": None}


@pytest.mark.parametrize(
    "body", [b"{", b"\xff", b"NaN", b"-Infinity", b"1e400", b"[" * 70 + b"]" * 70, b'"\\ud800"']
)
def test_what_is_no_json_for_all_of_us_is_refused(body: bytes) -> None:
    with pytest.raises(InputInvalidError):
        parse_json(body)


def test_large_integers_stay_exact() -> None:
    assert parse_json(b"\xef\xbb\xbf18446744073709551615") == 2**64 - 1
    with pytest.raises(InputInvalidError):
        parse_json(b"18446744073709551616")
