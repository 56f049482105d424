"""What a field of the schema says of itself: who may ask for it, and what it costs. Each at the top must say who."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar, cast

import strawberry
from graphql import GraphQLField

from millstream.api.auth.guards import Guard, guard_of

MethodT = TypeVar("MethodT", bound=Callable[..., Any])

_DEFINITION = "strawberry-definition"
_FACTS = "millstream"


class Typed(Protocol):
    """A decorator that leaves a method's type as it is."""

    def __call__(self, method: MethodT, /) -> MethodT:
        """Return what Strawberry makes of the method."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """Of one field."""

    guard: Guard | None = None
    cost: int = 1
    length: int | None = None
    """Of a list without pages: how long it may well be."""


def like(
    endpoint: Callable[..., Any] | None = None, *, cost: int = 1, length: int | None = None
) -> dict[str, Any]:
    """Return the metadata of a field: who may call `endpoint`, a REST route, may ask for the field."""
    guard = None if endpoint is None else guard_of(endpoint)
    if endpoint is not None and guard is None:
        raise TypeError(f"{endpoint.__name__} is no route, or does not say who may call it.")
    return {_FACTS: Facts(guard=guard, cost=cost, length=length)}


def facts_of(field: GraphQLField) -> Facts:
    """Return what a field says of itself."""
    definition = field.extensions.get(_DEFINITION)
    facts: Facts = getattr(definition, "metadata", {}).get(_FACTS, Facts())
    return facts


def shows(*, description: str | None = None, metadata: dict[str, Any] | None = None) -> Typed:
    """Make a field of a method; `strawberry.field`, but the method keeps its type."""
    return cast(Typed, strawberry.field(description=description, metadata=metadata))


def changes(*, description: str, metadata: dict[str, Any]) -> Typed:
    """Make a change of a method."""
    return cast(Typed, strawberry.mutation(description=description, metadata=metadata))


def tells(*, description: str, metadata: dict[str, Any]) -> Typed:
    """Make something that can be followed of a generator."""
    return cast(Typed, strawberry.subscription(description=description, metadata=metadata))
