from __future__ import annotations

from typing import Any

import pytest

from millstream.schemas.errors import InputInvalidError
from millstream.schemas.vectors import (
    Compare,
    Document,
    Every,
    Some,
    check_document,
    check_name,
    check_vector,
    condition,
)


def test_a_filter_is_read_into_conditions() -> None:
    assert condition(None) == Every()
    assert condition({"a": 1, "b": {"$gt": 2, "$lte": 9}, "$or": [{"c": "x"}, {"d": {"$in": [1]}}]}) == Every(
        (
            Compare("a", "$eq", 1),
            Compare("b", "$gt", 2),
            Compare("b", "$lte", 9),
            Some((Every((Compare("c", "$eq", "x"),)), Every((Compare("d", "$in", [1]),)))),
        )
    )


@pytest.mark.parametrize(
    "where",
    [
        {"$not": []},
        {"$or": {}},
        {"$or": []},
        {"$and": "ab"},
        {"$or": [1]},
        {"": 1},
        {"a\0": 1},
        {"a": None},
        {"a": [1]},
        {"a": {"$regex": "x"}},
        {"a": {"b": 1}},
        {"a": {"$in": []}},
        {"a": {"$in": "ab"}},
        {"a": {"$in": [[1]]}},
        {"a": {"$gt": True}},
        {"a": {"$exists": 1}},
        {"a": float("nan")},
        {"a": "x" * 2000},
        {"$and": [{"$and": [{"$and": [{"$and": [{"$and": [{"a": 1}]}]}]}]}]},
        {f"f{n}": n for n in range(51)},
        [],
        "a",
    ],
)
def test_other_filters_are_refused(where: Any) -> None:
    if where == []:
        assert condition(where) == Every()
        return
    with pytest.raises(InputInvalidError):
        condition(where)


@pytest.mark.parametrize(
    "vector", [[], [0, 0], [float("inf")], ["1"], [True], "12", None, {"a": 1}, [1.0] * 4001]
)
def test_other_vectors_are_refused(vector: Any) -> None:
    with pytest.raises(InputInvalidError):
        check_vector(vector)


def test_documents_are_bounded() -> None:
    for wrong in (
        Document(id="", text="", vector=[1]),
        Document(id="x" * 201, text="", vector=[1]),
        Document(id="\ud800", text="", vector=[1]),
        Document(id="a", text="x" * 100_001, vector=[1]),
        Document(id="a", text="", vector=[1], metadata={"a": "x" * 20_000}),
    ):
        with pytest.raises(InputInvalidError):
            check_document(wrong)
    assert check_document(Document(id="a", text="\ud800", vector=[1]), 1).text == "?"
    for name in ("", " a", "a\n", "x" * 101):
        with pytest.raises(InputInvalidError):
            check_name(name)
