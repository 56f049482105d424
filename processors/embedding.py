"""Texts turned into vectors, as the blocks for search and memory need it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from millstream.processors.context import Context
from millstream.processors.credentials import Provider
from millstream.processors.models.interface import Choice, Embeddings
from millstream.schemas.errors import BlockInputError
from millstream.schemas.vectors import BATCH_LIMIT

EMBEDDERS: Final = Provider(
    "openai", "open_router", "azure_openai", "mistral", "ollama", "openai_compatible", "vllm", "lm_studio"
)
"""Whose keys such blocks take."""


async def embedded(
    ctx: Context,
    texts: Sequence[str],
    model: str,
    credentials: Mapping[str, Any] | None,
    *,
    pin: str = "credentials",
) -> Embeddings:
    """Return a vector for each text. Errors: BlockInputError for an empty one, or too many; those of `Models`."""
    if len(texts) > BATCH_LIMIT:
        raise BlockInputError(f"At most {BATCH_LIMIT:,} texts at once; these are {len(texts):,}.")
    empty = [number for number, text in enumerate(texts, start=1) if not text.strip()]
    if empty:
        raise BlockInputError(f"Text number {empty[0]} is empty; an empty text has no meaning to look for.")
    auth = await ctx.credentials(pin) if credentials else None
    return await ctx.models.embed(texts, Choice(model=model, auth=auth))
