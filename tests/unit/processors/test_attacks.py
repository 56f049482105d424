"""Attacks that have worked on platforms of this kind, each tried here: the case is in the test's name, the list in
docs/security.md. What is generated (all blocks, all routes, all modules) covers also what is written tomorrow.
"""

from __future__ import annotations

import ast
import asyncio
import ipaddress
import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from msgspec import structs
from pydantic import SecretStr

from millstream import block
from millstream.api.app import create_app
from millstream.api.settings import EdgeSettings
from millstream.processors.guards.files import LocalFiles
from millstream.processors.guards.http import GuardedHttp
from millstream.processors.registry import Registry, load_registry
from millstream.processors.sdk import Block
from millstream.schemas.errors import MillstreamError, NotFoundError
from millstream.schemas.graph import parse_graph
from millstream.schemas.graph_validation import save_problems
from millstream.schemas.messages import Finished, Run
from millstream.streams.running import Environment, Running, run_task
from millstream.testing import Everywhere, confidence, context, emits
from tests.integration.api import graphs
from tests.unit.processors.conftest import Request, answer, serving
from tests.unit.streams import context as contexts
from tests.unit.streams.simulation import DictCache, NoClaims, Simulation, Values

ROOT = Path(__file__).parents[3]
REGISTRY = load_registry()
RAN: list[str] = []


@block
async def deed(text: str = "x") -> str:
    """Leave a trace."""
    RAN.append(text)
    return text


# Code, and names of code (A01, A06 to A10)

EVALUATES = {"schemas/encoder.py"}
"""Where code is made of our own message classes, at import."""
_UNSAFE = {"pickle", "marshal", "shelve", "dill", "cloudpickle", "joblib", "jsonpickle"}


def _sources(*folders: str) -> Iterator[tuple[str, str]]:
    for folder in folders:
        for file in sorted((ROOT / folder).rglob("*.py")):
            yield file.relative_to(ROOT).as_posix(), file.read_text()


def _calls(text: str) -> Iterator[ast.Call]:
    return (node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Call))


def test_a01_a08_no_module_of_the_edge_or_the_engine_evaluates_code() -> None:
    names = {"eval", "exec", "compile", "__import__"}
    found = {
        name
        for name, text in _sources("schemas", "topics", "streams", "connectors", "api", "cli")
        if re.search(r"\b(eval|exec|compile|__import__)\(", text)
        and any(isinstance(call.func, ast.Name) and call.func.id in names for call in _calls(text))
    }
    assert found == EVALUATES


def test_a10_nothing_is_ever_unpickled() -> None:
    folders = ("schemas", "topics", "streams", "connectors", "api", "cli", "local", "processors")
    unsafe = re.compile(rf"^\s*(?:import|from)\s+(?:{'|'.join(sorted(_UNSAFE))})\b", re.MULTILINE)
    assert [name for name, text in _sources(*folders) if unsafe.search(text)] == []


@pytest.mark.parametrize(
    "code",
    [
        "__import__('pathlib').Path({path!r}).touch()",
        "@__import__('pathlib').Path({path!r}).touch\ndef f(): pass",
        "def f(x=__import__('pathlib').Path({path!r}).touch()): pass",
        "{{{{ ''.__class__.__mro__[1].__subclasses__() }}}}",
        "!!python/object/apply:os.system ['touch {path}']",
        "npx --yes evil",
    ],
)
def test_a01_a08_a09_checking_and_saving_a_graph_runs_nothing(tmp_path: Path, code: str) -> None:
    """Whatever constants of nodes hold: they are data until a worker runs the node."""
    path = tmp_path / "trace"
    text = code.format(path=str(path))
    for spec in REGISTRY.specs():
        pins = {pin: text for pin in spec.input_schema["properties"]}
        raw = json.dumps(graphs.graph([graphs.node("n", spec.id, **pins)], [])).encode()
        save_problems(parse_graph(raw), {each.id: each for each in [spec]})
    assert not path.exists()


