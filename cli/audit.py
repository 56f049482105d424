"""`millstream audit`: who did what, and whether the log of it is whole."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from millstream.cli.brokers import kafka_conf
from millstream.cli.console import say
from millstream.schemas.errors import RecordInvalidError

if TYPE_CHECKING:
    from millstream.schemas.audit import Report
    from millstream.schemas.messages import Audit
    from millstream.topics.tail import Record

app = typer.Typer(help="Who did what, and whether the log of it is whole.", no_args_is_help=True)

BREAKS_SHOWN = 20
BROKEN = 1
"""Exit status of `verify` when the chain does not hold."""


def register(parent: typer.Typer) -> None:
    """Add the commands to the command line."""
    parent.add_typer(app, name="audit")


@app.command()
def tail(
    count: Annotated[int, typer.Option("-n", min=1, help="Show so many.")] = 20,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on with what comes.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="For programs: one object on a line.")] = False,
) -> None:
    """Show the newest audit records, oldest first."""
    from millstream.cli.connect import connected
    from millstream.topics.catalogue import AUDIT
    from millstream.topics.tail import last

    conf = kafka_conf(connected())
    found = (_message(record) for record in last(conf, [AUDIT.name], count, follow=follow))
    ours = (record for record in found if record is not None)
    for record in ours if follow else sorted(ours, key=lambda record: record.sequence):
        say(json.dumps(as_dict(record)) if as_json else line(record))


@app.command()
def verify(
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
) -> None:
    """Read all of `audit.log` and check its chain against what PostgreSQL has as its end. Exit status 1: it is broken."""
    from millstream.cli.connect import connected

    settings = connected()
    report = check(kafka_conf(settings), settings.postgres.get_secret_value())
    if as_json:
        say(json.dumps(report_dict(report), indent=2))
    else:
        for text in report_lines(report):
            say(text)
    if report.breaks:
        raise typer.Exit(BROKEN)


def check(conf: dict[str, Any], dsn: str) -> Report:
    """Return what is wrong with the log. Errors: UnavailableError."""
    from millstream.connectors.audit import read_head
    from millstream.schemas import audit
    from millstream.topics.catalogue import AUDIT
    from millstream.topics.tail import read

    head = read_head(dsn)
    return audit.verify(_placed(read(conf, [AUDIT.name])), head, written=lambda: read_head(dsn).sequence)


def _placed(records: Iterator[Record]) -> Iterator[tuple[str, Audit]]:
    from millstream.schemas.messages import Audit

    for record in records:
        place = f"{record.topic}/{record.partition}@{record.offset}"
        found = _message(record)
        if found is None:  # not of ours: shown as one that belongs to no chain
            found = Audit(
                audit_id=b"\0" * 16, actor_id="", action="undecodable", subject=place, data=b"{}", at=0
            )
        yield place, found


def _message(record: Record) -> Audit | None:
    from millstream.schemas.codec import decode
    from millstream.schemas.messages import Audit

    try:
        found = decode(record.value)
    except RecordInvalidError:
        return None
    return found if isinstance(found, Audit) else None


def as_dict(record: Audit) -> dict[str, Any]:
    """Return a record for programs."""
    return {
        "sequence": record.sequence,
        "at": datetime.fromtimestamp(record.at / 1000, UTC).isoformat(),
        "actor_id": record.actor_id,
        "action": record.action,
        "subject": record.subject,
        "facts": json.loads(record.data),
        "hash": record.hash.hex(),
    }


def line(record: Audit) -> str:
    """Return a record for people."""
    from millstream.topics.display import printable

    at = datetime.fromtimestamp(record.at / 1000, UTC).strftime("%Y-%m-%d %H:%M:%S")
    text = f"{record.sequence:>7}  {at}  {record.action:<24} {record.subject}  by {record.actor_id}  "
    return printable(text + record.data.decode("utf-8", "replace"), 400)


def report_dict(report: Report) -> dict[str, Any]:
    """Return a report for programs."""
    breaks = [{"fault": b.fault, "sequence": b.sequence, "detail": b.detail} for b in report.breaks]
    return {
        "whole": not breaks,
        "records": report.records,
        "first": report.first,
        "last": report.last,
        "repeated": report.repeated,
        "breaks": breaks,
    }


def report_lines(report: Report) -> Iterator[str]:
    """Yield a report for people."""
    span = f"links {report.first} to {report.last}" if report.last else "no links"
    yield f"{report.records} records, {span}, {report.repeated} of them repeated deliveries"
    if report.first > 1:
        yield f"The chain begins at {report.first}: what was before is gone (the log keeps a year)."
    for each in report.breaks[:BREAKS_SHOWN]:
        yield f"  {each.fault:<10} at {each.sequence}: {each.detail}"
    if len(report.breaks) > BREAKS_SHOWN:
        yield f"  and {len(report.breaks) - BREAKS_SHOWN} more"
    yield (
        "BROKEN: somebody has changed the log, or lost a part of it." if report.breaks else "The chain holds."
    )
