"""People for tests of the edge: accounts, log-ins, and a mail server that keeps what it gets."""

from __future__ import annotations

import asyncio
import contextlib
import re
import threading
import time
import uuid
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from email import message_from_bytes, policy
from typing import Any

import httpx
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from millstream.api.auth.repository import Users
from millstream.api.state import Edge
from millstream.local.ports import free_ports
from tests.integration.api.conftest import Running, client_of

PASSWORD = "correct horse battery"


class Postbox:
    """A real SMTP server on a socket."""

    def __init__(self) -> None:
        self._mails: list[tuple[str, str]] = []
        self._came = threading.Condition()

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        mail = message_from_bytes(envelope.original_content or b"", policy=policy.default)
        text = mail.get_content()
        with self._came:
            self._mails += [(to, text) for to in envelope.rcpt_tos]
            self._came.notify_all()
        return "250 taken"

    def to(self, address: str) -> list[str]:
        """Texts that an address has got, oldest first."""
        with self._came:
            return [text for to, text in self._mails if to == address]

    async def text(self, address: str, count: int = 1) -> str:
        """Wait for the nth mail to an address."""
        deadline = time.monotonic() + 20
        while len(self.to(address)) < count:
            assert time.monotonic() < deadline, f"no mail came to {address}"
            await asyncio.sleep(0.02)
        return self.to(address)[count - 1]

    async def link(self, address: str, count: int = 1) -> str:
        """Wait for the nth mail to an address and return its secret."""
        found = re.search(r"#token=(\S+)", await self.text(address, count))
        assert found
        return found[1]


@contextlib.contextmanager
def postbox() -> Iterator[tuple[Postbox, int]]:
    box = Postbox()
    [port] = free_ports(1)
    controller = Controller(box, hostname="127.0.0.1", port=port)
    controller.start()
    try:
        yield box, port
    finally:
        controller.stop()


def address() -> str:
    return f"{uuid.uuid4().hex[:12]}@example.com"


@dataclass(frozen=True, kw_only=True)
class Person:
    """Somebody with an account, logged in as a program."""

    id: uuid.UUID
    email: str
    client: httpx.AsyncClient
    tokens: dict[str, Any]


async def with_account(edge: Edge, *, role: str = "user", verified: bool = True) -> tuple[uuid.UUID, str]:
    """Put an account into the database; returns its id and address."""
    user_id, email = uuid.uuid4(), address()
    hashed = await edge.auth.passwords.hash(PASSWORD)
    async with edge.pool.connection() as conn:
        assert await Users(conn).add(user_id, email=email, name="", password_hash=hashed, verified=verified)
        await conn.execute("UPDATE users SET role = %s WHERE id = %s", [role, user_id])
    return user_id, email


@contextlib.asynccontextmanager
async def person(running: Running, *, role: str = "user") -> AsyncIterator[Person]:
    user_id, email = await with_account(running.edge, role=role)
    async with client_of(running.url, None) as stranger:
        answer = await stranger.post("/api/v1/auth/token", json={"email": email, "password": PASSWORD})
        assert answer.status_code == 200, answer.text
        tokens = answer.json()
    async with client_of(running.url, tokens["access_token"]) as client:
        yield Person(id=user_id, email=email, client=client, tokens=tokens)


@contextlib.asynccontextmanager
async def browser(running: Running, email: str, password: str = PASSWORD) -> AsyncIterator[httpx.AsyncClient]:
    """A browser that has logged in; its client sends cookies, and the code against forged requests."""
    async with client_of(running.url, None) as client:
        answer = await client.post("/api/v1/auth/login", json={"email": email, "password": password})
        assert answer.status_code == 200, answer.text
        client.headers["X-CSRF-Token"] = answer.json()["csrf_token"]
        yield client


async def key_of(client: httpx.AsyncClient, *scopes: str, **more: Any) -> dict[str, Any]:
    """Make a key; returns it, with its secret."""
    answer = await client.post("/api/v1/api-keys", json={"name": "test", "scopes": list(scopes), **more})
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()
    return found
