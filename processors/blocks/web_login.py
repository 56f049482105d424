"""Requests with a credential, which goes to its own hosts and to no other."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Annotated, Any, Literal

from millstream.processors.annotations import EMPTY, Advanced, Emit, FileRef
from millstream.processors.blocks.web import Answer, exchanged, with_key
from millstream.processors.context import Context
from millstream.processors.credentials import Credentials, Provider
from millstream.processors.samples import Sample
from millstream.processors.sdk import block
from millstream.processors.services import HttpOptions

_NOBODYS = {"id": "00000000-0000-4000-8000-000000000000", "provider": "http", "type": "host_scoped"}


@block(
    id="fff86bcd-e001-4bad-a7f6-2eae4720c8dc",
    name="SendAuthenticatedWebRequestBlock",
    categories=("OUTPUT",),
    repeatable=False,
    samples=[
        Sample(
            {"url": "{server}/a.json", "method": "GET", "credentials": _NOBODYS},
            raises="credentials_unavailable",
            serves={"/a.json": ("application/json", "1")},
        )
    ],
)
async def send_authenticated_web_request(
    url: str,
    credentials: Annotated[Credentials, Provider("http", types=("host_scoped",))],
    method: Advanced[Literal["GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "HEAD"]] = "POST",
    headers: Advanced[dict[str, str]] = EMPTY,
    json_format: Advanced[bool] = True,
    body: Advanced[dict[str, Any] | None] = None,
    files_name: Advanced[str] = "file",
    files: Advanced[list[FileRef]] = EMPTY,
    *,
    ctx: Context,
) -> AsyncIterator[Emit[Answer]]:
    """Send one HTTP request with the headers of a credential, which is refused to any host but its own.

    url: Where to send it; public http and https addresses only.
    credentials: Headers, bound to hosts.
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
    options: HttpOptions = {
        "headers": with_key(headers, method, ctx),
        "auth": await ctx.credentials("credentials"),
    }
    yield await exchanged(
        ctx, method, url, options, json_format=json_format, body=body, files=(files_name, files)
    )
