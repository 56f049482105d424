"""`millstream echo-model`: the local demo model, as a server that speaks OpenAI's protocol."""

from __future__ import annotations

from typing import Annotated

import typer


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("echo-model", rich_help_panel="One process, on a machine of its own")(echo_model)


def echo_model(
    port: Annotated[int, typer.Option(min=0, max=65535, help="TCP port; 0 takes a free one.")] = 8010,
    host: Annotated[str, typer.Option(help="Address on which it listens.")] = "127.0.0.1",
) -> None:
    """Serve the echo model: it speaks OpenAI's protocol and follows simple orders by fixed rules; it is no language model.

    `up` starts one by itself. Workers find it by MILLSTREAM_ECHO_MODEL, such as http://127.0.0.1:8010/v1.
    """
    from millstream.local.echo_model.serve import serve

    serve(host, port)
