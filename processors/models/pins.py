"""Pins that blocks of models have in common, and what they mean."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Final

from pydantic import Field

from millstream.processors.context import Context
from millstream.processors.credentials import Provider
from millstream.processors.models.interface import Choice
from millstream.processors.models.providers import ECHO, KNOWN
from millstream.schemas.errors import BlockInputError

OLLAMA_HOST: Final = "localhost:11434"
KEYS: Final = Provider(*(provider.name for provider in KNOWN if provider.name != ECHO))
"""Whose credentials a block of models takes."""
Model = Annotated[
    str,
    Field(
        max_length=200,
        json_schema_extra={
            "examples": [
                "auto",
                "gpt-5.2-2025-12-11",
                "claude-sonnet-5",
                "ollama:llama3.2",
                "echo-1",
            ]
        },
    ),
]
"""A model's name, `provider:model`, or `auto`."""


async def chosen(
    ctx: Context,
    model: str,
    credentials: Mapping[str, Any] | None,
    *,
    base_url: str = "",
    ollama_host: str = OLLAMA_HOST,
    pin: str = "credentials",
) -> Choice:
    """Return whom a block is to ask, from its pins. Errors: CredentialError, BlockInputError."""
    auth = await ctx.credentials(pin) if credentials else None
    if ollama_host != OLLAMA_HOST and not base_url:
        is_ollama = model.startswith("ollama:") or (auth is not None and auth.provider == "ollama")
        if is_ollama:
            if "/" in ollama_host or "@" in ollama_host:
                raise BlockInputError("`ollama_host` is host:port, such as gpu.example:11434.")
            base_url = f"http://{ollama_host}/v1"
    return Choice(model=model, auth=auth, base_url=base_url)
