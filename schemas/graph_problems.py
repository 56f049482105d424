"""What is wrong with a graph, said once: a problem names graph, node, pin, a stable code and a sentence."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any, Literal

from millstream.schemas.errors import GraphInvalidError
from millstream.schemas.sizes import PROBLEMS_LIMIT

Severity = Literal["error", "draft"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One thing that keeps a graph from being saved (`error`) or only from being run (`draft`)."""

    node: str | None
    """Id of the node; None: the graph as a whole, or a node without an id."""
    pin: str | None
    """Pin of the node, dynamic suffix included; None: the node as a whole."""
    code: str
    """Stable, snake_case; `docs/graphs.md` lists them."""
    reason: str
    """A sentence with the value and the remedy."""
    severity: Severity = "error"
    graph: str | None = None
    """Id of the sub-graph that holds the node; None: the graph itself."""
    path: str | None = None
    """Place in the request (`nodes[3].block_id`), for problems of form."""

    def as_dict(self) -> dict[str, Any]:
        """Return the JSON form: every field, null where there is nothing to say."""
        return asdict(self)


def in_order(problems: Iterable[Problem]) -> list[Problem]:
    """Sort by graph, node, pin, code, reason, and drop repetitions: the same graph gives the same list."""
    return sorted(set(problems), key=lambda p: (p.graph or "", p.node or "", p.pin or "", p.code, p.reason))


def is_draft(problems: Iterable[Problem]) -> bool:
    """Tell whether a graph with these problems may be saved, but only as a draft."""
    severities = {problem.severity for problem in problems}
    return severities == {"draft"}


def refuse(problems: Iterable[Problem], *, doing: str = "saved") -> None:
    """Raise if a problem is blocking.

    `doing` completes "The graph cannot be ...". Errors: GraphInvalidError; its `facts["problems"]` has the
    first 200 blocking problems in JSON form, `facts["count"]` their number.
    """
    blocking = [problem for problem in problems if problem.severity == "error"]
    if not blocking:
        return
    first = blocking[0]
    place = "".join(
        f"{what} {value!r}, " for what, value in (("node", first.node), ("pin", first.pin)) if value
    )
    more = f" ({len(blocking) - 1} more: see `problems`)" if len(blocking) > 1 else ""
    raise GraphInvalidError(
        f"The graph cannot be {doing}: {place}{first.reason}{more}",
        problems=[problem.as_dict() for problem in blocking[:PROBLEMS_LIMIT]],
        count=len(blocking),
    )


def node_errors(problems: Iterable[Problem]) -> dict[str, dict[str, str]]:
    """Return `{node: {field: text}}`, as AutoGPT's clients read a refused run. Source: REST API, 400."""
    errors: dict[str, dict[str, str]] = {}
    for problem in problems:
        if problem.severity == "error":
            errors.setdefault(problem.node or "", {}).setdefault(problem.pin or "", problem.reason)
    return errors
