"""An edge that speaks TLS itself: HTTP and sockets, with cookies for TLS alone, and nothing in the clear."""

from __future__ import annotations

import asyncio
import datetime
import ssl
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio
import uvicorn
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from websockets.asyncio.client import connect

from millstream.api.serve import bind, check_exposure, server_config
from millstream.api.settings import EdgeSettings
from millstream.processors.registry import Registry
from millstream.schemas.errors import ConfigurationError
from tests.integration.api.conftest import TOKEN, Running
from tests.integration.api.people import PASSWORD, with_account

NAME = "localhost"


def written(folder: Path) -> tuple[Path, Path]:
    """A certificate for localhost, signed by itself, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, NAME)])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(NAME)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    certificate, secret = folder / "edge.pem", folder / "edge.key"
    certificate.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    secret.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return certificate, secret


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    return written(tmp_path_factory.mktemp("tls"))


def speaking(settings: EdgeSettings, certificate: Path | None, key: Path | None) -> EdgeSettings:
    access = replace(settings.access, public_url=f"https://{NAME}:8443")
    return replace(settings, tls_certificate=certificate, tls_key=key, access=access)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def port(settings: EdgeSettings, registry: Registry, files: tuple[Path, Path]) -> AsyncIterator[int]:
    listener = bind("127.0.0.1", 0)
    server = uvicorn.Server(server_config(speaking(settings, *files), registry.specs()))
    task = asyncio.create_task(server.serve(sockets=[listener]))
    while not server.started:
        assert not task.done(), "the edge did not start"
        await asyncio.sleep(0.01)
    yield listener.getsockname()[1]
    server.should_exit = True
    await task


async def test_requests_and_sockets_go_over_tls_and_nothing_else(
    running: Running, port: int, files: tuple[Path, Path]
) -> None:
    trusted: Any = ssl.create_default_context(cafile=str(files[0]))
    _, email = await with_account(running.edge)
    async with httpx.AsyncClient(
        base_url=f"https://{NAME}:{port}", verify=trusted, trust_env=False
    ) as client:
        who = {"email": email, "password": PASSWORD}
        answer = await client.post("/api/v1/auth/login", json=who)
        assert answer.status_code == 200, answer.text
        cookies = answer.headers.get_list("set-cookie")
        assert all(each.startswith("__Host-") and "Secure" in each for each in cookies)
        assert answer.headers["Strict-Transport-Security"].startswith("max-age=")
        assert (await client.get("/api/v1/me")).json()["email"] == email
    async with connect(f"wss://{NAME}:{port}/ws?token={TOKEN}", ssl=trusted) as socket:
        await socket.send('{"method": "heartbeat", "data": "ping"}')
        assert "pong" in str(await socket.recv())
    async with httpx.AsyncClient(base_url=f"http://{NAME}:{port}", trust_env=False) as client:
        with pytest.raises(httpx.HTTPError):
            await client.get("/healthz")


def test_files_that_do_not_fit_are_refused_before_anything_listens(
    settings: EdgeSettings, files: tuple[Path, Path], tmp_path: Path
) -> None:
    certificate, key = files
    _, other = written(tmp_path)
    check_exposure(replace(speaking(settings, certificate, key), host="0.0.0.0"))
    for bad in (
        speaking(settings, certificate, None),
        speaking(settings, None, key),
        speaking(settings, certificate, other),
        speaking(settings, certificate, tmp_path / "nowhere"),
        replace(speaking(settings, certificate, key), access=settings.access),
        replace(speaking(settings, certificate, key), host="0.0.0.0", access=replace(settings.access)),
    ):
        with pytest.raises(ConfigurationError, match="MILLSTREAM_|certificate"):
            check_exposure(bad)
