"""`millstream version`: what is installed, for reports of faults and for a rolling upgrade."""

from __future__ import annotations

from importlib.metadata import version as installed

import typer

from millstream.cli.console import say


def register(app: typer.Typer) -> None:
    app.command()(version)


def version() -> None:
    """Print the version, and the highest schema id that it reads."""
    from millstream.schemas.codec import newest_id

    say(f"millstream {installed('millstream')}, schemas up to {newest_id()}")
