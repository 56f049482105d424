"""The chain of audit records: each has the hash of the one before, so that none is changed, left out or put in unseen."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable
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
    placed: Iterable[tuple[str, Audit]], head: Head | None = None, *, written: Callable[[], int] | None = None
) -> Report:
    """Check all records of the log. `placed`: the place of each (such as `audit.log/3@17`), in the order of its partition.

    The oldest may be gone, since the log keeps them for a year. With `head` also the end is checked: without it nobody
    sees that the newest records were cut off, or that somebody has computed all hashes anew. It is read before the log, and
    `written`, the last link by then, is asked after it: the platform goes on meanwhile.
    """
    report = Report()
    links: dict[int, _Link] = {}
    chain = head.chain_id if head else None
    for place, record in placed:
        report.records += 1
        chain = chain or record.chain_id
        if record.sequence < 1 or record.chain_id != chain:
            _add(report, "foreign", record.sequence, f"{place} belongs to no chain of ours")
            continue
        _take(report, links, _Link(place, record.previous, record.hash, link_hash(record)), record.sequence)
    _check_order(report, links)
    _check_links(report, links)
    if head is not None:
        _check_end(report, links, head, head.sequence if written is None else written())
    return report


@dataclass(frozen=True, slots=True)
class _Link:
    """What is kept of a record while all are read."""

    place: str
    previous: bytes
    hash: bytes
    right: bytes
    """What `hash` must be; also what tells two records apart."""


def _take(report: Report, links: dict[int, _Link], link: _Link, sequence: int) -> None:
    if link.right != link.hash:
        _add(report, "changed", sequence, f"{link.place} is not what was hashed")
    known = links.get(sequence)
    if known is not None and (known.right, known.hash) != (link.right, link.hash):
        _add(report, "forked", sequence, f"{known.place} and {link.place} claim the same place")
        return
    if known is not None:
        report.repeated += 1
        del links[sequence]  # to be put behind all others: its last delivery counts
    links[sequence] = link


def _check_order(report: Report, links: dict[int, _Link]) -> None:
    """Links of one partition follow each other. `links`: in the order of their last delivery."""
    newest: dict[str, int] = {}
    for sequence, link in links.items():
        partition = link.place.rpartition("@")[0]
        if sequence < newest.get(partition, 0):
            _add(report, "reordered", sequence, f"{link.place} comes after a later link")
        newest[partition] = max(sequence, newest.get(partition, 0))


def _check_links(report: Report, links: dict[int, _Link]) -> None:
    order = sorted(links)
    if not order:
        return
    report.first, report.last = order[0], order[-1]
    if report.first == 1 and links[1].previous != START:
        _add(report, "unlinked", 1, f"{links[1].place} is the first, but names one before it")
    for before, after in zip(order, order[1:], strict=False):
        if after != before + 1:
            count = after - before - 1
            _add(report, "missing", before + 1, f"{count} after {links[before].place}, up to {after - 1}")
        elif links[after].previous != links[before].hash:
            _add(
                report, "unlinked", after, f"{links[after].place} does not follow from {links[before].place}"
            )


def _check_end(report: Report, links: dict[int, _Link], head: Head, written: int) -> None:
    if report.last < head.sent:
        _add(report, "cut", head.sent, f"the log ends at {report.last}, but had links up to {head.sent}")
    if report.last > written:
        _add(report, "forked", report.last, f"the log goes beyond {written}, the last that was written")
    last = links.get(head.sequence)
    if last is not None and last.hash != head.hash:
        _add(
            report, "changed", head.sequence, f"{last.place} is not the link that PostgreSQL has as the last"
        )


def _add(report: Report, fault: Fault, sequence: int, detail: str) -> None:
    report.breaks.append(Break(fault=fault, sequence=sequence, detail=detail))
