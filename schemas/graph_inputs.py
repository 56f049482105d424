"""Whether inputs are provided: rules about one node, and about the nodes that a run begins with."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from millstream.schemas.blocks import BlockSpec
from millstream.schemas.graph import Node, SubGraph
from millstream.schemas.graph_ids import PICKED
from millstream.schemas.graph_links import Specs, incoming, properties, required, starting_nodes
from millstream.schemas.graph_problems import Problem
from millstream.schemas.pins import base_name

Mask = Mapping[str, Any]
"""Values by pin that a run lays over whatever else a node gets."""

Fields = Mapping[str, Mapping[str, Any]]
"""Properties of a block's input schema, by pin."""

PICKER: Final = "auto_credentials"
"""Key of a field whose value comes from a picker, together with the credential that opens it."""
CHECKED_AT_SAVE: Final = frozenset({"Input", "Output", "Agent"})
"""Kinds whose required inputs a graph must provide to be saved; for a run all kinds must have theirs."""
WEBHOOKS: Final = frozenset({"Webhook", "Webhook (manual)"})
PAYLOAD: Final = "payload"
"""What a trigger gives to the node that it starts, by mask."""
SERVER_FILLED: Final = {"Agent": frozenset({"user_id", "inputs"})}
"""Inputs that `graph_ids.create` fills in, so that a graph may be checked before or after it."""
OWN_SCHEMA: Final = {
    "Agent": ("input_schema", "inputs", "agent_input_missing", "The agent"),
    "MCP Tool": ("tool_input_schema", "tool_arguments", "tool_argument_missing", "The tool"),
}
"""Kinds whose nodes carry a schema of their own: its pin, the pin of the constants for it, code and noun."""


def is_credentials_pin(name: str) -> bool:
    """Tell whether `name` is one that only credentials may have: `credentials` or `*_credentials`."""
    return name == "credentials" or name.endswith("_credentials")


def node_problems(
    node: Node, spec: BlockSpec, *, linked: Sequence[str], mask: Mask, for_run: bool
) -> Iterator[Problem]:
    """Find what the node lacks, by default, link (`linked`: the names of its linked pins) or mask.

    At save (`for_run=False`) only Input, Output and Agent nodes must be complete. Notes need nothing: they
    never run.
    """
    if spec.kind == "Note":
        return
    provided = {base_name(pin) for pins in (node.input_default, linked, mask) for pin in pins}
    if spec.kind in ("Input", "Output"):
        yield from _name(node, spec)
    if for_run or spec.kind in CHECKED_AT_SAVE:
        yield from _required(node, spec, provided)
    if for_run and spec.kind in OWN_SCHEMA:
        yield from _own_schema(node, spec, provided)
    yield from _dependencies(node, spec, mask, for_run)
    yield from _pickers(node, spec, {base_name(pin) for pin in linked}, mask, for_run)


def _name(node: Node, spec: BlockSpec) -> Iterator[Problem]:
    """The name is a constant: the schema of the graph's inputs and outputs is made of it."""
    name = node.input_default.get("name")
    if not isinstance(name, str) or not name.strip():
        reason = f"{spec.name} has no name, or a blank one; set `name` to a text (a link into it is no name)."
        yield _problem(node, "name", "name_missing", reason)
    elif spec.kind == "Input" and is_credentials_pin(name):
        reason = f"{name!r} is reserved: `credentials` and `*_credentials` mean credentials; choose another."
        yield _problem(node, "name", "name_reserved", reason)


def _required(node: Node, spec: BlockSpec, provided: set[str]) -> Iterator[Problem]:
    exempt = set(SERVER_FILLED.get(spec.kind, ()))
    if spec.kind in WEBHOOKS:
        exempt.add(PAYLOAD)
    if spec.kind in ("Input", "Output"):
        exempt.add("name")
    fields = properties(spec.input_schema)
    for pin in required(spec.input_schema):
        if pin not in provided and pin not in exempt and not _is_credentials(pin, fields):
            reason = f"{spec.name} needs {pin!r}, which has no constant and no link; set it or link it."
            yield _problem(node, pin, "input_required", reason)


def _is_credentials(pin: str, fields: Fields) -> bool:
    return is_credentials_pin(pin) or "credentials_provider" in fields.get(pin, {})


def _own_schema(node: Node, spec: BlockSpec, provided: set[str]) -> Iterator[Problem]:
    schema, constants, code, noun = OWN_SCHEMA[spec.kind]
    given = node.input_default.get(constants)
    there = provided | set(given) if isinstance(given, dict) else provided
    for pin in required(node.input_default.get(schema)):
        if pin not in there:
            reason = f"{noun} needs {pin!r}, which is not in `{constants}` and not linked; set it or link it."
            yield _problem(node, pin, code, reason)


