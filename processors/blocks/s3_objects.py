"""Objects in buckets of S3, or of any service that speaks its protocol, through the guarded client."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Annotated, Any, Final
from urllib.parse import quote, urlsplit

from pydantic import Field
from typing_extensions import TypedDict

from millstream.processors.annotations import Advanced, Emit, FileRef, Outputs
from millstream.processors.context import Context
from millstream.processors.credentials import Credentials, Provider, UserPassword
from millstream.processors.generated.s3_signing import canonical_query, signed
from millstream.processors.samples import Sample
from millstream.processors.sdk import block
from millstream.processors.services import Credential, HttpResponse
from millstream.schemas.errors import BlockExecutionError, BlockInputError, CredentialError, UpstreamError

_AMAZON: Final = frozenset({"*.amazonaws.com"})
S3Login = Annotated[Credentials, Provider("s3", types=("user_password",), hosts=tuple(_AMAZON))]
OBJECT_LIMIT_BYTES: Final = 50_000_000
_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
_REGION = re.compile(r"[a-z0-9-]{2,30}")
_LOGIN = {"id": "00000000-0000-4000-8000-000000000003", "provider": "s3", "type": "user_password"}
_ASK: Final = {"credentials": _LOGIN, "bucket": "teas"}
_LIST = """<?xml version="1.0"?><ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">
<IsTruncated>false</IsTruncated><Contents><Key>a b.txt</Key><Size>3</Size>
<LastModified>2026-01-02T03:04:05.000Z</LastModified></Contents></ListBucketResult>"""
_ROW = {"key": "a b.txt", "size": 3, "modified": "2026-01-02T03:04:05.000Z"}


class _Bucket:
    """One bucket, and what signs requests to it."""

    def __init__(self, ctx: Context, bucket: str, region: str, endpoint: str) -> None:
        if not _BUCKET.fullmatch(bucket):
            raise BlockInputError(f"{bucket[:100]!r} is no name of a bucket.", pin="bucket")
        if not _REGION.fullmatch(region):
            raise BlockInputError(f"{region[:100]!r} is no region; it looks like eu-central-1.", pin="region")
        placed = None if endpoint.strip() else ctx.http.service_url("s3")
        base = (endpoint.strip() or placed or f"https://s3.{region}.amazonaws.com").rstrip("/")
        parts = urlsplit(base)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.username:
            raise BlockInputError(f"{endpoint[:100]!r} is no address of a service.", pin="endpoint")
        self._ctx = ctx
        self._region = region
        self._base = f"{base}/{bucket}"
        self._placed = parts.netloc if placed else ""
        """Where the operator has put S3: a credential that names no host of its own goes there."""

    async def ask(
        self,
        method: str,
        key: str = "",
        *,
        query: dict[str, str] | None = None,
        headers: dict[str, str] | None = None,
        body: bytes = b"",
    ) -> HttpResponse:
        """Send one signed request. Errors: BlockExecutionError with the service's own words; those of `Http`."""
        held = await self._ctx.credentials("credentials")
        if not isinstance(held, UserPassword):
            raise CredentialError("S3 takes an access key: its id as user name, its secret as password.")
        url = f"{self._base}/{quote(key, safe='/-_.~')}" if key else self._base
        given = dict(headers or {})
        login = signed(
            method,
            url,
            query=query or {},
            headers=given,
            body=body,
            key_id=held.username,
            secret=held.password,
            region=self._region,
            now=datetime.now(UTC),
        )
        own = held.hosts == _AMAZON and self._placed
        credential = Credential(hosts=frozenset({self._placed}) if own else held.hosts, headers=login)
        whole = f"{url}?{canonical_query(query)}" if query else url
        answer = await self._ctx.http.request(
            method,
            whole,
            headers=given,
            content=body,
            credential=credential,
            timeout_s=300.0,
            max_bytes=OBJECT_LIMIT_BYTES,
        )
        if answer.status >= 300:
            raise _refusal(answer)
        return answer


