"""Calling one operation of an OpenAPI document: arguments into their places, one request, the answer as a value."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final
from urllib.parse import quote, urlsplit

from millstream.processors.context import Context
from millstream.processors.generated.openapi_document import Operation, Parameter
from millstream.processors.guards.sniffing import is_textual
from millstream.processors.rest import Ask, Login, Service
from millstream.processors.services import HttpResponse
from millstream.schemas.errors import BlockInputError

BODY: Final = "body"
"""Name of the argument that is the whole body."""


class Called:
    """An operation with what it is called with."""

    def __init__(self, operation: Operation, arguments: Mapping[str, Any], body: Any = None) -> None:
        self._operation = operation
        self._arguments = {name: value for name, value in arguments.items() if value is not None}
        self._body = body

    async def send(self, ctx: Context, service: Service, *, pin: str | None) -> tuple[Any, int]:
        """Return the answer and its status. Errors: BlockInputError; those of `Service.ask`."""
        ask: Ask = {
            "query": self._query(),
            "headers": {each["name"]: _flat(self._arguments[each["name"]]) for each in self._given("header")},
            "pin": pin,
        }
        await self._put_body(ctx, ask)
        answer = await service.ask(ctx, f"{self._operation['method']} {self._path()}", **ask)
        return await content(answer, ctx), answer.status

    def _given(self, place: str) -> list[Parameter]:
        """The parameters of one place that have a value. Errors: BlockInputError: one that must be there has none."""
        found = [each for each in self._operation["parameters"] if each["place"] == place]
        for each in found:
            if each["required"] and each["name"] not in self._arguments:
                raise BlockInputError(
                    f"{self._operation['id']} needs {each['name']!r} ({place}).", pin=each["name"]
                )
        return [each for each in found if each["name"] in self._arguments]

    def _path(self) -> str:
        path = self._operation["path"]
        for each in self._given("path"):
            text = _flat(self._arguments[each["name"]])
            if text in ("", ".", ".."):
                raise BlockInputError(
                    f"{each['name']} is {text!r}; a path cannot have that in it.", pin=each["name"]
                )
            path = path.replace(f"{{{each['name']}}}", quote(text, safe=""))
        if "{" in path:
            raise BlockInputError(f"The path {self._operation['path']!r} has a slot that no parameter fills.")
        return path

    def _query(self) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for each in self._given("query"):
            value = self._arguments[each["name"]]
            if isinstance(value, list) and each["explode"]:
                found[each["name"]] = [_flat(part) for part in value]
            elif isinstance(value, dict) and each["explode"]:
                found |= {str(key): _flat(part) for key, part in value.items()}
            else:
                found[each["name"]] = _flat(value)
        return found

    async def _put_body(self, ctx: Context, ask: Ask) -> None:
        body = self._operation["body"]
        if self._body is None:
            if body is not None and body["required"]:
                raise BlockInputError(f"{self._operation['id']} needs a body.", pin=BODY)
            return
        if body is None:
            raise BlockInputError(f"{self._operation['id']} takes no body.", pin=BODY)
        if body["form"] == "json":
            ask["content"] = json.dumps(self._body).encode()
        elif body["form"] == "text":
            ask["content"] = _flat(self._body).encode()
        elif not isinstance(self._body, dict):
            raise BlockInputError("The body of a form is an object, a field a key.", pin=BODY)
        elif body["form"] == "form":
            ask["data"] = {name: _flat(value) for name, value in self._body.items()}
            return
        else:
            await self._put_parts(ctx, ask, body["schema"], self._body)
            return
        ask["headers"] = {**ask.get("headers", {}), "Content-Type": body["media_type"]}

    async def _put_parts(
        self, ctx: Context, ask: Ask, schema: Mapping[str, Any], fields: dict[str, Any]
    ) -> None:
        """Fields of a multipart form; those that the document calls files are read and sent as such."""
        properties = fields_of(schema, self._operation["definitions"])
        parts: list[tuple[str, tuple[str, bytes, str]]] = []
        ask["data"] = {}
        for name, value in fields.items():
            if properties.get(name, {}).get("format") == "file" and isinstance(value, str):
                file = await ctx.files.read(value)
                parts.append((name, (file.name or name, file.data, file.media_type)))
            else:
                ask["data"] = {**ask["data"], name: _flat(value)}
        ask["files"] = parts


def service_of(operation: Operation, *, provider: str, title: str, url: str = "") -> Service:
    """Return where an operation is called, and how one logs in there. Errors: BlockInputError: no address."""
    url = url or operation["server"]
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise BlockInputError(
            f"The document names no address of {title}; give one as `server`, such as https://api.example.com/v1.",
            pin="server",
        )
    login = operation["login"]
    service = Service(provider=provider, title=title, url=url.split("?")[0].split("#")[0], fixed=True)
    if login is None or login["type"] == "user_password":
        return service
    return replace(
        service,
        login=Login(
            place="query" if login["place"] == "query" else "header",
            name=login["name"],
            prefix=login["prefix"],
        ),
    )


async def content(answer: HttpResponse, ctx: Context) -> Any:
    """Return what an answer holds: a value, a text, or a file in the workspace; None if it is empty."""
    kind = answer.media_type
    if not answer.body:
        return None
    if kind == "application/json" or kind.endswith("+json"):
        try:
            return answer.json()
        except (ValueError, RecursionError):
            return answer.text
    if not kind or is_textual(kind):
        return answer.text
    return await ctx.files.write(answer.body, media_type=kind)


def fields_of(schema: Mapping[str, Any], definitions: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Return the properties of an object's schema, also if it stands behind a reference."""
    for _ in range(10):
        reference = schema.get("$ref")
        if not isinstance(reference, str):
            break
        schema = definitions.get(reference.rpartition("/")[2], {})
    found = schema.get("properties")
    return found if isinstance(found, dict) else {}


def _flat(value: Any) -> str:
    """A value as text: the simple style, in which lists and objects are separated by commas."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return ",".join(_flat(each) for each in value)
    if isinstance(value, dict):
        return json.dumps(value)
    return str(value)
