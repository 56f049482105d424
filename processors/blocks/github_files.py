"""GitHub: files that are written, and what there is to know of a repository."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator

from typing_extensions import TypedDict

from millstream.processors.annotations import Advanced, Emit, Outputs
from millstream.processors.blocks.github import (
    GITHUB,
    LOGIN,
    REPO,
    GithubLogin,
    each_and_all,
    repository,
    served,
)
from millstream.processors.context import Context
from millstream.processors.samples import Sample
from millstream.processors.sdk import block


class Written(Outputs):
    """Pins of the blocks that write a file."""

    url: str
    sha: str


_WRITTEN = {"content": {"html_url": f"{REPO}/blob/main/a.md", "sha": "f1"}, "commit": {"sha": "c1"}}
_CONTENTS = "/repos/ada/engine/contents/a.md"


@block(
    id="8fd132ac-b917-428a-8159-d62893e8a3fe",
    name="GithubCreateFileBlock",
    categories=("DEVELOPER_TOOLS",),
    repeatable=False,
    samples=[
        Sample(
            {"repo_url": REPO, "file_path": "a.md", "content": "# A", "credentials": LOGIN},
            [("url", f"{REPO}/blob/main/a.md"), ("sha", "c1")],
            serves={_CONTENTS: served(_WRITTEN)},
        )
    ],
)
async def github_create_file(
    repo_url: str,
    file_path: str,
    content: str,
    credentials: GithubLogin,
    branch: Advanced[str] = "main",
    commit_message: Advanced[str] = "Create new file",
    *,
    ctx: Context,
) -> AsyncIterator[Emit[Written]]:
    """Write a new file into a repository. One that is there already is an error.

    repo_url: The repository.
    file_path: The path of the file.
    content: The text of the file.
    credentials: A token that may write the repository.
    branch: The branch.
    commit_message: The message of the commit.
    url: The address of the file.
    sha: The commit.
    """
    made = await GITHUB.call(
        ctx,
        "PUT /repos/{owner}/{repo}/contents/{path*}",
        path={**repository(ctx, repo_url), "path": file_path},
        json={
            "message": commit_message,
            "content": base64.b64encode(content.encode()).decode(),
            "branch": branch,
        },
    )
    yield "url", made["content"]["html_url"]
    yield "sha", made["commit"]["sha"]


@block(
    id="30be12a4-57cb-4aa4-baf5-fcc68d136076",
    name="GithubUpdateFileBlock",
    categories=("DEVELOPER_TOOLS",),
    repeatable=False,
    samples=[
        Sample(
            {"repo_url": REPO, "file_path": "a.md", "content": "# B", "credentials": LOGIN},
            [("url", f"{REPO}/blob/main/a.md"), ("sha", "c1")],
            serves={_CONTENTS: served({**_WRITTEN, "sha": "f0"})},
        )
    ],
)
async def github_update_file(
    repo_url: str,
    file_path: str,
    content: str,
    credentials: GithubLogin,
    branch: Advanced[str] = "main",
    commit_message: Advanced[str] = "Update file",
    *,
    ctx: Context,
) -> AsyncIterator[Emit[Written]]:
    """Change a file of a repository. If somebody else changes it at the same moment, this fails and nothing is lost.

    repo_url: The repository.
    file_path: The path of the file.
    content: The new text of the file.
    credentials: A token that may write the repository.
    branch: The branch.
    commit_message: The message of the commit.
    url: The address of the file.
    sha: The commit.
    """
    path = {**repository(ctx, repo_url), "path": file_path}
    request = "/repos/{owner}/{repo}/contents/{path*}"
    old = await GITHUB.call(ctx, f"GET {request}", path=path, query={"ref": branch})
    packed = base64.b64encode(content.encode()).decode()
    wanted = {"message": commit_message, "content": packed, "branch": branch, "sha": old["sha"]}
    made = await GITHUB.call(ctx, f"PUT {request}", path=path, json=wanted)
    yield "url", made["content"]["html_url"]
    yield "sha", made["commit"]["sha"]


class Branch(TypedDict):
    """Name and address."""

    name: str
    url: str


class Branches(Outputs):
    """Pins of GithubListBranchesBlock."""

    branch: Branch
    branches: list[Branch]


@block(
    id="74243e49-2bec-4916-8bf4-db43d44aead5",
    name="GithubListBranchesBlock",
    categories=("DEVELOPER_TOOLS",),
    samples=[
        Sample(
            {"repo_url": REPO, "credentials": LOGIN},
            [
                ("branch", {"name": "main", "url": f"{REPO}/tree/main"}),
                ("branches", [{"name": "main", "url": f"{REPO}/tree/main"}]),
            ],
            serves={"/repos/ada/engine/branches?per_page=30&page=1": served([{"name": "main"}])},
        )
    ],
)
async def github_list_branches(
    repo_url: str,
    credentials: GithubLogin,
    per_page: Advanced[int] = 30,
    page: Advanced[int] = 1,
    *,
    ctx: Context,
) -> AsyncIterator[Emit[Branches]]:
    """List the branches of a repository.

    repo_url: The repository.
    credentials: A token that may read the repository.
    per_page: How many, 1 to 100.
    page: Which page of them.
    branch: Each branch.
    branches: All branches of the page.
    """
    path = repository(ctx, repo_url)
    asked = {"per_page": max(1, min(per_page, 100)), "page": max(1, page)}
    rows = await GITHUB.call(ctx, "GET /repos/{owner}/{repo}/branches", path=path, query=asked)
    base = f"https://github.com/{path['owner']}/{path['repo']}/tree/"
    shown = [{"name": row["name"], "url": base + row["name"]} for row in rows]
    for emit in each_and_all("branch", "branches", shown):
        yield emit


class Commit(TypedDict):
    """One commit."""

    sha: str
    message: str
    author: str
    date: str
    url: str


class Commits(Outputs):
    """Pins of GithubListCommitsBlock."""

    commit: Commit
    commits: list[Commit]


_COMMIT = {
    "sha": "c1",
    "message": "M",
    "author": "Ada",
    "date": "2026-01-01T00:00:00Z",
    "url": f"{REPO}/commit/c1",
}
_RAW_COMMIT = {
    "sha": "c1",
    "html_url": f"{REPO}/commit/c1",
    "commit": {"message": "M", "author": {"name": "Ada", "date": "2026-01-01T00:00:00Z"}},
}


@block(
    id="8b13f579-d8b6-4dc2-a140-f770428805de",
    name="GithubListCommitsBlock",
    categories=("DEVELOPER_TOOLS",),
    samples=[
        Sample(
            {"repo_url": REPO, "credentials": LOGIN},
            [("commit", _COMMIT), ("commits", [_COMMIT])],
            serves={"/repos/ada/engine/commits?sha=main&per_page=30&page=1": served([_RAW_COMMIT])},
        )
    ],
)
async def github_list_commits(
    repo_url: str,
    credentials: GithubLogin,
    branch: Advanced[str] = "main",
    per_page: Advanced[int] = 30,
    page: Advanced[int] = 1,
    *,
    ctx: Context,
) -> AsyncIterator[Emit[Commits]]:
    """List the commits of a branch, the newest first.

    repo_url: The repository.
    credentials: A token that may read the repository.
    branch: The branch.
    per_page: How many, 1 to 100.
    page: Which page of them.
    commit: Each commit.
    commits: All commits of the page.
    """
    asked = {"sha": branch, "per_page": max(1, min(per_page, 100)), "page": max(1, page)}
    rows = await GITHUB.call(
        ctx, "GET /repos/{owner}/{repo}/commits", path=repository(ctx, repo_url), query=asked
    )
    shown = [
        {
            "sha": row["sha"],
            "message": row["commit"]["message"],
            "author": (row["commit"].get("author") or {}).get("name", ""),
            "date": (row["commit"].get("author") or {}).get("date", ""),
            "url": row["html_url"],
        }
        for row in rows
    ]
    for emit in each_and_all("commit", "commits", shown):
        yield emit


class About(Outputs):
    """Pins of GithubGetRepositoryInfoBlock."""

    name: str
    full_name: str
    description: str
    default_branch: str
    private: bool
    html_url: str
    clone_url: str
    stars: int
    forks: int
    open_issues: int


_ABOUT = {
    "name": "engine",
    "full_name": "ada/engine",
    "description": "d",
    "default_branch": "main",
    "private": False,
    "html_url": REPO,
    "clone_url": f"{REPO}.git",
}


@block(
    id="59d4f241-968a-4040-95da-348ac5c5ce27",
    name="GithubGetRepositoryInfoBlock",
    categories=("DEVELOPER_TOOLS",),
    samples=[
        Sample(
            {"repo_url": REPO, "credentials": LOGIN},
            [*_ABOUT.items(), ("stars", 3), ("forks", 2), ("open_issues", 1)],
            serves={
                "/repos/ada/engine": served(
                    {**_ABOUT, "stargazers_count": 3, "forks_count": 2, "open_issues_count": 1}
                )
            },
        )
    ],
)
async def github_get_repository_info(
    repo_url: str, credentials: GithubLogin, *, ctx: Context
) -> AsyncIterator[Emit[About]]:
    """Tell what a repository is.

    repo_url: The repository.
    credentials: A token that may read the repository.
    name: Its name.
    full_name: Owner and name.
    description: What it says that it is.
    default_branch: Its default branch.
    private: Whether it is private.
    html_url: Its address.
    clone_url: The address to clone it from.
    stars: How many people have starred it.
    forks: How many forks it has.
    open_issues: How many issues are open.
    """
    found = await GITHUB.call(ctx, "GET /repos/{owner}/{repo}", path=repository(ctx, repo_url))
    for name in _ABOUT:
        yield name, found.get(name) if name == "private" else found.get(name) or ""
    for pin, name in (
        ("stars", "stargazers_count"),
        ("forks", "forks_count"),
        ("open_issues", "open_issues_count"),
    ):
        yield pin, found.get(name) or 0
