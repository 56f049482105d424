"""Signature Version 4, with which S3 and its kin know who asks. Source: AWS, "Signing AWS API requests"."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from datetime import UTC, datetime
from urllib.parse import quote, urlsplit

from pydantic import SecretStr

ALGORITHM = "AWS4-HMAC-SHA256"


def signed(
    method: str,
    url: str,
    *,
    query: Mapping[str, str],
    headers: Mapping[str, str],
    body: bytes,
    key_id: str,
    secret: SecretStr,
    region: str,
    now: datetime,
) -> dict[str, str]:
    """Return the headers that sign a request, besides those that it has. The path of `url` is encoded already."""
    parts = urlsplit(url)
    stamp = now.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")
    digest = hashlib.sha256(body).hexdigest()
    ours = {"x-amz-date": stamp, "x-amz-content-sha256": digest}
    every = {name.lower(): " ".join(value.split()) for name, value in {**headers, **ours}.items()}
    every["host"] = parts.netloc
    names = ";".join(sorted(every))
    canonical = "\n".join(
        (
            method,
            parts.path or "/",
            canonical_query(query),
            *(f"{name}:{every[name]}" for name in sorted(every)),
            "",
            names,
            digest,
        )
    )
    scope = f"{stamp[:8]}/{region}/s3/aws4_request"
    text = "\n".join((ALGORITHM, stamp, scope, hashlib.sha256(canonical.encode()).hexdigest()))
    key = f"AWS4{secret.get_secret_value()}".encode()
    for step in (stamp[:8], region, "s3", "aws4_request"):
        key = hmac.digest(key, step.encode(), "sha256")
    signature = hmac.digest(key, text.encode(), "sha256").hex()
    login = f"{ALGORITHM} Credential={key_id}/{scope}, SignedHeaders={names}, Signature={signature}"
    return {**ours, "Authorization": login}


def canonical_query(query: Mapping[str, str]) -> str:
    """Return a query in the one form that is signed, which is also the one that is sent."""
    pairs = sorted((quote(name, safe="-_.~"), quote(value, safe="-_.~")) for name, value in query.items())
    return "&".join(f"{name}={value}" for name, value in pairs)
