"""Pages about blocks, one a family: what each does, its pins, an example from its samples. Made from the blocks alone."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from typing import Any

from millstream.processors.runnable import Block
from millstream.processors.samples import Sample

INDEX = "README.md"
DEFAULT_LIMIT_CHARS = 60
VALUE_LIMIT_CHARS = 400
MADE = "Made by `millstream documents` from the blocks; the manual is [blocks](../blocks.md)."


def pages(blocks: Iterable[Block]) -> dict[str, str]:
    """Return file name -> text: a page for each module, and one that lists them."""
    families: dict[str, list[Block]] = {}
    for block in blocks:
        families.setdefault(block.module, []).append(block)
    named = {module.rpartition(".")[2]: found for module, found in sorted(families.items())}
    found = {f"{name}.md": _page(name, family) for name, family in named.items()}
    return {INDEX: _index(named), **found}


def _index(families: dict[str, list[Block]]) -> str:
    count = sum(len(family) for family in families.values())
    lines = ["# The blocks", "", f"{count} blocks in {len(families)} families. {MADE}", ""]
    for name, family in families.items():
        lines += [f"## [{_title(name)}]({name}.md)", "", "| block | what it does |", "| --- | --- |"]
        for block in family:
            link = f"[{block.spec.name}]({name}.md#{block.spec.name.lower()})"
            lines.append(f"| {link} | {_cell(_first_sentence(block.spec.description))} |")
        lines.append("")
    return "\n".join(lines)


def _page(name: str, family: list[Block]) -> str:
    about = (sys.modules[family[0].module].__doc__ or "").strip().partition("\n\n")[0]
    lines = [f"# {_title(name)}", "", " ".join(about.split()), "", MADE, ""]
    for block in family:
        lines += _block(block)
    return "\n".join(lines).rstrip() + "\n"


def _block(block: Block) -> list[str]:
    spec = block.spec
    facts = [f"Id `{spec.id}`", f"lane `{spec.lane}`"]
    facts += [f"kind {spec.kind}"] if spec.kind != "Standard" else []
    facts += ["its output is kept for later"] if spec.static_output else []
    facts += ["sensitive"] if spec.sensitive else []
    facts += ["never run twice"] if not spec.repeatable else []
    facts += [f"{spec.retry.retries} retries"] if spec.retry else []
    facts += [f"about {cost.microusd / 1e6:g} USD a {cost.per}" for cost in spec.costs]
    lines = [f"## {spec.name}", "", spec.description, "", f"{', '.join(facts)}.", ""]
    lines += _pins("input", spec.input_schema) + _pins("output", spec.output_schema)
    return lines + _example(block)


def _pins(side: str, schema: dict[str, Any]) -> list[str]:
    shown = {
        pin: prop for pin, prop in schema["properties"].items() if pin != "error" and not prop.get("hidden")
    }
    if not shown:
        return []
    definitions = schema.get("$defs", {})
    default = " default |" if side == "input" else ""
    lines = [
        f"| {side} | type |{default} what it is |",
        "| --- | --- |" + (" --- |" if default else "") + " --- |",
    ]
    for pin, prop in shown.items():
        row = f"| `{pin}` | {_cell(type_of(prop, definitions))} |"
        if default:
            row += f" {_default(pin, prop, schema)} |"
        lines.append(f"{row} {_cell(prop.get('description', ''))} |")
    return [*lines, ""]


def _default(pin: str, prop: dict[str, Any], schema: dict[str, Any]) -> str:
    if pin in schema["required"]:
        return "required"
    if prop.get("default") is None:
        return ""
    text = json.dumps(prop["default"], ensure_ascii=False)
    return f"`{_cell(text)}`" if len(text) <= DEFAULT_LIMIT_CHARS and "`" not in text else "see the form"


def type_of(prop: dict[str, Any], definitions: dict[str, Any]) -> str:
    """Return a type in words: `list of text`, `"a" or "b"`, `number or null`."""
    if "$ref" in prop:
        return type_of(definitions.get(str(prop["$ref"]).rpartition("/")[2], {}), definitions)
    if "credentials_provider" in prop:
        return "credentials: " + ", ".join(prop["credentials_provider"])
    if "enum" in prop or "const" in prop:
        values = [json.dumps(value) for value in prop.get("enum", [prop.get("const")])]
        return " or ".join(values) if len(values) <= 8 else f"one of {len(values)} choices"
    if choices := prop.get("anyOf") or prop.get("oneOf"):
        return " or ".join(dict.fromkeys(type_of(choice, definitions) for choice in choices))
    kind = prop.get("type", "anything")
    if kind == "array":
        return f"list of {type_of(prop.get('items', {}), definitions)}"
    if kind == "object":
        return "object"
    if kind == "string":
        return {
            "file": "file",
            "date": "date",
            "time": "time",
            "markdown": "Markdown",
            "password": "secret",
        }.get(prop.get("format", ""), "text")
    return str(kind)


def _example(block: Block) -> list[str]:
    good = [sample for sample in block.samples if not sample.raises and sample.emits]
    plain = [sample for sample in good if all(_is_shown(value) for _, value in sample.emits)]
    if not good:
        return [f"No example: {block.no_samples}.", ""] if block.no_samples else []
    sample = (plain or good)[0]
    return ["```json", *_shown(sample), "```", ""]


def _is_shown(value: Any) -> bool:
    try:
        json.dumps(value)
    except TypeError:
        return False
    return True


def _shown(sample: Sample) -> list[str]:
    lines = [f'{{"inputs": {_value(dict(sample.inputs))},', ' "outputs": [']
    emits = [f"  [{json.dumps(pin)}, {_value(value)}]" for pin, value in sample.emits[:6]]
    more = [f"  ... {len(sample.emits) - 6} more"] if len(sample.emits) > 6 else []
    return [*lines, *(f"{line}," for line in emits[:-1]), *emits[-1:], *more, " ]}"]


def _value(value: Any) -> str:
    if not _is_shown(value):
        return '"..."'
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= VALUE_LIMIT_CHARS else text[:VALUE_LIMIT_CHARS] + '..."'


def _title(name: str) -> str:
    return name.replace("_", " ").capitalize()


def _first_sentence(text: str) -> str:
    return text.partition("\n\n")[0].partition(". ")[0].rstrip(".") + "."


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|").replace("<", "&lt;")
