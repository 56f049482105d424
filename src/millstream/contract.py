"""What every block keeps to, as far as its form shows it: texts for people, schemas, pins, samples, migrations.

`millstream block test` and our own tests ask this of all blocks; `trials` asks the rest by running them.
"""

from __future__ import annotations

import json
from typing import Any

import jsonschema_rs

from millstream.processors.definitions import Problem
from millstream.processors.runnable import Block

__all__ = ["Problem", "rules"]

PLAIN_OUTPUT_KINDS = frozenset({"Input", "Output", "Agent"})
"""Kinds without the pin `error`."""


def rules(block: Block) -> list[Problem]:
    """Return what is wrong with the form of a block, with its place and what mends it."""
    found: list[tuple[str, str]] = []
    for rule in (_texts, _schemas, _defaults, _outputs, _samples, _migration):
        found += rule(block)
    return [
        Problem(where=block.where, what=f"{block.spec.name}: {what}", remedy=remedy) for what, remedy in found
    ]


def _texts(block: Block) -> list[tuple[str, str]]:
    spec, found = block.spec, []
    if not spec.description.strip():
        found.append(("it does not say what it does.", "Give the function a docstring."))
    if not spec.name.endswith("Block"):
        found.append(("its name does not end in `Block`.", "Leave `name` out, or end it so."))
    for side, schema in (("input", spec.input_schema), ("output", spec.output_schema)):
        bare = [
            pin
            for pin, prop in schema["properties"].items()
            if pin != "error" and not prop.get("hidden") and not prop.get("description")
        ]
        if bare:
            lines = ", ".join(f"`{pin}: ...`" for pin in bare)
            found.append(
                (
                    f"nothing says what its {side} pins {', '.join(bare)} are.",
                    f"Add to the docstring: {lines}.",
                )
            )
    return found


def _schemas(block: Block) -> list[tuple[str, str]]:
    found = []
    for side in ("input_schema", "output_schema"):
        schema = getattr(block.spec, side)
        try:
            jsonschema_rs.meta.validate(schema)
            if json.loads(json.dumps(schema)) != schema:
                raise ValueError("it is not plain JSON")
        except ValueError as error:
            found.append(
                (
                    f"its {side} is no JSON Schema: {str(error)[:200]}.",
                    "Use types that pydantic has schemas for.",
                )
            )
    return found


def _defaults(block: Block) -> list[tuple[str, str]]:
    schema, found = block.spec.input_schema, []
    for pin, prop in schema["properties"].items():
        free = prop.get("type") in ("array", "object")
        if pin not in schema["required"] and "default" not in prop and not free:
            found.append((f"pin `{pin}` may be left out and has no default.", "Give it one."))
        elif prop.get("default") is not None and not _fits(prop, schema, prop["default"]):
            found.append(
                (f"the default of pin `{pin}` is not what the pin takes.", "Change the default or the type.")
            )
    return found


def _fits(prop: dict[str, Any], schema: dict[str, Any], value: Any) -> bool:
    return bool(jsonschema_rs.is_valid({**prop, "$defs": schema.get("$defs", {})}, value))


def _outputs(block: Block) -> list[tuple[str, str]]:
    pins, kind = block.spec.output_schema["properties"], block.spec.kind
    found = []
    if ("error" in pins) == (kind in PLAIN_OUTPUT_KINDS):
        what = "has no pin `error`" if "error" not in pins else "has a pin `error`, which its kind has not"
        found.append((f"it {what}.", "Leave that pin to the SDK."))
    if not [pin for pin in pins if pin != "error"] and kind not in ("Agent", "Note"):
        found.append(("it has no output pin.", "Return something, or yield on named pins."))
    return found


def _samples(block: Block) -> list[tuple[str, str]]:
    if block.samples or block.no_samples or block.spec.kind == "Note":
        return []
    return [
        (
            "it has no samples.",
            'Add `samples=[Sample({"pin": ...}, [("result", ...)])]`, or say why there are none: '
            '`no_samples="asks a mail server"`.',
        )
    ]


def _migration(block: Block) -> list[tuple[str, str]]:
    """Constants of today stay as they are, even if the node does not say its version."""
    if block.migrate is None:
        return []
    for sample in block.samples:
        if not sample.raises and block.migrate(dict(sample.inputs), block.spec.version) != dict(
            sample.inputs
        ):
            return [
                (
                    "its migration changes what is in today's form already.",
                    "Look at the version that it is given, and leave what is right alone.",
                )
            ]
    return []
