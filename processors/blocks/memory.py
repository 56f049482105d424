"""Values that outlive a run."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any, Literal

from millstream.processors.annotations import Advanced, Emit, Outputs
from millstream.processors.context import Context
from millstream.processors.samples import Sample
from millstream.processors.sdk import block

Scope = Literal["within_agent", "across_agents"]


class Value(Outputs):
    """The pin `value`."""

    value: Any


def storage_key(scope: Scope, graph_id: str, key: str) -> str:
    """Where a value is kept among those of its user."""
    return f"agent#{graph_id}#{key}" if scope == "within_agent" else f"global#{key}"


@block(
    id="1d055e55-a2b9-4547-8311-907d05b0304d",
    name="PersistInformationBlock",
    categories=("DATA",),
    samples=[Sample({"key": "k", "value": {"a": 1}}, [("value", {"a": 1})])],
)
async def persist_information(
    key: str, value: Any, scope: Advanced[Scope] = "within_agent", *, ctx: Context
) -> AsyncIterator[Emit[Value]]:
    """Keep a value beyond this run.

    key: Its name.
    value: The value; then the same value, once it is kept.
    scope: Whether only this agent sees it, or all of yours.
    """
    await ctx.kv.set(storage_key(scope, ctx.graph_id, key), value)
    yield "value", value


@block(
    id="d8710fc9-6e29-481e-a7d5-165eb16f8471",
    name="RetrieveInformationBlock",
    categories=("DATA",),
    static_output=True,
    samples=[Sample({"key": "nothing kept here", "default_value": 7}, [("value", 7)])],
)
async def retrieve_information(
    key: str,
    scope: Advanced[Scope] = "within_agent",
    default_value: Advanced[Any] = None,
    *,
    ctx: Context,
) -> AsyncIterator[Emit[Value]]:
    """Give a value that was kept before.

    key: Its name.
    scope: Whether this agent kept it for itself, or any of yours for all.
    default_value: What to give if nothing was kept.
    value: The value kept, or the default.
    """
    found = await ctx.kv.get(storage_key(scope, ctx.graph_id, key))
    yield "value", default_value if found is None else found
