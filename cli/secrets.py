"""`millstream secrets`: the master keys that wrap the keys of credentials and secret values."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated

import typer

from millstream.cli.console import complain, say, tell

if TYPE_CHECKING:
    from millstream.api.credentials.keyring import Keyring
    from millstream.cli.settings import Settings

app = typer.Typer(help="The keys that seal credentials and secret values.", no_args_is_help=True)

BROKEN = 1
"""Exit status of `rotate` when something does not open."""


def register(parent: typer.Typer) -> None:
    """Add the commands to the command line."""
    parent.add_typer(app, name="secrets")


@app.command("list-keys")
def list_keys(as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False) -> None:
    """Show the ids of the master keys, and how many secrets each wraps. Never a key."""
    from millstream.api.credentials.rotation import wrapped_by
    from millstream.cli.connect import connected

    settings = connected()
    keys = _ring(settings).keys()
    counts = wrapped_by(settings.postgres.get_secret_value())
    rows = [
        {"id": key_id, "status": "current" if number == 0 else "old", "wraps": counts.pop(key_id, 0)}
        for number, key_id in enumerate(keys.keys)
    ]
    rows += [
        {"id": key_id, "status": f"retired {at}", "wraps": counts.pop(key_id, 0)}
        for key_id, at in keys.retired.items()
    ]
    rows += [{"id": key_id, "status": "missing", "wraps": count} for key_id, count in counts.items()]
    if as_json:
        say(json.dumps(rows, indent=2))
        return
    for row in rows:
        say(f"{row['id']:24} {row['wraps']:>8}  {row['status']}")


@app.command()
def rotate() -> None:
    """Make a new master key, wrap all secrets with it, and remove the old one. Goes on after an interruption.

    Edges and workers go on meanwhile. Backups of the database made before need the old key: keep a copy of the file with them.
    """
    from millstream.api.credentials.rotation import rotate as rotate_
    from millstream.cli.connect import connected

    settings = connected()
    ring = _ring(settings)
    done = rotate_(
        settings.postgres.get_secret_value(), ring, progress=lambda count: tell(f"  ... {count} wrapped anew")
    )
    say(f"{done.key_id} wraps from now on; {done.rewrapped} secrets wrapped anew")
    for key_id in done.retired:
        say(f"{key_id} was removed")
    if ring.path is None:
        say("The keys are in MILLSTREAM_MASTER_KEYS: all but the first can be taken out of it now.")
    if done.broken:
        complain(f"{done.broken} secrets do not open with any key that is here; no key was removed.")
        raise typer.Exit(BROKEN)


def _ring(settings: Settings) -> Keyring:
    from millstream.api.credentials.keyring import FILE_NAME, Keyring

    return Keyring(settings.master_keys.get_secret_value(), settings.home / FILE_NAME)
