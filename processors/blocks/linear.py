"""Linear: issues and comments, by its GraphQL API."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Annotated, Any

from pydantic import Field
from typing_extensions import TypedDict

from millstream.processors.annotations import Advanced, Emit, Outputs
from millstream.processors.context import Context
from millstream.processors.credentials import Credentials
from millstream.processors.rest import Login, Service
from millstream.processors.samples import Sample
from millstream.processors.sdk import block
from millstream.schemas.errors import BlockInputError


def _refused(value: Any) -> bool:
    return isinstance(value, dict) and bool(value.get("errors"))


def _reason(value: Any) -> str:
    errors = value.get("errors") if isinstance(value, dict) else None
    first = errors[0] if isinstance(errors, list) and errors else {}
    shown = (first.get("extensions") or {}).get("userPresentableMessage") if isinstance(first, dict) else None
    return str(shown or (first.get("message") if isinstance(first, dict) else first) or "")


LINEAR = Service(
    provider="linear",
    title="Linear",
    url="https://api.linear.app",
    login=Login(prefix=""),
    problem=_reason,
    failed=_refused,
)
LinearLogin = Annotated[Credentials, LINEAR.takes("api_key")]
_LOGIN = {"id": "00000000-0000-4000-8000-000000000003", "provider": "linear", "type": "api_key"}


def _served(value: Any) -> dict[str, tuple[str, str]]:
    return {"/graphql": ("application/json", json.dumps(value))}


async def _ask(ctx: Context, query: str, **variables: Any) -> dict[str, Any]:
    """Return the data of one query or mutation."""
    answer = await LINEAR.call(ctx, "POST /graphql", json={"query": query, "variables": variables})
    data: dict[str, Any] = answer["data"]
    return data


_TEAM = "query($name: String!) { teams(filter: {name: {eq: $name}}, first: 1) { nodes { id } } }"
_PROJECT = "query($name: String!) { projects(filter: {name: {eq: $name}}, first: 1) { nodes { id } } }"
_CREATE = (
    "mutation($input: IssueCreateInput!) { issueCreate(input: $input) { issue { id identifier title } } }"
)
_COMMENT = "mutation($input: CommentCreateInput!) { commentCreate(input: $input) { comment { id body } } }"
_SEARCH = """query($term: String!, $first: Int!, $filter: IssueFilter) {
searchIssues(term: $term, first: $first, filter: $filter) { nodes { id identifier title description priority
createdAt state { id name type } project { id name } assignee { id name } } } }"""


async def _named(ctx: Context, query: str, kind: str, name: str) -> str:
    """The id of the team or project with a name. Errors: BlockInputError."""
    nodes = (await _ask(ctx, query, name=name))[kind]["nodes"]
    if not nodes:
        raise BlockInputError(f"Linear has no {kind.removesuffix('s')} {name!r}.", pin=f"{kind[:-1]}_name")
    return str(nodes[0]["id"])


class Made(Outputs):
    """Pins of LinearCreateIssueBlock."""

    issue_id: str
    issue_title: str


@block(
    id="f9c68f55-dcca-40a8-8771-abf9601680aa",
    name="LinearCreateIssueBlock",
    categories=("ISSUE_TRACKING", "PRODUCTIVITY"),
    repeatable=False,
    samples=[
        Sample(
            {"credentials": _LOGIN, "title": "Leak", "description": "It drips.", "team_name": "Kitchen"},
            [("issue_id", "KIT-7"), ("issue_title", "Leak")],
            serves=_served(
                {
                    "data": {
                        "teams": {"nodes": [{"id": "t1"}]},
                        "issueCreate": {"issue": {"id": "i1", "identifier": "KIT-7", "title": "Leak"}},
                    }
                }
            ),
        ),
        Sample(
            {"credentials": _LOGIN, "title": "Leak", "description": "", "team_name": "None"},
            raises="block_input_invalid",
            serves=_served({"data": {"teams": {"nodes": []}}}),
        ),
        Sample(
            {"credentials": _LOGIN, "title": "Leak", "description": "", "team_name": "Kitchen"},
            raises="block_failed",
            serves=_served({"errors": [{"message": "no access"}]}),
        ),
        Sample(
            {"credentials": _LOGIN, "title": "x", "description": "", "team_name": "x", "priority": 9},
            raises="block_input_invalid",
        ),
    ],
)
async def linear_create_issue(
    credentials: LinearLogin,
    title: str,
    description: str | None,
    team_name: str,
    priority: Advanced[int | None] = None,
    project_name: Advanced[str | None] = None,
    *,
    ctx: Context,
) -> AsyncIterator[Emit[Made]]:
    """Make an issue.

    credentials: A personal API key.
    title: The title.
    description: What it is about, in Markdown.
    team_name: Name of the team whose issue it is.
    priority: 0 none, 1 urgent, 2 high, 3 normal, 4 low.
    project_name: Name of the project that it belongs to.
    issue_id: Number of the issue, such as KIT-7.
    issue_title: The title.
    """
    if priority is not None and not 0 <= priority <= 4:
        raise BlockInputError(f"priority is {priority}; give 0 to 4.", pin="priority")
    wanted: dict[str, Any] = {
        "title": title,
        "description": description,
        "teamId": await _named(ctx, _TEAM, "teams", team_name),
        "priority": priority,
    }
    if project_name:
        wanted["projectId"] = await _named(ctx, _PROJECT, "projects", project_name)
    given = {key: value for key, value in wanted.items() if value is not None}
    issue = (await _ask(ctx, _CREATE, input=given))["issueCreate"]["issue"]
    yield "issue_id", issue["identifier"]
    yield "issue_title", issue["title"]


class Commented(Outputs):
    """Pins of LinearCreateCommentBlock."""

    comment_id: str
    comment_body: str


@block(
    id="8f7d3a2e-9b5c-4c6a-8f1d-7c8b3e4a5d6c",
    name="LinearCreateCommentBlock",
    categories=("ISSUE_TRACKING", "PRODUCTIVITY"),
    repeatable=False,
    samples=[
        Sample(
            {"credentials": _LOGIN, "issue_id": "KIT-7", "comment": "Mended."},
            [("comment_id", "c1"), ("comment_body", "Mended.")],
            serves=_served({"data": {"commentCreate": {"comment": {"id": "c1", "body": "Mended."}}}}),
        )
    ],
)
async def linear_create_comment(
    credentials: LinearLogin, issue_id: str, comment: str, *, ctx: Context
) -> AsyncIterator[Emit[Commented]]:
    """Comment on an issue.

    credentials: A personal API key.
    issue_id: Id or number of the issue, such as KIT-7.
    comment: The text, in Markdown.
    comment_id: Id of the comment.
    comment_body: The text as Linear has it.
    """
    wanted = {"issueId": issue_id, "body": comment}
    made = (await _ask(ctx, _COMMENT, input=wanted))["commentCreate"]["comment"]
    yield "comment_id", made["id"]
    yield "comment_body", made["body"]


class Issue(TypedDict):
    """One issue."""

    id: str
    identifier: str
    title: str
    description: str | None
    priority: int
    state: dict[str, Any] | None
    project: dict[str, Any] | None
    createdAt: str | None
    comments: list[dict[str, Any]] | None
    assignee: dict[str, Any] | None


class Found(Outputs):
    """Pins of LinearSearchIssuesBlock."""

    issues: list[Issue]


_ISSUE = {
    "id": "i1",
    "identifier": "KIT-7",
    "title": "Leak",
    "description": None,
    "priority": 2,
    "state": {"id": "s1", "name": "Todo", "type": "unstarted"},
    "project": None,
    "createdAt": "2026-01-02T03:04:05.000Z",
    "comments": None,
    "assignee": None,
}


@block(
    id="b5a2a0e6-26b4-4c5b-8a42-bc79e9cb65c2",
    name="LinearSearchIssuesBlock",
    categories=("ISSUE_TRACKING", "PRODUCTIVITY"),
    samples=[
        Sample(
            {"credentials": _LOGIN, "term": "leak"},
            [("issues", [_ISSUE])],
            serves=_served({"data": {"searchIssues": {"nodes": [_ISSUE]}}}),
        )
    ],
)
async def linear_search_issues(
    term: str,
    credentials: LinearLogin,
    max_results: Advanced[Annotated[int, Field(ge=1, le=100)]] = 10,
    team_name: Advanced[str | None] = None,
    *,
    ctx: Context,
) -> AsyncIterator[Emit[Found]]:
    """Search issues by their words.

    term: What to look for.
    credentials: A personal API key.
    max_results: How many at most.
    team_name: Only issues of the team with this name.
    issues: What was found.
    """
    only = {"team": {"name": {"eq": team_name}}} if team_name else None
    found = await _ask(ctx, _SEARCH, term=term, first=max_results, filter=only)
    nodes = found["searchIssues"]["nodes"]
    yield "issues", [{key: node.get(key) for key in Issue.__annotations__} for node in nodes]
