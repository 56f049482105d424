"""Problems of block definitions, gathered so that an author sees all of them at once, with place and remedy."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

from millstream.schemas.errors import BlockDefinitionError


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One thing wrong with one definition."""

    where: str
    """`file:line`, as editors and terminals link it."""
    what: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.where}: {self.what} {self.remedy}"


_collector: ContextVar[list[Problem] | None] = ContextVar("block_problems", default=None)


@contextmanager
def collect() -> Iterator[list[Problem]]:
    """Gather the problems of all definitions made inside, instead of raising at the first bad block."""
    problems: list[Problem] = []
    token = _collector.set(problems)
    try:
        yield problems
    finally:
        _collector.reset(token)


def report(problems: list[Problem]) -> None:
    """Hand over the problems of one block. Errors: BlockDefinitionError, unless somebody collects."""
    if not problems:
        return
    collector = _collector.get()
    if collector is None:
        raise failure(problems)
    collector.extend(problems)


def failure(problems: list[Problem]) -> BlockDefinitionError:
    """One error that names every problem, a line each."""
    lines = "\n".join(f"  {problem}" for problem in problems)
    return BlockDefinitionError(
        f"{len(problems)} problem(s) in block definitions:\n{lines}",
        problems=[{"where": p.where, "what": p.what, "remedy": p.remedy} for p in problems],
    )


def place(fn: Callable[..., Any]) -> str:
    """`file:line` of a function."""
    code = inspect.unwrap(fn).__code__
    return f"{code.co_filename}:{code.co_firstlineno}"
