"""GitHub: pull requests, branches, files that are read."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator
from typing import Any, Literal

from typing_extensions import TypedDict

from millstream.processors.annotations import Advanced, Emit, Outputs
from millstream.processors.blocks.github import (
    GITHUB,
    LOGIN,
    REPO,
    GithubLogin,
    Made,
    Named,
    Status,
    each_and_all,
    numbered,
    repository,
    served,
)
from millstream.processors.context import Context
from millstream.processors.samples import Sample
from millstream.processors.sdk import block

_PULL = {"number": 9, "html_url": f"{REPO}/pull/9", "title": "T", "body": None, "user": {"login": "ada"}}


class Pulls(Outputs):
    """Pins of GithubListPullRequestsBlock."""

    pull_request: Named
    pull_requests: list[Named]


@block(
    id="ffef3c4c-6cd0-48dd-817d-459f975219f4",
    name="GithubListPullRequestsBlock",
    categories=("DEVELOPER_TOOLS",),
    samples=[
        Sample(
            {"repo_url": REPO, "credentials": LOGIN},
            [
                ("pull_request", {"title": "T", "url": f"{REPO}/pull/9"}),
                ("pull_requests", [{"title": "T", "url": f"{REPO}/pull/9"}]),
            ],
            serves={"/repos/ada/engine/pulls": served([_PULL])},
        )
    ],
)
async def github_list_pull_requests(
    repo_url: str, credentials: GithubLogin, *, ctx: Context
) -> AsyncIterator[Emit[Pulls]]:
    """List the open pull requests of a repository, the newest first, up to a hundred.

    repo_url: The repository.
    credentials: A token that may read the repository.
    pull_request: Each pull request.
    pull_requests: All pull requests.
    """
    path = repository(ctx, repo_url)
    rows = await GITHUB.call(ctx, "GET /repos/{owner}/{repo}/pulls", path=path, query={"per_page": 100})
    shown = [{"title": row["title"], "url": row["html_url"]} for row in rows]
    for emit in each_and_all("pull_request", "pull_requests", shown):
        yield emit


@block(
    id="dfb987f8-f197-4b2e-bf19-111812afd692",
    name="GithubMakePullRequestBlock",
    categories=("DEVELOPER_TOOLS",),
    repeatable=False,
    samples=[
        Sample(
            {"repo_url": REPO, "title": "T", "body": "", "head": "new", "base": "main", "credentials": LOGIN},
            [("number", 9), ("url", f"{REPO}/pull/9")],
            serves={"/repos/ada/engine/pulls": served(_PULL)},
        )
    ],
)
async def github_make_pull_request(
    repo_url: str, title: str, body: str, head: str, base: str, credentials: GithubLogin, *, ctx: Context
) -> AsyncIterator[Emit[Made]]:
    """Open a pull request.

    repo_url: The repository.
    title: The title.
    body: The text, in Markdown.
    head: The branch with the changes, `branch` or `owner:branch`.
    base: The branch that they go to.
    credentials: A token that may write pull requests.
    number: The number of the pull request.
    url: The address of the pull request.
    """
    path, wanted = repository(ctx, repo_url), {"title": title, "body": body, "head": head, "base": base}
    made = await GITHUB.call(ctx, "POST /repos/{owner}/{repo}/pulls", path=path, json=wanted)
    yield "number", made["number"]
    yield "url", made["html_url"]


class Pull(Outputs):
    """Pins of GithubReadPullRequestBlock."""

    title: str
    body: str
    author: str
    changes: str


@block(
    id="bf94b2a4-1a30-4600-a783-a8a44ee31301",
    name="GithubReadPullRequestBlock",
    categories=("DEVELOPER_TOOLS",),
    samples=[
        Sample(
            {"pr_url": f"{REPO}/pull/9", "credentials": LOGIN},
            [("title", "T"), ("body", ""), ("author", "ada")],
            serves={"/repos/ada/engine/pulls/9": served(_PULL)},
        )
    ],
)
async def github_read_pull_request(
    pr_url: str, credentials: GithubLogin, include_pr_changes: bool = False, *, ctx: Context
) -> AsyncIterator[Emit[Pull]]:
    """Read a pull request, with its changes if wanted.

    pr_url: The address of the pull request.
    credentials: A token that may read the repository.
    include_pr_changes: Give the changes too.
    title: The title.
    body: The text.
    author: Who opened it.
    changes: The changes as a unified diff.
    """
    path = numbered(ctx, pr_url)
    found = await GITHUB.call(ctx, "GET /repos/{owner}/{repo}/pulls/{number}", path=path)
    yield "title", found["title"]
    yield "body", found.get("body") or ""
    yield "author", (found.get("user") or {}).get("login", "")
    if include_pr_changes:
        accept = {"Accept": "application/vnd.github.diff"}
        diff = await GITHUB.ask(ctx, "GET /repos/{owner}/{repo}/pulls/{number}", path=path, headers=accept)
        yield "changes", diff.text


class Merged(Outputs):
    """Pins of GithubMergePullRequestBlock."""

    sha: str
    merged: bool
    message: str


@block(
    id="77456c22-33d8-4fd4-9eef-50b46a35bb48",
    name="GithubMergePullRequestBlock",
    categories=("DEVELOPER_TOOLS",),
    sensitive=True,
    repeatable=False,
    samples=[
        Sample(
            {"pr_url": f"{REPO}/pull/9", "credentials": LOGIN},
            [("sha", "abc"), ("merged", True), ("message", "done")],
            serves={
                "/repos/ada/engine/pulls/9/merge": served({"sha": "abc", "merged": True, "message": "done"})
            },
        )
    ],
)
async def github_merge_pull_request(
    pr_url: str,
    credentials: GithubLogin,
    merge_method: Advanced[Literal["merge", "squash", "rebase"]] = "merge",
    commit_title: Advanced[str] = "",
    commit_message: Advanced[str] = "",
    *,
    ctx: Context,
) -> AsyncIterator[Emit[Merged]]:
    """Merge a pull request.

    pr_url: The address of the pull request.
    credentials: A token that may write the repository.
    merge_method: How it is merged.
    commit_title: The title of the commit; GitHub's own if empty.
    commit_message: The text of the commit; GitHub's own if empty.
    sha: The commit.
    merged: Whether it is merged.
    message: What GitHub says.
    """
    wanted = {
        "merge_method": merge_method,
        "commit_title": commit_title or None,
        "commit_message": commit_message or None,
    }
    path = numbered(ctx, pr_url)
    done = await GITHUB.call(ctx, "PUT /repos/{owner}/{repo}/pulls/{number}/merge", path=path, json=wanted)
    yield "sha", done["sha"]
    yield "merged", done["merged"]
    yield "message", done["message"]


@block(
    id="944cc076-95e7-4d1b-b6b6-b15d8ee5448d",
    name="GithubMakeBranchBlock",
    categories=("DEVELOPER_TOOLS",),
    repeatable=False,
    samples=[
        Sample(
            {"repo_url": REPO, "new_branch": "new", "source_branch": "main", "credentials": LOGIN},
            [("status", "Branch created successfully")],
            serves={
                "/repos/ada/engine/git/ref/heads/main": served({"object": {"sha": "abc"}}),
                "/repos/ada/engine/git/refs": served({}),
            },
        )
    ],
)
async def github_make_branch(
    repo_url: str, new_branch: str, source_branch: str, credentials: GithubLogin, *, ctx: Context
) -> AsyncIterator[Emit[Status]]:
    """Make a branch that begins where another one is.

    repo_url: The repository.
    new_branch: The new branch.
    source_branch: The branch that it begins at.
    credentials: A token that may write the repository.
    status: That it was done.
    """
    path = {**repository(ctx, repo_url), "branch": source_branch}
    head = await GITHUB.call(ctx, "GET /repos/{owner}/{repo}/git/ref/heads/{branch*}", path=path)
    made = {"ref": f"refs/heads/{new_branch}", "sha": head["object"]["sha"]}
    await GITHUB.call(ctx, "POST /repos/{owner}/{repo}/git/refs", path=path, json=made)
    yield "status", "Branch created successfully"


class Text(Outputs):
    """Pins of GithubReadFileBlock."""

    text_content: str
    raw_content: str
    size: int


@block(
    id="87ce6c27-5752-4bbc-8e26-6da40a3dcfd3",
    name="GithubReadFileBlock",
    categories=("DEVELOPER_TOOLS",),
    samples=[
        Sample(
            {"repo_url": REPO, "file_path": "docs/a b.md", "credentials": LOGIN},
            [("raw_content", base64.b64encode(b"# A").decode()), ("text_content", "# A"), ("size", 3)],
            serves={"/repos/ada/engine/contents/docs/a%20b.md": ("text/plain", "# A")},
        ),
        Sample(
            {"repo_url": REPO, "file_path": "../../x", "credentials": LOGIN}, raises="block_input_invalid"
        ),
    ],
)
async def github_read_file(
    repo_url: str, file_path: str, credentials: GithubLogin, branch: Advanced[str] = "main", *, ctx: Context
) -> AsyncIterator[Emit[Text]]:
    """Read a file of a repository.

    repo_url: The repository.
    file_path: The path of the file.
    credentials: A token that may read the repository.
    branch: The branch, tag or commit.
    text_content: The file as text.
    raw_content: The file in base64.
    size: Its size in bytes.
    """
    answer = await GITHUB.ask(
        ctx,
        "GET /repos/{owner}/{repo}/contents/{path*}",
        path={**repository(ctx, repo_url), "path": file_path},
        query={"ref": branch},
        headers={"Accept": "application/vnd.github.raw+json"},
    )
    yield "raw_content", base64.b64encode(answer.body).decode()
    yield "text_content", answer.body.decode("utf-8", "replace")
    yield "size", len(answer.body)


class FoundFile(TypedDict):
    """A file in a folder."""

    name: str
    path: str
    size: int


class FoundFolder(TypedDict):
    """A folder in a folder."""

    name: str
    path: str


class Folder(Outputs):
    """Pins of GithubReadFolderBlock."""

    file: FoundFile
    dir: FoundFolder


@block(
    id="1355f863-2db3-4d75-9fba-f91e8a8ca400",
    name="GithubReadFolderBlock",
    categories=("DEVELOPER_TOOLS",),
    samples=[
        Sample(
            {"repo_url": REPO, "folder_path": "docs", "credentials": LOGIN},
            [
                ("file", {"name": "a.md", "path": "docs/a.md", "size": 3}),
                ("dir", {"name": "b", "path": "docs/b"}),
            ],
            serves={
                "/repos/ada/engine/contents/docs": served(
                    [
                        {"type": "file", "name": "a.md", "path": "docs/a.md", "size": 3},
                        {"type": "dir", "name": "b", "path": "docs/b", "size": 0},
                    ]
                )
            },
        )
    ],
)
async def github_read_folder(
    repo_url: str, folder_path: str, credentials: GithubLogin, branch: Advanced[str] = "main", *, ctx: Context
) -> AsyncIterator[Emit[Folder]]:
    """List what is in a folder of a repository.

    repo_url: The repository.
    folder_path: The path of the folder; empty or `/` for the whole repository's top.
    credentials: A token that may read the repository.
    branch: The branch, tag or commit.
    file: Each file.
    dir: Each folder.
    """
    path: dict[str, Any] = repository(ctx, repo_url)
    request = "GET /repos/{owner}/{repo}/contents"
    if folder_path.strip("/"):
        request, path["path"] = request + "/{path*}", folder_path
    rows = await GITHUB.call(ctx, request, path=path, query={"ref": branch})
    for row in rows if isinstance(rows, list) else [rows]:
        if row["type"] == "dir":
            yield "dir", {"name": row["name"], "path": row["path"]}
        elif row["type"] == "file":
            yield "file", {"name": row["name"], "path": row["path"], "size": row["size"]}
