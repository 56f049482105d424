"""GitHub: what is taken back again, and releases."""

from __future__ import annotations

from collections.abc import AsyncIterator

from typing_extensions import TypedDict

from millstream.processors.annotations import Emit, Outputs
from millstream.processors.blocks.github import (
    GITHUB,
    LOGIN,
    REPO,
    GithubLogin,
    Status,
    each_and_all,
    numbered,
    repository,
    served,
)
from millstream.processors.context import Context
from millstream.processors.samples import Sample
from millstream.processors.sdk import block


@block(
    id="78f050c5-3e3a-48c0-9e5b-ef1ceca5589c",
    name="GithubRemoveLabelBlock",
    categories=("DEVELOPER_TOOLS",),
    samples=[
        Sample(
            {"issue_url": f"{REPO}/issues/7", "label": "not a/bug", "credentials": LOGIN},
            [("status", "Label removed successfully")],
            serves={"/repos/ada/engine/issues/7/labels/not%20a%2Fbug": served([])},
        )
    ],
)
async def github_remove_label(
    issue_url: str, label: str, credentials: GithubLogin, *, ctx: Context
) -> AsyncIterator[Emit[Status]]:
    """Take a label off an issue or a pull request.

    issue_url: The address of the issue or pull request.
    label: The label.
    credentials: A token that may write issues.
    status: That it was done.
    """
    path = {**numbered(ctx, issue_url), "label": label}
    await GITHUB.call(ctx, "DELETE /repos/{owner}/{repo}/issues/{number}/labels/{label}", path=path)
    yield "status", "Label removed successfully"


@block(
    id="d154002a-38f4-46c2-962d-2488f2b05ece",
    name="GithubUnassignIssueBlock",
    categories=("DEVELOPER_TOOLS",),
    samples=[
        Sample(
            {"issue_url": f"{REPO}/issues/7", "assignee": "ada", "credentials": LOGIN},
            [("status", "Issue unassigned successfully")],
            serves={"/repos/ada/engine/issues/7/assignees": served({})},
        )
    ],
)
async def github_unassign_issue(
    issue_url: str, assignee: str, credentials: GithubLogin, *, ctx: Context
) -> AsyncIterator[Emit[Status]]:
    """Take an issue or a pull request from somebody again.

    issue_url: The address of the issue or pull request.
    assignee: The GitHub name of the person.
    credentials: A token that may write issues.
    status: That it was done.
    """
    await GITHUB.call(
        ctx,
        "DELETE /repos/{owner}/{repo}/issues/{number}/assignees",
        path=numbered(ctx, issue_url),
        json={"assignees": [assignee]},
    )
    yield "status", "Issue unassigned successfully"


@block(
    id="0d4130f7-e0ab-4d55-adc3-0a40225e80f4",
    name="GithubDeleteBranchBlock",
    categories=("DEVELOPER_TOOLS",),
    sensitive=True,
    repeatable=False,
    samples=[
        Sample(
            {"repo_url": REPO, "branch": "old/one", "credentials": LOGIN},
            [("status", "Branch deleted successfully")],
            serves={"/repos/ada/engine/git/refs/heads/old/one": served({})},
        )
    ],
)
async def github_delete_branch(
    repo_url: str, branch: str, credentials: GithubLogin, *, ctx: Context
) -> AsyncIterator[Emit[Status]]:
    """Remove a branch. What nothing else leads to is lost.

    repo_url: The repository.
    branch: The branch.
    credentials: A token that may write the repository.
    status: That it was done.
    """
    path = {**repository(ctx, repo_url), "branch": branch}
    await GITHUB.ask(ctx, "DELETE /repos/{owner}/{repo}/git/refs/heads/{branch*}", path=path)
    yield "status", "Branch deleted successfully"


class Release(TypedDict):
    """Name and address of a release."""

    name: str
    url: str


class Releases(Outputs):
    """Pins of GithubListReleasesBlock."""

    release: Release
    releases: list[Release]


@block(
    id="3460367a-6ba7-4645-8ce6-47b05d040b92",
    name="GithubListReleasesBlock",
    categories=("DEVELOPER_TOOLS",),
    samples=[
        Sample(
            {"repo_url": REPO, "credentials": LOGIN},
            [
                ("release", {"name": "v1", "url": f"{REPO}/releases/1"}),
                ("releases", [{"name": "v1", "url": f"{REPO}/releases/1"}]),
            ],
            serves={
                "/repos/ada/engine/releases": served(
                    [{"name": "", "tag_name": "v1", "html_url": f"{REPO}/releases/1"}]
                )
            },
        )
    ],
)
async def github_list_releases(
    repo_url: str, credentials: GithubLogin, *, ctx: Context
) -> AsyncIterator[Emit[Releases]]:
    """List the releases of a repository, the newest first, up to a hundred.

    repo_url: The repository.
    credentials: A token that may read the repository.
    release: Each release.
    releases: All releases.
    """
    path = repository(ctx, repo_url)
    rows = await GITHUB.call(ctx, "GET /repos/{owner}/{repo}/releases", path=path, query={"per_page": 100})
    shown = [{"name": row.get("name") or row["tag_name"], "url": row["html_url"]} for row in rows]
    for emit in each_and_all("release", "releases", shown):
        yield emit
