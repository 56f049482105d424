"""Limits of `/graphql`: plain data."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class GraphqlSettings:
    """What one document may ask for, counted after its fragments are expanded, and what sockets may hold."""

    introspection: bool = True
    """False: nobody is told the schema; `docs/schema.graphql` has it."""
    chars: int = 50_000
    """Longest document."""
    tokens: int = 2000
    """Words and signs of a document."""
    depth: int = 12
    """Fields within fields."""
    aliases: int = 30
    """Fields that are given another name."""
    cost: int = 20_000
    """Fields that the answer may have, pages taken as full; loading something counts for several."""
    user_subscriptions: int = 500
    """Subscriptions of one user on all sockets of this process; `EdgeLimits.subscriptions` are those of one socket."""
    socket_operations: int = 10_000
    """Subscriptions that one socket may ever have: their ids are never used again."""
    init_s: float = 10.0
    """How long a socket may be open before it says who it is."""
