"""The command line, `millstream`. Each module of `COMMANDS` has a `register(app)`; heavy imports stay in its functions."""

from __future__ import annotations

import importlib
import sys

import typer

from millstream.cli.console import guarded

COMMANDS = (
    "up",
    "dev",
    "block",
    "run",
    "status",
    "doctor",
    "topics",
    "tail",
    "dlq",
    "audit",
    "secrets",
    "setup",
    "roles",
    "echo_model",
    "version",
    "check",
    "documents",
)
"""Modules of `millstream.cli` with commands, in the order in which the help shows them."""


def build() -> typer.Typer:
    """Return the typer application with every command."""
    app = typer.Typer(
        name="millstream",
        help="Build, run and watch AI agents; every node execution is a message on Apache Kafka.",
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    for name in COMMANDS:
        importlib.import_module(f"millstream.cli.{name}").register(app)
    return app


def main() -> None:
    """Entry point of the `millstream` script and of `python -m millstream.cli.main`."""
    sys.exit(guarded(build()))


if __name__ == "__main__":
    main()
