"""JSON values made from a JSON Schema and a text: what the text names is taken from it, the rest is the plainest that fits."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

DEEPEST = 12
_EMAIL = re.compile(r"[\w.+-]+@[\w-]+\.[\w.-]*\w")
_URL = re.compile(r"https?://[^\s\"'<>)]+")
_DATE = re.compile(r"\d{4}-\d\d-\d\d")
_NUMBER = re.compile(r"-?\d+(?:\.\d+)?")


def first_sentence(text: str) -> str:
    """Return the first sentence of a text."""
    text = " ".join(text.split())
    match = re.match(r".+?[.!?](?=\s|$)", text)
    return match[0] if match else text


def value_of(schema: Mapping[str, Any], text: str) -> Any:
    """Return a value of the schema. The same for the same text."""
    return _Maker(schema, text).make(schema, "", 0)


class _Maker:
    def __init__(self, root: Mapping[str, Any], text: str) -> None:
        self._root = root
        self._text = text
        self._numbers = _NUMBER.findall(text)
        self._quoted = re.findall(r"[\"“']([^\"”'\n]{1,500})[\"”']", text)

    def make(self, schema: Any, name: str, depth: int) -> Any:
        if not isinstance(schema, Mapping) or depth > DEEPEST:
            return None
        schema = self._whole(schema)
        if "const" in schema:
            return schema["const"]
        if schema.get("enum"):
            return self._mentioned(schema["enum"])
        for key in ("anyOf", "oneOf"):
            if schema.get(key):
                return self.make(
                    next((s for s in schema[key] if s.get("type") != "null"), {}), name, depth + 1
                )
        kind = schema.get("type")
        if isinstance(kind, list):
            kind = next((each for each in kind if each != "null"), "null")
        return self._of_kind(schema, kind, name, depth)

    def _of_kind(self, schema: Mapping[str, Any], kind: Any, name: str, depth: int) -> Any:
        if kind == "object" or "properties" in schema:
            return self._object(schema, depth)
        if kind == "array":
            return self._array(schema, name, depth)
        if kind in ("integer", "number"):
            return self._number(schema, name, whole=kind == "integer")
        if kind == "boolean":
            return self._said(name) not in ("no", "false", "0") and self._said(name) is not None
        return None if kind == "null" else self._string(schema, name)

    def _whole(self, schema: Mapping[str, Any]) -> Mapping[str, Any]:
        """Follow a reference within the document, and lay the parts of an `allOf` together."""
        for _ in range(DEEPEST):
            ref = schema.get("$ref")
            if not (isinstance(ref, str) and ref.startswith("#/")):
                break
            found: Any = self._root
            for step in ref[2:].split("/"):
                found = (
                    found.get(step.replace("~1", "/").replace("~0", "~"), {})
                    if isinstance(found, Mapping)
                    else {}
                )
            schema = found if isinstance(found, Mapping) else {}
        merged = dict(schema)
        for part in schema.get("allOf") or ():
            merged |= self._whole(part)
        return merged

    def _object(self, schema: Mapping[str, Any], depth: int) -> dict[str, Any]:
        properties = schema.get("properties") or {}
        must = set(schema.get("required") or properties)
        return {
            name: self.make(inner, name, depth + 1)
            for name, inner in properties.items()
            if name in must or self._said(name) is not None
        }

    def _array(self, schema: Mapping[str, Any], name: str, depth: int) -> list[Any]:
        inner = schema.get("items") or {}
        least, most = int(schema.get("minItems", 0)), int(schema.get("maxItems", 100))
        kind = self._whole(inner).get("type", "string") if isinstance(inner, Mapping) else "string"
        if kind in ("integer", "number"):
            items: list[Any] = [float(n) if kind == "number" else round(float(n)) for n in self._numbers]
        elif kind == "string" and not self._whole(inner).get("enum"):
            said = self._said(name) or (self._text.rpartition(":")[2] if "," in self._text else "")
            items = [piece.strip(" .") for piece in re.split(r",|;|\n|\band\b", said) if piece.strip(" .")]
        else:
            items = [self.make(inner, name, depth + 1)]
        items = items[:most]
        return items + [self.make(inner, name, depth + 1) for _ in range(least - len(items))]

    def _number(self, schema: Mapping[str, Any], name: str, *, whole: bool) -> float | int:
        said = _NUMBER.search(self._said(name) or "")
        text = said[0] if said else (self._numbers.pop(0) if self._numbers else "0")
        if said and text in self._numbers:
            self._numbers.remove(text)
        value = float(text)
        value = max(value, float(schema.get("minimum", value)))
        value = min(value, float(schema.get("maximum", value)))
        return round(value) if whole else value

    def _string(self, schema: Mapping[str, Any], name: str) -> str:
        text = self._named(schema, name)
        longest = schema.get("maxLength")
        text = text[: int(longest)] if longest is not None else text
        return text.ljust(int(schema.get("minLength", 0)), ".")

    def _named(self, schema: Mapping[str, Any], name: str) -> str:
        said, kind, lower = self._said(name), schema.get("format"), name.lower()
        for pattern, is_it in (
            (_EMAIL, kind == "email" or "email" in lower or "mail" in lower),
            (_URL, kind in ("uri", "url") or lower in ("url", "link", "website")),
            (_DATE, kind == "date" or "date" in lower),
        ):
            found = pattern.search(self._text) if is_it else None
            if found:
                return str(found[0])
        if said is not None:
            return said
        if self._quoted:
            return str(self._quoted.pop(0))
        return first_sentence(self._text)[:500]

    def _said(self, name: str) -> str | None:
        """`name: value`, `name = value`, `name is value`, up to the end of the line, a comma or a semicolon."""
        if not name:
            return None
        words = re.escape(name).replace("_", r"[_\s]")
        match = re.search(
            rf"\b{words}\b[\"'`]?\s*(?:[:=]|\bis\b)\s*[\"'“]?([^\n,;\"”]+)", self._text, re.IGNORECASE
        )
        return match[1].strip(" .'") if match else None

    def _mentioned(self, options: list[Any]) -> Any:
        lower = self._text.lower()
        return next((each for each in options if str(each).lower() in lower), options[0])
