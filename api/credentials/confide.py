"""At the edge secrets become references: in graphs that are saved, in what runs are given. What stays is told by id."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import orjson

from millstream.api.credentials.repository import Credentials, SecretValues
from millstream.api.credentials.vault import Vault
from millstream.api.database import Connection
from millstream.processors.catalogue import upgraded
from millstream.schemas.blocks import BlockSpec
from millstream.schemas.errors import InputInvalidError
from millstream.schemas.graph import Graph
from millstream.schemas.graph_credentials import Choice, choice_problems, chosen_ids, with_choices
from millstream.schemas.graph_links import properties
from millstream.schemas.graph_problems import Problem, refuse
from millstream.schemas.graph_secrets import Keep, kept, secret_inputs, secret_pins, without_plain_secrets
from millstream.schemas.secrets import REF_BYTES, as_uuid, iter_refs

Specs = Mapping[str, BlockSpec]
Masks = dict[str, dict[str, Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Confided:
    """What is to be run, with references in the places of secrets."""

    graph: Graph
    inputs: dict[str, Any]
    masks: Masks | None
    credentials: dict[str, dict[str, Any]]
    """What was chosen for the run, by name: `{"id", "provider", "type", "title"}`."""
    secrets: frozenset[UUID]
    """All that it may be given."""


async def saved(conn: Connection, vault: Vault, graph: Graph, specs: Specs, *, owner_id: UUID) -> Graph:
    """Return a graph as it may be stored. Errors: GraphInvalidError: it refers to secrets of others; UnavailableError.

    Its blocks are brought up to date first: under its former name a secret's pin would not be known as one.
    """
    graph = upgraded(graph, specs)
    found = _refs([node.input_default for part in graph.all_graphs for node in part.nodes])
    strange = found - await SecretValues(conn).hold(found, owner_id=owner_id) if found else found
    refuse([_strange(graph, id_) for id_ in sorted(strange)])
    return await without_plain_secrets(graph, specs, _keeper(conn, vault, owner_id))


def _strange(graph: Graph, id_: UUID) -> Problem:
    for part in graph.all_graphs:
        for node in part.nodes:
            for pin, value in node.input_default.items():
                if id_ in iter_refs(value):
                    reason = (
                        f"{pin!r} refers to the secret {str(id_)!r}, which is not there; give the value anew."
                    )
                    sub = None if part is graph else part.id
                    return Problem(node=node.id, pin=pin, code="secret_unknown", reason=reason, graph=sub)
    return Problem(node=None, pin=None, code="secret_unknown", reason=f"There is no secret {str(id_)!r}.")


async def for_run(
    conn: Connection,
    vault: Vault,
    graph: Graph,
    specs: Specs,
    *,
    inputs: dict[str, Any],
    masks: Masks | None,
    given: Mapping[str, Any],
    owner_id: UUID,
    dry_run: bool = False,
    plain: bool = False,
) -> Confided:
    """Return what is to be run, with each credential found to be the owner's, and each secret sealed.

    `given`: the request's `credentials_inputs`; a value is a choice or only its id. `plain`: what `is_plain` says of the
    graph, if it is known; the graph that comes back is then the same object.
    Errors: GraphInvalidError: credentials that are missing, unknown or do not fit; InputInvalidError; UnavailableError.
    """
    if plain and not given:
        secrets = await _mine(conn, _refs([inputs, masks]), owner_id)
        return Confided(graph=graph, inputs=inputs, masks=masks, credentials={}, secrets=secrets)
    given = {name: {"id": value} if isinstance(value, str) else value for name, value in given.items()}
    choices = {"given": given, "masks": masks or {}}
    ids = {id_ for text in chosen_ids(graph, specs, **choices) if (id_ := as_uuid(text)) is not None}
    known: dict[str, Choice] = {}
    if ids:
        rows = await Credentials(conn).find(ids, owner_id=owner_id)
        known = {str(id_): row.meta for id_, row in rows.items()}
    problems = choice_problems(graph, specs, **choices, known=known)
    refuse([p for p in problems if not (dry_run and p.code == "credentials_required")], doing="run")
    graph = with_choices(graph, specs, **choices, known=known)
    keep = _keeper(conn, vault, owner_id)
    graph = await without_plain_secrets(graph, specs, keep)
    inputs = await kept(inputs, secret_inputs(graph, specs), keep)
    masks = None if masks is None else await _masks(graph, specs, masks, keep)
    constants = [node.input_default for part in graph.all_graphs for node in part.nodes]
    secrets = await _mine(conn, _refs([inputs, masks, constants]), owner_id)
    return Confided(
        graph=graph,
        inputs=inputs,
        masks=masks,
        credentials={name: dict(known[value["id"]]) for name, value in given.items() if _names(value, known)},
        secrets=secrets | {UUID(id_) for id_ in known},
    )


async def for_preset(
    conn: Connection,
    vault: Vault,
    graph: Graph,
    specs: Specs,
    *,
    inputs: dict[str, Any],
    masks: Masks | None,
    owner_id: UUID,
) -> tuple[dict[str, Any], Masks | None]:
    """Return inputs and masks of a graph as they may be kept. Errors: as `for_run`."""
    keep = _keeper(conn, vault, owner_id)
    inputs = await kept(inputs, secret_inputs(graph, specs), keep)
    masks = None if masks is None else await _masks(graph, specs, masks, keep)
    await _mine(conn, _refs([inputs, masks]), owner_id)
    return inputs, masks


async def for_inputs(
    conn: Connection, vault: Vault, inputs: dict[str, Any], marked: frozenset[str], *, owner_id: UUID
) -> tuple[dict[str, Any], frozenset[UUID]]:
    """Return the inputs of a graph that was prepared before, and the secrets in them. Errors: as `for_run`."""
    inputs = await kept(inputs, marked, _keeper(conn, vault, owner_id))
    return inputs, await _mine(conn, _refs([inputs]), owner_id)


async def for_block(
    conn: Connection, vault: Vault, spec: BlockSpec, inputs: dict[str, Any], *, owner_id: UUID
) -> tuple[dict[str, Any], frozenset[UUID]]:
    """Return the inputs of a block that is run by itself, and what it may be given. Errors: as `for_run`."""
    fields = properties(spec.input_schema)
    marked = frozenset(pin for pin, field in fields.items() if field.get("secret") is True)
    if spec.kind == "Input" and inputs.get("secret") is True:
        marked |= {"value"}
    inputs = await kept(inputs, marked, _keeper(conn, vault, owner_id))
    pins = {
        pin: inputs[pin]
        for pin, field in fields.items()
        if "credentials_provider" in field and inputs.get(pin)
    }
    ids = {pin: as_uuid(value.get("id")) if isinstance(value, dict) else None for pin, value in pins.items()}
    found = await Credentials(conn).find(filter(None, ids.values()), owner_id=owner_id) if pins else {}
    for pin, id_ in ids.items():
        row = found.get(id_) if id_ is not None else None
        field = fields[pin]
        if (
            row is None
            or row.provider not in field["credentials_provider"]
            or row.kind not in field["credentials_types"]
        ):
            raise InputInvalidError(f"{pin!r} names no credentials of yours that {spec.name} takes.", pin=pin)
        inputs = {**inputs, pin: row.meta}
    return inputs, await _mine(conn, _refs([inputs]), owner_id) | set(found)


async def _masks(graph: Graph, specs: Specs, masks: Masks, keep: Keep) -> Masks:
    marked = {node.id: secret_pins(node, specs) for part in graph.all_graphs for node in part.nodes}
    return {node: await kept(pins, marked.get(node, frozenset()), keep) for node, pins in masks.items()}


async def _mine(conn: Connection, found: frozenset[UUID], owner_id: UUID) -> frozenset[UUID]:
    """All of them, if they are the owner's. Errors: InputInvalidError."""
    strange = found - await SecretValues(conn).hold(found, owner_id=owner_id) if found else found
    if strange:
        raise InputInvalidError(f"There is no secret {str(min(strange))!r}; give the value itself.")
    return found


def _refs(values: list[Any]) -> frozenset[UUID]:
    """A text is searched faster than walked through: values may be megabytes."""
    if REF_BYTES not in orjson.dumps(values, option=orjson.OPT_NON_STR_KEYS):
        return frozenset()
    return frozenset(iter_refs(values))


def _names(value: Any, known: Mapping[str, Choice]) -> bool:
    return isinstance(value, Mapping) and value.get("id") in known


def _keeper(conn: Connection, vault: Vault, owner_id: UUID) -> Keep:
    async def keep(value: Any) -> UUID:
        return await vault.add_value(conn, value, owner_id=owner_id)

    return keep
