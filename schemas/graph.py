"""A graph as the outside sends it: nodes, links and the sub-graphs that travel along, in AutoGPT's JSON form.

`docs/graphs.md` describes the form. What a model of this module promises: types, sizes and unique ids.
Whether blocks and pins exist is asked in `graph_validation.py`, with the specs of the blocks at hand.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from functools import partial
from typing import Annotated, Any, Final, NoReturn

import orjson
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError
from pydantic_core import ErrorDetails, PydanticCustomError

from millstream.schemas import sizes
from millstream.schemas.errors import GraphInvalidError, InputInvalidError
from millstream.schemas.graph_problems import Problem, in_order, refuse
from millstream.schemas.ids import new_id
from millstream.schemas.sizes import path_text

AGENT_BLOCK_ID: Final = "e189baac-8c20-45a1-94a7-55177ea42565"
"""AutoGPT's AgentExecutorBlock: a node that runs another graph."""


def _at_most(limit: int, value: dict[str, Any]) -> dict[str, Any]:
    """Refuse an object whose JSON is over `limit` bytes."""
    try:
        size = len(orjson.dumps(value))
    except TypeError as error:
        raise PydanticCustomError("json_invalid", "not JSON: {why}", {"why": str(error)}) from error
    if size > limit:
        raise PydanticCustomError(
            "too_large",
            "{size} bytes of JSON are over the limit of {limit}; send the value as an input or a file",
            {"size": size, "limit": limit},
        )
    return value


Id = Annotated[str, Field(min_length=1, max_length=sizes.ID_LIMIT_CHARS)]
Name = Annotated[str, Field(max_length=sizes.NAME_LIMIT_CHARS)]
Pin = Annotated[str, Field(min_length=1, max_length=sizes.PIN_LIMIT_CHARS)]
Text = Annotated[str, Field(max_length=sizes.TEXT_LIMIT_CHARS)]
Version = Annotated[int, Field(ge=1, le=2**31 - 1)]
Defaults = Annotated[dict[str, Any], AfterValidator(partial(_at_most, sizes.NODE_DEFAULTS_LIMIT_BYTES))]
Metadata = Annotated[dict[str, Any], AfterValidator(partial(_at_most, sizes.METADATA_LIMIT_BYTES))]


def fresh_id() -> str:
    """Return a new UUIDv7 as text."""
    return str(new_id())


class _Part(BaseModel):
    """Unknown keys are ignored, so files of other versions import; `"1"` is no number and 1 is no text."""

    model_config = ConfigDict(extra="ignore", strict=True, frozen=True)


class Link(_Part):
    """An edge: what `source_id` emits on `source_name` is delivered to `sink_id` on `sink_name`."""

    id: Id = Field(default_factory=fresh_id)
    source_id: Id
    source_name: Pin
    sink_id: Id
    sink_name: Pin
    is_static: bool = False
    """The last value is kept and used again for every execution of the sink."""


class Node(_Part):
    """A block in a graph. Edges are in `Graph.links` alone; `input_links`, `output_links` are ignored."""

    id: Id = Field(default_factory=fresh_id)
    block_id: Id
    input_default: Defaults = Field(default_factory=dict)
    """Constants by pin; a pin may be dynamic (`values_#_c`)."""
    metadata: Metadata = Field(default_factory=dict)
    """Free, for the editor; the engine reads `credentials_optional` only."""


class SubGraph(_Part):
    """A graph without the graphs that it runs."""

    id: Id = Field(default_factory=fresh_id)
    version: Version = 1
    is_active: bool = True
    name: Name
    description: Text
    instructions: Text | None = None
    recommended_schedule_cron: Name | None = None
    forked_from_id: Id | None = None
    forked_from_version: Version | None = None
    nodes: list[Node] = Field(default_factory=list, max_length=sizes.NODES_LIMIT)
    links: list[Link] = Field(default_factory=list, max_length=sizes.LINKS_LIMIT)


class Graph(SubGraph):
    """A graph and, flat, every graph that its agent nodes reach."""

    sub_graphs: list[SubGraph] = Field(default_factory=list, max_length=sizes.SUB_GRAPHS_LIMIT)

    @property
    def all_graphs(self) -> list[SubGraph]:
        """The graph itself, then its sub-graphs."""
        return [self, *self.sub_graphs]


def parse_graph(body: bytes | dict[str, Any]) -> Graph:
    """Read a graph from a request: bare, or as `{"graph": {...}, ...}`.

    Errors: GraphInvalidError; its `facts["problems"]` names each place that is wrong (`path`), with the node
    and pin where there are such.
    """
    value = _loaded(body) if isinstance(body, bytes) else body
    if not isinstance(value, dict):
        _refuse_form("graph_not_object", f"A graph is a JSON object, not {_kind(value)}.")
    try:
        sizes.check_json(value, nul=False)
    except InputInvalidError as error:
        _refuse_form(f"json_{error.facts['why']}", str(error), path=error.facts["path"])
    bare, prefix = _unwrapped(value)
    try:
        graph = Graph.model_validate(bare)
    except ValidationError as error:
        details = error.errors(include_url=False)
        problems = in_order(_problem(detail, bare, prefix) for detail in details[: sizes.PROBLEMS_LIMIT])
        refuse(problems, doing="read")
        raise  # not reached: a ValidationError has at least one detail
    refuse(_repeated_ids(graph), doing="read")
    return graph


