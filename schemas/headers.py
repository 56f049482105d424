"""Record headers: where a trace goes on (`traceparent`, W3C), and what a public event is (CloudEvents, Kafka binding).

A run is one trace: its id is the topmost execution's id, so that nobody has to remember it, and the span of a node
execution is the first half of that id. Topics: all between edge, coordinator and workers.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from uuid import UUID

from millstream.schemas.messages import Events, Feed, Message, StoreEvent

Header = tuple[str, bytes]
AnyHeaders = Mapping[str, bytes | None] | Iterable[tuple[str, bytes | None]] | None
TRACEPARENT = "traceparent"
_TRACEPARENT_BYTES = 55
_VERSION: Header = ("ce_specversion", b"1.0")
_EVENTS: Header = ("ce_type", b"millstream.events")
_FEED: Header = ("ce_type", b"millstream.feed")
_STORE: Header = ("ce_type", b"millstream.store")
_AVRO: Header = ("content-type", b"application/avro")


def find(headers: AnyHeaders, name: str) -> bytes | None:
    """Return the first header of this name, None if there is none."""
    pairs = headers.items() if isinstance(headers, Mapping) else headers or ()
    return next((value for key, value in pairs if key == name), None)


def traceparent(root: bytes, span: bytes) -> Header:
    """Return the header. `root`: id of the topmost execution, 16 bytes; `span`: see `span_of`."""
    return TRACEPARENT, f"00-{root.hex()}-{span.hex()}-01".encode()


def span_of(*, execution_id: bytes, node_execution_id: bytes | None = None) -> bytes:
    """Return the 8 bytes of a span: a node execution's first, an execution's last, which are random in a UUIDv7."""
    return execution_id[8:] if node_execution_id is None else node_execution_id[:8]


def root_of(headers: AnyHeaders) -> bytes | None:
    """Return the topmost execution's id from a record's `traceparent`; None: there is none that we can read."""
    value = find(headers, TRACEPARENT)
    if value is None or len(value) != _TRACEPARENT_BYTES:
        return None
    try:
        return bytes.fromhex(value[3:35].decode())
    except ValueError:
        return None


def cloud_event(message: Message) -> list[Header]:
    """Return the CloudEvents headers of a message on a public topic; of all others, none.

    `ce_source` and `ce_id` together name one record for ever. Of `Events` the id says which numbers are in it: a step
    that is told again after a crash may travel with more, and who drops what has the same id must not drop these.
    Source: CloudEvents 1.0.2, Kafka protocol binding, binary mode.
    """
    if isinstance(message, Events):
        source = f"/executions/{UUID(bytes=message.execution_id)}"
        id_ = f"{message.first}+{len(message.deltas)}"  # short: it is in every record
        return [_VERSION, _EVENTS, ("ce_source", source.encode()), ("ce_id", id_.encode()), _AVRO]
    if isinstance(message, Feed):
        source = f"/executions/{UUID(bytes=message.execution_id)}/feed"
        id_ = f"{message.sequence}-{message.at}-{'active' if message.active else 'at-rest'}"
        return _described(_FEED, source, id_, subject=message.graph_id, at=message.at)
    if isinstance(message, StoreEvent):
        listing = str(UUID(bytes=message.listing_id))
        id_ = f"{message.kind}-{message.at}-{message.actor_id}"
        return _described(_STORE, f"/store/{listing}", id_, subject=listing, at=message.at)
    return []


def _described(type_: Header, source: str, id_: str, *, subject: str, at: int) -> list[Header]:
    time = datetime.fromtimestamp(at / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return [
        _VERSION,
        type_,
        ("ce_source", source.encode()),
        ("ce_id", id_.encode()),
        ("ce_subject", subject.encode()),
        ("ce_time", time.encode()),
        _AVRO,
    ]
