"""The web: requests, pages, feeds. Everything goes through the guarded client of the context."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from typing_extensions import TypedDict

from millstream.processors import isolation
from millstream.processors.annotations import EMPTY, Advanced, DateTimeText, Emit, FileRef, Outputs
from millstream.processors.context import Context, Park
from millstream.processors.guards.sniffing import is_textual
from millstream.processors.parsing import feed_entries, page
from millstream.processors.samples import Sample
from millstream.processors.sdk import block
from millstream.processors.services import HttpOptions, HttpResponse
from millstream.schemas.errors import BlockInputError, UpstreamError

HERE_CHARS = 8_000
"""Longest page that is parsed in this process: the parser takes 20 ms for so many open tags, and 9 s for 200,000
characters of them, for as long as nothing else would run here.
"""
SHORTEST_POLL_S = 1
SEEN_LIMIT = 2_000


class Answer(Outputs):
    """Pins of SendWebRequestBlock."""

    response: Any
    client_error: Any
    server_error: Any


@block(
    id="6595ae1f-b924-42cb-9a41-551a0611c4b4",
    name="SendWebRequestBlock",
    categories=("OUTPUT",),
    repeatable=False,
    samples=[
        Sample(
            {"url": "{server}/a.json", "method": "GET"},
            [("response", {"a": 1})],
            serves={"/a.json": ("application/json", '{"a": 1}')},
        ),
        Sample(
            {"url": "{server}/none", "method": "GET"},
            [("client_error", str)],
            serves={"/": ("text/plain", "")},
        ),
        Sample({"url": "http://127.0.0.1/", "method": "GET"}, raises="address_refused"),
        Sample({"url": "file:///etc/passwd", "method": "GET"}, raises="address_refused"),
    ],
)
async def send_web_request(
    url: str,
    method: Advanced[Literal["GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "HEAD"]] = "POST",
    headers: Advanced[dict[str, str]] = EMPTY,
    json_format: Advanced[bool] = True,
    body: Advanced[dict[str, Any] | None] = None,
    files_name: Advanced[str] = "file",
    files: Advanced[list[FileRef]] = EMPTY,
    *,
    ctx: Context,
) -> AsyncIterator[Emit[Answer]]:
    """Send one HTTP request. JSON answers come out as values, text as text, others as a file in the
    workspace.

    A request that changes things carries an Idempotency-Key, and is not sent again after a crash.

    url: Where to send it; public http and https addresses only.
    method: The HTTP method.
    headers: Headers to send along.
    json_format: Send the body as JSON; else as a form.
    body: What to send.
    files_name: The form field that files go under.
    files: Files to send; the body then goes as form fields.
    response: The answer, if the status is 2xx.
    client_error: The answer, if the status is 4xx.
    server_error: The answer, if the status is any other.
    """
    wanted: HttpOptions = {"headers": with_key(headers, method, ctx)}
    yield await exchanged(
        ctx, method, url, wanted, json_format=json_format, body=body, files=(files_name, files)
    )


async def exchanged(
    ctx: Context,
    method: str,
    url: str,
    options: HttpOptions,
    *,
    json_format: bool,
    body: dict[str, Any] | None,
    files: tuple[str, list[str]],
) -> tuple[str, Any]:
    """Send a request and return its answer with the pin that it comes out on. `files`: (form field, references)."""
    files_name, refs = files
    if refs:
        parts = [await ctx.files.read(ref) for ref in refs]
        options["files"] = [(files_name, (part.name or "file", part.data, part.media_type)) for part in parts]
        options["data"] = _form(body or {})
    elif body is not None and json_format:
        options["json"] = body
    elif body is not None:
        options["data"] = _form(body)
    response = await ctx.http.request(method, url, **options)
    pin = (
        "response" if 200 <= response.status < 300 else "client_error" if response.status // 100 == 4 else ""
    )
    return pin or "server_error", await _content(response, ctx)


def with_key(headers: dict[str, str], method: str, ctx: Context) -> dict[str, str]:
    """Return the headers with an Idempotency-Key for a request that changes things."""
    names = {name.lower() for name in headers}
    if method in ("POST", "PATCH") and "idempotency-key" not in names:
        return {**headers, "Idempotency-Key": ctx.idempotency_key}
    return headers


def _form(body: dict[str, Any]) -> dict[str, str]:
    return {name: value if isinstance(value, str) else json.dumps(value) for name, value in body.items()}


async def _content(response: HttpResponse, ctx: Context) -> Any:
    kind = response.media_type
    if kind == "application/json" or kind.endswith("+json"):
        try:
            return response.json()
        except (ValueError, RecursionError):
            return response.text
    if not response.body or not kind or is_textual(kind):
        return response.text
    return await ctx.files.write(response.body, media_type=kind)


class Entry(TypedDict):
    """One item of a feed."""

    title: str
    link: str
    description: str
    pub_date: DateTimeText
    author: str
    categories: list[str]


class Feed(Outputs):
    """Pins of ReadRSSFeedBlock."""

    entry: Entry
    entries: list[Entry]


_RSS = """<rss version="2.0"><channel><title>t</title>
<item><title>Old</title><link>http://x/1</link><pubDate>Tue, 10 Jun 2003 04:00:00 GMT</pubDate></item>
<item><title>New</title><link>http://x/2</link><description>d</description><author>a</author>
<category>c</category><pubDate>Tue, 10 Jun 2098 04:00:00 GMT</pubDate></item></channel></rss>"""
_NEW = {
    "title": "New",
    "link": "http://x/2",
    "description": "d",
    "pub_date": "2098-06-10T04:00:00+00:00",
    "author": "a",
    "categories": ["c"],
}


@block(
    id="5ebe6768-8e5d-41e3-9134-1c7bd89a8d52",
    name="ReadRSSFeedBlock",
    categories=("INPUT",),
    samples=[
        Sample(
            {"rss_url": "{server}/feed", "polling_rate": 60, "run_continuously": False},
            [("entry", _NEW), ("entries", [_NEW])],
            serves={"/feed": ("application/rss+xml", _RSS)},
        ),
        Sample(
            {"rss_url": "{server}/feed", "polling_rate": 60, "run_continuously": False},
            raises="block_failed",
            serves={"/feed": ("text/html", "<p>no feed</p>")},
        ),
        Sample({"rss_url": "http://[::1]/", "polling_rate": 1}, raises="address_refused"),
    ],
)
async def read_rss_feed(
    rss_url: str,
    polling_rate: int,
    time_period: Advanced[int] = 1440,
    run_continuously: Advanced[bool] = True,
    *,
    ctx: Context,
) -> AsyncIterator[Emit[Feed]]:
    """Read an RSS or Atom feed: what is new in it, once or again and again. Between readings nothing is held
    up.

    rss_url: The address of the feed.
    polling_rate: Seconds from one reading to the next.
    time_period: How far back items count as new at the first reading, in minutes.
    run_continuously: Go on reading until the run is stopped.
    entry: Each new item; one without a date counts as of now.
    entries: All new items of one reading.
    """
    state = ctx.resumed if isinstance(ctx.resumed, dict) else {}
    since = state.get("since") or (datetime.now(UTC) - timedelta(minutes=_minutes(time_period))).isoformat()
    seen = set(state.get("seen", ()))
    found = await _read_feed(rss_url, ctx)
    marks = [_mark(entry) for entry in found]
    fresh = [
        entry
        for entry, mark in zip(found, marks, strict=True)
        if mark not in seen and _is_after(entry, since)
    ]
    entries = [_shown(entry) for entry in fresh]
    for entry in entries:
        yield "entry", entry
    yield "entries", entries
    if run_continuously:
        yield Park(float(max(SHORTEST_POLL_S, polling_rate)), {"since": since, "seen": marks[:SEEN_LIMIT]})


def _minutes(period: int) -> int:
    if not 0 <= period <= 100 * 365 * 1440:
        raise BlockInputError(f"time_period is {period} minutes; give 0 to a hundred years.")
    return int(period)


async def _read_feed(url: str, ctx: Context) -> list[dict[str, Any]]:
    response = await ctx.http.get(
        url, headers={"Accept": "application/rss+xml, application/atom+xml, */*;q=0.8"}
    )
    if response.status >= 400:
        raise UpstreamError(f"The server answered {response.status} for this feed.")
    packed = base64.b64encode(response.body).decode()
    entries: list[dict[str, Any]] = await isolation.call(feed_entries, packed, what="Reading this feed")
    return entries


def _mark(entry: dict[str, Any]) -> str:
    return hashlib.blake2b(entry["id"].encode("utf-8", "replace"), digest_size=8).hexdigest()


def _is_after(entry: dict[str, Any], since: str) -> bool:
    return entry["pub_date"] is None or datetime.fromisoformat(entry["pub_date"]) > datetime.fromisoformat(
        since
    )


def _shown(entry: dict[str, Any]) -> dict[str, Any]:
    shown = {name: value for name, value in entry.items() if name != "id"}
    return {**shown, "pub_date": shown["pub_date"] or datetime.now(UTC).isoformat(timespec="seconds")}


class Page(Outputs):
    """Pins of PageTextBlock."""

    title: str
    text: str


_HTML = "<title>A  page</title><nav>menu</nav><main><h1>Hi</h1><p>One <b>two</b></p><script>x</script></main>"


@block(
    categories=("SEARCH", "TEXT"),
    lane="io",
    samples=[
        Sample({"html": _HTML}, [("title", "A page"), ("text", "Hi\nOne two")]),
        Sample(
            {"url": "{server}/"},
            [("title", "A page"), ("text", "Hi\nOne two")],
            serves={"/": ("text/html", _HTML)},
        ),
        Sample({"url": "http://169.254.169.254/"}, raises="address_refused"),
        Sample({}, raises="block_input_invalid"),
    ],
)
async def page_text(
    url: str | None = None, html: str | None = None, *, ctx: Context
) -> AsyncIterator[Emit[Page]]:
    """Turn a web page into its title and readable text, without menus and scripts.

    url: The address of the page.
    html: The page itself, instead of an address.
    title: The title; empty if there is none.
    text: The text, a line a paragraph.
    """
    if html is None:
        if not url:
            raise BlockInputError("Give the URL of a page, or its HTML.")
        response = await ctx.http.get(url, headers={"Accept": "text/html, text/plain;q=0.9, */*;q=0.5"})
        if response.status >= 400:
            raise UpstreamError(
                f"The server answered {response.status} for this page.", status=response.status
            )
        html = response.text
        if response.media_type == "text/plain":
            yield "title", ""
            yield "text", html
            return
    found = (
        page(html) if len(html) <= HERE_CHARS else await isolation.call(page, html, what="Reading this page")
    )
    yield "title", found["title"]
    yield "text", found["text"]