def _loaded(body: bytes) -> Any:
    """Parse JSON. Python's own parser: orjson turns integers over 64 bits into floats without a word."""
    if len(body) > sizes.REQUEST_LIMIT_BYTES:
        _refuse_form(
            "too_large",
            f"The request has {len(body)} bytes; the limit is {sizes.REQUEST_LIMIT_BYTES}. Split the graph.",
        )
    try:
        return json.loads(body.decode("utf-8-sig"))  # a byte order mark is what some editors save
    except UnicodeDecodeError as error:
        _refuse_form("json_invalid", f"The request is not UTF-8 (byte {error.start}); save it as UTF-8.")
    except RecursionError:
        _refuse_form(
            "json_too_deep", f"More than {sizes.JSON_DEPTH_LIMIT} lists and objects within each other."
        )
    except ValueError as error:
        _refuse_form("json_invalid", f"The request is not JSON: {error}.")


def _unwrapped(body: dict[str, Any]) -> tuple[dict[str, Any], tuple[str, ...]]:
    """Take the graph out of `{"graph": {...}, "source": ...}`; a bare graph has no object under that key."""
    inner = body.get("graph")
    if isinstance(inner, dict) and not ("name" in body and "nodes" in body):
        return inner, ("graph",)
    return body, ()


def _refuse_form(code: str, reason: str, *, path: str | None = None) -> NoReturn:
    problem = Problem(node=None, pin=None, code=code, reason=reason, path=path)
    raise GraphInvalidError(f"The graph cannot be read: {reason}", problems=[problem.as_dict()], count=1)


CODES: Final = {
    "missing": "field_missing",
    "too_long": "too_many",
    "string_too_long": "field_too_long",
    "string_too_short": "field_empty",
    "greater_than_equal": "field_range",
    "less_than_equal": "field_range",
    "too_large": "too_large",
    "json_invalid": "json_invalid",
}


def _problem(detail: ErrorDetails, body: dict[str, Any], prefix: tuple[str, ...]) -> Problem:
    """Say in our form what pydantic found at `detail["loc"]`."""
    loc = detail["loc"]
    kind = detail["type"]
    code = CODES.get(kind) or ("field_type" if kind.endswith("_type") else "field_invalid")
    path = path_text((*prefix, *loc))
    if kind == "missing":
        reason = f"`{path}` is missing; add it."
    else:
        reason = f"`{path}`: {detail['msg'][:1].lower()}{detail['msg'][1:]}{_got(detail)}."
    graph, node, pin = _place(loc, body)
    return Problem(node=node, pin=pin, code=code, reason=reason, graph=graph, path=path)


def _got(detail: ErrorDetails) -> str:
    """The value, if it is a short one that cannot be a secret: constants of nodes may be."""
    value = detail["input"]
    if "input_default" in detail["loc"]:
        return ""
    if value is None or isinstance(value, bool | int | float):
        return f", not {json.dumps(value)}"
    if isinstance(value, str):
        return f", not {value[:60]!r}"
    return f", not {_kind(value)}" if detail["type"].endswith("_type") else ""


def _kind(value: Any) -> str:
    """What JSON calls the type of `value`, with its article."""
    if value is None:
        return "null"
    names = {
        dict: "an object",
        list: "a list",
        str: "a text",
        bool: "a boolean",
        int: "a number",
        float: "a number",
    }
    return names.get(type(value), f"a {type(value).__name__}")


def _place(loc: tuple[int | str, ...], body: dict[str, Any]) -> tuple[str | None, str | None, str | None]:
    """Find sub-graph, node and pin that `loc` lies in; None for each that there is not."""
    graph = None
    holder: Any = body
    if loc[:1] == ("sub_graphs",) and len(loc) > 2:
        holder = _item(holder, "sub_graphs", loc[1])
        graph = _text(holder, "id")
        loc = loc[2:]
    if len(loc) < 2 or loc[0] not in ("nodes", "links"):
        return graph, None, None
    item = _item(holder, str(loc[0]), loc[1])
    field = str(loc[2]) if len(loc) > 2 else ""
    if loc[0] == "nodes":
        pin = str(loc[3]) if field == "input_default" and len(loc) > 3 else None
        return graph, _text(item, "id"), pin
    end = "sink" if field.startswith("sink") else "source"
    return graph, _text(item, f"{end}_id"), _text(item, f"{end}_name")


def _item(holder: Any, key: str, index: int | str) -> Any:
    items = holder.get(key) if isinstance(holder, dict) else None
    return items[index] if isinstance(items, list) and isinstance(index, int) and index < len(items) else None


def _text(item: Any, key: str) -> str | None:
    value = item.get(key) if isinstance(item, dict) else None
    return value if isinstance(value, str) else None


def _repeated_ids(graph: Graph) -> list[Problem]:
    """Find ids that are given twice: the ends of links and the ids of agents would be ambiguous."""
    problems = [
        Problem(
            node=None,
            pin=None,
            code="graph_id_repeated",
            reason=f"Two sub-graphs have the id {twice!r}; rename one.",
        )
        for twice in _twice(sub.id for sub in graph.sub_graphs)
    ]
    for index, part in enumerate(graph.all_graphs):
        problems += [
            Problem(
                node=twice,
                pin=None,
                code="node_id_repeated",
                reason=f"Two nodes have the id {twice!r}; links to it are ambiguous, give one another id.",
                graph=part.id if index else None,
            )
            for twice in _twice(node.id for node in part.nodes)
        ]
    return in_order(problems)


def _twice(ids: Iterable[str]) -> list[str]:
    return [given for given, count in Counter(ids).items() if count > 1]
