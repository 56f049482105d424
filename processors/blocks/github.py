"""GitHub: issues and their comments. Here is also what all blocks of GitHub share: the service, its log-in, its addresses."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator
from typing import Annotated, Any
from urllib.parse import urlsplit

from typing_extensions import TypedDict

from millstream.processors.annotations import Emit, Outputs
from millstream.processors.context import Context
from millstream.processors.credentials import Credentials
from millstream.processors.rest import Service
from millstream.processors.samples import Sample
from millstream.processors.sdk import block
from millstream.schemas.errors import BlockInputError

GITHUB = Service(
    provider="github",
    title="GitHub",
    url="https://api.github.com",
    headers={"Accept": "application/vnd.github+json", "X-GitHub-Api-Version": "2022-11-28"},
)
GithubLogin = Annotated[Credentials, GITHUB.takes("api_key", "oauth2", scopes=("repo",))]
LOGIN = {"id": "00000000-0000-4000-8000-000000000003", "provider": "github", "type": "api_key"}
REPO = "https://github.com/ada/engine"
_KINDS = {"issues": "issues", "pull": "pulls", "pulls": "pulls"}


def repository(ctx: Context, url: str) -> dict[str, str]:
    """Return owner and name in `https://github.com/owner/name`, or `owner/name`. Errors: BlockInputError."""
    parts = urlsplit(url.strip() if "//" in url else f"https://github.com/{url.strip()}")
    steps = parts.path.strip("/").removesuffix(".git").split("/")
    public = parts.hostname in ("github.com", "www.github.com", "api.github.com")
    if parts.hostname == "api.github.com" and steps[0] == "repos":
        steps = steps[1:]
    if len(steps) < 2 or not all(steps[:2]) or not (public or ctx.http.service_url("github")):
        raise BlockInputError(f"{url[:200]!r} is no repository; it looks like https://github.com/owner/name.")
    return {"owner": steps[0], "repo": steps[1]}


def numbered(ctx: Context, url: str) -> dict[str, str]:
    """Return owner, name, kind and number in `https://github.com/owner/name/issues/7`, or `.../pull/7`.

    Errors: BlockInputError.
    """
    path = urlsplit(url.strip()).path.strip("/").removeprefix("repos/").split("/")
    if len(path) < 4 or path[2] not in _KINDS or not path[3].isdecimal():
        raise BlockInputError(
            f"{url[:200]!r} is no issue and no pull request; it ends like /issues/7 or /pull/7."
        )
    return {**repository(ctx, url), "kind": _KINDS[path[2]], "number": path[3]}


def each_and_all(one: str, many: str, rows: list[Any]) -> Iterator[tuple[str, Any]]:
    """Emit each row on a pin, then all on another."""
    for row in rows:
        yield one, row
    yield many, rows


def served(value: Any) -> tuple[str, str]:
    """Return a page for a sample."""
    return "application/json", json.dumps(value)


class Made(Outputs):
    """Number and address of what was made."""

    number: int
    url: str


_ISSUE = {"number": 7, "html_url": f"{REPO}/issues/7", "title": "T", "body": "B", "user": {"login": "ada"}}


@block(
    id="691dad47-f494-44c3-a1e8-05b7990f2dab",
    name="GithubMakeIssueBlock",
    categories=("DEVELOPER_TOOLS",),
    repeatable=False,
    samples=[
        Sample(
            {"repo_url": REPO, "title": "T", "body": "B", "credentials": LOGIN},
            [("number", 7), ("url", f"{REPO}/issues/7")],
            serves={"/repos/ada/engine/issues": served(_ISSUE)},
        ),
        Sample(
            {"repo_url": "ada", "title": "T", "body": "", "credentials": LOGIN}, raises="block_input_invalid"
        ),
    ],
)
async def github_make_issue(
    repo_url: str, title: str, body: str, credentials: GithubLogin, *, ctx: Context
) -> AsyncIterator[Emit[Made]]:
    """Open an issue.

    repo_url: The repository.
    title: The title.
    body: The text, in Markdown.
    credentials: A token that may write issues.
    number: The number of the issue.
    url: The address of the issue.
    """
    path = repository(ctx, repo_url)
    made = await GITHUB.call(
        ctx, "POST /repos/{owner}/{repo}/issues", path=path, json={"title": title, "body": body}
    )
    yield "number", made["number"]
    yield "url", made["html_url"]


class Issue(Outputs):
    """Pins of GithubReadIssueBlock."""

    title: str
    body: str
    user: str


@block(
    id="6443c75d-032a-4772-9c08-230c707c8acc",
    name="GithubReadIssueBlock",
    categories=("DEVELOPER_TOOLS",),
    samples=[
        Sample(
            {"issue_url": f"{REPO}/issues/7", "credentials": LOGIN},
            [("title", "T"), ("body", "B"), ("user", "ada")],
            serves={"/repos/ada/engine/issues/7": served(_ISSUE)},
        ),
        Sample(
            {"issue_url": f"{REPO}/issues/8", "credentials": LOGIN},
            raises="block_failed",
            serves={"/": ("text/plain", "")},
        ),
    ],
)
async def github_read_issue(
    issue_url: str, credentials: GithubLogin, *, ctx: Context
) -> AsyncIterator[Emit[Issue]]:
    """Read an issue, or what a pull request says.

    issue_url: The address of the issue.
    credentials: A token that may read the repository.
    title: The title.
    body: The text.
    user: Who opened it.
    """
    found = await GITHUB.call(ctx, "GET /repos/{owner}/{repo}/issues/{number}", path=numbered(ctx, issue_url))
    yield "title", found["title"]
    yield "body", found.get("body") or ""
    yield "user", (found.get("user") or {}).get("login", "")


class Named(TypedDict):
    """Title and address."""

    title: str
    url: str


class Issues(Outputs):
    """Pins of GithubListIssuesBlock."""

    issue: Named
    issues: list[Named]


@block(
    id="c215bfd7-0e57-4573-8f8c-f7d4963dcd74",
    name="GithubListIssuesBlock",
    categories=("DEVELOPER_TOOLS",),
    samples=[
        Sample(
            {"repo_url": REPO, "credentials": LOGIN},
            [
                ("issue", {"title": "T", "url": f"{REPO}/issues/7"}),
                ("issues", [{"title": "T", "url": f"{REPO}/issues/7"}]),
            ],
            serves={"/repos/ada/engine/issues": served([_ISSUE])},
        )
    ],
)
async def github_list_issues(
    repo_url: str, credentials: GithubLogin, *, ctx: Context
) -> AsyncIterator[Emit[Issues]]:
    """List the open issues of a repository, the newest first, up to a hundred; pull requests count as issues.

    repo_url: The repository.
    credentials: A token that may read the repository.
    issue: Each issue.
    issues: All issues.
    """
    path = repository(ctx, repo_url)
    rows = await GITHUB.call(ctx, "GET /repos/{owner}/{repo}/issues", path=path, query={"per_page": 100})
    for emit in each_and_all(
        "issue", "issues", [{"title": row["title"], "url": row["html_url"]} for row in rows]
    ):
        yield emit


class Commented(Outputs):
    """Pins of GithubCommentBlock."""

    id: int
    url: str


_COMMENT = {"id": 1, "html_url": f"{REPO}/issues/7#c1", "body": "Hi", "user": {"login": "ada"}}


@block(
    id="a8db4d8d-db1c-4a25-a1b0-416a8c33602b",
    name="GithubCommentBlock",
    categories=("DEVELOPER_TOOLS",),
    repeatable=False,
    samples=[
        Sample(
            {"issue_url": f"{REPO}/pull/7", "comment": "Hi", "credentials": LOGIN},
            [("id", 1), ("url", f"{REPO}/issues/7#c1")],
            serves={"/repos/ada/engine/issues/7/comments": served(_COMMENT)},
        )
    ],
)
async def github_comment(
    issue_url: str, comment: str, credentials: GithubLogin, *, ctx: Context
) -> AsyncIterator[Emit[Commented]]:
    """Comment on an issue or a pull request.

    issue_url: The address of the issue or pull request.
    comment: The text, in Markdown.
    credentials: A token that may write issues.
    id: The id of the comment.
    url: The address of the comment.
    """
    path = numbered(ctx, issue_url)
    made = await GITHUB.call(
        ctx, "POST /repos/{owner}/{repo}/issues/{number}/comments", path=path, json={"body": comment}
    )
    yield "id", made["id"]
    yield "url", made["html_url"]


class Comment(TypedDict):
    """One comment."""

    id: int
    body: str
    user: str
    url: str


class Comments(Outputs):
    """Pins of GithubListCommentsBlock."""

    comment: Comment
    comments: list[Comment]


_SHOWN = {"id": 1, "body": "Hi", "user": "ada", "url": f"{REPO}/issues/7#c1"}


@block(
    id="c4b5fb63-0005-4a11-b35a-0c2467bd6b59",
    name="GithubListCommentsBlock",
    categories=("DEVELOPER_TOOLS",),
    samples=[
        Sample(
            {"issue_url": f"{REPO}/issues/7", "credentials": LOGIN},
            [("comment", _SHOWN), ("comments", [_SHOWN])],
            serves={"/repos/ada/engine/issues/7/comments": served([_COMMENT])},
        )
    ],
)
async def github_list_comments(
    issue_url: str, credentials: GithubLogin, *, ctx: Context
) -> AsyncIterator[Emit[Comments]]:
    """List the comments of an issue or a pull request, the oldest first, up to a hundred.

    issue_url: The address of the issue or pull request.
    credentials: A token that may read the repository.
    comment: Each comment.
    comments: All comments.
    """
    path = numbered(ctx, issue_url)
    rows = await GITHUB.call(
        ctx, "GET /repos/{owner}/{repo}/issues/{number}/comments", path=path, query={"per_page": 100}
    )
    shown = [
        {
            "id": row["id"],
            "body": row.get("body") or "",
            "user": (row.get("user") or {}).get("login", ""),
            "url": row["html_url"],
        }
        for row in rows
    ]
    for emit in each_and_all("comment", "comments", shown):
        yield emit


class Status(Outputs):
    """What became of it."""

    status: str


@block(
    id="98bd6b77-9506-43d5-b669-6b9733c4b1f1",
    name="GithubAddLabelBlock",
    categories=("DEVELOPER_TOOLS",),
    samples=[
        Sample(
            {"issue_url": f"{REPO}/issues/7", "label": "bug", "credentials": LOGIN},
            [("status", "Label added successfully")],
            serves={"/repos/ada/engine/issues/7/labels": served([])},
        )
    ],
)
async def github_add_label(
    issue_url: str, label: str, credentials: GithubLogin, *, ctx: Context
) -> AsyncIterator[Emit[Status]]:
    """Put a label on an issue or a pull request.

    issue_url: The address of the issue or pull request.
    label: The label.
    credentials: A token that may write issues.
    status: That it was done.
    """
    path = numbered(ctx, issue_url)
    await GITHUB.call(
        ctx, "POST /repos/{owner}/{repo}/issues/{number}/labels", path=path, json={"labels": [label]}
    )
    yield "status", "Label added successfully"


@block(
    id="90507c72-b0ff-413a-886a-23bbbd66f542",
    name="GithubAssignIssueBlock",
    categories=("DEVELOPER_TOOLS",),
    samples=[
        Sample(
            {"issue_url": f"{REPO}/issues/7", "assignee": "ada", "credentials": LOGIN},
            [("status", "Issue assigned successfully")],
            serves={"/repos/ada/engine/issues/7/assignees": served({})},
        )
    ],
)
async def github_assign_issue(
    issue_url: str, assignee: str, credentials: GithubLogin, *, ctx: Context
) -> AsyncIterator[Emit[Status]]:
    """Assign an issue or a pull request to somebody.

    issue_url: The address of the issue or pull request.
    assignee: The GitHub name of the person.
    credentials: A token that may write issues.
    status: That it was done.
    """
    path = numbered(ctx, issue_url)
    await GITHUB.call(
        ctx, "POST /repos/{owner}/{repo}/issues/{number}/assignees", path=path, json={"assignees": [assignee]}
    )
    yield "status", "Issue assigned successfully"
