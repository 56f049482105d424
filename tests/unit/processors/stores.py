"""Small servers that speak the HTTP forms of Pinecone and Weaviate, with cosine search in a dictionary."""

from __future__ import annotations

import asyncio
import json
import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

from tests.unit.processors.conftest import Handler, Request, answer

Said = tuple[int, Any]


def cosine(a: Sequence[float], b: Sequence[float]) -> float:
    """Return how alike two vectors are."""
    return sum(x * y for x, y in zip(a, b, strict=True)) / (math.hypot(*a) * math.hypot(*b))


def handler(say: Callable[[Request], Said]) -> Handler:
    """Serve what `say` returns: status and JSON."""

    async def handle(request: Request, writer: asyncio.StreamWriter) -> None:
        status, body = say(request)
        await answer(writer, status, json.dumps(body).encode(), Content_Type="application/json")

    return handle


@dataclass
class PineconeServer:
    """The control plane and the one index of a small Pinecone. `origin` is told once the port is known."""

    key: str
    origin: str = ""
    indexes: dict[str, dict[str, Any]] = field(default_factory=dict)
    vectors: dict[str, dict[str, Any]] = field(default_factory=dict)

    def say(self, request: Request) -> Said:
        """Answer a request."""
        if request.headers.get("api-key") != self.key:
            return 401, {"error": {"code": "UNAUTHENTICATED", "message": "Invalid API key"}}
        assert request.headers["x-pinecone-api-version"]
        body = json.loads(request.body) if request.body else {}
        if request.path.startswith("/indexes"):
            return self._control(request, body)
        kept = self.vectors.setdefault(body.get("namespace", ""), {})
        if request.path == "/vectors/upsert":
            kept.update({each["id"]: each for each in body["vectors"]})
            return 200, {"upsertedCount": len(body["vectors"])}
        if request.path == "/query":
            found = [each for each in kept.values() if fits(each["metadata"], body.get("filter", {}))]
            found.sort(key=lambda each: -cosine(each["values"], body["vector"]))
            return 200, {"matches": [self._match(each, body) for each in found[: body["topK"]]]}
        if request.path == "/vectors/delete":
            for id_ in body.get("ids") or [k for k, v in kept.items() if fits(v["metadata"], body["filter"])]:
                kept.pop(id_, None)
            return 200, {}
        return 404, {"message": "not found"}

    def _control(self, request: Request, body: dict[str, Any]) -> Said:
        name = unquote(request.path.removeprefix("/indexes").strip("/"))
        if request.method == "POST":
            self.indexes[body["name"]] = {**body, "host": self.origin}
            return 201, self.indexes[body["name"]]
        if not name:
            return 200, {"indexes": list(self.indexes.values())}
        if name not in self.indexes:
            return 404, {"error": {"message": f"Resource {name} not found"}}
        return 200, self.indexes[name]

    def _match(self, each: Mapping[str, Any], body: Mapping[str, Any]) -> dict[str, Any]:
        match = {"id": each["id"], "score": cosine(each["values"], body["vector"])}
        match |= {"metadata": each["metadata"]} if body["includeMetadata"] else {}
        return match | ({"values": each["values"]} if body["includeValues"] else {})


def fits(metadata: Mapping[str, Any], where: Mapping[str, Any]) -> bool:
    """Tell whether metadata fit a filter in Pinecone's form."""
    for name, asked in where.items():
        if name == "$and":
            held = all(fits(metadata, part) for part in asked)
        elif name == "$or":
            held = any(fits(metadata, part) for part in asked)
        else:
            [(operator, value)] = asked.items()
            held = _compare(operator, metadata.get(name), value)
        if not held:
            return False
    return True


def _compare(operator: str, mine: Any, value: Any) -> bool:
    if operator == "$gte":
        return mine is not None and bool(mine >= value)
    if operator == "$in":
        return mine in value
    assert operator in ("$eq", "$ne")
    return bool((mine == value) == (operator == "$eq"))


@dataclass
class WeaviateServer:
    """A small Weaviate: classes, batches, GraphQL's `Get` with `nearVector` and `where`."""

    key: str
    classes: dict[str, dict[str, Any]] = field(default_factory=dict)
    objects: dict[str, dict[str, Any]] = field(default_factory=dict)

    def say(self, request: Request) -> Said:
        """Answer a request."""
        if request.headers.get("authorization") != f"Bearer {self.key}":
            return 401, {"code": 401, "message": "anonymous access not enabled"}
        body = json.loads(request.body) if request.body else {}
        if request.path == "/v1/schema":
            if request.method == "POST":
                self.classes[body["class"]] = body
                return 200, body
            return 200, {"classes": list(self.classes.values())}
        if request.path == "/v1/batch/objects" and request.method == "POST":
            for each in body["objects"]:
                self.objects[each["id"]] = each
            return 200, [{**each, "result": {"status": "SUCCESS"}} for each in body["objects"]]
        if request.path == "/v1/batch/objects":
            gone = [id_ for id_, each in self.objects.items() if self._fits(each, body["match"]["where"])]
            for id_ in gone:
                del self.objects[id_]
            return 200, {"results": {"matches": len(gone), "successful": len(gone)}}
        assert request.path == "/v1/graphql"
        return 200, self._get(body["query"])

    def _get(self, query: str) -> dict[str, Any]:
        shape = re.fullmatch(
            r"{ Get { (\w+)\(nearVector: {vector: (\[[^\]]*\])}, limit: (\d+)(?:, where: (.*))?\) "
            r"{ doc_id text metadata _additional { distance } } } }",
            query,
        )
        if shape is None:
            return {"errors": [{"message": f"Syntax Error GraphQL: {query}"}]}
        name, vector, limit, where = shape[1], json.loads(shape[2]), int(shape[3]), shape[4]
        asked = None if where is None else _read(where)
        found = [
            {**each["properties"], "_additional": {"distance": 1 - cosine(each["vector"], vector)}}
            for each in self.objects.values()
            if each["class"] == name and (asked is None or self._fits(each, asked))
        ]
        found.sort(key=lambda each: each["_additional"]["distance"])
        return {"data": {"Get": {name: found[:limit]}}}

    def _fits(self, each: Mapping[str, Any], where: Mapping[str, Any]) -> bool:
        if where["operator"] in ("And", "Or"):
            parts = [self._fits(each, part) for part in where["operands"]]
            return all(parts) if where["operator"] == "And" else any(parts)
        if where["path"] == ["id"]:
            return each["id"] in where["valueTextArray"]
        [value] = [where[kind] for kind in ("valueText", "valueNumber", "valueBoolean") if kind in where]
        mine = each["properties"].get(where["path"][0])
        if where["operator"] == "GreaterThanEqual":
            return mine is not None and bool(mine >= value)
        assert where["operator"] in ("Equal", "NotEqual")
        return bool((mine == value) == (where["operator"] == "Equal"))


def _read(where: str) -> Any:
    """Read a condition of GraphQL, which is JSON but for its keys and operators."""
    text = re.sub(r"(?<=[{ ])operator: (\w+)", r'"operator": "\1"', where)
    return json.loads(re.sub(r"(?<= )(operands|path|value\w+):", r'"\1":', text))
