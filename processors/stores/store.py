"""The vector database that a block was pointed at."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from millstream.processors.context import Context
from millstream.processors.credentials import ApiKey, Provider
from millstream.processors.services import Bound
from millstream.processors.stores import pinecone
from millstream.processors.stores.chroma import Chroma
from millstream.processors.stores.interface import Api, ServiceName, VectorStore, base_url
from millstream.processors.stores.pinecone import Pinecone
from millstream.processors.stores.weaviate import Weaviate
from millstream.schemas.errors import BlockInputError, CredentialError

LOGIN: Final = Provider("pinecone", "weaviate", "chroma", types=("api_key",))
"""Keys for databases of one's own have to name their hosts; Pinecone's go to Pinecone."""
PINECONE_LOGIN: Final = Provider("pinecone", types=("api_key",), hosts=pinecone.HOSTS)


async def store(
    ctx: Context, service: ServiceName, url: str, credentials: Mapping[str, Any] | None
) -> VectorStore:
    """Return the database. Errors: BlockInputError, CredentialError."""
    if service == "pinecone":
        return await pinecone_of(ctx, credentials)
    title = service.capitalize()
    if not url:
        raise BlockInputError(f"Give the address of your {title} server on the pin `url`.")
    auth: Bound | None = None
    if credentials:
        held = await _key(ctx, service)
        auth = held if service == "weaviate" else held.in_header("X-Chroma-Token")
    api = Api(http=ctx.http, title=title, url=base_url(url, title), auth=auth, headers={})
    return Weaviate(api) if service == "weaviate" else Chroma(api)


async def pinecone_of(ctx: Context, credentials: Mapping[str, Any] | None) -> Pinecone:
    """Return Pinecone. Errors: CredentialError."""
    if not credentials:
        raise CredentialError("Pinecone wants an API key: choose a credential.")
    held = await _key(ctx, "pinecone")
    hosts = held.hosts or frozenset(pinecone.HOSTS)
    key = ApiKey(id=held.id, provider=held.provider, title=held.title, hosts=hosts, api_key=held.api_key)
    url = ctx.http.service_url("pinecone") or pinecone.URL
    return Pinecone(
        Api(http=ctx.http, title="Pinecone", url=url, auth=key.in_header("Api-Key"), headers=pinecone.VERSION)
    )


async def _key(ctx: Context, service: str) -> ApiKey:
    held = await ctx.credentials()
    if not isinstance(held, ApiKey) or held.provider != service:
        raise CredentialError(f"This credential is for {held.provider!r}, not for {service!r}.")
    return held
