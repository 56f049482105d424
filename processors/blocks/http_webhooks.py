"""Webhooks out: events for the systems of others, signed after Standard Webhooks so that they can tell them from forgeries."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

from millstream.processors.annotations import EMPTY, Advanced, Emit, Outputs, SecretText, ShortText
from millstream.processors.blocks.http_requests import Tries, said
from millstream.processors.context import Context, Park
from millstream.processors.guards.retrying import PASSING, retry_after_s
from millstream.processors.samples import Sample
from millstream.processors.sdk import block
from millstream.processors.services import HttpResponse
from millstream.schemas.errors import BlockExecutionError, BlockInputError, UpstreamError

WAITS_S = (5.0, 300.0, 1_800.0, 7_200.0, 18_000.0, 36_000.0, 50_400.0, 72_000.0, 86_400.0)
"""What Standard Webhooks recommends between tries: from 5 seconds to a day."""
GONE = 410
"""The receiver wants no more of these."""


class Delivered(Outputs):
    """Pins of SendWebhookBlock."""

    status: int
    message_id: str
    response: str


def signature(secret: str, message_id: str, timestamp: int, body: bytes) -> str:
    """Return `v1,<base64>`: HMAC-SHA256 over `id.timestamp.body`. Errors: BlockInputError if the secret is none.

    Source: Standard Webhooks, 1.0, "Signature scheme".
    """
    try:
        key = base64.b64decode(secret.strip().removeprefix("whsec_"), validate=True)
    except (binascii.Error, ValueError) as error:
        raise BlockInputError(
            "The secret is no base64 text; it looks like whsec_MfKQ9r8G...", pin="secret"
        ) from error
    if not 24 <= len(key) <= 64:
        raise BlockInputError(
            f"The secret has {len(key)} bytes; Standard Webhooks wants 24 to 64.", pin="secret"
        )
    digest = hmac.new(key, f"{message_id}.{timestamp}.".encode() + body, hashlib.sha256).digest()
    return "v1," + base64.b64encode(digest).decode()


_SECRET = "whsec_" + base64.b64encode(b"a secret of twenty-four bytes!").decode()


@block(
    categories=("OUTPUT", "DEVELOPER_TOOLS"),
    samples=[
        Sample(
            {"url": "{server}/hook", "type": "invoice.paid", "data": {"id": 1}, "secret": _SECRET},
            [("status", 200), ("message_id", str), ("response", "ok")],
            serves={"/hook": ("text/plain", "ok")},
        ),
        Sample(
            {"url": "{server}/hook", "type": "a", "data": {}, "secret": "short"}, raises="block_input_invalid"
        ),
    ],
)
async def send_webhook(
    url: str,
    type: ShortText,
    data: Any,
    secret: SecretText,
    headers: Advanced[dict[str, str]] = EMPTY,
    tries: Advanced[Tries] = 5,
    *,
    ctx: Context,
) -> AsyncIterator[Emit[Delivered]]:
    """Tell another system of an event by a webhook, signed after Standard Webhooks.

    What fails in passing is sent again after 5 seconds, 5 minutes, half an hour, and so on; the message id stays the same, so
    that a receiver that keeps ids takes each event once.

    url: The address of the receiver.
    type: What happened, like `invoice.paid`.
    data: What there is to tell of it.
    secret: The secret that the receiver shares, `whsec_` and base64.
    headers: Headers to send along.
    tries: How often it is tried in all.
    status: The status of the receiver's answer.
    message_id: The id of the message; the same in each try.
    response: The beginning of the receiver's answer.
    """
    state = ctx.resumed if isinstance(ctx.resumed, dict) else {}
    tried = 1 + int(state.get("tried", 0))
    now = datetime.now(UTC)
    happened = state.get("happened") or now.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    message_id = f"msg_{ctx.idempotency_key}"
    event = {"type": type, "timestamp": happened, "data": data}
    body = json.dumps(event, ensure_ascii=False, separators=(",", ":")).encode()
    timestamp = int(now.timestamp())
    signed = {
        "Content-Type": "application/json",
        "webhook-id": message_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": signature(secret, message_id, timestamp, body),
    }
    own = {
        name: value for name, value in headers.items() if name.lower() not in {key.lower() for key in signed}
    }
    response: HttpResponse | None = None
    try:
        # A redirect is a failure: a signed message is for the address that was agreed on.
        response = await ctx.http.request(
            "POST",
            url,
            headers={**own, **signed},
            content=body,
            follow=False,
            timeout_s=20.0,
            max_bytes=1024 * 1024,
        )
    except UpstreamError:
        if tried >= tries:
            raise
    if response is not None and 200 <= response.status < 300:
        yield "status", response.status
        yield "message_id", message_id
        yield "response", response.text[:2000]
        return
    if response is not None and (tried >= tries or response.status == GONE or not _passes(response.status)):
        kind = UpstreamError if _passes(response.status) else BlockExecutionError
        raise kind(f"The receiver answered {response.status}.{said(response)}", status=response.status)
    asked_s = retry_after_s(response.headers) if response is not None else None
    wait_s = max(WAITS_S[min(tried, len(WAITS_S)) - 1], min(asked_s or 0.0, WAITS_S[-1]))
    yield Park(wait_s, {"tried": tried, "happened": happened})


def _passes(status: int) -> bool:
    """Standard Webhooks: all but 2xx is a failure to repeat; what says that the request itself is wrong is not, here."""
    return status in PASSING or status >= 500
