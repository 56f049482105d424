"""Each operation of an OpenAPI document as a block: a pin for each parameter and each field of the body.

A package of such blocks is its document and a module of three lines; `millstream block from-openapi` writes it:

    globals().update(blocks_from(text, module=__name__, provider="petstore"))
"""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator, Mapping
from typing import Any, Final
from urllib.parse import urlsplit

from millstream.processors.context import Context
from millstream.processors.credentials import Provider
from millstream.processors.generated.openapi_call import BODY, Called, fields_of, service_of
from millstream.processors.generated.openapi_document import Operation, read
from millstream.processors.sdk import NAMESPACE, Block
from millstream.processors.signature import Pin, Signature
from millstream.schemas.blocks import BlockSpec

CREDENTIALS: Final = "credentials"
_READING: Final = frozenset({"GET", "HEAD", "OPTIONS"})
_IDEMPOTENT: Final = _READING | {"PUT", "DELETE"}


def blocks_from(
    text: str, *, module: str, provider: str, server: str = "", base: str = ""
) -> dict[str, Block]:
    """Return the blocks of a document by operation id. `server`: its address, if the document does not say it.

    Ids are uuid5 of `package:operation id`, so they stay while the operations keep their ids.
    Errors: BlockInputError: the document is no good, or says nowhere to go.
    """
    document = read(text, base)
    title = document["title"]
    return {
        operation["id"]: _block(operation, module=module, provider=provider, title=title, server=server)
        for operation in document["operations"]
    }


def _block(operation: Operation, *, module: str, provider: str, title: str, server: str) -> Block:
    service = service_of(operation, provider=provider, title=title, url=server)
    pins = _Pins(operation, provider, urlsplit(service.url).hostname or "")

    async def call(ctx: Context, **given: Any) -> AsyncIterator[tuple[str, Any]]:
        login = CREDENTIALS if pins.login and given.get(CREDENTIALS) else None
        arguments, body = pins.sorted(given)
        answer, status = await Called(operation, arguments, body).send(ctx, service, pin=login)
        yield "response", answer
        yield "status", status

    call.__module__ = module
    call.__name__ = call.__qualname__ = operation["id"]
    package = module.partition(".")[0]
    about = "\n\n".join(part for part in (operation["summary"], operation["description"]) if part)
    spec = BlockSpec(
        id=str(uuid.uuid5(NAMESPACE, f"{package}:{operation['id']}")),
        name=_name(provider, operation["id"]),
        description=about or f"{operation['method']} {operation['path']} of {title}.",
        input_schema=pins.schema,
        output_schema=_outputs(operation),
        categories=("DEVELOPER_TOOLS",),
        repeatable=operation["method"] in _IDEMPOTENT,
    )
    shape = Signature(
        input_schema=spec.input_schema,
        output_schema=spec.output_schema,
        pins=pins.pins,
        services=[("ctx", "")],
        form="generator",
    )
    return Block(call, spec, shape, (), None, "Calls a service; its package tests it.")


def _name(provider: str, id_: str) -> str:
    words = f"{provider}_{id_}".replace("-", "_").split("_")
    return "".join(word[:1].upper() + word[1:] for word in words if word) + "Block"


def _outputs(operation: Operation) -> dict[str, Any]:
    """What the document says of the answer is told, not demanded: services add and leave out fields as they like."""
    response: dict[str, Any] = {"title": "Response", "description": "What the service answered."}
    if operation["answer"] is not None:
        response["x-documented"] = operation["answer"]
    return {
        "type": "object",
        "properties": {
            "error": {"title": "Error", "type": "string"},
            "response": response,
            "status": {"title": "Status", "type": "integer", "description": "HTTP status of the answer."},
        },
        "required": [],
    }


class _Pins:
    """Input pins of an operation, and which argument each of them is."""

    def __init__(self, operation: Operation, provider: str, host: str) -> None:
        self._operation = operation
        self._fields: dict[str, str] = {}
        """Pin of each field of the body, by the field's name."""
        self._parameters: dict[str, str] = {}
        self._properties: dict[str, Any] = {}
        self._required: list[str] = []
        self.login = operation["login"] is not None
        self._add_login(provider, host)
        for each in operation["parameters"]:
            schema = {"description": each["description"], **each["schema"]}
            self._parameters[each["name"]] = self._add(each["name"], schema, must=each["required"])
        self._add_body()
        self.schema: dict[str, Any] = {
            "type": "object",
            "properties": self._properties,
            "required": self._required,
        }
        if operation["definitions"]:
            self.schema["$defs"] = operation["definitions"]
        self.pins = [Pin(name, name, name in self._required, None) for name in self._properties]

    def sorted(self, given: Mapping[str, Any]) -> tuple[dict[str, Any], Any]:
        """Return arguments and body out of the values of pins."""
        arguments = {name: given[pin] for name, pin in self._parameters.items()}
        if self._operation["body"] is None:
            return arguments, None
        if not self._fields:
            return arguments, given[BODY]
        fields = {name: given[pin] for name, pin in self._fields.items() if given[pin] is not None}
        return arguments, fields or ({} if self._operation["body"]["required"] else None)

    def _add_login(self, provider: str, host: str) -> None:
        login = self._operation["login"]
        if login is None:
            return
        kinds: Any = ("api_key", "oauth2") if login["type"] != "user_password" else ("user_password",)
        annotation = Provider(provider, types=kinds, hosts=(host,))
        schema = annotation.__get_pydantic_json_schema__(None, None)
        about = {"title": "Credentials", "description": f"What logs in at {host}.", **annotation.extra}
        self._properties[CREDENTIALS] = {**schema, **about}
        if self._operation.get("login_needed"):
            self._required.append(CREDENTIALS)

    def _add_body(self) -> None:
        body = self._operation["body"]
        if body is None:
            return
        fields = fields_of(body["schema"], self._operation["definitions"])
        if not fields or body["form"] == "text":
            about = {"title": "Body", "description": body["description"] or "What is sent."}
            self._add(BODY, {**about, **body["schema"]}, must=body["required"])
            return
        musts = _required_of(body["schema"], self._operation["definitions"]) if body["required"] else []
        for name, schema in fields.items():
            self._fields[name] = self._add(name, schema, must=name in musts)

    def _add(self, name: str, schema: dict[str, Any], *, must: bool) -> str:
        """Add a pin; one whose name is taken, or means something else to us, gets another. Returns the name."""
        pin = name
        while pin in self._properties or pin in ("ctx", CREDENTIALS):
            pin = f"{pin}_"
        title = {"title": name.replace("_", " ").strip().title() or name}
        found = title | {key: value for key, value in schema.items() if value != "" or key != "description"}
        if "$ref" in found:
            found = {"title": title["title"], "allOf": [{"$ref": found["$ref"]}]} | (
                {"description": found["description"]} if "description" in found else {}
            )
        found.setdefault("description", f"{name} of the request.")
        if must:
            self._required.append(pin)
            found.pop("default", None)
        else:
            found.setdefault("default", None)
            found["default"] = None
            found["advanced"] = True
        self._properties[pin] = found
        return pin


def _required_of(schema: Mapping[str, Any], definitions: Mapping[str, Any]) -> list[str]:
    for _ in range(10):
        if not isinstance(schema.get("$ref"), str):
            break
        schema = definitions.get(schema["$ref"].rpartition("/")[2], {})
    return list(schema.get("required", ()))
