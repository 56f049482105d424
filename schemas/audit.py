"""The chain of audit records: each has the hash of the one before, so that none is changed, left out or put in unseen."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal

from millstream.schemas.messages import Audit

START = b"\0" * 32
"""`previous` of the first link."""

Fault = Literal["changed", "forked", "missing", "reordered", "unlinked", "foreign", "cut"]


def link_hash(record: Audit) -> bytes:
    """Return what `record.hash` must be: SHA-256 over its other fields as JSON, in this order."""
    fields = [
        record.previous.hex(),
        record.chain_id,
        record.sequence,
        record.audit_id.hex(),
        record.actor_id,
        record.action,
        record.subject,
        record.data.decode("utf-8", "surrogateescape"),
        record.at,
    ]
    return hashlib.sha256(json.dumps(fields, separators=(",", ":")).encode()).digest()


@dataclass(frozen=True, slots=True, kw_only=True)
class Break:
    """A place at which the chain does not hold."""

    fault: Fault
    sequence: int
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """The end of the chain as PostgreSQL has it: the anchor outside the log."""

    chain_id: str
    sequence: int
    hash: bytes
    sent: int
    """The last link that Kafka has acknowledged."""


@dataclass(slots=True, kw_only=True)
class Report:
    """What `verify` found."""

    records: int = 0
    first: int = 0
    last: int = 0
    repeated: int = 0
    """Links that were delivered more than once, the same each time."""
    breaks: list[Break] = field(default_factory=list)


def verify(
    placed: Iterable[tuple[str, Audit]], head: Head | None = None, *, written: int | None = None
) -> Report:
    """Check all records of the log. `placed`: the place of each (such as `audit.log/3@17`), in the order of its partition.

    The oldest may be gone, since the log keeps them for a year. With `head` also the end is checked: without it nobody
    sees that the newest records were cut off, or that somebody has computed all hashes anew. It is read before the log, and
    `written`, the last link by then, after it: the platform goes on meanwhile.
    """
    report = Report()
    links: dict[int, tuple[str, Audit]] = {}
    chain = head.chain_id if head else None
    for place, record in placed:
        report.records += 1
        chain = chain or record.chain_id
        if record.sequence < 1 or record.chain_id != chain:
            _add(report, "foreign", record.sequence, f"{place} belongs to no chain of ours")
            continue
        if link_hash(record) != record.hash:
            _add(report, "changed", record.sequence, f"{place} is not what was hashed")
        known = links.get(record.sequence)
        if known is not None:
            if known[1] == record:
                report.repeated += 1
                links.pop(record.sequence)
                links[record.sequence] = (place, record)  # behind all others: its last delivery counts
            else:
                _add(report, "forked", record.sequence, f"{known[0]} and {place} claim the same place")
            continue
        links[record.sequence] = (place, record)
    _check_order(report, links)
    _check_links(report, links)
    if head is not None:
        _check_end(report, links, head, head.sequence if written is None else written)
    return report


def _check_order(report: Report, links: dict[int, tuple[str, Audit]]) -> None:
    """Links of one partition follow each other. `links`: in the order of their last delivery."""
    newest: dict[str, int] = {}
    for sequence, (place, _) in links.items():
        partition = place.rpartition("@")[0]
        if sequence < newest.get(partition, 0):
            _add(report, "reordered", sequence, f"{place} comes after a later link")
        newest[partition] = max(sequence, newest.get(partition, 0))


def _check_links(report: Report, links: dict[int, tuple[str, Audit]]) -> None:
    order = sorted(links)
    if not order:
        return
    report.first, report.last = order[0], order[-1]
    if report.first == 1 and links[1][1].previous != START:
        _add(report, "unlinked", 1, f"{links[1][0]} is the first, but names one before it")
    for before, after in zip(order, order[1:], strict=False):
        if after != before + 1:
            count = after - before - 1
            _add(report, "missing", before + 1, f"{count} after {links[before][0]}, up to {after - 1}")
        elif links[after][1].previous != links[before][1].hash:
            _add(report, "unlinked", after, f"{links[after][0]} does not follow from {links[before][0]}")


def _check_end(report: Report, links: dict[int, tuple[str, Audit]], head: Head, written: int) -> None:
    if report.last < head.sent:
        _add(report, "cut", head.sent, f"the log ends at {report.last}, but had links up to {head.sent}")
    if report.last > written:
        _add(report, "forked", report.last, f"the log goes beyond {written}, the last that was written")
    last = links.get(head.sequence)
    if last is not None and last[1].hash != head.hash:
        _add(report, "changed", head.sequence, f"{last[0]} is not the link that PostgreSQL has as the last")


def _add(report: Report, fault: Fault, sequence: int, detail: str) -> None:
    report.breaks.append(Break(fault=fault, sequence=sequence, detail=detail))
