"""`millstream dlq`: records that could not be handled: which, why, and back to where they came from."""

from __future__ import annotations

import getpass
import json
import re
import time
from typing import TYPE_CHECKING, Annotated, Any

import typer

from millstream.cli.brokers import kafka_conf
from millstream.cli.console import complain, say, tell
from millstream.schemas.errors import InputInvalidError, UnavailableError

if TYPE_CHECKING:
    from millstream.connectors.letters import Selection
    from millstream.connectors.redrive import Plan

app = typer.Typer(
    help="Dead letters: records that could not be handled, why, and the way back.", no_args_is_help=True
)

_UNIT_S = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}
_RATE = re.compile(r"(\d{1,6}(?:\.\d{1,3})?)(?:/([sm]))?", re.ASCII)
_SINCE = re.compile(r"(\d{1,6})([smhdw])", re.ASCII)
_TOLD_EVERY_S = 5.0
DEAD = "dead.letters"

Topic = Annotated[str | None, typer.Option(help="Only records that came from this topic.")]
Code = Annotated[str | None, typer.Option(help="Only with this error code, such as record_invalid.")]
Since = Annotated[str | None, typer.Option(help="Only letters of the last 30m, 2h, 7d ...")]


def register(parent: typer.Typer) -> None:
    """Add the commands to the command line."""
    parent.add_typer(app, name="dlq")


@app.command("list")
def list_(
    topic: Topic = None,
    code: Code = None,
    since: Since = None,
    count: Annotated[int, typer.Option("-n", min=1, help="Show so many; the summary counts all.")] = 50,
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
) -> None:
    """Show the newest dead letters, newest first, and how many there are by topic and reason."""
    from millstream.cli import letters as view
    from millstream.connectors.letters import remembered, select

    conf, selection = _conf(), _selection(topic=topic, code=code, since=since)
    memory = remembered(conf, since_ms=selection.since_ms)
    listing = view.Listing(select(conf, selection), memory, count)
    if as_json:
        say(json.dumps(listing.as_json(), indent=2))
        return
    for line in listing.lines():
        say(line)


@app.command()
def show(
    place: Annotated[str, typer.Argument(metavar="PARTITION:OFFSET", help="As `dlq list` names it.")],
    limit: Annotated[
        int, typer.Option("--bytes", min=0, help="Dump so much of a value that does not decode; 0: all.")
    ] = 4096,
) -> None:
    """Show everything about one dead letter: headers, and the record decoded, or its bytes."""
    from millstream.cli import letters as view
    from millstream.connectors.letters import find, parse_place, remembered

    conf = _conf()
    letter = find(conf, parse_place(place))
    memory = remembered(conf, since_ms=letter.record.timestamp_ms)
    for line in view.described(letter, memory.get(letter.mark), limit):
        say(line)


@app.command()
def redrive(
    places: Annotated[
        list[str] | None, typer.Argument(metavar="[PARTITION:OFFSET]...", help="These letters.")
    ] = None,
    topic: Topic = None,
    code: Code = None,
    since: Since = None,
    everything: Annotated[bool, typer.Option("--all", help="All letters.")] = False,
    rate: Annotated[str, typer.Option(help="At most so many: 50/s, 100/m.")] = "50/s",
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would be done, and do nothing.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
) -> None:
    """Put records back to the topic and partition they came from; what was put back already is passed over.

    Ends with 1 if a letter was refused. After an interruption the same command goes on.
    """
    from millstream.connectors.redrive import plan

    rate_per_s = parse_rate(rate)
    selection = _selection(places, topic=topic, code=code, since=since)
    _refuse_unclear(places, filtered=bool(topic or code or since), everything=everything)
    conf = _conf()
    what = plan(conf, selection)
    _tell_plan(what)
    if what.total and not dry_run:
        if not yes:
            typer.confirm(f"Put back {what.total:,} records at {rate}?", abort=True)
        _write_down(what)
        _carry_out(conf, what, rate_per_s)
    if what.refused:
        raise typer.Exit(1)


