"""Blocks that look beyond their own run: seen before, how many, not too often, only the last.

They decide in Redis, once for each node execution: what is repeated after a crash gets the same answer.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Annotated, Any, Literal

import orjson
from pydantic import Field

from millstream.processors.annotations import Advanced, Emit, Outputs
from millstream.processors.context import Context, Park
from millstream.processors.samples import Sample
from millstream.processors.sdk import block

Scope = Literal["run", "agent", "user"]
"""Who counts together: this execution, all executions of this graph, or all graphs of the user."""
Keep = Annotated[float, Field(ge=1, le=366 * 86_400)]
DAY_S = 86_400.0


def scoped(ctx: Context, scope: Scope, *parts: str) -> str:
    """Return a key that only those share who are meant to; blocks of one scope share it by name."""
    place = {"run": ctx.execution_id, "agent": ctx.graph_id, "user": ""}[scope]
    return "\x1f".join((scope, place, *parts))


class Sorted(Outputs):
    """Pins of DeduplicateBlock."""

    new: Any
    seen: Any


@block(
    categories=("LOGIC",),
    samples=[
        Sample({"value": {"id": 1}}, [("new", {"id": 1})]),
        Sample({"value": "a", "key": "k"}, [("new", "a")]),
    ],
)
async def deduplicate(
    value: Any,
    key: str = "",
    scope: Scope = "run",
    name: Advanced[str] = "",
    keep_s: Advanced[Keep] = 7 * DAY_S,
    *,
    ctx: Context,
) -> AsyncIterator[Emit[Sorted]]:
    """Let each value pass once.

    value: What comes.
    key: What makes it the same as another; empty: the whole value.
    scope: Same as what: others of this `run`, of this `agent`, or of the `user`.
    name: Nodes of the same name look at the same values; empty: this node alone.
    keep_s: How long a value is remembered, in seconds.
    new: The value, if it comes for the first time.
    seen: The value, if it came before.
    """
    what = key or orjson.dumps(value, option=orjson.OPT_SORT_KEYS).decode()
    place = scoped(ctx, scope, "dedupe", name or ctx.node_id, what)
    first = await ctx.shared.first(place, ctx.node_execution_id, keep_s=keep_s)
    yield ("new" if first == ctx.node_execution_id else "seen"), value


class Counted(Outputs):
    """Pins of CounterBlock."""

    count: int
    value: Any


@block(categories=("LOGIC",), samples=[Sample({"value": "a"}, [("count", 1), ("value", "a")])])
async def counter(
    value: Any = None,
    amount: int = 1,
    scope: Scope = "run",
    name: Advanced[str] = "",
    keep_s: Advanced[Keep] = 7 * DAY_S,
    *,
    ctx: Context,
) -> AsyncIterator[Emit[Counted]]:
    """Count what comes by, from 1; or sum amounts up.

    value: What comes, and goes on.
    amount: How much it counts; may be negative.
    scope: Counted together: this `run`, this `agent`, or the `user`.
    name: Nodes of the same name count together; empty: this node alone.
    keep_s: After so long without anything the count begins anew, in seconds.
    count: The sum, this one included.
    """
    if abs(amount) > 2**53:
        raise ValueError(f"{amount} is too large to count with.")
    place = scoped(ctx, scope, "count", name or ctx.node_id)
    yield "count", await ctx.shared.add(place, ctx.node_execution_id, amount, keep_s=keep_s)
    yield "value", value


class Paced(Outputs):
    """Pins of RateLimitBlock."""

    value: Any
    waited_s: float


@block(
    categories=("LOGIC",),
    samples=[Sample({"value": 1, "limit": 5, "per_s": 60}, [("value", 1), ("waited_s", 0.0)])],
)
async def rate_limit(
    value: Any,
    limit: Annotated[int, Field(ge=1, le=1_000_000)],
    per_s: Annotated[float, Field(gt=0, le=30 * 86_400)] = 60.0,
    key: str = "",
    scope: Scope = "agent",
    *,
    ctx: Context,
) -> AsyncIterator[Emit[Paced]]:
    """Let no more than so many values pass in a time; the others wait their turn, without holding anything up.

    value: What passes, perhaps later; then the same value.
    limit: How many may pass in `per_s`.
    per_s: The time, in seconds.
    key: Each key has a limit of its own; empty: one for all.
    scope: Limited together: this `run`, this `agent`, or the `user`. Nodes with the same key share the limit.
    waited_s: How long it waited, in seconds.
    """
    if ctx.resumed is None:
        place = scoped(ctx, scope, "rate", key, str(limit), str(per_s))
        wait_s = await ctx.shared.turn(place, ctx.node_execution_id, limit=limit, per_s=per_s)
        if wait_s > 0:
            yield Park(wait_s, {"waited_s": wait_s})
            return
    yield "value", value
    yield "waited_s", (ctx.resumed or {"waited_s": 0.0})["waited_s"]


class Settled(Outputs):
    """Pins of DebounceBlock."""

    value: Any
    dropped: Any


@block(categories=("LOGIC",), samples=[Sample({"value": 1, "quiet_s": 0.1}, [("value", 1)])])
async def debounce(
    value: Any,
    quiet_s: Annotated[float, Field(ge=0, le=DAY_S)] = 5.0,
    key: str = "",
    scope: Scope = "agent",
    *,
    ctx: Context,
) -> AsyncIterator[Emit[Settled]]:
    """Of values that come in quick succession let only the last one pass, once none has come for a while.

    value: What comes; passes if none followed.
    quiet_s: How long it has to be quiet, in seconds.
    key: Each key is looked at for itself; empty: all together.
    scope: Looked at together: this `run`, this `agent`, or the `user`.
    dropped: The value, if another one followed.
    """
    place = scoped(ctx, scope, "debounce", ctx.node_id, key)
    if ctx.resumed is None:
        mine = await ctx.shared.add(place, ctx.node_execution_id, 1, keep_s=quiet_s + DAY_S)
        yield Park(quiet_s, {"mine": mine})
        return
    last = await ctx.shared.total(place) == ctx.resumed["mine"]
    yield ("value" if last else "dropped"), value