def task_of(block_id: str) -> Run:
    """A task as it stands on a lane's topic, made by hand: nobody has checked its block."""
    raw = json.dumps(graphs.graph([graphs.node("n", deed.spec.id)], [])).encode()
    simulation = Simulation(registry=Registry({deed.spec.id: deed}), graph=parse_graph(raw))
    simulation.step()
    [task] = simulation.tasks
    return structs.replace(task, block_id=block_id)


async def worked(task: Run, registry: Registry) -> Finished:
    async def say(message: object) -> None:
        raise AssertionError(message)

    env = Environment(
        registry=registry,
        values=Values(),
        claims=NoClaims(),
        cache=DictCache(),
        context=contexts.context,
        worker="w",
    )
    return await run_task(Running(task=task, worker="w", say=say, issued_ms=0), env)


async def test_a06_a_raw_record_does_not_start_a_block_that_is_switched_off() -> None:
    RAN.clear()
    task = task_of(deed.spec.id)
    assert (await worked(task, Registry({deed.spec.id: deed}))).failure is None
    assert RAN == ["x"]
    off = Block.__new__(Block)
    for name in Block.__slots__:
        setattr(off, name, getattr(deed, name))
    off.spec = structs.replace(deed.spec, disabled=True)
    failure = (await worked(task, Registry({deed.spec.id: off}))).failure
    assert failure is not None
    assert failure.code == "block_unknown"
    assert RAN == ["x"]


@pytest.mark.parametrize(
    "name",
    [
        "antigravity",
        "os.system",
        "antigravity:fly",
        "../blocks/basic",
        "millstream.processors.blocks.basic",
        "",
    ],
)
async def test_a07_a_block_is_looked_up_and_never_imported(name: str) -> None:
    before = set(sys.modules)
    failure = (await worked(task_of(name), Registry({deed.spec.id: deed}))).failure
    assert failure is not None
    assert failure.code == "block_unknown"
    assert set(sys.modules) - before == set()


# What routes take (A02, A40)


@pytest.fixture(scope="module")
def openapi() -> dict[str, Any]:
    """The description of the edge."""
    settings = EdgeSettings(
        kafka={},
        dsn=SecretStr("postgresql://localhost/x"),
        redis=SecretStr("redis://localhost"),
        objects="memory://",
        token=SecretStr("x" * 32),
    )
    return create_app(settings, []).openapi()