def parse_since(text: str) -> float:
    """Return the seconds of `30m`. Errors: InputInvalidError."""
    found = _SINCE.fullmatch(text)
    if found is None:
        raise InputInvalidError(f"--since is {text!r}; write a number and s, m, h, d or w, such as 2h.")
    return int(found[1]) * _UNIT_S[found[2]]


def parse_rate(text: str) -> float:
    """Return how many a second `50/s`, `50` or `100/m` are. Errors: InputInvalidError."""
    found = _RATE.fullmatch(text)
    if found is None or float(found[1]) < 1:
        raise InputInvalidError(f"--rate is {text!r}; write 1 or more a second or a minute, such as 50/s.")
    return float(found[1]) / _UNIT_S[found[2] or "s"]


def _selection(
    places: list[str] | None = None, *, topic: str | None, code: str | None, since: str | None
) -> Selection:
    from millstream.connectors.letters import Selection, parse_place

    return Selection(
        places=tuple(parse_place(place) for place in places or ()),
        topic=topic,
        code=code,
        since_ms=None if since is None else int((time.time() - parse_since(since)) * 1000),
    )


def _refuse_unclear(places: list[str] | None, *, filtered: bool, everything: bool) -> None:
    ways = [bool(places), filtered, everything]
    if sum(ways) != 1:
        raise InputInvalidError(
            "Say which letters: their places, or --topic, --code and --since, or --all; "
            + ("one of the three." if sum(ways) else "`millstream dlq list` shows them.")
        )


def _tell_plan(what: Plan) -> None:
    from millstream.topics.display import printable

    for (topic, code), number in sorted(what.counts.items()):
        say(f"{number:,} to put back to {printable(topic, 100)} ({printable(code, 100)})")
    for place, reason in what.refused:
        say(f"refused {place}: {printable(reason, 300)}")
    say(f"to put back: {what.total:,}; done already: {what.done:,}; refused: {len(what.refused):,}")


def _write_down(what: Plan) -> None:
    """Leave an audit record, where the platform's PostgreSQL can be reached from here."""
    from millstream.cli.connect import connected
    from millstream.connectors.audit import write

    counts = [f"{topic} {code}: {number}" for (topic, code), number in sorted(what.counts.items())]
    try:
        dsn = connected().postgres.get_secret_value()
        actor = f"operator:{_operator()}"
        write(dsn, actor=actor, action="dead_letters.redriven", subject=DEAD, facts={"counts": counts[:100]})
    except UnavailableError as error:
        tell(f"Not in the audit log: {error}")


def _carry_out(conf: dict[str, Any], what: Plan, rate_per_s: float) -> None:
    from millstream.connectors import redrive as connector
    from millstream.topics.display import printable

    done, refused_before, told_at = 0, len(what.refused), time.monotonic()
    try:
        for outcome in connector.redrive(conf, what, rate_per_s=rate_per_s, operator=_operator()):
            if outcome.refusal is None:
                done += 1
            else:
                what.refused.append((outcome.letter.place, outcome.refusal))
                complain(f"refused {outcome.letter.place}: {printable(outcome.refusal, 300)}")
            if time.monotonic() - told_at >= _TOLD_EVERY_S:
                told_at = time.monotonic()
                tell(f"{done:,} of {what.total:,}")
    finally:  # also after Ctrl-C
        left = what.total - done - (len(what.refused) - refused_before)
        tail = f"; not reached, or put back by somebody else: {left:,}" if left else ""
        tell(f"put back: {done:,}; done already: {what.done:,}; refused: {len(what.refused):,}{tail}")


def _operator() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):  # a container's user may have no name
        return "unknown"


def _conf() -> dict[str, Any]:
    from millstream.cli.settings import load

    return kafka_conf(load())