def _dependencies(node: Node, spec: BlockSpec, mask: Mask, for_run: bool) -> Iterator[Problem]:
    """A field with a value, or that must have one, may need others: to make sense, to choose a provider."""
    fields = properties(spec.input_schema)
    must = set(required(spec.input_schema))
    for pin, field in fields.items():
        needs = _needs(field, for_run)
        if not needs or not (pin in must or _has_value(node, pin, fields, mask)):
            continue
        if missing := [need for need in needs if not _has_value(node, need, fields, mask)]:
            names = ", ".join(map(repr, missing))
            yield _problem(
                node, pin, "dependency_missing", f"{pin!r} of {spec.name} needs {names} to be set; set it."
            )


def _needs(field: Mapping[str, Any], for_run: bool) -> list[str]:
    needs = list(field.get("depends_on") or ()) if for_run else []
    discriminator = field.get("discriminator")  # of JSON Schema's own kind it is an object
    return [*needs, discriminator] if isinstance(discriminator, str) else needs


def _has_value(node: Node, pin: str, fields: Fields, mask: Mask) -> bool:
    """A constant that is not blank, a default of the schema, or a mask. A link comes too late to count."""
    constant = node.input_default.get(pin)
    if constant is not None and (not isinstance(constant, str) or constant.strip()):
        return True
    return fields.get(pin, {}).get("default") is not None or mask.get(pin) is not None


def _pickers(node: Node, spec: BlockSpec, linked: set[str], mask: Mask, for_run: bool) -> Iterator[Problem]:
    """What a picker made carries the credential that opens it; without one the node would fail at run."""
    must = set(required(spec.input_schema))
    optional = node.metadata.get("credentials_optional") is True
    for pin, field in properties(spec.input_schema).items():
        if PICKER not in field or pin in linked:
            continue
        values = {**node.input_default, **mask}
        if pin not in values or (values[pin] is None and not (for_run and pin in must and not optional)):
            continue  # not picked yet; whether it is required is asked elsewhere
        if _is_picked(values[pin]):
            continue
        reason = f"{pin!r} of {spec.name} is no picked file with its credential; pick it again or link it."
        yield _problem(node, pin, "picker_invalid", reason)


def _is_picked(value: Any) -> bool:
    credential = value.get(PICKED) if isinstance(value, dict) else None
    return isinstance(credential, str) and bool(credential.strip())


def start_problems(
    graph: SubGraph, specs: Specs, *, inputs: Mapping[str, Any], masks: Mapping[str, Mask]
) -> Iterator[Problem]:
    """Find why a run could not begin. Pins that are not provided at all are `node_problems`' to report."""
    links = incoming(graph)
    starting = starting_nodes(graph, specs)
    if not starting:
        reason = (
            "No node can start: each waits for a link. Add an Input node, or a node without links into it."
        )
        yield Problem(node=None, pin=None, code="no_starting_node", reason=reason)
    for node in starting:
        if spec := specs.get(node.block_id):
            linked = [link.sink_name for link in links.get(node.id, ())]
            mask = masks.get(node.id, {})
            yield from _start(node, spec, linked, {**_given(node, spec, inputs), **mask}, mask)


def _given(node: Node, spec: BlockSpec, inputs: Mapping[str, Any]) -> dict[str, Any]:
    """What the run's inputs mean for this node. A falsy value is a value."""
    name = node.input_default.get("name")
    return (
        {"value": inputs[name]} if spec.kind == "Input" and isinstance(name, str) and name in inputs else {}
    )


def _start(node: Node, spec: BlockSpec, linked: Iterable[str], given: Mask, mask: Mask) -> Iterator[Problem]:
    if spec.kind in WEBHOOKS and PAYLOAD not in mask:
        reason = f"{spec.name} starts on an event, not by hand; set up its trigger, or mask `payload`."
        yield _problem(node, PAYLOAD, "webhook_payload_missing", reason)
    for pin in linked:
        if pin not in given:
            reason = (
                f"{spec.name} starts the run, so the link into {pin!r} has brought nothing; remove the link."
            )
            yield _problem(node, pin, "linked_pin_unfed", reason)
    for pin, value in _needed(node, spec, given):
        if value is None:
            reason = f"{spec.name} starts the run and needs {pin!r}, which is null; give it a value."
            yield _problem(node, pin, "input_null", reason)


def _needed(node: Node, spec: BlockSpec, given: Mask) -> Iterator[tuple[str, Any]]:
    """The required pins of a starting node that have a plain value, with it."""
    values = {**node.input_default, **given}
    names = required(spec.input_schema)
    if spec.kind == "Agent":  # what counts is what the agent inside needs
        constants = node.input_default.get("inputs")
        values = {**(constants if isinstance(constants, dict) else {}), **given}
        names = required(node.input_default.get("input_schema"))
    fields = properties(spec.input_schema)
    elsewhere = {base_name(pin) for pin in values if base_name(pin) != pin}  # has parts on dynamic pins
    checked = {pin for pin in names if _is_credentials(pin, fields) or PICKER in fields.get(pin, {})}
    if spec.kind == "Input":
        checked.add("name")
    for pin in names:
        if pin in values and pin not in elsewhere | checked:
            yield pin, values[pin]


def _problem(node: Node, pin: str, code: str, reason: str) -> Problem:
    return Problem(node=node.id, pin=pin, code=code, reason=reason)
