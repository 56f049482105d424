"""Blocks of OpenAPI documents, against a server that keeps what it was asked."""

from __future__ import annotations

import asyncio
import importlib
import json
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from millstream.cli import block_openapi
from millstream.contract import rules
from millstream.processors.blocks.openapi import open_api_call, open_api_operations
from millstream.processors.confidence import Confidence
from millstream.processors.context import Context
from millstream.processors.generated.openapi_blocks import blocks_from
from millstream.processors.generated.openapi_document import read
from millstream.processors.guards.http import GuardedHttp
from millstream.processors.registry import blocks_of
from millstream.processors.sdk import Block
from millstream.schemas.errors import (
    AddressRefusedError,
    BlockExecutionError,
    BlockInputError,
    ConfigurationError,
    InputInvalidError,
)
from millstream.schemas.secrets import Opened
from millstream.testing import context, emits
from millstream.trials import trials, web
from tests.unit.processors.conftest import Request, Server, answer, serving

PETSTORE = (Path(__file__).parents[3] / "data" / "petstore.yaml").read_text()
KEY = "key-of-the-pets"


class Vault:
    """Has one credential of each type, for the hosts that it was told."""

    def __init__(self, provider: str, *hosts: str) -> None:
        self.provider = provider
        self.hosts = hosts

    async def open(self, user_id: str, execution_id: str, secret_id: str) -> Opened:
        basic = secret_id == "basic"
        return Opened(
            id=secret_id,
            kind="user_password" if basic else "api_key",
            provider=self.provider,
            title="mine",
            hosts=self.hosts,
            data={"username": "ada", "password": KEY} if basic else {"api_key": KEY},
        )


def logged_in(block: Block, http: GuardedHttp, inputs: dict[str, Any], *hosts: str) -> Context:
    provider = inputs["credentials"]["provider"]
    trusted = Confidence(Vault(provider, *hosts), "tester", "e")
    trusted.about(block.spec.input_schema, inputs)
    return context(http=http, confidence=trusted)


@asynccontextmanager
async def pets() -> AsyncIterator[tuple[Server, GuardedHttp]]:
    async def handle(request: Request, writer: asyncio.StreamWriter) -> None:
        if request.path.endswith("/404"):
            await answer(writer, 404, b'{"message": "no such pet"}', Content_Type="application/json")
        else:
            await answer(writer, 200, b'{"id": 7}', Content_Type="application/json")

    async with serving(handle) as server, GuardedHttp(allow=frozenset({server.origin})) as http:
        yield server, http


def chosen(provider: str, kind: str = "api_key") -> dict[str, Any]:
    return {"id": "basic" if kind == "user_password" else "key", "provider": provider, "type": kind}


def made(server: str = "") -> dict[str, Block]:
    return blocks_from(PETSTORE, module="pets_blocks.blocks", provider="pets", server=server)


async def test_a_document_tells_its_operations() -> None:
    found = await emits(open_api_operations, {"document": PETSTORE})
    operations = {each["id"]: each for pin, each in found if pin == "operation"}
    assert list(operations) == [
        "list_pets",
        "create_pet",
        "get_pet",
        "delete_pets_pet_id",
        "add_photo",
        "search",
    ]
    assert operations["list_pets"]["arguments"] == ["limit", "tags", "ids", "X-Trace"]
    assert operations["create_pet"]["arguments"] == ["body"]
    assert found[-1] == ("title", "Pets")


async def test_arguments_go_where_the_document_says() -> None:
    async with pets() as (server, http):
        url = f"{server.url}/v1/"

        async def call(operation: str, body: Any = None, **arguments: Any) -> Request:
            inputs = {"document": PETSTORE, "operation": operation, "arguments": arguments, "body": body}
            got = await emits(open_api_call, inputs | {"server": url}, context(http=http))
            assert got == [("response", {"id": 7}), ("status", 200)]
            return server.requests[-1]

        listed = await call("listPets", limit=5, tags=["a b", "c"], ids=[1, 2], **{"X-Trace": "t"})
        assert (listed.method, listed.path) == ("GET", "/v1/pets?limit=5&tags=a+b&tags=c&ids=1%2C2")
        assert listed.headers["x-trace"] == "t"
        one = await call("get_pet", **{"pet-id": "../x y"})
        assert one.path == "/v1/pets/..%2Fx%20y"
        new = await call("createPet", {"name": "Rex", "tag": None})
        assert (new.method, json.loads(new.body)) == ("POST", {"name": "Rex", "tag": None})
        assert new.headers["content-type"] == "application/json"
        search = await call("search", {"q": "small dogs"})
        assert search.body == b"q=small+dogs"


async def test_what_is_missing_is_named() -> None:
    async def failure(operation: str, body: Any = None, **arguments: Any) -> str:
        inputs = {"document": PETSTORE, "operation": operation, "arguments": arguments, "body": body}
        with pytest.raises(BlockInputError) as caught:
            await emits(open_api_call, inputs)
        return str(caught.value)

    assert "'pet-id'" in await failure("getPet")
    assert "needs a body" in await failure("createPet")
    assert "takes no body" in await failure("getPet", {"a": 1}, **{"pet-id": "1"})
    assert "cannot have that" in await failure("getPet", **{"pet-id": ".."})
    assert "no operation 'nothing'" in await failure("nothing")


