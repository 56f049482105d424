"""Objects, which AutoGPT calls dictionaries. No block changes the one that it is given."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator
from typing import Any

from millstream.processors.annotations import EMPTY, Advanced, Emit, Outputs
from millstream.processors.samples import Sample
from millstream.processors.sdk import block
from millstream.schemas.errors import BlockExecutionError


class Made(Outputs):
    """Pins of CreateDictionaryBlock."""

    dictionary: dict[str, Any]


@block(
    id="b924ddf4-de4f-4b56-9a85-358930dcbc91",
    name="CreateDictionaryBlock",
    categories=("DATA",),
    samples=[Sample({"values": {"a": 1}}, [("dictionary", {"a": 1})])],
)
async def create_dictionary(values: dict[str, Any]) -> AsyncIterator[Emit[Made]]:
    """Gather values under keys; link each to a pin of its own.

    values: The values by key.
    dictionary: The object made.
    """
    yield "dictionary", values


class Updated(Outputs):
    """Pin of AddToDictionaryBlock."""

    updated_dictionary: dict[str, Any]


@block(
    id="31d1064e-7446-4693-a7d4-65e5ca1180d1",
    name="AddToDictionaryBlock",
    categories=("BASIC",),
    samples=[
        Sample({"dictionary": {"a": 1}, "key": "b", "value": 2}, [("updated_dictionary", {"a": 1, "b": 2})]),
        Sample({"dictionary": {"a": 1}, "key": "", "value": 2}, [("updated_dictionary", {"a": 1})]),
        Sample(
            {"key": "b", "value": 0, "entries": {"b": 3, "c": 4}}, [("updated_dictionary", {"b": 3, "c": 4})]
        ),
    ],
)
async def add_to_dictionary(
    dictionary: dict[str, Any] = EMPTY,
    key: str = "",
    value: Any = None,
    entries: Advanced[dict[str, Any]] = EMPTY,
) -> AsyncIterator[Emit[Updated]]:
    """Add one key, several keys, or both.

    dictionary: The object to add to.
    key: The key; nothing is added under an empty one.
    value: Its value; null adds nothing.
    entries: More keys and values, added last.
    updated_dictionary: A copy with what was added.
    """
    added = {key: value} if key and value is not None else {}
    yield "updated_dictionary", {**dictionary, **added, **entries}


class Found(Outputs):
    """Pins of FindInDictionaryBlock."""

    output: Any
    missing: Any


@block(
    id="0e50422c-6dee-4145-83d6-3a5a392f65de",
    name="FindInDictionaryBlock",
    categories=("BASIC",),
    samples=[
        Sample({"input": {"a": 1}, "key": "a"}, [("output", 1)]),
        Sample({"input": {"a": 1}, "key": "b"}, [("missing", {"a": 1})]),
        Sample({"input": ["x", "y"], "key": 1}, [("output", "y")]),
        Sample({"input": ["x"], "key": 1}, [("missing", ["x"])]),
        Sample({"input": [{"a": 1}, {"b": 2}, {"a": 3}], "key": "a"}, [("output", [1, 3])]),
        Sample({"input": '{"a": 1}', "key": "a"}, [("output", 1)]),
        Sample({"input": "nonsense", "key": "a"}, raises="block_failed"),
    ],
)
async def find_in_dictionary(input_: Any, key: str | int) -> AsyncIterator[Emit[Found]]:
    """Look up a key: in an object, as an index in a list, or in each object of a list.

    input: An object, a list, or JSON text of one.
    key: The key, or the index.
    output: What is there; of a list of objects the values of those that have the key.
    missing: The input, if nothing is there.
    """
    value = input_
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except ValueError as error:
            raise BlockExecutionError(f"The text is no JSON: {error}.") from error
    if isinstance(value, dict) and key in value:
        yield "output", value[str(key)]
    elif isinstance(value, list) and isinstance(key, int) and 0 <= key < len(value):
        yield "output", value[key]
    elif (
        isinstance(value, list)
        and isinstance(key, str)
        and (not value or any(isinstance(v, dict) for v in value))
    ):
        yield "output", [one[key] for one in value if isinstance(one, dict) and key in one]
    elif (
        isinstance(value, list)
        and isinstance(key, str)
        and re.fullmatch(r"\d{1,9}", key)
        and int(key) < len(value)
    ):
        yield "output", value[int(key)]
    else:
        yield "missing", input_


class Removed(Outputs):
    """Pins of RemoveFromDictionaryBlock."""

    updated_dictionary: dict[str, Any]
    removed_value: Any


@block(
    id="46afe2ea-c613-43f8-95ff-6692c3ef6876",
    name="RemoveFromDictionaryBlock",
    categories=("BASIC",),
    samples=[
        Sample({"dictionary": {"a": 1, "b": 2}, "key": "a"}, [("updated_dictionary", {"b": 2})]),
        Sample(
            {"dictionary": {"a": None}, "key": "a", "return_value": True},
            [("updated_dictionary", {}), ("removed_value", None)],
        ),
        Sample({"dictionary": {"a": 1}, "key": "z"}, raises="block_failed"),
    ],
)
async def remove_from_dictionary(
    dictionary: dict[str, Any], key: str | int, return_value: Advanced[bool] = False
) -> AsyncIterator[Emit[Removed]]:
    """Take a key out of an object; it has to be there.

    dictionary: The object to take from.
    key: The key.
    return_value: Give the value taken out, too.
    updated_dictionary: A copy without the key.
    removed_value: The value that was there.
    """
    _require(dictionary, key)
    yield "updated_dictionary", {name: value for name, value in dictionary.items() if name != key}
    if return_value:
        yield "removed_value", dictionary[str(key)]


class Replaced(Outputs):
    """Pins of ReplaceDictionaryValueBlock."""

    updated_dictionary: dict[str, Any]
    old_value: Any


@block(
    id="27e31876-18b6-44f3-ab97-f6226d8b3889",
    name="ReplaceDictionaryValueBlock",
    categories=("BASIC",),
    samples=[
        Sample(
            {"dictionary": {"a": 1}, "key": "a", "value": 2},
            [("updated_dictionary", {"a": 2}), ("old_value", 1)],
        ),
        Sample({"dictionary": {}, "key": "a", "value": 2}, raises="block_failed"),
    ],
)
async def replace_dictionary_value(
    dictionary: dict[str, Any], key: str | int, value: Any
) -> AsyncIterator[Emit[Replaced]]:
    """Change the value of a key that is there.

    dictionary: The object to change.
    key: The key.
    value: Its new value.
    updated_dictionary: A copy with the new value.
    old_value: The value that was there.
    """
    _require(dictionary, key)
    yield "updated_dictionary", {**dictionary, str(key): value}
    yield "old_value", dictionary[str(key)]


def _require(dictionary: dict[str, Any], key: str | int) -> None:
    if key not in dictionary:
        raise BlockExecutionError(f"Key '{key}' not found in dictionary")


class Emptiness(Outputs):
    """Pin of DictionaryIsEmptyBlock."""

    is_empty: bool


@block(
    id="a3cf3f64-6bb9-4cc6-9900-608a0b3359b0",
    name="DictionaryIsEmptyBlock",
    categories=("BASIC",),
    samples=[
        Sample({"dictionary": {}}, [("is_empty", True)]),
        Sample({"dictionary": {"a": None}}, [("is_empty", False)]),
    ],
)
async def dictionary_is_empty(dictionary: dict[str, Any]) -> AsyncIterator[Emit[Emptiness]]:
    """Tell whether an object has no keys.

    dictionary: The object.
    is_empty: Whether it is empty.
    """
    yield "is_empty", not dictionary
