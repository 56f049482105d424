from __future__ import annotations

import asyncio
import base64
import contextlib
import os
import threading
import uuid
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio
import uvicorn
from pydantic import SecretStr

from millstream.api.auth.settings import AccessSettings
from millstream.api.credentials.settings import SecretSettings
from millstream.api.serve import bind, server_config
from millstream.api.settings import EdgeLimits, EdgeSettings
from millstream.api.state import Edge
from millstream.connectors.database import migrate
from millstream.connectors.mail import Smtp
from millstream.connectors.objects import Objects
from millstream.connectors.sink import Options, Sink
from millstream.processors.registry import Registry, load_registry
from millstream.topics.admin import apply
from tests.integration.api.engine import Engine
from tests.servers import Servers
from tests.unit.streams.context import context

TOKEN = "a-token-for-tests-" + uuid.uuid4().hex
SETUP_CODE = "the-set-up-code-of-tests"
SECRETS = SecretSettings(
    master_keys=SecretStr(f"first:{base64.b64encode(os.urandom(32)).decode()}"),
    worker_key=SecretStr(uuid.uuid4().hex),
)
LIMITS = EdgeLimits(ack_s=5.0, sweep_after_s=0.5)


@dataclass(frozen=True, kw_only=True)
class Running:
    """An edge that serves on a port."""

    url: str
    edge: Edge
    client: httpx.AsyncClient
    """With the token."""
    ws: str = field(default="")


def client_of(url: str, token: str | None = TOKEN) -> httpx.AsyncClient:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    return httpx.AsyncClient(base_url=url, headers=headers, trust_env=False, timeout=30)


@contextlib.asynccontextmanager
async def serving(settings: EdgeSettings, registry: Registry) -> AsyncIterator[Running]:
    """Run an edge in this process, on a free port."""
    listener = bind("127.0.0.1", 0)
    config = server_config(settings, registry.specs())
    server = uvicorn.Server(config)
    task = asyncio.create_task(server.serve(sockets=[listener]))
    while not server.started:
        assert not task.done(), "the edge did not start"
        await asyncio.sleep(0.01)
    url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    app: Any = config.app
    try:
        async with client_of(url) as client:
            yield Running(url=url, edge=app.state.edge, client=client, ws=url.replace("http", "ws") + "/ws")
    finally:
        server.should_exit = True
        await task


@contextlib.contextmanager
def sinking(conf: dict[str, Any], dsn: str) -> Iterator[Sink]:
    """Run a sink in a thread."""
    ready, stop = threading.Event(), threading.Event()
    sink = Sink(conf, dsn, options=Options(group=f"sink-{uuid.uuid4().hex[:8]}"), on_ready=ready.set)
    thread = threading.Thread(target=sink.run, args=[stop])
    thread.start()
    try:
        assert ready.wait(30)
        yield sink
    finally:
        stop.set()
        thread.join(30)


@pytest.fixture(scope="session")
def registry() -> Registry:
    return load_registry()


@pytest.fixture(scope="package")
def mail_server() -> Iterator[tuple[Any, int]]:
    """A mail server that keeps what it gets, and its port."""
    from tests.integration.api.people import postbox

    with postbox() as found:
        yield found


@pytest.fixture(scope="package")
def settings(
    servers: Servers, tmp_path_factory: pytest.TempPathFactory, mail_server: tuple[Any, int]
) -> Iterator[EdgeSettings]:
    """Settings of an edge on the shared servers, with topics, a migrated database and an object store of its own."""
    apply({"bootstrap.servers": servers.kafka})
    objects: Path = tmp_path_factory.mktemp("objects")
    with servers.database() as dsn:
        migrate(dsn)
        yield EdgeSettings(
            kafka={"bootstrap_servers": servers.kafka},
            dsn=SecretStr(dsn),
            redis=SecretStr(servers.redis),
            objects=f"file://{objects}",
            token=SecretStr(TOKEN),
            secrets=SECRETS,
            access=AccessSettings(
                key=SecretStr("a-key-for-tests-" + uuid.uuid4().hex),
                setup_code=SecretStr(SETUP_CODE),
                sign_up="open",
                smtp=Smtp(host="127.0.0.1", port=mail_server[1], security="none"),
            ),
            limits=LIMITS,
        )


@pytest_asyncio.fixture(scope="package", loop_scope="session")
async def running(settings: EdgeSettings, registry: Registry) -> AsyncIterator[Running]:
    """The edge, with a sink behind it."""
    with sinking({"bootstrap.servers": settings.kafka["bootstrap_servers"]}, settings.dsn.get_secret_value()):
        async with serving(settings, registry) as found:
            yield found


@pytest_asyncio.fixture(scope="package", loop_scope="session")
async def engine(settings: EdgeSettings, registry: Registry) -> AsyncIterator[Engine]:
    """Something that carries executions out."""
    made = Engine(settings.kafka["bootstrap_servers"], registry, Objects(settings.objects), context)
    await made.start()
    try:
        yield made
    finally:
        await made.stop()


@pytest.fixture
def client(running: Running) -> httpx.AsyncClient:
    return running.client


def with_limits(settings: EdgeSettings, **limits: Any) -> EdgeSettings:
    return replace(settings, limits=replace(settings.limits, **limits))