async def test_a_refusal_has_the_words_of_the_service() -> None:
    async with pets() as (server, http):
        inputs = {
            "document": PETSTORE,
            "operation": "getPet",
            "arguments": {"pet-id": "404"},
            "server": server.url,
        }
        with pytest.raises(BlockExecutionError, match=r"Pets refused this \(404\).*no such pet"):
            await emits(open_api_call, inputs, context(http=http))


async def test_a_document_with_a_relative_server_is_called_where_it_lies() -> None:
    document = json.dumps(
        {
            "openapi": "3.1.0",
            "info": {"title": "t"},
            "servers": [{"url": "/api"}],
            "paths": {"/x": {"get": {"operationId": "x"}}},
        }
    ).encode()

    async def handle(request: Request, writer: asyncio.StreamWriter) -> None:
        await answer(
            writer, 200, document if request.path == "/doc.json" else b'"hi"', Content_Type="application/json"
        )

    async with serving(handle) as server, GuardedHttp(allow=frozenset({server.origin})) as http:
        inputs = {"document": f"{server.url}/doc.json", "operation": "x"}
        got = await emits(open_api_call, inputs, context(http=http))
        assert got[0] == ("response", "hi")
        assert server.requests[-1].path == "/api/x"


async def test_credentials_go_in_the_form_of_the_document_to_their_hosts_only() -> None:
    async with pets() as (server, http):

        async def call(operation: str, kind: str, *hosts: str, **arguments: Any) -> Request:
            inputs = {
                "document": PETSTORE,
                "operation": operation,
                "arguments": arguments,
                "server": server.url,
                "credentials": chosen("openapi", kind),
            }
            await emits(open_api_call, inputs, logged_in(open_api_call, http, inputs, *hosts))
            return server.requests[-1]

        assert (await call("listPets", "api_key", server.origin)).headers["x-pet-key"] == KEY
        gone = await call("delete_pets_pet_id", "user_password", server.origin, **{"pet-id": "1"})
        assert gone.headers["authorization"].startswith("Basic ")
        photo = await call("addPhoto", "api_key", server.origin, **{"pet-id": "1", "kinds": ["a", "b"]})
        assert photo.path == f"/pets/1/photo?kinds=a&kinds=b&token={KEY}"
        asked = len(server.requests)
        for hosts in ((), ("pets.example.com",)):
            for operation, more in (("listPets", {}), ("addPhoto", {"pet-id": "1"})):
                with pytest.raises(AddressRefusedError, match="credential is for"):
                    await call(operation, "api_key", *hosts, **more)
        assert len(server.requests) == asked


def test_each_operation_is_a_block_with_a_pin_for_each_value() -> None:
    blocks = made()
    listed, new = blocks["list_pets"].spec, blocks["create_pet"].spec
    assert (listed.name, listed.description) == ("PetsListPetsBlock", "List pets")
    assert listed.id == made()["list_pets"].spec.id
    limit = listed.input_schema["properties"]["limit"]
    assert (limit["type"], limit["maximum"], limit["description"]) == ("integer", 100, "How many.")
    assert listed.repeatable
    assert not new.repeatable
    assert new.input_schema["required"] == ["credentials", "name"]
    assert list(new.input_schema["properties"]) == ["credentials", "name", "tag", "born", "parents", "ctx_"]
    login = new.input_schema["properties"]["credentials"]
    assert login["credentials_hosts"] == ["pets.example.com"]
    assert login["credentials_provider"] == ["pets"]
    assert blocks["get_pet"].spec.input_schema["required"] == ["pet-id"]
    assert blocks["add_photo"].spec.input_schema["properties"]["file"]["format"] == "file"
    assert blocks["delete_pets_pet_id"].spec.input_schema["properties"]["credentials"][
        "credentials_types"
    ] == ["user_password"]


async def test_made_blocks_keep_the_contract_of_all_blocks() -> None:
    async with web() as place:
        for name, block in made().items():
            tried = await trials(block, place) if name in ("list_pets", "create_pet") else []
            assert [*rules(block), *tried] == []


def test_a_package_of_blocks_is_written_and_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "petstore.yaml"
    file.write_text(PETSTORE)
    app = typer.Typer()
    block_openapi.register(app)
    app.callback()(lambda: None)
    runner = CliRunner()
    line = [
        "from-openapi",
        str(file),
        "--package",
        "pet-blocks",
        "--into",
        str(tmp_path),
        "--provider",
        "pets",
    ]
    done = runner.invoke(app, line)
    assert done.exit_code == 0, done.output
    assert "6 blocks" in done.output
    folder = tmp_path / "pet-blocks"
    assert 'pet_blocks = "pet_blocks"' in (folder / "pyproject.toml").read_text()
    monkeypatch.syspath_prepend(folder)
    try:
        module = importlib.import_module("pet_blocks")
        found = {block.spec.name: block.spec.id for block in blocks_of(module)}
    finally:
        sys.modules.pop("pet_blocks", None)
    assert len(found) == 6
    assert "PetsListPetsBlock" in found
    again = runner.invoke(app, line)
    assert isinstance(again.exception, ConfigurationError)
    for name, provider in (("no good", "pets"), ("../x", "pets"), ("json", "pets"), ("good", "No!")):
        bad = runner.invoke(app, [*line[:3], name, "--into", str(tmp_path), "--provider", provider])
        assert isinstance(bad.exception, InputInvalidError)
    with pytest.raises(BlockInputError, match="names no address"):
        blocks_from(PETSTORE.replace("servers", "x-servers"), module="m", provider="p")


