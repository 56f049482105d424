"""Any service that has an OpenAPI document: see what it offers, call one of its operations."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Annotated, Any, Final

from typing_extensions import TypedDict

from millstream.processors import isolation
from millstream.processors.annotations import EMPTY, Advanced, Emit, Outputs
from millstream.processors.context import Context
from millstream.processors.credentials import Credentials, Provider
from millstream.processors.generated.openapi_call import Called, service_of
from millstream.processors.generated.openapi_document import DOCUMENT_LIMIT_CHARS, Document, read
from millstream.processors.samples import Sample
from millstream.processors.sdk import block
from millstream.schemas.errors import BlockInputError, UpstreamError

ANY_LOGIN: Final = Provider("openapi", types=("api_key", "user_password", "oauth2", "host_scoped"))
"""Bound to the hosts that the credential itself names: the address of the service comes from the graph."""
_MOST_BYTES: Final = 40_000_000

_DOCUMENT = """{"openapi": "3.1.0", "info": {"title": "Greetings", "version": "1"}, "paths": {"/hello/{name}": {
"get": {"operationId": "sayHello", "summary": "Greet", "parameters": [{"name": "name", "in": "path", "required": true,
"schema": {"type": "string"}}], "responses": {"200": {"description": "ok"}}}}}}"""
_LISTED = {
    "id": "say_hello",
    "method": "GET",
    "path": "/hello/{name}",
    "summary": "Greet",
    "arguments": ["name"],
}


class OperationFacts(TypedDict):
    """One operation, as people choose it."""

    id: str
    method: str
    path: str
    summary: str
    arguments: list[str]


class Operations(Outputs):
    """Pins of OpenApiOperationsBlock."""

    operation: OperationFacts
    operations: list[OperationFacts]
    title: str


class Response(Outputs):
    """Pins of OpenApiCallBlock."""

    response: Any
    status: int


@block(
    categories=("DEVELOPER_TOOLS",),
    samples=[
        Sample(
            {"document": _DOCUMENT},
            [("operation", _LISTED), ("operations", [_LISTED]), ("title", "Greetings")],
        ),
        Sample(
            {"document": "{server}/openapi.json"},
            [("operation", _LISTED), ("operations", [_LISTED]), ("title", "Greetings")],
            serves={"/openapi.json": ("application/json", _DOCUMENT)},
        ),
        Sample({"document": '{"swagger": "2.0"}'}, raises="block_input_invalid"),
        Sample({"document": "openapi: 3.0.0\npaths: &a [*a]"}, raises="block_input_invalid"),
        Sample({"document": "http://127.0.0.1/openapi.json"}, raises="address_refused"),
    ],
    name="OpenApiOperationsBlock",
)
async def open_api_operations(document: str, *, ctx: Context) -> AsyncIterator[Emit[Operations]]:
    """List the operations that an OpenAPI document (3.0 or 3.1) offers.

    document: The document: its address, a file, or its text in JSON or YAML. It may refer to itself only.
    operation: Each operation: its id, method, path, what it does, and the names of its arguments.
    operations: All operations together.
    title: Name of the service.
    """
    found = await _read(ctx, document, "")
    operations = [
        OperationFacts(
            id=each["id"],
            method=each["method"],
            path=each["path"],
            summary=each["summary"],
            arguments=[parameter["name"] for parameter in each["parameters"]]
            + (["body"] if each["body"] else []),
        )
        for each in found["operations"]
    ]
    for operation in operations:
        yield "operation", operation
    yield "operations", operations
    yield "title", found["title"]


@block(
    categories=("DEVELOPER_TOOLS",),
    repeatable=False,
    samples=[
        Sample(
            {
                "document": _DOCUMENT,
                "operation": "sayHello",
                "arguments": {"name": "Ada Lovelace"},
                "server": "{server}/v1",
            },
            [("response", {"text": "Hello"}), ("status", 200)],
            serves={"/v1/hello/Ada%20Lovelace": ("application/json", '{"text": "Hello"}')},
        ),
        Sample(
            {
                "document": _DOCUMENT,
                "operation": "say_hello",
                "server": "{server}",
                "arguments": {"name": "x"},
            },
            raises="block_failed",
            serves={"/": ("text/plain", "")},
        ),
        Sample({"document": _DOCUMENT, "operation": "none"}, raises="block_input_invalid"),
        Sample({"document": _DOCUMENT, "operation": "say_hello"}, raises="block_input_invalid"),
        Sample(
            {
                "document": _DOCUMENT,
                "operation": "sayHello",
                "server": "http://[::1]",
                "arguments": {"name": "x"},
            },
            raises="address_refused",
        ),
    ],
    name="OpenApiCallBlock",
)
async def open_api_call(
    document: str,
    operation: str,
    arguments: dict[str, Any] = EMPTY,
    body: Any = None,
    credentials: Annotated[Credentials, ANY_LOGIN] = EMPTY,
    server: Advanced[str] = "",
    *,
    ctx: Context,
) -> AsyncIterator[Emit[Response]]:
    """Call one operation of a service that has an OpenAPI document (3.0 or 3.1).

    It is not called again after a crash, since an operation may change things.

    document: The document: its address, a file, or its text in JSON or YAML. It may refer to itself only.
    operation: Id of the operation; OpenApiOperationsBlock lists them.
    arguments: Values by name, for the path, the query and the headers.
    body: What is sent: a value for JSON, an object for a form. Files of a form are references.
    credentials: What logs in there, in the way that the document says; its hosts must name the service.
    server: Address of the service, if the document names none or another is wanted.
    response: What the service answered: a value, a text, or a file in the workspace.
    status: HTTP status of the answer.
    """
    found = await _read(ctx, document, operation)
    if not found["operations"]:
        raise BlockInputError(
            f"{found['title']} has no operation {operation[:100]!r}; OpenApiOperationsBlock lists them.",
            pin="operation",
        )
    [wanted] = found["operations"]
    service = service_of(wanted, provider="openapi", title=found["title"], url=server.strip())
    login = "credentials" if credentials else None
    answer, status = await Called(wanted, arguments, body).send(ctx, service, pin=login)
    yield "response", answer
    yield "status", status


async def _read(ctx: Context, document: str, only: str) -> Document:
    """Fetch and read a document; only the operation that is wanted, if one is."""
    text, base = document, ""
    start = document.lstrip()[:12].lower()
    if start.startswith(("http://", "https://")):
        answer = await ctx.http.get(document.strip(), max_bytes=DOCUMENT_LIMIT_CHARS, timeout_s=60.0)
        if answer.status >= 400:
            raise UpstreamError(
                f"The server answered {answer.status} for this document.", status=answer.status
            )
        text, base = answer.text, answer.url
    elif start.startswith(("workspace://", "data:")):
        text = (await ctx.files.read(document.strip())).data.decode("utf-8-sig", "replace")
    found: Document = await isolation.call(
        read, text, base, only, timeout_s=30.0, most_bytes=_MOST_BYTES, what="Reading this document"
    )
    return found
