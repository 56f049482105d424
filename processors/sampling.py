"""Ways to choose rows from data. Pure: the source of randomness is given, and each returns indices in its
order.
"""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any

from millstream.schemas.errors import BlockInputError

Rows = list[Any]


def simple(rows: Rows, size: int, rng: Random) -> list[int]:
    """Any rows, each as likely as the others."""
    return rng.sample(range(len(rows)), size)


def systematic(rows: Rows, size: int, rng: Random) -> list[int]:
    """Rows at equal distances, from a random start."""
    step = len(rows) / size
    start = rng.random() * step
    return [int(start + step * place) for place in range(size)]


def reservoir(rows: Rows, size: int, rng: Random) -> list[int]:
    """Any rows, chosen in one pass as if the end were unknown."""
    kept = list(range(size))
    for index in range(size, len(rows)):
        place = rng.randrange(index + 1)
        if place < size:
            kept[place] = index
    return kept


def stratified(rows: Rows, size: int, rng: Random, key: str) -> list[int]:
    """Of each group a share in proportion to its size; rests go to the groups with the largest fractions."""
    groups = _groups(rows, key)
    shares = {name: size * len(members) / len(rows) for name, members in groups.items()}
    counts = {name: int(share) for name, share in shares.items()}
    for name in sorted(groups, key=lambda n: counts[n] - shares[n])[: size - sum(counts.values())]:
        counts[name] += 1
    return [index for name, members in groups.items() for index in rng.sample(members, counts[name])]


def weighted(rows: Rows, size: int, rng: Random, key: str) -> list[int]:
    """Rows in proportion to a weight, none twice (method of Efraimidis and Spirakis, 2006)."""
    weights = [_field(row, key) for row in rows]
    for weight in weights:
        if isinstance(weight, bool) or not isinstance(weight, int | float) or weight < 0:
            raise BlockInputError(f"The weight {weight!r} is no number of at least 0.")
    chances = [
        (rng.random() ** (1 / weight) if weight > 0 else -1.0, index) for index, weight in enumerate(weights)
    ]
    return [index for chance, index in sorted(chances, reverse=True)[:size] if chance >= 0]


def cluster(rows: Rows, size: int, rng: Random, key: str) -> list[int]:
    """Whole groups in random order, until there are enough rows."""
    groups = list(_groups(rows, key).values())
    rng.shuffle(groups)
    return [index for members in groups for index in members][:size]


PLAIN: dict[str, Callable[[Rows, int, Random], list[int]]] = {
    "random": simple,
    "systematic": systematic,
    "reservoir": reservoir,
    "top": lambda rows, size, rng: list(range(size)),
    "bottom": lambda rows, size, rng: list(range(len(rows) - size, len(rows))),
}
KEYED: dict[str, Callable[[Rows, int, Random, str], list[int]]] = {
    "stratified": stratified,
    "weighted": weighted,
    "cluster": cluster,
}


def _groups(rows: Rows, key: str) -> dict[str, list[int]]:
    groups: dict[str, list[int]] = {}
    for index, row in enumerate(rows):
        groups.setdefault(repr(_field(row, key)), []).append(index)
    return groups


def _field(row: Any, key: str) -> Any:
    if isinstance(row, dict) and key in row:
        return row[key]
    if isinstance(row, list) and key.isdecimal() and int(key) < len(row):
        return row[int(key)]
    raise BlockInputError(f"A row has no {key!r}.")
