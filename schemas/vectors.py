"""Documents with vectors, and what a metadata filter may say: what blocks and the stores behind them agree on."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from millstream.schemas.errors import InputInvalidError

DIMENSION_LIMIT: Final = 4_000
TEXT_LIMIT_CHARS: Final = 100_000
METADATA_LIMIT_BYTES: Final = 16_384
BATCH_LIMIT: Final = 1_000
"""Documents of one call."""
RESULT_LIMIT: Final = 100
NAME_LIMIT_CHARS: Final = 100
CONDITION_LIMIT: Final = 50
DEPTH_LIMIT: Final = 5

Operator = Literal["$eq", "$ne", "$gt", "$gte", "$lt", "$lte", "$in", "$nin", "$exists"]
_ORDERED: Final[tuple[Operator, ...]] = ("$gt", "$gte", "$lt", "$lte")
_LISTED: Final[tuple[Operator, ...]] = ("$in", "$nin")
_OPERATORS: Final[tuple[Operator, ...]] = ("$eq", "$ne", *_ORDERED, *_LISTED, "$exists")


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """One text with its vector."""

    id: str
    text: str
    vector: Sequence[float]
    metadata: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """What a search found. `score`: the larger, the nearer; cosine similarity unless the search was hybrid."""

    id: str
    text: str
    metadata: Mapping[str, Any]
    score: float = 0.0
    updated_at: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Collection:
    """Documents whose vectors have the same dimension."""

    name: str
    dimension: int
    documents: int | None
    """None: the store does not say."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Remembered:
    """What became of a text that was to be remembered."""

    action: Literal["added", "updated", "known"]
    id: str
    text: str
    """What is remembered now."""
    replaced: str | None = None
    """What was remembered before."""


@dataclass(frozen=True, slots=True)
class Compare:
    """A condition on one field of the metadata."""

    field: str
    operator: Operator
    value: Any


@dataclass(frozen=True, slots=True)
class Every:
    """All parts hold; without parts: always."""

    parts: tuple[Condition, ...] = ()


@dataclass(frozen=True, slots=True)
class Some:
    """At least one part holds."""

    parts: tuple[Condition, ...]


Condition = Compare | Every | Some


def condition(where: Mapping[str, Any] | None) -> Every:
    """Read a filter: `{"lang": "en", "year": {"$gte": 2020}, "$or": [{...}, {...}]}`; all entries must hold.

    Errors: InputInvalidError.
    """
    parts = _parts(where or {}, DEPTH_LIMIT)
    if _size(parts) > CONDITION_LIMIT:
        raise InputInvalidError(f"A filter has at most {CONDITION_LIMIT} conditions.")
    return parts


def check_name(name: str) -> str:
    """Return the name of a collection. Errors: InputInvalidError."""
    if not 0 < len(name) <= NAME_LIMIT_CHARS or not name.isprintable() or name != name.strip():
        raise InputInvalidError(
            f"{name[:100]!r} is no name of a collection: 1 to {NAME_LIMIT_CHARS} printable characters."
        )
    return name


def check_vector(vector: Any, dimension: int | None = None) -> list[float]:
    """Return a vector as numbers. Errors: InputInvalidError: no numbers, none but zeros, not of this dimension."""
    if not isinstance(vector, Sequence) or isinstance(vector, str):
        raise InputInvalidError("A vector is a list of numbers.")
    if not 0 < len(vector) <= DIMENSION_LIMIT:
        raise InputInvalidError(f"A vector has 1 to {DIMENSION_LIMIT} numbers, this one has {len(vector)}.")
    if dimension is not None and len(vector) != dimension:
        raise InputInvalidError(
            f"This vector has {len(vector)} numbers, those of the collection have {dimension}: use the model that made "
            "them, or another collection."
        )
    if not all(type(number) in (int, float) and math.isfinite(number) for number in vector):
        raise InputInvalidError("A vector holds finite numbers, nothing else.")
    if not any(vector):
        raise InputInvalidError("A vector of zeros points nowhere; the text behind it may be empty.")
    return [float(number) for number in vector]


def check_document(document: Document, dimension: int | None = None) -> Document:
    """Return the document with its vector as numbers. Errors: InputInvalidError."""
    if not 0 < len(document.id) <= 200 or "\0" in document.id or document.id != _whole(document.id):
        raise InputInvalidError("The id of a document has 1 to 200 characters.")
    if len(document.text) > TEXT_LIMIT_CHARS:
        raise InputInvalidError(
            f"The text of document {document.id!r} has {len(document.text):,} characters, the limit is "
            f"{TEXT_LIMIT_CHARS:,}: cut it into chunks."
        )
    if len(str(document.metadata)) > METADATA_LIMIT_BYTES:
        raise InputInvalidError(
            f"The metadata of document {document.id!r} is over {METADATA_LIMIT_BYTES:,} characters."
        )
    return Document(
        id=document.id,
        text=_whole(document.text),
        vector=check_vector(document.vector, dimension),
        metadata=document.metadata,
    )


def _whole(text: str) -> str:
    """A text without halves of characters, which JSON can carry and databases cannot."""
    return text.encode("utf-8", "replace").decode()


def _parts(where: Any, depth: int) -> Every:
    if not isinstance(where, Mapping):
        raise InputInvalidError(f"A filter is an object of conditions, not {str(where)[:100]!r}.")
    if depth == 0:
        raise InputInvalidError(f"A filter is nested at most {DEPTH_LIMIT} deep.")
    found: list[Condition] = []
    for name, value in where.items():
        if name in ("$and", "$or"):
            if not isinstance(value, Sequence) or isinstance(value, str) or not value:
                raise InputInvalidError(f"{name!r} takes a list of filters.")
            inner = tuple(_parts(part, depth - 1) for part in value)
            found.append(Every(inner) if name == "$and" else Some(inner))
        elif name.startswith("$"):
            raise InputInvalidError(
                f"{name!r} is no part of a filter; there are $and, $or and names of fields."
            )
        else:
            found += _compares(name, value)
    return Every(tuple(found))


def _compares(name: str, value: Any) -> list[Condition]:
    if not 0 < len(name) <= 200 or "\0" in name:
        raise InputInvalidError("The name of a field in a filter has 1 to 200 characters.")
    given = value if isinstance(value, Mapping) else {"$eq": value}
    found: list[Condition] = []
    for sign, operand in given.items():
        operator = next((each for each in _OPERATORS if each == sign), None)
        if operator is None:
            raise InputInvalidError(f"{sign!r} compares nothing; there are {', '.join(_OPERATORS)}.")
        found.append(Compare(name, operator, _operand(operator, operand)))
    return found


def _operand(operator: str, value: Any) -> Any:
    if operator in _LISTED:
        if not isinstance(value, list) or not 0 < len(value) <= 1_000 or not all(map(_is_scalar, value)):
            raise InputInvalidError(f"{operator!r} takes a list of 1 to 1,000 texts, numbers or booleans.")
    elif operator == "$exists":
        if not isinstance(value, bool):
            raise InputInvalidError("'$exists' takes true or false.")
    elif operator in _ORDERED and isinstance(value, bool):
        raise InputInvalidError(f"{operator!r} takes a number or a text.")
    elif not _is_scalar(value):
        raise InputInvalidError(f"{operator!r} takes a text, a number or a boolean.")
    return value


def _is_scalar(value: Any) -> bool:
    if isinstance(value, str):
        return len(value) <= 1_000 and "\0" not in value
    return isinstance(value, (int, float)) and math.isfinite(value)  # a bool is an int


def _size(part: Condition) -> int:
    return 1 if isinstance(part, Compare) else sum(map(_size, part.parts))
