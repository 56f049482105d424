"""Credentials of a graph: which nodes need them, under which names a run gives them, and what speaks against a choice.

A run names credentials once for all nodes that take the same: `openai_api_key_credentials` is for every pin whose providers
are `openai` and whose types are `api_key`. Source: AutoGPT's graph format, credentials.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from millstream.schemas.graph import Graph, Node, SubGraph
from millstream.schemas.graph_links import Specs, properties, required
from millstream.schemas.graph_problems import Problem

Choice = Mapping[str, Any]
"""`{"id", "provider", "type", "title"}`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CredentialsPin:
    """A credentials pin of one node."""

    graph: str | None
    """Id of the sub-graph; None: the graph itself."""
    node: str
    pin: str
    block: str
    providers: tuple[str, ...]
    types: tuple[str, ...]
    scopes: tuple[str, ...]
    needed: bool
    default: Any

    @property
    def name(self) -> str:
        """What a run calls them."""
        return f"{'-'.join(sorted(self.providers))}_{'-'.join(sorted(self.types))}_credentials"


def credentials_pins(graph: Graph, specs: Specs) -> list[CredentialsPin]:
    """Return all credentials pins, those of sub-graphs too."""
    return [
        pin for part in graph.all_graphs for pin in _pins(part, specs, None if part is graph else part.id)
    ]


def _pins(part: SubGraph, specs: Specs, graph_id: str | None) -> Iterator[CredentialsPin]:
    for node in part.nodes:
        spec = specs.get(node.block_id)
        if spec is None:
            continue
        must = set(required(spec.input_schema))
        optional = node.metadata.get("credentials_optional") is True
        for pin, field in properties(spec.input_schema).items():
            if not isinstance(field.get("credentials_provider"), list):
                continue
            yield CredentialsPin(
                graph=graph_id,
                node=node.id,
                pin=pin,
                block=spec.name,
                providers=_providers(node, field, properties(spec.input_schema)),
                types=tuple(field.get("credentials_types") or ()),
                scopes=tuple(field.get("credentials_scopes") or ()),
                needed=pin in must and not optional,
                default=None if optional else node.input_default.get(pin),
            )


def _providers(node: Node, field: Mapping[str, Any], fields: Mapping[str, Any]) -> tuple[str, ...]:
    """Another pin may choose the provider: that of the model that a node asks."""
    by, mapping = field.get("discriminator"), field.get("discriminator_mapping")
    if isinstance(by, str) and isinstance(mapping, dict):
        chosen = node.input_default.get(by, fields.get(by, {}).get("default"))
        if isinstance(chosen, str) and isinstance(mapping.get(chosen), str):
            return (mapping[chosen],)
    return tuple(field["credentials_provider"])


def credentials_schema(graph: Graph, specs: Specs) -> dict[str, Any]:
    """Return the JSON Schema of `credentials_inputs`: one property a name."""
    named: dict[str, list[CredentialsPin]] = {}
    for pin in credentials_pins(graph, specs):
        named.setdefault(pin.name, []).append(pin)
    return {
        "type": "object",
        "properties": {name: _schema(pins) for name, pins in named.items()},
        "required": [
            name
            for name, pins in named.items()
            if any(pin.needed and not _is_choice(pin.default) for pin in pins)
        ],
    }


def _schema(pins: list[CredentialsPin]) -> dict[str, Any]:
    first = pins[0]
    providers, types = sorted(first.providers), sorted(first.types)
    return {
        "type": "object",
        "title": pins[0].block,
        "properties": {
            "id": {"title": "Id", "type": "string"},
            "title": {"anyOf": [{"type": "string"}, {"type": "null"}], "default": None, "title": "Title"},
            "provider": {"title": "Provider", "type": "string", "enum": providers},
            "type": {"title": "Type", "type": "string", "enum": types},
        },
        "required": ["id", "provider", "type"],
        "credentials_provider": providers,
        "credentials_types": types,
        "credentials_scopes": sorted({scope for pin in pins for scope in pin.scopes}),
        "nodes": [{"graph": pin.graph, "node": pin.node, "pin": pin.pin} for pin in pins],
    }


