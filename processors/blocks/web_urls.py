"""Addresses as data: taken apart, put together, resolved. Nothing is requested."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import parse_qsl, quote, urlencode, urljoin, urlsplit, urlunsplit

from millstream.processors.annotations import EMPTY, Advanced, Emit, Outputs, ShortText
from millstream.processors.samples import Sample
from millstream.processors.sdk import block
from millstream.schemas.errors import BlockInputError


class Parts(Outputs):
    """Pins of ParseUrlBlock."""

    scheme: str
    host: str
    port: int
    path: str
    query: dict[str, str]
    parameters: list[list[str]]
    fragment: str
    origin: str


@block(
    categories=("TEXT", "DATA"),
    samples=[
        Sample(
            {"url": "https://Example.com:8443/a%20b?x=1&x=2&y=#top"},
            [
                ("scheme", "https"),
                ("host", "example.com"),
                ("port", 8443),
                ("path", "/a%20b"),
                ("query", {"x": "2", "y": ""}),
                ("parameters", [["x", "1"], ["x", "2"], ["y", ""]]),
                ("fragment", "top"),
                ("origin", "https://example.com:8443"),
            ],
        ),
        Sample({"url": "no address"}, raises="block_input_invalid"),
    ],
)
async def parse_url(url: str) -> AsyncIterator[Emit[Parts]]:
    """Take a URL apart.

    url: An absolute URL.
    scheme: What stands before `://`.
    host: The host in lower case, without user and port.
    port: The port; that of the scheme if none is named.
    path: The path as it is written.
    query: The parameters; of one that is there several times the last.
    parameters: All parameters as pairs, in order.
    fragment: What stands behind `#`.
    origin: Scheme, host and port.
    """
    try:
        parts = urlsplit(url.strip())
        port = parts.port or {"http": 80, "https": 443}.get(parts.scheme)
        pairs = parse_qsl(parts.query, keep_blank_values=True, max_num_fields=10_000)
    except ValueError as error:
        raise BlockInputError(f"{url[:200]!r} is no URL: {error}.", pin="url") from error
    if not parts.scheme or not parts.hostname:
        raise BlockInputError(
            f"{url[:200]!r} is no absolute URL; it looks like https://host/path.", pin="url"
        )
    yield "scheme", parts.scheme
    yield "host", parts.hostname
    if port:
        yield "port", port
    yield "path", parts.path
    yield "query", dict(pairs)
    yield "parameters", [list(pair) for pair in pairs]
    yield "fragment", parts.fragment
    shown = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    yield "origin", f"{parts.scheme}://{shown}" + (f":{parts.port}" if parts.port else "")


@block(
    categories=("TEXT", "DATA"),
    samples=[
        Sample(
            {
                "base": "https://e.com/api/",
                "path": ["a/b", "c d"],
                "query": {"q": "x&y", "n": [1, 2], "no": None},
            },
            [("result", "https://e.com/api/a%2Fb/c%20d?q=x%26y&n=1&n=2")],
        ),
        Sample(
            {"base": "https://e.com/?a=1", "query": {"b": True}}, [("result", "https://e.com/?a=1&b=true")]
        ),
        Sample({"base": "e.com", "query": {"b": 1}}, raises="block_input_invalid"),
    ],
)
async def build_url(
    base: str,
    path: list[str] = EMPTY,
    query: dict[str, Any] = EMPTY,
    fragment: Advanced[ShortText] = "",
) -> str:
    """Put a URL together; what the parts hold is escaped, so that it stays where it was put.

    base: The address that it begins with, like `https://api.example.com/v1`.
    path: Further segments of the path.
    query: Parameters; a list gives one for each of its values, null gives none.
    fragment: What stands behind `#`.
    result: The URL.
    """
    parts = urlsplit(base.strip())
    if not parts.scheme or not parts.netloc:
        raise BlockInputError(
            f"{base[:200]!r} is no absolute URL; it looks like https://host/path.", pin="base"
        )
    whole = (
        "/".join([parts.path.rstrip("/"), *(quote(segment, safe="") for segment in path)])
        if path
        else parts.path
    )
    pairs = [
        (name, _word(each))
        for name, value in query.items()
        for each in (value if isinstance(value, list) else [value])
        if each is not None
    ]
    asked = "&".join(filter(None, [parts.query, urlencode(pairs, quote_via=quote)]))
    return urlunsplit((parts.scheme, parts.netloc, whole, asked, quote(fragment) or parts.fragment))


def _word(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


@block(
    categories=("TEXT", "DATA"),
    samples=[
        Sample({"base": "https://e.com/a/b", "reference": "../c?x"}, [("result", "https://e.com/c?x")]),
        Sample({"base": "https://e.com/a", "reference": "//f.com/"}, [("result", "https://f.com/")]),
    ],
)
async def join_url(base: str, reference: str) -> str:
    """Find out where a link of a page leads.

    base: The address of the page.
    reference: The link as it stands in the page.
    result: The address that it leads to.
    """
    try:
        return urljoin(base.strip(), reference.strip())
    except ValueError as error:
        raise BlockInputError(f"{reference[:200]!r} is no link: {error}.", pin="reference") from error
