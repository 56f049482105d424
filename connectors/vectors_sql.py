"""A metadata filter as SQL. Names of fields and values are bound parameters, without exception."""

from __future__ import annotations

from typing import Any

from psycopg.types.json import Jsonb

from millstream.schemas.vectors import Compare, Condition, Some

_ORDER = {"$gt": ">", "$gte": ">=", "$lt": "<", "$lte": "<="}


def condition_sql(part: Condition) -> tuple[str, list[Any]]:
    """Return a condition on the column `metadata`, and its parameters in order."""
    if isinstance(part, Compare):
        return _compare(part)
    if not part.parts:
        return "true", []
    texts, parameters = [], []
    for each in part.parts:
        text, bound = condition_sql(each)
        texts.append(text)
        parameters += bound
    return "(" + (" OR " if isinstance(part, Some) else " AND ").join(texts) + ")", parameters


def _compare(part: Compare) -> tuple[str, list[Any]]:
    field, value = part.field, part.value
    if part.operator == "$eq":
        return "metadata -> %s::text = %s", [field, Jsonb(value)]
    if part.operator == "$ne":
        return "metadata -> %s::text IS DISTINCT FROM %s", [field, Jsonb(value)]
    if part.operator == "$in":
        return "metadata -> %s::text = ANY(%s)", [field, [Jsonb(each) for each in value]]
    if part.operator == "$nin":
        return "coalesce(metadata -> %s::text <> ALL(%s), true)", [field, [Jsonb(each) for each in value]]
    if part.operator == "$exists":
        return "(metadata ? %s::text) = %s", [field, value]
    # jsonb orders values of different types by their type, which is not what anybody means.
    sign = _ORDER[part.operator]
    return (
        f"(jsonb_typeof(metadata -> %s::text) = jsonb_typeof(%s) AND metadata -> %s::text {sign} %s)",
        [field, Jsonb(value), field, Jsonb(value)],
    )