def chosen_ids(graph: Graph, specs: Specs, given: Mapping[str, Any], masks: Mapping[str, Any]) -> set[str]:
    """Return the ids of all credentials that a run would use."""
    return {
        value["id"]
        for pin in credentials_pins(graph, specs)
        if _is_choice(value := _value(pin, given, masks))
    }


def choice_problems(
    graph: Graph,
    specs: Specs,
    *,
    given: Mapping[str, Any],
    masks: Mapping[str, Any],
    known: Mapping[str, Choice],
) -> list[Problem]:
    """Find what speaks against running with these choices. `known`: the credentials of the caller, by id."""
    pins = credentials_pins(graph, specs)
    names = {pin.name for pin in pins}
    found = [
        Problem(
            node=None,
            pin=name,
            code="credentials_name_unknown",
            reason=f"`credentials_inputs` names {name!r}, which this graph does not take.",
        )
        for name in given
        if name not in names
    ]
    for pin in pins:
        wrong = _wrong(pin, _value(pin, given, masks), known)
        if wrong is not None:
            code, reason = wrong
            found.append(Problem(node=pin.node, pin=pin.pin, code=code, reason=reason, graph=pin.graph))
    return found


def _wrong(pin: CredentialsPin, value: Any, known: Mapping[str, Choice]) -> tuple[str, str] | None:
    if value is None or value == {}:
        if not pin.needed:
            return None
        reason = f"{pin.block} needs credentials; give `{pin.name}` in `credentials_inputs`."
        return "credentials_required", reason
    if not _is_choice(value):
        return (
            "credentials_invalid",
            f"{pin.pin!r} of {pin.block} is no choice of credentials: it has no `id`.",
        )
    mine = known.get(value["id"])
    if mine is None:
        return (
            "credentials_unknown",
            f"You have no credentials {value['id']!r}; choose others for {pin.block}.",
        )
    if mine["provider"] not in pin.providers or mine["type"] not in pin.types:
        takes = f"{' or '.join(pin.types)} of {' or '.join(pin.providers)}"
        reason = f"{pin.block} takes {takes}; {mine['title']!r} is {mine['type']} of {mine['provider']}."
        return "credentials_mismatch", reason
    return None


def with_choices(
    graph: Graph,
    specs: Specs,
    *,
    given: Mapping[str, Any],
    masks: Mapping[str, Any],
    known: Mapping[str, Choice],
) -> Graph:
    """Return the graph with each choice in its place, as we know it: what callers say beside the id does not count."""
    put: dict[tuple[str | None, str], dict[str, Any]] = {}
    for pin in credentials_pins(graph, specs):
        value = _value(pin, given, masks)
        mine = dict(known[value["id"]]) if _is_choice(value) and value["id"] in known else None
        put.setdefault((pin.graph, pin.node), {})[pin.pin] = mine
    if not put:
        return graph
    subs = [sub.model_copy(update={"nodes": list(_put(sub.nodes, sub.id, put))}) for sub in graph.sub_graphs]
    return graph.model_copy(update={"nodes": list(_put(graph.nodes, None, put)), "sub_graphs": subs})


def _put(
    nodes: Iterable[Node], graph: str | None, put: Mapping[tuple[str | None, str], dict[str, Any]]
) -> Iterator[Node]:
    for node in nodes:
        mine = put.get((graph, node.id))
        if mine is None:
            yield node
            continue
        kept = {pin: value for pin, value in node.input_default.items() if pin not in mine}
        kept |= {pin: value for pin, value in mine.items() if value is not None}
        yield node.model_copy(update={"input_default": kept})


def _value(pin: CredentialsPin, given: Mapping[str, Any], masks: Mapping[str, Any]) -> Any:
    """A mask goes before the choice for all, that before the constant of the node."""
    masked = masks.get(pin.node, {}).get(pin.pin)
    if masked is not None:
        return masked
    return given.get(pin.name, pin.default)


def _is_choice(value: Any) -> bool:
    return isinstance(value, Mapping) and isinstance(value.get("id"), str) and bool(value["id"])