def _bodies(openapi: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Each form of JSON that a route takes."""
    schemas = openapi["components"]["schemas"]
    for path, methods in openapi["paths"].items():
        for method, operation in methods.items():
            schema = (
                operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema")
            )
            if schema is None:
                continue
            for each in schema.get("anyOf") or schema.get("oneOf") or [schema]:
                if each.get("type") != "null":
                    name = each.get("$ref", "").rpartition("/")[2]
                    yield f"{method.upper()} {path}", schemas.get(name, each)


def test_a02_what_starts_a_run_takes_no_graph_and_nothing_unknown(openapi: dict[str, Any]) -> None:
    starts = [(name, body) for name, body in _bodies(openapi) if re.search(r"execut|/run|hook", name)]
    assert len(starts) > 5
    for name, body in starts:
        assert not {"nodes", "links", "graph", "sub_graphs", "code"} & body.get("properties", {}).keys(), name
        if name.partition(" ")[2].startswith("/api/v1/"):
            assert body.get("additionalProperties") is False, f"{name} takes fields that it does not know"


def test_a40_what_a_list_is_sorted_by_is_one_of_a_few_words(openapi: dict[str, Any]) -> None:
    for path, methods in openapi["paths"].items():
        for operation in methods.values():
            for parameter in operation.get("parameters", []):
                if re.search(r"sort|order", parameter["name"]):
                    schema = parameter["schema"]
                    assert "enum" in schema or "const" in schema, f"{path}: {parameter['name']}"


def _constant(part: ast.expr) -> bool:
    """Whether an expression is made of texts of ours: literals, and names in capitals."""
    if isinstance(part, ast.BinOp):
        return isinstance(part.op, ast.Add) and _constant(part.left) and _constant(part.right)
    if isinstance(part, ast.JoinedStr):
        values = [each.value for each in part.values if isinstance(each, ast.FormattedValue)]
        return all(_constant(value) for value in values)
    if isinstance(part, ast.Attribute):
        return part.attr.isupper()
    return isinstance(part, ast.Constant) or (isinstance(part, ast.Name) and part.id.strip("_").isupper())


def test_a40_no_statement_is_put_together_from_what_somebody_sent() -> None:
    """A statement is a constant, or constants joined: values go in as parameters."""
    found = []
    for name, text in _sources("api", "connectors", "streams"):
        for call in _calls(text) if "execute" in text else ():
            if not isinstance(call.func, ast.Attribute) or call.func.attr not in ("execute", "executemany"):
                continue
            if (
                call.args
                and isinstance(call.args[0], ast.JoinedStr | ast.BinOp)
                and not _constant(call.args[0])
            ):
                found.append(f"{name}:{call.lineno} {ast.unparse(call.args[0])[:80]}")
    assert found == []


# Every block that there is (A11, A13, A16, A20, A43)

_ADDRESS = re.compile(r"(^|_)(url|uri|host|endpoint|server)s?$")


def _filled(one: Block) -> dict[str, Any]:
    """Inputs of a sample, or something for each pin that must have a value."""
    given = dict(one.samples[0].inputs) if one.samples else {}
    kinds: dict[str, Any] = {
        "string": "x",
        "integer": 1,
        "number": 1.0,
        "boolean": True,
        "array": [],
        "object": {},
    }
    for pin in one.spec.input_schema["required"]:
        given.setdefault(pin, kinds.get(one.spec.input_schema["properties"][pin].get("type", ""), "x"))
    return given


def _pins(one: Block, wanted: Any) -> list[str]:
    return [pin for pin, schema in one.spec.input_schema["properties"].items() if wanted(pin, schema)]


def _takes_file(pin: str, schema: dict[str, Any]) -> bool:
    return '"format": "file"' in json.dumps(schema)


def _takes_address(pin: str, schema: dict[str, Any]) -> bool:
    return bool(_ADDRESS.search(pin)) or _takes_file(pin, schema)


def _put(schema: dict[str, Any], value: Any) -> Any:
    return [value] if schema.get("type") == "array" else value


FETCHING = [
    pytest.param(one, pin, id=f"{one.spec.name}.{pin}")
    for one in REGISTRY
    for pin in _pins(one, _takes_address)
]


async def _nowhere(host: str, port: int, /) -> list[str]:
    """Addresses are what they are, and no name but one is known: nothing leaves this machine."""
    try:
        return ["127.0.0.1" if host == "localhost" else str(ipaddress.ip_address(host))]
    except ValueError as error:
        raise OSError(f"{host} is not known here") from error


def _guard(**more: Any) -> GuardedHttp:
    """A guard like that of a worker, for which the services of others are inside."""
    return GuardedHttp(services=Everywhere("http://127.0.0.1:9"), resolver=_nowhere, **more)


async def _tried(one: Block, inputs: dict[str, Any], http: GuardedHttp) -> str:
    """Run a block; return the code of its error, empty without one."""
    ctx = context(http=http, confidence=confidence(one, inputs))
    try:
        async with asyncio.timeout(30):
            await emits(one, inputs, ctx, wakes=0)
    except MillstreamError as error:
        return error.code
    return ""


@pytest.mark.parametrize(("one", "pin"), FETCHING)
async def test_a13_a16_no_pin_of_any_block_leads_inside(one: Block, pin: str) -> None:
    """Each pin that takes an address gets that of a server on loopback, which must never hear of it."""

    async def seen(request: Request, writer: asyncio.StreamWriter) -> None:
        await answer(writer, 200, b"{}", Content_Type="application/json")

    async with serving(seen) as server, _guard() as http:
        schema = one.spec.input_schema["properties"][pin]
        plain = pin.endswith(("host", "server"))
        for target in [server.origin, "127.0.0.1"] if plain else [f"{server.url}/x"]:
            inputs = {**_filled(one), pin: _put(schema, target)}
            inputs = json.loads(json.dumps(inputs).replace("{server}", server.url))
            if "port" in one.spec.input_schema["properties"]:
                inputs["port"] = server.port
            await _tried(one, inputs, http)
        assert not server.requests


FILE_PINS = [
    pytest.param(one, pin, id=f"{one.spec.name}.{pin}") for one in REGISTRY for pin in _pins(one, _takes_file)
]


@pytest.mark.parametrize(("one", "pin"), FILE_PINS)
async def test_a11_a43_no_pin_of_any_block_takes_a_path_of_this_machine(
    one: Block, pin: str, tmp_path: Path
) -> None:
    secret = tmp_path / "master-keys.json"
    secret.write_text("canary-of-this-machine")
    schema = one.spec.input_schema["properties"][pin]
    async with _guard() as http:
        for path in (str(secret), f"file://{secret}", f"workspace://../{secret.name}", {"path": str(secret)}):
            inputs = {**_filled(one), pin: _put(schema, path)}
            known = context(http=http, confidence=confidence(one, inputs))
            try:
                got = await emits(one, inputs, known, wakes=0)
            except MillstreamError:
                continue
            assert "canary-of-this-machine" not in json.dumps(got)
            if one.spec.kind == "Standard":
                for _, value in got:
                    if isinstance(value, str) and value.startswith("workspace://"):
                        assert b"canary" not in (await known.files.read(value)).data


ENDLESS = [
    pytest.param(one, pin, id=f"{one.spec.name}.{pin}")
    for one in REGISTRY
    for pin in _pins(one, lambda pin, schema: pin in ("url", "rss_url"))
]


@pytest.mark.parametrize(("one", "pin"), ENDLESS)
async def test_a20_an_endless_answer_ends_the_block_and_not_the_worker(one: Block, pin: str) -> None:
    async def endless(request: Request, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n")
        while request.method != "HEAD":
            writer.write(b"<p>x</p>" * 10_000)
            await writer.drain()

    async with serving(endless) as server:
        allowed = frozenset({server.origin})
        async with _guard(allow=allowed, max_bytes=200_000, timeout_s=5.0) as http:
            inputs = {**_filled(one), pin: f"{server.url}/x"}
            inputs.pop("html", None)
            if "most_bytes" in one.spec.input_schema["properties"]:
                inputs["most_bytes"] = 200_000
            code = await _tried(one, inputs, http)
            if server.requests and server.requests[-1].method != "HEAD":
                assert code


# The store of files (A42)


@pytest.mark.parametrize(
    "ref",
    [
        "workspace://../../master-keys.json",
        "workspace://..%2f..%2fmaster-keys.json",
        "workspace:///etc/passwd",
        "workspace://master-keys.json",
        "workspace://11111111-1111-4111-8111-111111111111/../../../master-keys.json",
        "workspace://11111111-1111-4111-8111-111111111111.json",
    ],
)
async def test_a42_the_store_hands_out_uploads_and_nothing_beside_them(tmp_path: Path, ref: str) -> None:
    (tmp_path / "master-keys.json").write_text("canary")
    async with GuardedHttp() as http:
        files = LocalFiles(tmp_path / "files").of("ada", http)
        await files.write(b"mine")
        with pytest.raises(MillstreamError):
            await files.read(ref)


async def test_a42_a_link_to_the_keys_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "master-keys.json").write_text("canary")
    async with GuardedHttp() as http:
        files = LocalFiles(tmp_path / "files").of("ada", http)
        ref = await files.write(b"mine")
        stored = tmp_path / "files" / "ada" / ref.removeprefix("workspace://")
        stored.unlink()
        stored.symlink_to(tmp_path / "master-keys.json")
        with pytest.raises(NotFoundError):
            await files.read(ref)