def _refusal(answer: HttpResponse) -> BlockExecutionError | UpstreamError:
    code = re.search(r"<Code>([^<]{1,100})</Code>", answer.text[:10_000])
    reason = re.search(r"<Message>([^<]{1,500})</Message>", answer.text[:10_000])
    said = ": ".join(match[1] for match in (code, reason) if match) or "it does not say why"
    if answer.status in (429, 500, 502, 503, 504):
        return UpstreamError(f"S3 cannot do this now ({answer.status}): {said}.", status=answer.status)
    return BlockExecutionError(f"S3 refused this ({answer.status}): {said}.", status=answer.status)


def _key(key: str) -> str:
    text = key.lstrip("/")
    if not text or len(text.encode()) > 1_024 or any(part in (".", "..") for part in text.split("/")):
        raise BlockInputError(f"{key[:100]!r} is no key of an object.", pin="key")
    return text


class Got(Outputs):
    """Pins of S3GetObjectBlock."""

    file: FileRef
    media_type: str
    size: int


@block(
    name="S3GetObjectBlock",
    categories=("DATA",),
    samples=[
        Sample(
            {**_ASK, "key": "a b.txt"},
            [("file", lambda ref: ref.startswith("workspace://")), ("media_type", "text/plain"), ("size", 3)],
            serves={"/teas/a%20b.txt": ("text/plain", "tea")},
        ),
        Sample({**_ASK, "key": "../x"}, raises="block_input_invalid"),
        Sample({**_ASK, "key": "none"}, raises="block_failed", serves={"/": ("text/plain", "")}),
        Sample({**_ASK, "key": "x", "endpoint": "ftp://x"}, raises="block_input_invalid"),
    ],
)
async def s3_get_object(
    credentials: S3Login,
    bucket: str,
    key: str,
    region: str = "us-east-1",
    endpoint: Advanced[str] = "",
    *,
    ctx: Context,
) -> AsyncIterator[Emit[Got]]:
    """Fetch an object of a bucket into the workspace, up to 50 MB.

    credentials: An access key: id and secret. For another service than Amazon's its hosts must name that one.
    bucket: Name of the bucket.
    key: Key of the object.
    region: Where the bucket is.
    endpoint: Address of a service that speaks the protocol, such as https://minio.example.com; empty is Amazon's.
    file: The object as a file.
    media_type: What it is.
    size: Its size in bytes.
    """
    answer = await _Bucket(ctx, bucket, region, endpoint).ask("GET", _key(key))
    kind = answer.media_type or "application/octet-stream"
    yield "file", await ctx.files.write(answer.body, name=key.rpartition("/")[2], media_type=kind)
    yield "media_type", kind
    yield "size", len(answer.body)


class Put(Outputs):
    """Pins of S3PutObjectBlock."""

    key: str
    etag: str


@block(
    name="S3PutObjectBlock",
    categories=("DATA",),
    samples=[
        Sample(
            {**_ASK, "key": "a b.txt", "file": "data:text/plain,tea"},
            [("key", "a b.txt"), ("etag", "")],
            serves={"/teas/a%20b.txt": ("text/plain", "")},
        )
    ],
)
async def s3_put_object(
    credentials: S3Login,
    bucket: str,
    key: str,
    file: FileRef,
    region: str = "us-east-1",
    endpoint: Advanced[str] = "",
    *,
    ctx: Context,
) -> AsyncIterator[Emit[Put]]:
    """Put a file into a bucket, in the place of what has its key.

    credentials: An access key: id and secret. For another service than Amazon's its hosts must name that one.
    bucket: Name of the bucket.
    key: Key of the object.
    file: What to put there, up to 50 MB.
    region: Where the bucket is.
    endpoint: Address of a service that speaks the protocol, such as https://minio.example.com; empty is Amazon's.
    key: Key of the object.
    etag: Its entity tag, if the service gives one.
    """
    name, place = _key(key), _Bucket(ctx, bucket, region, endpoint)
    content = await ctx.files.read(file)
    if len(content.data) > OBJECT_LIMIT_BYTES:
        raise BlockInputError(f"The file has more than {OBJECT_LIMIT_BYTES:,} bytes.", pin="file")
    headers = {"Content-Type": content.media_type or "application/octet-stream"}
    answer = await place.ask("PUT", name, headers=headers, body=content.data)
    yield "key", name
    yield "etag", answer.headers.get("etag", "").strip('"')


