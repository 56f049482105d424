"""Secrets as records know them: `{"$secret": id}` stands for a value, `{"id", "provider", "type", "title"}` for a credential.
What is behind them is sealed at the edge, and opened by the worker that runs the block."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Final, Literal
from uuid import UUID

import msgspec

CredentialKind = Literal["api_key", "user_password", "oauth2", "host_scoped"]
KINDS: Final[tuple[CredentialKind, ...]] = ("api_key", "user_password", "oauth2", "host_scoped")
VALUE: Final = "value"
"""Kind of a secret that is no credential: a value of an input or a constant of a node."""
REF: Final = "$secret"
REF_BYTES: Final = b'"$secret"'
"""How a JSON text shows that it may hold a reference."""


class Opened(msgspec.Struct, frozen=True, kw_only=True):
    """A secret in the clear, as a worker gets it. Its repr says nothing."""

    id: str
    kind: str
    """A `CredentialKind`, or `value`."""
    data: dict[str, Any]
    """api_key: `api_key`; user_password: `username`, `password`; oauth2: `access_token`, `username`, `scopes`; host_scoped:
    `headers`; value: `value`."""
    provider: str = ""
    title: str = ""
    hosts: tuple[str, ...] = ()
    """Patterns of hosts that it may be sent to; none: those that the block names."""

    def __repr__(self) -> str:
        return f"<secret {self.kind} {self.id}>"


def ref(id_: UUID) -> dict[str, str]:
    """Return what stands for a secret value."""
    return {REF: str(id_)}


def ref_id(value: Any) -> UUID | None:
    """Return the id if `value` is a reference to a secret value."""
    if type(value) is dict and len(value) == 1 and isinstance(named := value.get(REF), str):
        return as_uuid(named)
    return None


def as_uuid(text: Any) -> UUID | None:
    """Return the UUID that a text is, or None."""
    try:
        return UUID(text) if isinstance(text, str) else None
    except ValueError:
        return None


def iter_refs(value: Any) -> Iterator[UUID]:
    """Yield the ids of all references in a JSON value."""
    todo = [value]
    while todo:
        one = todo.pop()
        if (found := ref_id(one)) is not None:
            yield found
        elif isinstance(one, dict):
            todo.extend(one.values())
        elif isinstance(one, list):
            todo.extend(one)


def replace_refs(value: Any, by: Callable[[UUID], Any]) -> Any:
    """Return a copy of a JSON value with what `by` says in the places of references."""
    if (found := ref_id(value)) is not None:
        return by(found)
    if isinstance(value, dict):
        return {key: replace_refs(item, by) for key, item in value.items()}
    if isinstance(value, list):
        return [replace_refs(item, by) for item in value]
    return value
