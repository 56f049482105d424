"""Samples of data."""

from __future__ import annotations

from collections.abc import AsyncIterator
from random import Random
from typing import Any, Literal

from millstream.processors.annotations import Advanced, Emit, Outputs
from millstream.processors.context import Context
from millstream.processors.samples import Sample
from millstream.processors.sampling import KEYED, PLAIN
from millstream.processors.sdk import block
from millstream.schemas.errors import BlockInputError

Method = Literal["random", "systematic", "top", "bottom", "stratified", "weighted", "reservoir", "cluster"]
Row = dict[str, Any] | list[Any]
_ROWS = [{"n": 0, "g": "a", "w": 0}, {"n": 1, "g": "a", "w": 1}, {"n": 2, "g": "b", "w": 5}]


class Sampled(Outputs):
    """Pins of DataSamplingBlock."""

    sampled_data: list[dict[str, Any] | list[Any]]
    sample_indices: list[int]


@block(
    id="4a448883-71fa-49cf-91cf-70d793bd7d87",
    name="DataSamplingBlock",
    categories=("LOGIC",),
    lane="cpu",
    samples=[
        Sample(
            {"data": _ROWS, "sample_size": 2, "sampling_method": "top"},
            [("sampled_data", _ROWS[:2]), ("sample_indices", [0, 1])],
        ),
        Sample(
            {"data": _ROWS, "sample_size": 1, "sampling_method": "bottom"},
            [("sampled_data", _ROWS[2:]), ("sample_indices", [2])],
        ),
        Sample(
            {"data": _ROWS, "sample_size": 2, "random_seed": 1},
            [
                ("sampled_data", lambda rows: len(rows) == 2),
                ("sample_indices", lambda found: len(set(found)) == 2),
            ],
        ),
        Sample({"data": {"a": 1}}, [("sampled_data", [{"a": 1}]), ("sample_indices", [0])]),
        Sample({"data": _ROWS, "sampling_method": "cluster", "sample_size": 1}, raises="block_input_invalid"),
    ],
)
async def data_sampling(
    data: dict[str, Any] | list[Row],
    sample_size: Advanced[int] = 10,
    sampling_method: Advanced[Method] = "random",
    accumulate: Advanced[bool] = False,
    random_seed: Advanced[int | None] = None,
    stratify_key: Advanced[str | None] = None,
    weight_key: Advanced[str | None] = None,
    cluster_key: Advanced[str | None] = None,
    *,
    ctx: Context,
) -> AsyncIterator[Emit[Sampled]]:
    """Choose some rows of data.

    data: A list of objects or of lists; a single object counts as one row.
    sample_size: How many rows to choose; all if there are fewer.
    sampling_method: How to choose.
    accumulate: Keep rows from one run of this node to the next until there are enough, then choose.
    random_seed: Any number; the same one chooses the same rows again.
    stratify_key: What groups rows, for "stratified".
    weight_key: What weighs rows, for "weighted".
    cluster_key: What groups rows, for "cluster".
    sampled_data: The rows chosen.
    sample_indices: Their places in the data.
    """
    rows: list[Any] = [data] if isinstance(data, dict) else data
    if accumulate:
        rows = await _accumulated(rows, sample_size, ctx)
        if not rows:
            return
    keys = {"stratified": stratify_key, "weighted": weight_key, "cluster": cluster_key}
    indices = chosen(rows, sample_size, sampling_method, Random(random_seed), keys.get(sampling_method))
    yield "sampled_data", [rows[index] for index in indices]
    yield "sample_indices", indices


def chosen(rows: list[Any], size: int, method: str, rng: Random, key: str | None) -> list[int]:
    """Indices of the sample. Errors: BlockInputError."""
    if size < 0:
        raise BlockInputError(f"A sample of {size} rows cannot be; give 0 or more.")
    size = min(int(size), len(rows))
    if size == 0:
        return []
    if method in PLAIN:
        return PLAIN[method](rows, size, rng)
    if not key:
        raise BlockInputError(f"The method {method!r} needs the name of a field; give its key.")
    return KEYED[method](rows, size, rng, key)


async def _accumulated(rows: list[Any], enough: int, ctx: Context) -> list[Any]:
    """Rows kept so far with these, if they are enough; else none, and all are kept.

    Kept by node execution, so that a run that is repeated after a crash counts once.
    """
    key = f"sampling#{ctx.execution_id}#{ctx.node_id}"
    kept: dict[str, list[Any]] = await ctx.kv.get(key) or {}
    kept[ctx.node_execution_id] = rows
    together = [row for part in kept.values() for row in part]
    full = len(together) >= enough
    await ctx.kv.set(key, None if full else kept)
    return together if full else []
