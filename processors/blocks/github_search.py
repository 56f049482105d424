"""GitHub: search."""

from __future__ import annotations

from collections.abc import AsyncIterator

from typing_extensions import TypedDict

from millstream.processors.annotations import Advanced, Emit, Outputs
from millstream.processors.blocks.github import GITHUB, LOGIN, REPO, GithubLogin, each_and_all, served
from millstream.processors.context import Context
from millstream.processors.samples import Sample
from millstream.processors.sdk import block


class Hit(TypedDict):
    """A file that a search found."""

    name: str
    path: str
    repository: str
    url: str
    score: float


class Hits(Outputs):
    """Pins of GithubSearchCodeBlock."""

    result: Hit
    results: list[Hit]
    total_count: int


_HIT = {"name": "a.py", "path": "x/a.py", "repository": "ada/engine", "url": f"{REPO}/x", "score": 1.0}
_RAW_HIT = {**_HIT, "repository": {"full_name": "ada/engine"}, "html_url": f"{REPO}/x"}


@block(
    id="47f94891-a2b1-4f1c-b5f2-573c043f721e",
    name="GithubSearchCodeBlock",
    categories=("DEVELOPER_TOOLS",),
    samples=[
        Sample(
            {"query": "loom", "repo": "ada/engine", "credentials": LOGIN},
            [("result", _HIT), ("results", [_HIT]), ("total_count", 1)],
            serves={
                "/search/code?q=loom+repo%3Aada%2Fengine&per_page=30": served(
                    {"total_count": 1, "items": [_RAW_HIT]}
                )
            },
        )
    ],
)
async def github_search_code(
    query: str,
    credentials: GithubLogin,
    repo: Advanced[str] = "",
    per_page: Advanced[int] = 30,
    *,
    ctx: Context,
) -> AsyncIterator[Emit[Hits]]:
    """Search in code.

    query: What to look for, in GitHub's search syntax.
    credentials: A token that may read what is searched.
    repo: Only in this repository, `owner/name`.
    per_page: How many results, 1 to 100.
    result: Each file that was found.
    results: All files that were found.
    total_count: How many there are in all.
    """
    asked = {"q": f"{query} repo:{repo}" if repo else query, "per_page": max(1, min(per_page, 100))}
    found = await GITHUB.call(ctx, "GET /search/code", query=asked)
    shown = [
        {
            "name": row["name"],
            "path": row["path"],
            "repository": row["repository"]["full_name"],
            "url": row["html_url"],
            "score": float(row.get("score") or 0),
        }
        for row in found["items"]
    ]
    for emit in each_and_all("result", "results", shown):
        yield emit
    yield "total_count", found["total_count"]
