"""Answers that come in parts, or later: lists of many pages, jobs to wait for, GraphQL."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Mapping
from typing import Annotated, Any, Literal
from urllib.parse import urljoin

from pydantic import Field

from millstream.processors.annotations import EMPTY, Advanced, Emit, LongText, Outputs
from millstream.processors.blocks.http_requests import AnyLogin, Seconds, logged_in, query_of, said
from millstream.processors.context import Context, Park
from millstream.processors.guards.retrying import back_off_s, may_repeat, retry_after_s
from millstream.processors.samples import Sample
from millstream.processors.sdk import block
from millstream.processors.services import HttpOptions, HttpResponse
from millstream.schemas.errors import BlockExecutionError, BlockInputError, BlockTimeoutError, UpstreamError

MISSING = object()
_LINK = re.compile(
    r'<([^<>]{0,4000})>((?:\s*;\s*[\w*-]+\s*=\s*(?:"[^"]*"|[^\s",;]*))*)'
)  # no step has two ways
_REL = re.compile(r';\s*rel\s*=\s*(?:"([^"]*)"|([^",;\s]*))', re.IGNORECASE)
TOTAL_BYTES = 16 * 1024 * 1024
ITEMS_LIMIT = 10_000


def at(value: Any, path: str) -> Any:
    """Return what stands at a path like `data.items.0.id`; MISSING if nothing does. An empty path is the value itself."""
    for step in path.split(".") if path else []:
        if isinstance(value, dict) and step in value:
            value = value[step]
        elif isinstance(value, list) and step.lstrip("-").isdigit() and -len(value) <= int(step) < len(value):
            value = value[int(step)]
        else:
            return MISSING
    return value


def next_link(headers: Mapping[str, str]) -> str | None:
    """Return the target of `rel="next"` in a Link header (RFC 8288)."""
    for match in _LINK.finditer(headers.get("link", "")[:16_000]):
        rel = _REL.search(match[2])
        if rel is not None and "next" in (rel[1] or rel[2] or "").lower().split():
            return match[1]
    return None


class Pages(Outputs):
    """Pins of FetchPagesBlock."""

    items: list[Any]
    page_count: int
    complete: bool


@block(
    categories=("INPUT", "DATA", "DEVELOPER_TOOLS"),
    samples=[
        Sample(
            {"url": "{server}/1", "how": "cursor", "cursor_path": "after", "items_path": "rows"},
            [("items", [1, 2, 3]), ("page_count", 2), ("complete", True)],
            serves={
                "/1": ("application/json", '{"rows": [1, 2], "after": "x/y"}'),
                "/1?cursor=x%2Fy": ("application/json", '{"rows": [3], "after": null}'),
            },
        ),
        Sample(
            {"url": "{server}/p", "how": "page", "most_pages": 2},
            [("items", [1, 2]), ("page_count", 2), ("complete", False)],
            serves={"/p?page=1": ("application/json", "[1]"), "/p?page=2": ("application/json", "[2]")},
        ),
        Sample({"url": "{server}/p"}, raises="block_failed", serves={"/p": ("text/html", "<p>no</p>")}),
    ],
)
async def fetch_pages(
    url: str,
    how: Literal["link", "cursor", "page", "offset"] = "link",
    items_path: str = "",
    query: dict[str, Any] = EMPTY,
    headers: dict[str, str] = EMPTY,
    credentials: AnyLogin = None,
    cursor_path: Advanced[str] = "next_cursor",
    parameter: Advanced[str] = "",
    first_page: Advanced[Annotated[int, Field(ge=0, le=1)]] = 1,
    most_pages: Advanced[Annotated[int, Field(ge=1, le=100)]] = 20,
    most_items: Advanced[Annotated[int, Field(ge=1, le=ITEMS_LIMIT)]] = 2_000,
    *,
    ctx: Context,
) -> AsyncIterator[Emit[Pages]]:
    """Read a list that a JSON API gives page by page, and put the pages together.

    url: The address of the first page.
    how: How the next page is found. `link`: the answer's Link header names it. `cursor`: the answer holds a cursor, or
        the whole address. `page`: pages are counted. `offset`: items are counted. These two end at the first empty page.
    items_path: Where the items are in an answer, like `data.items`; empty if the answer is the list itself.
    query: Parameters that are added to the URL of each page.
    headers: Headers to send along.
    credentials: A log-in, sent only to the hosts that it names.
    cursor_path: Where the cursor is in an answer, like `meta.next`.
    parameter: The parameter that takes cursor, page or offset; empty for one named so.
    first_page: The number of the first page.
    most_pages: How many pages are read at most.
    most_items: How many items are read at most.
    items: All items, in order.
    page_count: How many pages were read.
    complete: Whether these are all, as far as the server tells.
    """
    options: HttpOptions = {"headers": headers, **await logged_in(ctx, credentials)}
    place, size = _Place(how, parameter or how, cursor_path, first_page), 0
    items: list[Any] = []
    target: str | None = url
    pages = 0
    while target is not None and pages < most_pages and len(items) < most_items:
        response, value = await _page(ctx, target, {**options, "params": query_of({**query, **place.query})})
        size += len(response.body)
        if size > TOTAL_BYTES:
            raise BlockExecutionError(f"The pages have more than {TOTAL_BYTES} bytes; ask for less.")
        found = at(value, items_path)
        if not isinstance(found, list):
            raise BlockExecutionError(f"There is no list at {items_path!r} in the answer; set items_path.")
        items += found
        pages += 1
        target, query = place.after(target, response, value, found, query)
        ctx.progress(min(1.0, pages / most_pages), f"{len(items)} items")
    yield "items", items[:most_items]
    yield "page_count", pages
    yield "complete", target is None and len(items) <= most_items


async def _page(ctx: Context, url: str, options: HttpOptions) -> tuple[HttpResponse, Any]:
    if not options["params"]:
        del options["params"]
    response = await ctx.http.get(url, **options)
    if response.status >= 400:
        kind = UpstreamError if may_repeat("GET", response.status) else BlockExecutionError
        raise kind(
            f"The server answered {response.status} for a page.{said(response)}", status=response.status
        )
    try:
        return response, response.json()
    except (ValueError, RecursionError) as error:
        raise BlockExecutionError(f"A page is no JSON.{said(response)}") from error


class _Place:
    """Where in the list one is."""

    def __init__(self, how: str, parameter: str, cursor_path: str, first_page: int) -> None:
        self._how = how
        self._parameter = parameter
        self._cursor_path = cursor_path
        self._number = first_page if how == "page" else 0
        self._seen: set[str] = set()
        self.query: dict[str, Any] = {parameter: self._number} if how in ("page", "offset") else {}

    def after(
        self, url: str, response: HttpResponse, value: Any, found: list[Any], query: dict[str, Any]
    ) -> tuple[str | None, dict[str, Any]]:
        """Return the address of the next page and its parameters; None after the last."""
        if self._how in ("page", "offset"):
            self._number += 1 if self._how == "page" else len(found)
            self.query = {self._parameter: self._number}
            return (url if found else None), query
        following = next_link(response.headers) if self._how == "link" else at(value, self._cursor_path)
        if following is MISSING or following in (None, "", False) or str(following) in self._seen:
            return None, query
        self._seen.add(str(following))  # a server that gives the same cursor again would keep us for ever
        if self._how == "link" or str(following).startswith(("http://", "https://", "/", "?")):
            self.query = {}
            return urljoin(response.url, str(following)), {}
        self.query = {self._parameter: following}
        return url, query


class Polled(Outputs):
    """Pins of PollUrlBlock."""

    answer: Any
    value: Any
    polls: int


@block(
    categories=("LOGIC", "DEVELOPER_TOOLS"),
    samples=[
        Sample(
            {"url": "{server}/job", "path": "state.name", "until": ["done"], "interval_s": 5},
            [("answer", {"state": {"name": "done"}}), ("value", "done"), ("polls", 1)],
            serves={"/job": ("application/json", '{"state": {"name": "done"}}')},
        ),
        Sample(
            {"url": "{server}/job", "path": "state", "until": ["done"], "most_polls": 3},
            raises="block_timeout",
            serves={"/job": ("application/json", '{"state": "busy"}')},
        ),
    ],
)
async def poll_url(
    url: str,
    path: str,
    until: list[Any] = EMPTY,
    failed: list[Any] = EMPTY,
    interval_s: Annotated[float, Field(ge=1, le=86_400)] = 10.0,
    most_polls: Annotated[int, Field(ge=1, le=10_000)] = 60,
    headers: Advanced[dict[str, str]] = EMPTY,
    credentials: AnyLogin = None,
    *,
    ctx: Context,
) -> AsyncIterator[Emit[Polled]]:
    """Ask a JSON API again and again until a job has ended. Between two questions nothing is held up.

    url: What to ask.
    path: Where the state is in the answer, like `job.status`.
    until: The values that end the wait, such as `done`; empty for any value but null and false.
    failed: The values that say that the job has failed.
    interval_s: Seconds between two questions.
    most_polls: How often it is asked before this block gives up.
    headers: Headers to send along.
    credentials: A log-in, sent only to the hosts that it names.
    answer: The answer that ended the wait.
    value: What stands at the path in it.
    polls: How often it was asked.
    """
    polls = 1 + (int(ctx.resumed["polls"]) if isinstance(ctx.resumed, dict) else 0)
    options: HttpOptions = {"headers": headers, **await logged_in(ctx, credentials)}
    response: HttpResponse | None = None
    try:
        response = await ctx.http.get(url, **options)
    except UpstreamError:
        if polls >= most_polls:
            raise
    if response is not None and response.status >= 400 and not may_repeat("GET", response.status):
        raise BlockExecutionError(
            f"The server answered {response.status}.{said(response)}", status=response.status
        )
    value: Any = MISSING
    answer: Any = None
    if response is not None and response.status < 400:
        answer = _json(response)
        value = at(answer, path)
        if value is not MISSING and value in failed:
            raise BlockExecutionError(f"The job has failed: {path} is {str(value)[:200]!r}.")
    if value is not MISSING and (value in until or (not until and value not in (None, False))):
        yield "answer", answer
        yield "value", value
        yield "polls", polls
        return
    if polls >= most_polls:
        raise_late(path, value, polls)
    asked_s = retry_after_s(response.headers) if response is not None else back_off_s(polls, None)
    yield Park(max(interval_s, min(asked_s or 0.0, 86_400.0)), {"polls": polls})


def raise_late(path: str, value: Any, polls: int) -> None:
    """Errors: BlockTimeoutError, always."""
    found = "was not in the answer" if value is MISSING else f"was {str(value)[:200]!r}"
    raise BlockTimeoutError(f"After {polls} questions {path!r} {found}; raise most_polls or interval_s.")


def _json(response: HttpResponse) -> Any:
    try:
        return response.json()
    except (ValueError, RecursionError) as error:
        raise BlockExecutionError(f"The answer is no JSON.{said(response)}") from error


class Graphed(Outputs):
    """Pins of GraphqlRequestBlock."""

    data: Any
    errors: list[Any]


@block(
    categories=("DEVELOPER_TOOLS", "DATA"),
    repeatable=False,
    samples=[
        Sample(
            {"url": "{server}/graphql", "query": "{ a }"},
            [("data", {"a": 1})],
            serves={"/graphql": ("application/json", '{"data": {"a": 1}}')},
        ),
        Sample(
            {"url": "{server}/graphql", "query": "{ b }"},
            raises="block_failed",
            serves={"/graphql": ("application/json", '{"errors": [{"message": "no field b"}]}')},
        ),
        Sample({"url": "{server}/graphql", "query": " "}, raises="block_input_invalid"),
    ],
)
async def graphql_request(
    url: str,
    query: LongText,
    variables: dict[str, Any] = EMPTY,
    operation_name: Advanced[str] = "",
    headers: Advanced[dict[str, str]] = EMPTY,
    credentials: AnyLogin = None,
    timeout_s: Advanced[Seconds] = 30.0,
    *,
    ctx: Context,
) -> AsyncIterator[Emit[Graphed]]:
    """Ask a GraphQL API. Values go into `variables`, never into the text of the query.

    url: The address of the API.
    query: The document: a query or a mutation.
    variables: The values of its variables.
    operation_name: Which operation of the document is meant, if it has several.
    headers: Headers to send along.
    credentials: A log-in, sent only to the hosts that it names.
    timeout_s: How long to wait, in seconds.
    data: What was asked for.
    errors: What the API could not give, if it gave the rest. Without any data the block fails.
    """
    if not query.strip():
        raise BlockInputError("The query is empty.")
    asked: dict[str, Any] = {"query": query, "variables": variables}
    if operation_name:
        asked["operationName"] = operation_name
    options: HttpOptions = {
        "headers": {"Accept": "application/graphql-response+json, application/json", **headers},
        "json": asked,
        "timeout_s": timeout_s,
        **await logged_in(ctx, credentials),
    }
    response = await ctx.http.request("POST", url, **options)
    if response.status >= 400 and "json" not in response.media_type:
        raise UpstreamError(f"The server answered {response.status}.{said(response)}", status=response.status)
    answer = _json(response)
    data, errors = (answer.get("data"), answer.get("errors")) if isinstance(answer, dict) else (None, None)
    if data is None:
        messages = [str(each.get("message", each))[:300] for each in errors or [] if isinstance(each, dict)]
        raise BlockExecutionError(f"The API gave no data: {'; '.join(messages[:3]) or response.status}.")
    yield "data", data
    if errors:
        yield "errors", errors
