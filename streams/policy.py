"""What a node's author may set beside its inputs: `metadata.policy` of the graph's node, read strictly when a plan is made.

```json
{"retries": 3, "backoff_s": 1, "jitter": 0.2, "timeout_s": 20, "on_error": "continue", "default": {"result": null},
 "cache_s": 3600, "disabled": false, "pinned": {"result": [1]}, "review_timeout_s": 86400, "review_default": "reject"}
```
"""

from __future__ import annotations

from typing import Any, Literal

import msgspec
import orjson

from millstream.schemas.blocks import Retry
from millstream.schemas.errors import GraphInvalidError
from millstream.schemas.ids import derived

BACKOFF_LIMIT_MS = 300_000
_SPREAD = 2**32


class PolicyForm(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """As people write it; seconds."""

    retries: int = 0
    backoff_s: float = 1.0
    jitter: float = 0.2
    timeout_s: float | None = None
    on_error: Literal["error_pin", "continue", "fail"] = "error_pin"
    default: dict[str, Any] = {}
    cache_s: float = 0.0
    disabled: bool = False
    pinned: dict[str, list[Any]] | None = None
    review_timeout_s: float | None = None
    review_default: Literal["approve", "reject"] = "reject"


class Policy(msgspec.Struct, array_like=True, frozen=True):
    """As a plan carries it; milliseconds."""

    retries: int = 0
    """Tries after the first, of failures that may pass."""
    backoff_ms: int = 1000
    """Wait before the first retry; doubles each time."""
    jitter: float = 0.2
    """Share of the wait that varies from node execution to node execution."""
    timeout_ms: int | None = None
    on_error: str = "error_pin"
    """error_pin: as AutoGPT; continue: with `default`; fail: the whole execution."""
    default: bytes = b"{}"
    """JSON object pin -> value, emitted when `on_error` is continue."""
    cache_ms: int = 0
    """How long the outputs for an input are taken from the cache."""
    disabled: bool = False
    pinned: bytes | None = None
    """JSON object pin -> values, emitted instead of a run when the execution is a test."""
    review_timeout_ms: int | None = None
    review_default: str = "reject"

    def wait_ms(self, execution_id: bytes, retry: int) -> int:
        """Return how long to wait before a retry (0 is the first). Jitter is a hash, so a repeated step waits as long."""
        wait: int = min(BACKOFF_LIMIT_MS, self.backoff_ms * 2**retry)
        spread = int.from_bytes(derived(execution_id, "jitter", retry)[:4], "big") / _SPREAD
        return round(wait * (1 - self.jitter * spread))


def read_policy(node_id: str, raw: Any, retry: Retry | None = None) -> Policy:
    """Read `metadata.policy`; `retry` is the block's own, for what it leaves out.

    Errors: GraphInvalidError, naming the node and what is wrong.
    """
    if raw is None and retry is None:
        return Policy()
    if retry is not None and (raw is None or isinstance(raw, dict)):
        raw = {**msgspec.structs.asdict(retry), **(raw or {})}
    try:
        form = msgspec.convert(raw, PolicyForm)
    except msgspec.ValidationError as error:
        reason = f"its policy is not understood: {error}"
        problem = {"node": node_id, "pin": None, "code": "policy_invalid", "reason": reason}
        raise GraphInvalidError(f"node {node_id!r}: {reason}", problems=[problem]) from error
    limits = (0 <= form.retries <= 20, 0 <= form.backoff_s <= 300, 0 <= form.jitter <= 1, form.cache_s >= 0)
    if not all(limits):
        reason = "retries are 0 to 20, backoff_s 0 to 300, jitter 0 to 1, cache_s 0 or more"
        problem = {"node": node_id, "pin": None, "code": "policy_invalid", "reason": reason}
        raise GraphInvalidError(f"node {node_id!r}: {reason}", problems=[problem])
    return Policy(
        retries=form.retries,
        backoff_ms=round(form.backoff_s * 1000),
        jitter=form.jitter,
        timeout_ms=_ms(form.timeout_s),
        on_error=form.on_error,
        default=orjson.dumps(form.default),
        cache_ms=round(form.cache_s * 1000),
        disabled=form.disabled,
        pinned=None if form.pinned is None else orjson.dumps(form.pinned),
        review_timeout_ms=_ms(form.review_timeout_s),
        review_default=form.review_default,
    )


def _ms(seconds: float | None) -> int | None:
    return None if seconds is None else max(1, round(seconds * 1000))
