"""Schemas of OpenAPI as JSON Schemas: only keywords that mean the same in both, references into `$defs`."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, Final

from millstream.schemas.errors import BlockInputError

DEPTH_LIMIT: Final = 40
DEFINITIONS_LIMIT: Final = 500
REFERENCES_LIMIT: Final = 20
"""How many references may lead from one to the next."""
_SAME: Final = (
    "type",
    "enum",
    "const",
    "title",
    "description",
    "default",
    "format",
    "minimum",
    "maximum",
    "multipleOf",
    "minLength",
    "maxLength",
    "minItems",
    "maxItems",
    "uniqueItems",
    "minProperties",
    "maxProperties",
    "required",
)
_ABOUT: Final = ("title", "description")
_LISTS: Final = ("anyOf", "oneOf", "allOf")
_TYPES: Final = frozenset({"string", "number", "integer", "boolean", "object", "array", "null"})


class Schemas:
    """Turns schemas of one document into JSON Schemas, and gathers the definitions that they need."""

    def __init__(self, root: Mapping[str, Any]) -> None:
        self._root = root
        self._names: dict[str, str] = {}
        self._found: dict[str, dict[str, Any]] = {}

    def read(self, schema: Any) -> dict[str, Any]:
        """Return a schema; its references lead into `definitions()`. Errors: BlockInputError."""
        return self._schema(schema, 0)

    def definitions(self) -> dict[str, Any]:
        """Return what the schemas so far refer to."""
        return dict(self._found)

    def _schema(self, schema: Any, depth: int) -> dict[str, Any]:
        if depth > DEPTH_LIMIT:
            raise BlockInputError(f"A schema of the document has more than {DEPTH_LIMIT} levels.")
        if not isinstance(schema, dict):
            return {}
        reference = schema.get("$ref")
        if isinstance(reference, str):
            found: dict[str, Any] = {"$ref": f"#/$defs/{self._named(reference)}"}
            if isinstance(schema.get("description"), str):
                found["description"] = schema["description"][:1_000]
            return found
        if schema.get("format") == "binary" or "contentMediaType" in schema:
            about = {key: schema[key] for key in _ABOUT if isinstance(schema.get(key), str)}
            return {"type": "string", "format": "file", **about}
        found = tidy({key: schema[key] for key in _SAME if key in schema})
        self._parts(found, schema, depth + 1)
        return _or_null(found) if schema.get("nullable") is True else found

    def _parts(self, found: dict[str, Any], schema: dict[str, Any], depth: int) -> None:
        """Add what has schemas in it."""
        for key in _LISTS:
            if isinstance(schema.get(key), list) and schema[key]:
                found[key] = [self._schema(each, depth) for each in schema[key]]
        if isinstance(schema.get("properties"), dict):
            found["properties"] = {
                str(name): self._schema(each, depth)
                for name, each in schema["properties"].items()
                if not (isinstance(each, dict) and each.get("readOnly") is True)
            }
            if "required" in found:
                found["required"] = [name for name in found["required"] if name in found["properties"]]
        for key in ("items", "additionalProperties"):
            if isinstance(schema.get(key), dict):
                found[key] = self._schema(schema[key], depth)

    def _named(self, reference: str) -> str:
        """The name in `$defs` of what a reference leads to; read once, also if it leads to itself."""
        known = self._names.get(reference)
        if known is not None:
            return known
        if len(self._names) >= DEFINITIONS_LIMIT:
            raise BlockInputError(f"The schemas of one operation need more than {DEFINITIONS_LIMIT} others.")
        name = re.sub(r"[^A-Za-z0-9_.-]", "_", reference.rpartition("/")[2])[:80] or "schema"
        while name in self._names.values():
            name += "_"
        self._names[reference] = name
        target = resolved(self._root, {"$ref": reference})
        self._found[name] = self._schema(target, 1)
        return name


def resolved(root: Mapping[str, Any], value: Any) -> Any:
    """Return what a reference leads to, or the value itself. Errors: BlockInputError: outside of the document, or nowhere."""
    for _ in range(REFERENCES_LIMIT):
        if not isinstance(value, dict) or not isinstance(value.get("$ref"), str):
            return value
        value = _at(root, value["$ref"])
    raise BlockInputError("References of the document lead round in a circle.")


def _at(root: Mapping[str, Any], reference: str) -> Any:
    if not reference.startswith("#/"):
        raise BlockInputError(
            f"The document refers to {reference[:100]!r}, outside of itself; bundle it into one document first."
        )
    found: Any = root
    for step in reference[2:].split("/"):
        step = step.replace("~1", "/").replace("~0", "~")
        found = found.get(step) if isinstance(found, dict) else None
    if found is None:
        raise BlockInputError(f"The document refers to {reference[:100]!r}, which it does not have.")
    return found


def tidy(found: dict[str, Any]) -> dict[str, Any]:
    """Take out keywords whose values are not what JSON Schema wants: one odd keyword must not make a block useless."""
    found = {key: value for key, value in found.items() if _FITS.get(key, _anything)(value)}
    if isinstance(found.get("type"), list):
        found["type"] = [each for each in found["type"] if each in _TYPES]
    if "required" in found:
        found["required"] = list(dict.fromkeys(each for each in found["required"] if isinstance(each, str)))
    return found


def _anything(value: Any) -> bool:
    return True


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _is_type(value: Any) -> bool:
    return (
        value in _TYPES
        if isinstance(value, str)
        else bool(isinstance(value, list) and _TYPES & set(map(str, value)))
    )


_FITS: Final[dict[str, Callable[[Any], bool]]] = {
    **dict.fromkeys(("title", "description", "format"), _is_text),
    **dict.fromkeys(("minimum", "maximum"), _is_number),
    **dict.fromkeys(
        ("minLength", "maxLength", "minItems", "maxItems", "minProperties", "maxProperties"), _is_count
    ),
    "type": _is_type,
    "enum": lambda value: isinstance(value, list) and bool(value),
    "required": lambda value: isinstance(value, list),
    "multipleOf": lambda value: _is_number(value) and value > 0,
    "uniqueItems": lambda value: isinstance(value, bool),
}


def _or_null(schema: dict[str, Any]) -> dict[str, Any]:
    kind = schema.get("type")
    if isinstance(kind, str) and "enum" not in schema:
        return {**schema, "type": [kind, "null"]}
    about: dict[str, Any] = {key: schema[key] for key in (*_ABOUT, "default") if key in schema}
    rest = {key: value for key, value in schema.items() if key not in about}
    return {**about, "anyOf": [rest, {"type": "null"}]}