async def test_a_made_block_calls_its_operation() -> None:
    async with pets() as (server, http):
        blocks = made(f"{server.url}/v1")
        inputs = {"credentials": chosen("pets"), "name": "Rex", "ctx_": "c", "parents": [{"name": "Ann"}]}
        ctx = logged_in(blocks["create_pet"], http, inputs, server.origin)
        assert await emits(blocks["create_pet"], inputs, ctx) == [("response", {"id": 7}), ("status", 200)]
        new = server.requests[-1]
        assert json.loads(new.body) == {"name": "Rex", "ctx": "c", "parents": [{"name": "Ann"}]}
        assert new.headers["x-pet-key"] == KEY
        ctx = context(http=http)
        file = await ctx.files.write(b"\x89PNG\r\n\x1a\n", name="rex.png")
        photo = {"pet-id": "7", "file": file, "title": "Rex"}
        with pytest.raises(BlockInputError, match="credentials"):
            await emits(blocks["add_photo"], photo, ctx)
        inputs = photo | {"credentials": chosen("pets")}
        ctx = logged_in(blocks["add_photo"], http, inputs, server.origin)
        await emits(blocks["add_photo"], inputs, ctx)
        sent = server.requests[-1].body
        assert b'name="file"; filename="rex.png"' in sent
        assert b'name="title"\r\n\r\nRex' in sent
        with pytest.raises(BlockInputError, match="name"):
            await emits(blocks["create_pet"], {"credentials": chosen("pets"), "name": ""}, context(http=http))


@pytest.mark.parametrize(
    ("document", "reason"),
    [
        ("", "no object"),
        ("[1]", "no object"),
        ("{", "cannot be read"),
        ("a: [", "cannot be read"),
        ("a: !!python/object/apply:os.system [ls]", "cannot be read"),
        ('{"swagger": "2.0"}', "OpenAPI 2.0"),
        ('{"openapi": "4.0"}', "OpenAPI 4.0"),
        ("openapi: 3.0.0\nx: &a {b: 1}\ny: *a", "aliases"),
        ('{"openapi": "3.0.0", "paths": {"/x": {"$ref": "https://evil.example/x"}}}', "outside of itself"),
        ('{"openapi": "3.0.0", "paths": {"/x": {"$ref": "file:///etc/passwd"}}}', "outside of itself"),
        ('{"openapi": "3.0.0", "paths": {"/x": {"$ref": "#/paths/~1x"}}}', "circle"),
        ('{"openapi": "3.0.0", "paths": {"/x": {"$ref": "#/none"}}}', "does not have"),
        ('{"openapi": "3.0.0", "a": ' + "[" * 100_000 + "]" * 100_000 + "}", "cannot be read"),
    ],
)
async def test_odd_documents_are_refused_with_a_reason(document: str, reason: str) -> None:
    with pytest.raises(BlockInputError, match=reason):
        await emits(open_api_operations, {"document": document})


def test_a_deep_schema_is_refused_and_one_that_leads_to_itself_is_not() -> None:
    schema: dict[str, Any] = {"type": "string"}
    for _ in range(60):
        schema = {"type": "array", "items": schema}
    document: dict[str, Any] = {
        "openapi": "3.1.0",
        "paths": {"/x": {"get": {"parameters": [{"name": "a", "in": "query", "schema": schema}]}}},
    }
    with pytest.raises(BlockInputError, match="levels"):
        read(json.dumps(document))
    found = read(PETSTORE, only="createPet")["operations"][0]
    assert found["definitions"]["Pet"]["properties"]["parents"]["items"] == {"$ref": "#/$defs/Pet"}


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "nonsense", "enum": [], "required": "x", "minLength": -1, "multipleOf": 0},
        {"type": ["string", 5], "exclusiveMinimum": True, "minimum": "1", "pattern": "(?<bad"},
        {"properties": {"a": True}, "items": False, "anyOf": "x", "allOf": []},
        {"enum": ["a"], "nullable": True, "description": 5, "discriminator": {}},
    ],
)
def test_odd_schemas_become_good_ones(schema: dict[str, Any]) -> None:
    document = {
        "openapi": "3.0.0",
        "info": {"title": "t"},
        "servers": [{"url": "https://x.example"}],
        "paths": {"/x": {"get": {"parameters": [{"name": "a", "in": "query", "schema": schema}]}}},
    }
    [block] = blocks_from(json.dumps(document), module="m", provider="p").values()
    assert block.arguments({})["a"] is None
