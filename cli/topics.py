"""`millstream topics`: the catalogue, what a cluster lacks of it, its records and who is behind on them."""

from __future__ import annotations

import json
from collections.abc import Iterable
from itertools import islice
from typing import TYPE_CHECKING, Annotated
from uuid import UUID

import typer

from millstream.cli.brokers import kafka_conf
from millstream.cli.console import say
from millstream.schemas.errors import InputInvalidError

if TYPE_CHECKING:
    from millstream.cli.settings import Settings
    from millstream.topics.admin import Change
    from millstream.topics.tail import Record

app = typer.Typer(
    help="Topics: the catalogue, what a cluster lacks of it, records, lag.", no_args_is_help=True
)


def register(parent: typer.Typer) -> None:
    """Add the commands to the command line."""
    parent.add_typer(app, name="topics")


@app.command("list")
def list_(as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False) -> None:
    """Show every topic that there is to be: key, messages, partitions, how long records stay."""
    from millstream.topics.catalogue import catalogue

    if as_json:
        rows = [
            {
                "name": t.name,
                "key": t.key,
                "messages": t.messages,
                "partitions": t.partitions,
                "config": t.config,
                "about": t.about,
            }
            for t in catalogue()
        ]
        say(json.dumps(rows, indent=2))
        return
    for topic in catalogue():
        say(f"{topic.name}  (key: {topic.key}; {topic.partitions} partitions; kept: {topic.kept})")
        say(f"    {topic.about} {', '.join(topic.messages)}")


@app.command()
def plan(replication: Annotated[int | None, typer.Option(help="Replicas of new topics.")] = None) -> None:
    """Show what `apply` would change; refuses another number of partitions."""
    from millstream.topics import admin

    settings = _settings()
    changes = admin.plan(kafka_conf(settings), replication=replication or settings.replication)
    _report(changes, done=False)
    admin.refuse(changes)


@app.command()
def apply(replication: Annotated[int | None, typer.Option(help="Replicas of new topics.")] = None) -> None:
    """Create what is missing and set what differs. A second call does nothing."""
    from millstream.topics import admin

    settings = _settings()
    _report(admin.apply(kafka_conf(settings), replication=replication or settings.replication), done=True)


@app.command()
def lag(
    group: Annotated[
        str | None,
        typer.Argument(help="Consumer group, with its partitions; default: all of ours, a line each."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
) -> None:
    """Show how many records consumer groups have not committed."""
    from millstream.topics import admin
    from millstream.topics.catalogue import LANES

    conf = kafka_conf(_settings())
    ours = (
        "millstream-admission",
        "millstream-coordinator",
        *(f"millstream-worker-{lane}" for lane in LANES),
        "millstream-sink",
    )
    found = {name: admin.lag(conf, name) for name in ((group,) if group else ours)}
    if as_json:
        fields = ("topic", "partition", "committed", "end", "records")
        rows = [{"group": g} | {n: getattr(row, n) for n in fields} for g, of in found.items() for row in of]
        say(json.dumps(rows))
        return
    for name, of in found.items():
        for row in of if group else []:
            say(f"{row.topic}[{row.partition}] at {row.committed:,} of {row.end:,}, {row.records:,} behind")
        behind = f"{sum(row.records for row in of):,} records behind" if of else "has committed nothing"
        say(f"{name}: {behind}")


@app.command()
def tail(
    topic: Annotated[list[str] | None, typer.Option(help="Topic; may be given again.")] = None,
    start: Annotated[
        str, typer.Option("--from", help="`end`: the newest records; `beginning`: all.")
    ] = "end",
    count: Annotated[int | None, typer.Option("-n", min=0, help="So many records; 10 from the end.")] = None,
    key: Annotated[
        UUID | None, typer.Option(help="Only records with this key, such as an execution id.")
    ] = None,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on with what comes next.")] = False,
) -> None:
    """Print records, decoded. Reads only: commits nothing and joins no group."""
    from millstream.topics import tail as reader
    from millstream.topics.catalogue import EVENTS

    if start not in ("end", "beginning"):
        raise InputInvalidError(f"--from is {start!r}; it can be `end` or `beginning`.")
    conf, topics, wanted = kafka_conf(_settings()), topic or [EVENTS.name], key.bytes if key else None
    if start == "beginning":
        _print(reader.read(conf, topics, key=wanted, follow=follow), count)
    else:
        _print(reader.last(conf, topics, 10 if count is None else count, key=wanted, follow=follow), None)


def _print(records: Iterable[Record], count: int | None) -> None:
    from millstream.cli.tail import lines

    for line in lines(records if count is None else islice(records, count)):
        say(line)


def _report(changes: list[Change], *, done: bool) -> None:
    if not changes:
        say("topics: as the catalogue says")
    for change in changes:
        say(f"{'done: ' if done else ''}{change}")


def _settings() -> Settings:
    from millstream.cli.settings import load

    return load()
