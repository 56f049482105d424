"""A schema registry of a user, over HTTP in the form of Confluent's."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final, Unpack
from urllib.parse import quote

from millstream.processors.context import Context
from millstream.processors.services import HttpOptions
from millstream.schemas.errors import BlockExecutionError, BlockInputError, CredentialError, UpstreamError

SCHEMA_LIMIT_BYTES: Final = 500_000
_MEDIA: Final = "application/vnd.schemaregistry.v1+json"


class SchemaRegistry:
    """Schemas by id and by subject, remembered while one run lasts."""

    def __init__(self, ctx: Context, url: str, credentials: Mapping[str, Any] | None) -> None:
        self._ctx = ctx
        self._url = url.rstrip("/")
        self._credentials = credentials
        self._known: dict[int, str] = {}

    async def schema(self, id_: int) -> str:
        """Return the schema of an id as JSON text. Errors: those of `_call`; BlockExecutionError: no Avro."""
        if id_ not in self._known:
            self._known[id_] = _avro(await self._call("GET", f"/schemas/ids/{id_}"), f"The schema {id_}")
        return self._known[id_]

    async def for_writing(self, subject: str, schema: Any) -> tuple[int, str]:
        """Return id and text of what to write with: `schema`, registered under the subject, or the newest one there."""
        where = f"/subjects/{quote(subject, safe='')}/versions"
        if schema in (None, "", {}):
            found = await self._call("GET", where + "/latest")
            return int(found["id"]), _avro(found, f"The schema of {subject!r}")
        text = schema if isinstance(schema, str) else json.dumps(schema)
        try:
            json.loads(text)
        except ValueError as error:
            raise BlockInputError(f"The schema is no JSON: {error}.") from error
        made = await self._call("POST", where, json={"schema": text}, headers={"Content-Type": _MEDIA})
        return int(made["id"]), text

    async def _call(self, method: str, path: str, **options: Unpack[HttpOptions]) -> Any:
        options["max_bytes"] = SCHEMA_LIMIT_BYTES
        options["headers"] = {"Accept": f"{_MEDIA}, application/json", **options.get("headers", {})}
        if self._credentials:
            options["auth"] = await self._ctx.credentials("registry_credentials")
        answer = await self._ctx.http.request(method, self._url + path, **options)
        try:
            said = answer.json()
        except (ValueError, RecursionError):
            said = None
        if answer.status < 300 and isinstance(said, dict):
            return said
        reason = said.get("message", "") if isinstance(said, dict) else ""
        if answer.status in (401, 403):
            raise CredentialError(f"The schema registry does not accept this credential ({answer.status}).")
        if answer.status >= 500 or answer.status == 429:
            raise UpstreamError(
                f"The schema registry cannot do this now ({answer.status}).", status=answer.status
            )
        raise BlockExecutionError(
            f"The schema registry refused {method} {path} ({answer.status}): {str(reason)[:300]}",
            status=answer.status,
        )


def _avro(found: Any, what: str) -> str:
    if found.get("schemaType", "AVRO") != "AVRO" or found.get("references"):
        raise BlockExecutionError(
            f"{what} is not Avro, or refers to other schemas; such ones are not read here."
        )
    return str(found["schema"])
