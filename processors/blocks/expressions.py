"""Questions to values: expressions (CEL), JSONPath and JMESPath."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from millstream.processors.annotations import EMPTY, Advanced
from millstream.processors.expressions import compiled
from millstream.processors.json_form import json_form
from millstream.processors.samples import Sample
from millstream.processors.sdk import block
from millstream.schemas.errors import BlockExecutionError, BlockInputError

ITEMS_LIMIT = 100_000


@block(
    categories=("LOGIC", "DATA"),
    timeout_s=10,
    samples=[
        Sample(
            {
                "expression": "order.items.map(i, i.price).sum() * 2.0",
                "values": {"order": {"items": [{"price": 1.5}]}},
            },
            [("result", 3.0)],
        ),
        Sample(
            {"expression": "name.lowerAscii() in ['ann', 'bob']", "values": {"name": "Ann"}},
            [("result", True)],
        ),
        Sample({"expression": "has(a.b) ? a.b : 'none'", "values": {"a": {}}}, [("result", "none")]),
        Sample({"expression": "''.__class__"}, raises="block_failed"),
        Sample({"expression": "1 +"}, raises="block_input_invalid"),
    ],
)
def evaluate_expression(expression: str, values: dict[str, Any] = EMPTY) -> Any:
    """Reckon with values by an expression in CEL, the Common Expression Language: `a.b`, `+ - * / %`, `== < &&
    || !`, `in`, `c ? x : y`, `has(a.b)`, `size(x)`, `list.filter(x, ...)`, `.map`, `.exists`, `.all`, and
    functions of text, lists and maths. Whole numbers and fractions do not mix: write `double(n) * 1.5`.

    expression: The expression.
    values: Its variables by name.
    result: Its value; dates become texts, spans of time become seconds.
    """
    return compiled(expression)(values)


@dataclass
class Decision:
    """Pins of IfExpressionBlock."""

    result: bool
    yes: Any
    no: Any


@block(
    categories=("LOGIC",),
    timeout_s=10,
    samples=[
        Sample(
            {"expression": "amount > 100 && country == 'DE'", "values": {"amount": 150, "country": "DE"}},
            [("result", True), ("yes", {"amount": 150, "country": "DE"})],
        ),
        Sample({"expression": "x > 1", "values": {"x": 1}, "data": "d"}, [("result", False), ("no", "d")]),
        Sample({"expression": "x", "values": {"x": 1}}, raises="block_failed"),
    ],
)
def if_expression(expression: str, values: dict[str, Any] = EMPTY, data: Any = None) -> Decision:
    """Go one way or the other by an expression in CEL; see `EvaluateExpressionBlock`.

    expression: An expression whose value is true or false.
    values: Its variables by name.
    data: What goes on; without it the values do.
    result: The value of the expression.
    yes: The data, if it is true.
    no: The data, if it is false.
    """
    found = compiled(expression)(values)
    if not isinstance(found, bool):
        raise BlockExecutionError(
            f"The value of the expression is {str(found)[:100]!r}, neither true nor false."
        )
    data = values if data is None else data
    return Decision(found, data if found else None, None if found else data)


def _for_each(items: list[Any], expression: str, values: dict[str, Any]) -> list[Any]:
    if len(items) > ITEMS_LIMIT:
        raise BlockInputError(f"There are {len(items)} items; at most {ITEMS_LIMIT}.")
    if taken := {"item", "index"} & values.keys():
        raise BlockInputError(f"`{min(taken)}` stands for the item; give that value another name.")
    value = compiled(expression)
    return [value({**values, "item": item, "index": index}) for index, item in enumerate(items)]


@dataclass
class Parted:
    """Pins of FilterByExpressionBlock."""

    kept: list[Any]
    others: list[Any]
    count: int


@block(
    categories=("LOGIC", "DATA"),
    timeout_s=60,
    samples=[
        Sample(
            {"items": [{"n": 1}, {"n": 5}], "expression": "item.n > least", "values": {"least": 2}},
            [("kept", [{"n": 5}]), ("others", [{"n": 1}]), ("count", 1)],
        ),
        Sample({"items": [1], "expression": "item"}, raises="block_failed"),
    ],
)
def filter_by_expression(
    items: list[Any], expression: str, values: Advanced[dict[str, Any]] = EMPTY
) -> Parted:
    """Part a list by an expression in CEL; see `EvaluateExpressionBlock`.

    items: The list.
    expression: True for what is kept; `item` and `index` are the item and its place.
    values: More variables by name.
    kept: The items for which it is true.
    others: The items for which it is false.
    count: How many were kept.
    """
    kept: list[Any] = []
    others: list[Any] = []
    for item, found in zip(items, _for_each(items, expression, values), strict=True):
        if not isinstance(found, bool):
            raise BlockExecutionError(
                f"The value of the expression is {str(found)[:100]!r}, neither true nor false."
            )
        (kept if found else others).append(item)
    return Parted(kept, others, len(kept))


@block(
    categories=("LOGIC", "DATA"),
    timeout_s=60,
    samples=[
        Sample(
            {"items": [{"n": 1, "s": "a"}], "expression": "{'n': item.n + 1, 'at': index}"},
            [("result", [{"n": 2, "at": 0}])],
        ),
        Sample({"items": [{}], "expression": "item.n"}, raises="block_failed"),
    ],
)
def map_by_expression(
    items: list[Any], expression: str, values: Advanced[dict[str, Any]] = EMPTY
) -> list[Any]:
    """Make something of each item of a list by an expression in CEL; see `EvaluateExpressionBlock`.

    items: The list.
    expression: What becomes of an item; `item` and `index` are the item and its place.
    values: More variables by name.
    result: The list of what became of them.
    """
    return _for_each(items, expression, values)


@dataclass
class Found:
    """Pins of QueryJsonPathBlock."""

    matches: list[Any]
    paths: list[str]
    first: Any
    count: int


_SHOP = {"books": [{"title": "A", "price": 5}, {"title": "B", "price": 50}]}


@block(
    categories=("DATA",),
    timeout_s=10,
    samples=[
        Sample(
            {"value": _SHOP, "path": "$.books[?@.price < 10].title"},
            [("matches", ["A"]), ("paths", ["$['books'][0]['title']"]), ("first", "A"), ("count", 1)],
        ),
        Sample({"value": _SHOP, "path": "$..nothing"}, [("matches", []), ("paths", []), ("count", 0)]),
        Sample({"value": _SHOP, "path": "$.books["}, raises="block_input_invalid"),
    ],
)
def query_json_path(value: Any, path: str) -> Found:
    """Take parts out of a value by JSONPath (RFC 9535), such as `$.orders[?@.total > 10].id` or `$..name`.

    value: The value.
    path: The path.
    matches: All parts that fit.
    paths: Where each was.
    first: The first of them; nothing if there is none.
    count: How many.
    """
    import jsonpath

    if not isinstance(value, dict | list):
        raise BlockInputError("JSONPath asks lists and objects; the value is neither.")
    try:
        found = list(jsonpath.finditer(path, value))
    except jsonpath.JSONPathError as error:
        raise BlockInputError(f"The path {path[:200]!r} is not right: {error}.") from error
    parts = [json_form(match.obj) for match in found]
    return Found(parts, [match.path for match in found], parts[0] if parts else None, len(parts))


@block(
    categories=("DATA",),
    timeout_s=10,
    samples=[
        Sample(
            {"value": _SHOP, "expression": "books[?price > `10`].{name: title, cost: price}"},
            [("result", [{"name": "B", "cost": 50}])],
        ),
        Sample({"value": _SHOP, "expression": "sum(books[].price)"}, [("result", 55)]),
        Sample({"value": _SHOP, "expression": "books[?"}, raises="block_input_invalid"),
        Sample({"value": _SHOP, "expression": "sum(books)"}, raises="block_failed"),
    ],
)
def query_jmes_path(value: Any, expression: str) -> Any:
    """Take parts out of a value and give them another form, by JMESPath (the query language of many cloud tools).

    value: The value.
    expression: The expression.
    result: What it gives; nothing comes out if that is null.
    """
    import jmespath
    from jmespath.exceptions import JMESPathError, ParseError

    try:
        return json_form(jmespath.compile(expression).search(value))
    except ParseError as error:
        raise BlockInputError(f"The expression is not right: {' '.join(str(error).split())[:500]}") from error
    except (JMESPathError, TypeError) as error:
        raise BlockExecutionError(f"The expression fails: {' '.join(str(error).split())[:500]}") from error