class Row(TypedDict):
    """One object."""

    key: str
    size: int
    modified: str


class Listed(Outputs):
    """Pins of S3ListObjectsBlock."""

    object: Row
    objects: list[Row]
    next_token: str


@block(
    name="S3ListObjectsBlock",
    categories=("DATA",),
    samples=[
        Sample(_ASK, [("object", _ROW), ("objects", [_ROW])], serves={"/teas": ("application/xml", _LIST)}),
        Sample(
            _ASK,
            raises="block_failed",
            serves={"/teas": ("application/xml", '<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>')},
        ),
        Sample({**_ASK, "bucket": "A/../b"}, raises="block_input_invalid"),
    ],
)
async def s3_list_objects(
    credentials: S3Login,
    bucket: str,
    prefix: str = "",
    limit: Annotated[int, Field(ge=1, le=1000)] = 100,
    token: Advanced[str] = "",
    region: str = "us-east-1",
    endpoint: Advanced[str] = "",
    *,
    ctx: Context,
) -> AsyncIterator[Emit[Listed]]:
    """List objects of a bucket by their keys.

    credentials: An access key: id and secret. For another service than Amazon's its hosts must name that one.
    bucket: Name of the bucket.
    prefix: Only keys that begin so.
    limit: How many at most.
    token: `next_token` of the page before.
    region: Where the bucket is.
    endpoint: Address of a service that speaks the protocol, such as https://minio.example.com; empty is Amazon's.
    object: Each object.
    objects: All objects.
    next_token: Where the next page begins, if there is one.
    """
    query = {"list-type": "2", "max-keys": str(limit)}
    query |= {name: value for name, value in (("prefix", prefix), ("continuation-token", token)) if value}
    answer = await _Bucket(ctx, bucket, region, endpoint).ask("GET", query=query)
    rows, more = _listed(answer.text)
    for row in rows:
        yield "object", row
    yield "objects", rows
    if more:
        yield "next_token", more


def _listed(text: str) -> tuple[list[Row], str]:
    from xml.etree.ElementTree import ParseError

    from defusedxml import DefusedXmlException
    from defusedxml.ElementTree import fromstring

    try:
        root: Any = fromstring(text)
    except (ParseError, DefusedXmlException) as error:
        raise BlockExecutionError("S3 did not answer with a list of objects.") from error

    def part(of: Any, name: str) -> str:
        return next((child.text or "" for child in of if child.tag.rpartition("}")[2] == name), "")

    found = [child for child in root if child.tag.rpartition("}")[2] == "Contents"]
    rows = [
        Row(key=part(each, "Key"), size=int(part(each, "Size") or 0), modified=part(each, "LastModified"))
        for each in found
    ]
    return rows, part(root, "NextContinuationToken")


class Deleted(Outputs):
    """Pins of S3DeleteObjectBlock."""

    key: str


@block(
    name="S3DeleteObjectBlock",
    categories=("DATA",),
    samples=[
        Sample(
            {**_ASK, "key": "a b.txt"},
            [("key", "a b.txt")],
            serves={"/teas/a%20b.txt": ("text/plain", "")},
        )
    ],
)
async def s3_delete_object(
    credentials: S3Login,
    bucket: str,
    key: str,
    region: str = "us-east-1",
    endpoint: Advanced[str] = "",
    *,
    ctx: Context,
) -> AsyncIterator[Emit[Deleted]]:
    """Delete an object of a bucket. One that is not there is no error.

    credentials: An access key: id and secret. For another service than Amazon's its hosts must name that one.
    bucket: Name of the bucket.
    key: Key of the object.
    region: Where the bucket is.
    endpoint: Address of a service that speaks the protocol, such as https://minio.example.com; empty is Amazon's.
    key: Key of the object.
    """
    name = _key(key)
    await _Bucket(ctx, bucket, region, endpoint).ask("DELETE", name)
    yield "key", name
