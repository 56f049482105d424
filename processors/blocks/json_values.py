"""JSON values: merge, patch, compare, flatten, check against a schema."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import Field

from millstream.processors import json_tools
from millstream.processors.annotations import Advanced
from millstream.processors.samples import Sample
from millstream.processors.sdk import block
from millstream.schemas.errors import BlockInputError

PROBLEMS_LIMIT = 200


@block(
    categories=("DATA",),
    timeout_s=30,
    samples=[
        Sample(
            {"objects": [{"a": {"x": 1}, "l": [1]}, {"a": {"y": 2}, "l": [2]}]},
            [("result", {"a": {"x": 1, "y": 2}, "l": [2]})],
        ),
        Sample({"objects": [{"l": [1, 2]}, {"l": [2, 3]}], "lists": "union"}, [("result", {"l": [1, 2, 3]})]),
        Sample({"objects": []}, [("result", {})]),
    ],
)
def merge_objects(
    objects: list[dict[str, Any]], lists: Advanced[Literal["replace", "append", "union"]] = "replace"
) -> dict[str, Any]:
    """Lay objects over each other, level by level: what comes later wins.

    objects: The objects, in order.
    lists: What becomes of two lists in the same place; `union` leaves out repeats.
    result: One object.
    """
    made: dict[str, Any] = {}
    for one in objects:
        made = json_tools.merged(made, one, lists)
    return made


@block(
    categories=("DATA",),
    timeout_s=30,
    samples=[
        Sample(
            {
                "value": {"a": [1, 2]},
                "patch": [
                    {"op": "add", "path": "/a/1", "value": 9},
                    {"op": "move", "from": "/a/0", "path": "/b"},
                ],
            },
            [("result", {"a": [9, 2], "b": 1})],
        ),
        Sample({"value": {"a": 1, "b": 2}, "patch": {"a": None, "c": 3}}, [("result", {"b": 2, "c": 3})]),
        Sample({"value": {}, "patch": [{"op": "remove", "path": "/x"}]}, raises="block_failed"),
        Sample({"value": {}, "patch": [{"op": "remove", "path": "x"}]}, raises="block_input_invalid"),
        Sample({"value": {}, "patch": "x"}, raises="block_input_invalid"),
    ],
)
def patch_json(value: Any, patch: Any) -> Any:
    """Change a value by a patch: a list of operations is a JSON Patch (RFC 6902), an object is a merge patch (RFC
    7396), in which null takes a key away. Either all of a patch is done, or none.

    value: The value.
    patch: The patch.
    result: The changed value.
    """
    if isinstance(patch, list):
        return json_tools.patched(value, patch)
    if isinstance(patch, dict):
        return json_tools.merge_patched(value, patch)
    raise BlockInputError("The patch has to be a list of operations or an object.")


@dataclass
class Compared:
    """Pins of CompareJsonBlock."""

    equal: bool
    changes: list[dict[str, Any]]
    count: int


@block(
    categories=("DATA", "LOGIC"),
    timeout_s=30,
    samples=[
        Sample(
            {"before": {"a": 1, "b": [1, 2]}, "after": {"a": 2, "b": [1], "c/d": None}},
            [
                ("equal", False),
                (
                    "changes",
                    [
                        {"op": "replace", "path": "/a", "value": 2, "old": 1},
                        {"op": "remove", "path": "/b/1", "old": 2},
                        {"op": "add", "path": "/c~1d", "value": None},
                    ],
                ),
                ("count", 3),
            ],
        ),
        Sample({"before": 1, "after": 1.0}, [("equal", True), ("changes", []), ("count", 0)]),
    ],
)
def compare_json(before: Any = None, after: Any = None) -> Compared:
    """Tell what changed from one value to another.

    before: The old value.
    after: The new value.
    equal: Whether they are the same.
    changes: A JSON Patch (RFC 6902) that makes the new value of the old one, with `old` values.
    count: How many changes.
    """
    found = json_tools.changes(before, after)
    return Compared(not found, found, len(found))


@block(
    categories=("DATA",),
    timeout_s=30,
    samples=[
        Sample(
            {"value": {"a": {"b": [1, {"c": 2}]}, "d": {}}}, [("result", {"a.b.0": 1, "a.b.1.c": 2, "d": {}})]
        ),
        Sample({"value": {"a.b": 1, "a": {"b": 2}}}, raises="block_input_invalid"),
    ],
)
def flatten_object(
    value: dict[str, Any], separator: Annotated[str, Field(min_length=1, max_length=10)] = "."
) -> dict[str, Any]:
    """Make one level of an object of many, such as to get a row of a table.

    value: The object.
    separator: What stands between the keys.
    result: The object with one level.
    """
    return json_tools.flattened(value, separator)


@block(
    categories=("DATA",),
    timeout_s=30,
    samples=[
        Sample({"value": {"a.b.0": 1, "a.b.1": 2, "c": 3}}, [("result", {"a": {"b": [1, 2]}, "c": 3})]),
        Sample({"value": {"a": 1, "a.b": 2}}, raises="block_input_invalid"),
    ],
)
def unflatten_object(
    value: dict[str, Any], separator: Annotated[str, Field(min_length=1, max_length=10)] = "."
) -> Any:
    """Make levels of an object that has one: the way back from `FlattenObjectBlock`.

    value: The object with one level.
    separator: What stands between the keys.
    result: The object with levels; keys 0, 1, 2 ... make a list.
    """
    return json_tools.nested(value, separator)


@dataclass
class Checked:
    """Pins of ValidateJsonBlock."""

    valid: bool
    valid_value: Any
    invalid_value: Any
    problems: list[dict[str, str]]


_PERSON = {"type": "object", "properties": {"age": {"type": "integer", "minimum": 0}}, "required": ["name"]}


@block(
    categories=("DATA", "LOGIC"),
    timeout_s=30,
    samples=[
        Sample(
            {"value": {"name": "Ann", "age": 1}, "schema": _PERSON},
            [("valid", True), ("valid_value", {"name": "Ann", "age": 1}), ("problems", [])],
        ),
        Sample(
            {"value": {"age": -1}, "schema": _PERSON},
            [("valid", False), ("invalid_value", {"age": -1}), ("problems", lambda found: len(found) == 2)],
        ),
        Sample({"value": 1, "schema": {"type": "nothing"}}, raises="block_input_invalid"),
        Sample({"value": 1, "schema": {"$ref": "http://127.0.0.1:1/x"}}, raises="block_input_invalid"),
        Sample({"value": 1, "schema": {"$ref": "file:///etc/passwd"}}, raises="block_input_invalid"),
    ],
)
def validate_json(value: Any = None, schema: Any = True) -> Checked:
    """Check a value against a JSON Schema, and send it one way or the other.

    value: The value.
    schema: The schema; references lead within it only.
    valid: Whether the value fits.
    valid_value: The value, if it fits.
    invalid_value: The value, if it does not.
    problems: What does not fit: `path` (a JSON pointer) and `reason`.
    """
    import jsonschema_rs

    def refused(uri: str) -> Any:
        raise ValueError(f"the reference {uri[:200]} leads out of the schema")

    try:
        validator: Any = jsonschema_rs.validator_for(schema, retriever=refused)
    except (ValueError, TypeError, RecursionError) as error:
        reason = str(error).partition("\n")[0][:500]
        raise BlockInputError(f"The schema is not right: {reason}.") from error
    problems = []
    for misfit in validator.iter_errors(value):
        path = json_tools.pointer_of(tuple(misfit.instance_path))
        problems.append({"path": path, "reason": str(misfit.message)[:500]})
        if len(problems) >= PROBLEMS_LIMIT:
            break
    fits = not problems
    return Checked(fits, value if fits else None, None if fits else value, problems)
