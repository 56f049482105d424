"""Weaviate, by its REST and GraphQL. A class is a collection; it keeps our id, text and metadata as properties of the object.

Metadata that can be filtered are properties of their own, `m_<name>`; all of them are kept as JSON as well.
"""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Sequence
from typing import Any, Final

from millstream.processors.stores.interface import Api, plain
from millstream.schemas.errors import BlockExecutionError, BlockInputError
from millstream.schemas.vectors import Collection, Compare, Condition, Document, Every, Match, Some

_CLASS: Final = re.compile(r"[A-Z][A-Za-z0-9_]{0,199}")
_FIELD: Final = re.compile(r"[A-Za-z0-9_]{1,200}")
_PROPERTIES: Final = [{"name": name, "dataType": ["text"]} for name in ("doc_id", "text", "metadata")]
_SIGNS: Final = {
    "$eq": "Equal",
    "$ne": "NotEqual",
    "$gt": "GreaterThan",
    "$gte": "GreaterThanEqual",
    "$lt": "LessThan",
    "$lte": "LessThanEqual",
}


class Weaviate:
    """`VectorStore`. Vectors come from us: classes are made without a vectorizer."""

    def __init__(self, api: Api) -> None:
        self._api = api

    async def collections(self) -> list[Collection]:
        """List the classes; Weaviate does not say how long their vectors are."""
        found = await self._api.call("GET", "/v1/schema")
        return [
            Collection(name=each["class"], dimension=0, documents=None)
            for each in (found or {}).get("classes") or []
        ]

    async def upsert(self, collection: str, documents: Sequence[Document]) -> int:
        """Write documents; the first make the class."""
        name = class_name(collection)
        if name not in {each.name for each in await self.collections()}:
            body = {"class": name, "vectorizer": "none", "properties": _PROPERTIES}
            await self._api.call("POST", "/v1/schema", body)
        objects = [
            {
                "class": name,
                "id": object_id(name, each.id),
                "vector": list(each.vector),
                "properties": {
                    "doc_id": each.id,
                    "text": each.text,
                    "metadata": json.dumps(dict(each.metadata), ensure_ascii=False),
                    **{
                        f"m_{field}": value
                        for field, value in plain(each.metadata).items()
                        if _FIELD.fullmatch(field)
                    },
                },
            }
            for each in documents
        ]
        for answer in await self._api.call("POST", "/v1/batch/objects", {"objects": objects}) or []:
            errors = (answer.get("result") or {}).get("errors")
            if errors:
                raise BlockExecutionError(f"Weaviate did not take a document: {json.dumps(errors)[:500]}")
        return len(objects)

    async def search(
        self, collection: str, vector: Sequence[float], *, where: Every, limit: int
    ) -> list[Match]:
        """Find the nearest; the score is one minus the distance."""
        name = class_name(collection)
        numbers = json.dumps([float(number) for number in vector])
        told = f"nearVector: {{vector: {numbers}}}, limit: {int(limit)}"
        if where.parts:
            told += f", where: {graphql(where_of(where))}"
        query = f"{{ Get {{ {name}({told}) {{ doc_id text metadata _additional {{ distance }} }} }} }}"
        found = await self._api.call("POST", "/v1/graphql", {"query": query})
        if (found or {}).get("errors"):
            raise BlockExecutionError(f"Weaviate refused the search: {json.dumps(found['errors'])[:500]}")
        rows = ((found.get("data") or {}).get("Get") or {}).get(name) or []
        return [
            Match(
                id=row["doc_id"],
                text=row.get("text") or "",
                metadata=json.loads(row.get("metadata") or "{}"),
                score=1.0 - float(row["_additional"]["distance"]),
            )
            for row in rows
        ]

    async def delete(self, collection: str, *, ids: Sequence[str], where: Every) -> None:
        """Remove by id or by filter."""
        name = class_name(collection)
        match: dict[str, Any] = (
            {
                "operator": "ContainsAny",
                "path": ["id"],
                "valueTextArray": [object_id(name, id_) for id_ in ids],
            }
            if ids
            else where_of(where)
        )
        await self._api.call("DELETE", "/v1/batch/objects", {"match": {"class": name, "where": match}})


def class_name(collection: str) -> str:
    """Check the name of a class, since it stands in a query. Errors: BlockInputError."""
    if not _CLASS.fullmatch(collection):
        raise BlockInputError(
            f"{collection[:100]!r} is no class of Weaviate: a capital letter, then letters, digits, underscores."
        )
    return collection


def object_id(name: str, id_: str) -> str:
    """Weaviate's objects have UUIDs: one is made of ours."""
    return str(uuid.uuid5(uuid.NAMESPACE_OID, f"{name}:{id_}"))


def where_of(part: Condition) -> dict[str, Any]:
    """Return a condition in Weaviate's form. Errors: BlockInputError: a field or an operator that it cannot."""
    if isinstance(part, Compare):
        return _compare(part)
    inner = [where_of(each) for each in part.parts if isinstance(each, Compare) or each.parts]
    if len(inner) == 1:
        return inner[0]
    return {"operator": "Or" if isinstance(part, Some) else "And", "operands": inner}


def _compare(part: Compare) -> dict[str, Any]:
    if part.operator in ("$in", "$nin"):
        sign = "Equal" if part.operator == "$in" else "NotEqual"
        parts = [_value(part.field, sign, value) for value in part.value]
        joined = {"operator": "Or" if part.operator == "$in" else "And", "operands": parts}
        return parts[0] if len(parts) == 1 else joined
    if part.operator not in _SIGNS:
        raise BlockInputError("Weaviate cannot look for fields that exist; leave $exists out of the filter.")
    return _value(part.field, _SIGNS[part.operator], part.value)


def _value(field: str, sign: str, value: Any) -> dict[str, Any]:
    if not _FIELD.fullmatch(field):
        raise BlockInputError(f"{field!r} cannot be filtered in Weaviate: letters, digits, underscores only.")
    kind = (
        "valueBoolean"
        if isinstance(value, bool)
        else "valueText"
        if isinstance(value, str)
        else "valueNumber"
    )
    return {"operator": sign, "path": [f"m_{field}"], kind: value}


def graphql(value: Any) -> str:
    """Write a condition as GraphQL: keys without quotes, operators as names, all else as JSON."""
    if isinstance(value, dict):
        parts = (
            f"{key}: {each if key == 'operator' else graphql(each)}"  # operators are ours, never a user's text
            for key, each in value.items()
        )
        return "{" + ", ".join(parts) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(graphql, value)) + "]"
    return json.dumps(value)
