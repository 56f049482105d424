"""Requests for those who know HTTP: every option, any log-in, tries that hold nothing up meanwhile."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import AsyncIterator
from typing import Annotated, Any, Literal
from urllib.parse import unquote, urlsplit

from pydantic import Field

from millstream.processors.annotations import EMPTY, Advanced, Emit, FileRef, Outputs, ShortText
from millstream.processors.blocks.web import with_key
from millstream.processors.context import Context, Park
from millstream.processors.credentials import Credentials, Provider
from millstream.processors.guards.retrying import back_off_s, may_repeat, retry_after_s
from millstream.processors.guards.sniffing import is_textual, media_type_of
from millstream.processors.samples import Sample
from millstream.processors.sdk import block
from millstream.processors.services import HttpOptions, HttpResponse
from millstream.schemas.errors import BlockExecutionError, BlockInputError, UpstreamError

Method = Literal["GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "HEAD"]
AnyLogin = Annotated[
    Credentials | None, Provider("http", types=("api_key", "user_password", "oauth2", "host_scoped"))
]
"""A log-in that is sent to the hosts that it names, and to no other; a block can go without."""
Seconds = Annotated[float, Field(ge=1, le=300)]
Tries = Annotated[int, Field(ge=1, le=10)]


async def logged_in(ctx: Context, credentials: Any) -> HttpOptions:
    """Return the options of a request that logs in, if credentials were chosen."""
    return {"auth": await ctx.credentials("credentials")} if credentials else {}


def query_of(values: dict[str, Any]) -> dict[str, str]:
    """Return parameters as they stand in a URL: null is left out, true and false are written so, lists joined by commas."""
    return {name: _word(value) for name, value in values.items() if value is not None}


def _word(value: Any) -> str:
    if isinstance(value, list):
        return ",".join(map(_word, value))
    return value if isinstance(value, str) else json.dumps(value)


def said(response: HttpResponse) -> str:
    """Return the beginning of an answer, for a message."""
    text = " ".join(response.text[:2000].split()) if is_textual(response.media_type or "text/plain") else ""
    return f" It says: {text[:300]}" if text else ""


class Exchange(Outputs):
    """Pins of HttpRequestBlock."""

    response: Any
    status: int
    response_headers: dict[str, str]


_JSON = ("application/json", '{"a": [1, 2]}')


@block(
    categories=("OUTPUT", "DEVELOPER_TOOLS"),
    repeatable=False,
    samples=[
        Sample(
            {"url": "{server}/things", "query": {"page": 2}},
            [("response", {"a": [1, 2]}), ("status", 200), ("response_headers", dict)],
            serves={"/things?page=2": _JSON},
        ),
        Sample({"url": "{server}/none", "tries": 1}, raises="block_failed", serves={"/": _JSON}),
        Sample({"url": "http://169.254.169.254/latest/meta-data"}, raises="address_refused"),
    ],
)
async def http_request(
    url: str,
    method: Method = "GET",
    query: dict[str, Any] = EMPTY,
    headers: dict[str, str] = EMPTY,
    body: Any = None,
    send_as: Literal["json", "form", "text"] = "json",
    credentials: AnyLogin = None,
    read_as: Advanced[Literal["auto", "json", "text", "file"]] = "auto",
    fail_on_error: Advanced[bool] = True,
    follow_redirects: Advanced[bool] = True,
    tries: Advanced[Tries] = 3,
    timeout_s: Advanced[Seconds] = 30.0,
    *,
    ctx: Context,
) -> AsyncIterator[Emit[Exchange]]:
    """Send one HTTP request, with a log-in if wanted, and give the answer with its status and headers.

    After a passing failure (429, 502, 503, 504, no answer) it is tried again, later and later, or when the server asks for it.
    Requests that change things are tried again only after 429, which says that nothing was done.

    url: Where to send it; public http and https addresses only.
    method: The HTTP method.
    query: Parameters that are added to the URL.
    headers: Headers to send along.
    body: What to send.
    send_as: How the body is written.
    credentials: A log-in, sent only to the hosts that it names.
    read_as: How the answer is read; `auto` goes by its type, and makes a file of what is neither JSON nor text.
    fail_on_error: Fail if the status is 400 or above; else give the answer all the same.
    follow_redirects: Follow up to five redirects; each is checked like the first address.
    tries: How often it is tried in all.
    timeout_s: How long one try may take, in seconds.
    response: The answer.
    status: The status of the answer.
    response_headers: Its headers, names in lower case.
    """
    tried = 1 + (int(ctx.resumed["tried"]) if isinstance(ctx.resumed, dict) else 0)
    options: HttpOptions = {
        "headers": with_key(headers, method, ctx),
        "timeout_s": timeout_s,
        "follow": follow_redirects,
        **await logged_in(ctx, credentials),
    }
    if query:
        options["params"] = query_of(query)
    if body is not None:
        _put(options, body, send_as)
    response: HttpResponse | None = None
    try:
        response = await ctx.http.request(method, url, **options)
    except UpstreamError:
        if tried >= tries or not may_repeat(method, None):
            raise
    if response is None or (tried < tries and may_repeat(method, response.status)):
        asked_s = retry_after_s(response.headers) if response is not None else None
        yield Park(min(back_off_s(tried, asked_s), 3600.0), {"tried": tried})
        return
    if fail_on_error and response.status >= 400:
        kind = UpstreamError if may_repeat("GET", response.status) else BlockExecutionError
        raise kind(f"The server answered {response.status}.{said(response)}", status=response.status)
    yield "response", await read(response, read_as, ctx)
    yield "status", response.status
    yield "response_headers", dict(response.headers)


def _put(options: HttpOptions, body: Any, send_as: str) -> None:
    if send_as == "json":
        options["json"] = body
    elif send_as == "text":
        text = body if isinstance(body, str) else json.dumps(body)
        options["content"] = text.encode()
        options["headers"] = {"Content-Type": "text/plain; charset=utf-8", **options["headers"]}
    elif isinstance(body, dict):
        options["data"] = query_of(body)
    else:
        raise BlockInputError("A form is an object of fields; give one, or send the body as JSON or text.")


async def read(response: HttpResponse, how: str, ctx: Context) -> Any:
    """Return an answer as JSON, as text, or as the reference of a file. Errors: BlockExecutionError if it is no JSON."""
    kind = response.media_type
    if how == "file":
        return await ctx.files.write(response.body, name=file_name(response), media_type=kind)
    if how == "json" or (how == "auto" and (kind == "application/json" or kind.endswith("+json"))):
        try:
            return response.json()
        except (ValueError, RecursionError) as error:
            if how == "json":
                raise BlockExecutionError(
                    f"The answer is no JSON: {str(error)[:200]}.{said(response)}"
                ) from error
            return response.text
    if how == "text" or not response.body or not kind or is_textual(kind):
        return response.text
    return await ctx.files.write(response.body, name=file_name(response), media_type=kind)


def file_name(response: HttpResponse) -> str:
    """Return what the server calls a file, else the last part of its URL; for display, never a path."""
    _, _, rest = response.headers.get("content-disposition", "").partition("filename=")
    named = rest.partition(";")[0].strip().strip('"')
    return named or unquote(urlsplit(response.url).path).rpartition("/")[2]


class Downloaded(Outputs):
    """Pins of DownloadFileBlock."""

    file: FileRef
    name: str
    media_type: str
    size_bytes: int
    sha256: str


_DIGEST = hashlib.sha256(b"a,b\n1,2\n").hexdigest()


@block(
    categories=("INPUT", "DATA"),
    samples=[
        Sample(
            {"url": "{server}/t/data.csv", "expected_sha256": _DIGEST},
            [
                ("file", str),
                ("name", "data.csv"),
                ("media_type", "text/csv"),
                ("size_bytes", 8),
                ("sha256", _DIGEST),
            ],
            serves={"/t/data.csv": ("text/csv", "a,b\n1,2\n")},
        ),
        Sample(
            {"url": "{server}/t/data.csv", "expected_sha256": "0" * 64},
            raises="block_failed",
            serves={"/t/data.csv": ("text/csv", "a,b\n1,2\n")},
        ),
    ],
)
async def download_file(
    url: str,
    credentials: AnyLogin = None,
    expected_sha256: Advanced[str] = "",
    most_bytes: Advanced[Annotated[int, Field(ge=1, le=64 * 1024 * 1024)]] = 16 * 1024 * 1024,
    timeout_s: Advanced[Annotated[float, Field(ge=1, le=600)]] = 120.0,
    *,
    ctx: Context,
) -> AsyncIterator[Emit[Downloaded]]:
    """Download a file into the workspace. Its type is what its content says, whatever the server claims.

    url: The address of the file.
    credentials: A log-in, sent only to the hosts that it names.
    expected_sha256: The SHA-256 that the file must have, in hexadecimal digits; empty if any will do.
    most_bytes: The largest size that is taken; a larger file fails.
    timeout_s: How long the download may take, in seconds.
    file: A reference to the file.
    name: What the server calls it.
    media_type: Its type.
    size_bytes: Its size.
    sha256: Its SHA-256.
    """
    options: HttpOptions = {
        "max_bytes": most_bytes,
        "timeout_s": timeout_s,
        **await logged_in(ctx, credentials),
    }
    response = await ctx.http.get(url, **options)
    if response.status >= 400:
        raise UpstreamError(
            f"The server answered {response.status} for this file.{said(response)}", status=response.status
        )
    found = await asyncio.to_thread(lambda: hashlib.sha256(response.body).hexdigest())
    if expected_sha256 and found != expected_sha256.strip().lower():
        raise BlockExecutionError(
            f"The file has the SHA-256 {found}, not {expected_sha256[:64]}; it is not the one that you meant."
        )
    media_type = media_type_of(response.body, response.media_type)
    yield "file", await ctx.files.write(response.body, name=file_name(response), media_type=media_type)
    yield "name", file_name(response)
    yield "media_type", media_type
    yield "size_bytes", len(response.body)
    yield "sha256", found


@block(
    categories=("OUTPUT", "DATA"),
    repeatable=False,
    samples=[
        Sample(
            {"file": "data:text/plain;base64,aGk=", "url": "{server}/up"},
            [("response", "kept"), ("status", 200), ("response_headers", dict)],
            serves={"/up": ("text/plain", "kept")},
        ),
        Sample({"file": "data:text/plain,x", "url": "http://[::1]/"}, raises="address_refused"),
    ],
)
async def upload_file(
    file: FileRef,
    url: str,
    method: Literal["PUT", "POST", "PATCH"] = "PUT",
    headers: dict[str, str] = EMPTY,
    credentials: AnyLogin = None,
    form_field: Advanced[ShortText] = "",
    fields: Advanced[dict[str, str]] = EMPTY,
    timeout_s: Advanced[Annotated[float, Field(ge=1, le=600)]] = 120.0,
    *,
    ctx: Context,
) -> AsyncIterator[Emit[Exchange]]:
    """Send a file: as the body itself, as signed upload addresses want it, or as a part of a form.

    file: The file.
    url: Where to send it.
    method: The HTTP method.
    headers: Headers to send along.
    credentials: A log-in, sent only to the hosts that it names.
    form_field: The form field of the file; empty sends the file as it is.
    fields: Further fields of the form.
    timeout_s: How long the upload may take, in seconds.
    response: The answer.
    status: The status of the answer.
    response_headers: Its headers, names in lower case.
    """
    part = await ctx.files.read(file)
    options: HttpOptions = {
        "headers": with_key(headers, method, ctx),
        "timeout_s": timeout_s,
        **await logged_in(ctx, credentials),
    }
    if form_field:
        options["files"] = [(form_field, (part.name or "file", part.data, part.media_type))]
        options["data"] = fields
    else:
        options["content"] = part.data
        options["headers"] = {"Content-Type": part.media_type, **options["headers"]}
    response = await ctx.http.request(method, url, **options)
    if response.status >= 400:
        raise UpstreamError(
            f"The server answered {response.status} to the upload.{said(response)}", status=response.status
        )
    yield "response", await read(response, "auto", ctx)
    yield "status", response.status
    yield "response_headers", dict(response.headers)


class Checked(Outputs):
    """Pins of CheckUrlBlock."""

    reachable: bool
    status: int
    final_url: str
    media_type: str
    size_bytes: int
    reason: str


@block(
    categories=("SEARCH", "DATA"),
    samples=[
        Sample(
            {"url": "{server}/a"},
            [
                ("reachable", True),
                ("status", 200),
                ("final_url", str),
                ("media_type", "text/plain"),
                ("size_bytes", 2),
            ],
            serves={"/a": ("text/plain", "ok")},
        ),
        Sample(
            {"url": "{server}/b"},
            [("reachable", False), ("status", 404), ("reason", str)],
            serves={"/a": _JSON},
        ),
        Sample({"url": "http://10.0.0.1/"}, raises="address_refused"),
    ],
)
async def check_url(
    url: str, timeout_s: Advanced[Seconds] = 15.0, *, ctx: Context
) -> AsyncIterator[Emit[Checked]]:
    """See whether an address answers, without loading what is there.

    A failure of the other side is an answer here, not an error: only addresses that may not be asked are refused.

    url: The address.
    timeout_s: How long to wait, in seconds.
    reachable: Whether it answered with a status below 400.
    status: The status of the answer, if there was one.
    final_url: Where redirects led to.
    media_type: The type that the server names.
    size_bytes: The size that the server names.
    reason: Why it is not reachable.
    """
    try:
        response = await ctx.http.request("HEAD", url, timeout_s=timeout_s)
        if response.status in (403, 405, 501):  # many servers know GET only
            response = await ctx.http.get(
                url, timeout_s=timeout_s, headers={"Range": "bytes=0-0"}, max_bytes=8 * 1024 * 1024
            )
    except UpstreamError as error:
        yield "reachable", False
        yield "reason", str(error)
        return
    yield "reachable", response.status < 400
    yield "status", response.status
    if response.status >= 400:
        yield "reason", f"The server answered {response.status}."
        return
    yield "final_url", response.url
    yield "media_type", response.media_type
    total = response.headers.get("content-range", "").rpartition("/")[2] or response.headers.get(
        "content-length", ""
    )
    if total.isascii() and total.isdigit():
        yield "size_bytes", int(total[:15])
