"""Mail out, over real sockets and TLS, to a server of aiosmtpd."""

from __future__ import annotations

import asyncio
import email
import email.policy
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email.message import EmailMessage
from typing import Any

import pytest
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from millstream.processors.blocks.mail import send_email, send_mail
from millstream.processors.guards.http import GuardedHttp
from millstream.schemas.errors import BlockError
from millstream.testing import SECRET, confidence, context, emits
from tests.unit.processors.certificates import tls

__all__ = ["tls"]
NATIVE, AUTOGPT = send_mail, send_email
CREDENTIALS = {"id": "00000000-0000-4000-8000-000000000001", "provider": "smtp", "type": "user_password"}


@dataclass
class Post:
    """A mail server, what it got, and how it behaves."""

    port: int = 0
    mails: list[Envelope] = field(default_factory=list)
    logins: list[tuple[bytes, bytes]] = field(default_factory=list)
    refuses: str = ""
    says: str = ""

    async def handle_RCPT(
        self, server: Any, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if address == self.refuses:
            return "550 no such person"
        envelope.rcpt_tos.append(address)
        return "250 ok"

    async def handle_DATA(self, server: Any, session: Session, envelope: Envelope) -> str:
        self.mails.append(envelope)
        return self.says or "250 kept"

    def check(
        self, server: Any, session: Session, envelope: Envelope, mechanism: str, data: Any
    ) -> AuthResult:
        assert isinstance(data, LoginPassword)
        self.logins.append((data.login, data.password))
        return AuthResult(success=data.password == SECRET.encode(), handled=False)

    def mail(self) -> EmailMessage:
        """The one mail that came."""
        [one] = self.mails
        assert isinstance(one.content, bytes)
        found = email.message_from_bytes(one.content, policy=email.policy.default)
        assert isinstance(found, EmailMessage)
        return found


@asynccontextmanager
async def post(tls: ssl.SSLContext, *, mode: str = "starttls") -> AsyncIterator[Post]:
    handler = Post()

    def protocol() -> SMTP:
        return SMTP(
            handler,
            hostname="test",
            tls_context=tls if mode == "starttls" else None,
            require_starttls=mode == "starttls",
            authenticator=handler.check,
            auth_require_tls=mode == "starttls",
            loop=asyncio.get_running_loop(),
        )

    loop = asyncio.get_running_loop()
    server = await loop.create_server(protocol, "127.0.0.1", 0, ssl=tls if mode == "tls" else None)
    handler.port = server.sockets[0].getsockname()[1]
    try:
        yield handler
    finally:
        server.close()


async def send(
    port: int, *, block: Any = NATIVE, hosts: tuple[str, ...] = ("localhost",), **inputs: Any
) -> Any:
    """Send a mail through a guard that lets this one port through."""
    if block is NATIVE:
        inputs = {
            "host": "localhost",
            "port": port,
            "from_email": "Ada <ada@example.com>",
            "to": ["bob@example.com"],
            "subject": "Hi",
            "text": "Hello",
            **inputs,
        }
    async with GuardedHttp(allow=frozenset({f"localhost:{port}"})) as http:
        ctx = context(http=http, confidence=confidence(block, inputs, hosts=hosts), node_execution_id="n-1")
        return await emits(block, inputs, ctx)


@pytest.mark.parametrize("mode", ["starttls", "tls"])
async def test_a_mail_with_everything_arrives(tls: ssl.SSLContext, mode: str) -> None:
    async with post(tls, mode=mode) as server:
        got = await send(
            server.port,
            security=mode,
            credentials=CREDENTIALS,
            html="<p>Hellö</p>",
            cc=["Carl C <c@example.com>"],
            bcc=["d@example.com"],
            reply_to="r@example.com",
            attachments=["data:text/csv;base64,YSxi"],
        )
        mail = server.mail()
    assert got == [("message_id", "<n-1@example.com>")]
    assert server.logins == [(b"somebody@example.com", SECRET.encode())]
    assert server.mails[0].mail_from == "ada@example.com"
    assert server.mails[0].rcpt_tos == ["bob@example.com", "c@example.com", "d@example.com"]
    assert (mail["From"], mail["To"], mail["Cc"]) == (
        "Ada <ada@example.com>",
        "bob@example.com",
        "Carl C <c@example.com>",
    )
    assert "Bcc" not in mail
    assert mail["Reply-To"] == "r@example.com"
    html, [file] = mail.get_body(("html",)), list(mail.iter_attachments())
    assert html is not None
    assert "Hellö" in html.get_content()
    assert (file.get_content_type(), file.get_payload(decode=True)) == ("text/csv", b"a,b")


async def test_autogpts_block_sends_as_the_owner_of_the_account(tls: ssl.SSLContext) -> None:
    async with post(tls) as server:
        got = await send(
            server.port,
            block=AUTOGPT,
            to_email="bob@example.com",
            subject="Hi",
            body="Hello",
            config={"smtp_server": "localhost", "smtp_port": server.port},
            credentials=CREDENTIALS,
        )
        assert server.mail()["From"] == "somebody@example.com"
    assert got == [("status", "Email sent successfully")]


@pytest.mark.parametrize("hosts", [(), ("mail.example.com",), ("localhost:1",)])
async def test_a19_a_password_goes_to_no_server_but_its_own(
    tls: ssl.SSLContext, hosts: tuple[str, ...]
) -> None:
    """The server is a pin: a graph from a store could name its author's."""
    async with post(tls) as server:
        with pytest.raises(BlockError) as caught:
            await send(server.port, hosts=hosts, credentials=CREDENTIALS)
        assert caught.value.code == "address_refused"
        assert SECRET not in str(caught.value)
        assert not server.logins


async def test_a13_a_mail_server_inside_is_refused(tls: ssl.SSLContext) -> None:
    async with post(tls) as server, GuardedHttp() as http:
        inputs = {
            "host": "localhost",
            "port": server.port,
            "from_email": "a@e.com",
            "to": ["b@e.com"],
            "subject": "x",
        }
        with pytest.raises(BlockError) as caught:
            await emits(NATIVE, inputs, context(http=http))
        assert caught.value.code == "address_refused"
        assert not server.mails


async def test_without_tls_there_is_no_password_and_no_falling_back(tls: ssl.SSLContext) -> None:
    async with post(tls, mode="none") as server:
        with pytest.raises(BlockError) as caught:
            await send(server.port, security="none", credentials=CREDENTIALS)
        assert caught.value.code == "block_input_invalid"
        with pytest.raises(BlockError):  # it offers no STARTTLS, so the mail stays here
            await send(server.port, credentials=CREDENTIALS)
        assert (server.logins, server.mails) == ([], [])
        await send(server.port, security="none")
        assert server.mail()["Subject"] == "Hi"


async def test_a_certificate_that_nobody_vouches_for_is_refused(
    tls: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SSL_CERT_FILE")
    async with post(tls) as server:
        with pytest.raises(BlockError) as caught:
            await send(server.port, credentials=CREDENTIALS)
        assert caught.value.code == "upstream_failed"
        assert (server.logins, server.mails) == ([], [])


async def test_refused_addresses_are_told(tls: ssl.SSLContext) -> None:
    async with post(tls) as server:
        server.refuses = "x@example.com"
        got = dict(await send(server.port, to=["bob@example.com", "x@example.com"]))
        assert got["refused"] == {"x@example.com": "550 no such person"}
        with pytest.raises(BlockError, match="no such person"):
            await send(server.port, to=["x@example.com"])


@pytest.mark.parametrize(("says", "code"), [("451 later", "upstream_failed"), ("554 spam", "block_failed")])
async def test_a_server_that_says_no(tls: ssl.SSLContext, says: str, code: str) -> None:
    async with post(tls) as server:
        server.says = says
        with pytest.raises(BlockError, match=says[4:]) as caught:
            await send(server.port)
    assert caught.value.code == code


@pytest.mark.parametrize(
    "inputs",
    [
        {"to": ["bob@example.com\r\nBcc: x@example.com"]},
        {"to": ["bob"]},
        {"to": []},
        {"to": ["a@b@c"]},
        {"to": [f"p{n}@example.com" for n in range(101)]},
        {"from_email": "a@example.com, b@example.com"},
        {"subject": "Hi\r\nBcc: x@example.com"},
        {"in_reply_to": "<a>\nX-Evil: 1"},
    ],
)
async def test_nothing_in_a_field_becomes_another_header(tls: ssl.SSLContext, inputs: dict[str, Any]) -> None:
    async with post(tls) as server:
        with pytest.raises(BlockError) as caught:
            await send(server.port, **inputs)
        assert caught.value.code == "block_input_invalid"
        assert not server.mails
