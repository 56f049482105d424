"""Mail in, over real sockets and TLS, from a small IMAP server."""

from __future__ import annotations

import asyncio
import re
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email.message import EmailMessage
from typing import Any

import pytest

from millstream.processors.blocks.mail_reading import read_mailbox
from millstream.processors.guards.http import GuardedHttp
from millstream.schemas.errors import BlockError
from millstream.testing import SECRET, confidence, context, emits
from tests.unit.processors.certificates import tls

__all__ = ["tls"]
BLOCK = read_mailbox
CREDENTIALS = {"id": "00000000-0000-4000-8000-000000000002", "provider": "imap", "type": "user_password"}


def letter(subject: str, **more: Any) -> bytes:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "Zoë <z@example.com>", "me@example.com", subject
    message["Date"] = "Mon, 2 Mar 2026 10:00:00 +0100"
    message.set_content(more.get("text", "Grüße"))
    if file := more.get("file"):
        message.add_attachment(
            file, maintype="application", subtype="octet-stream", filename="../../etc/x.bin"
        )
    return bytes(message)


@dataclass
class Box:
    """An IMAP server with one folder, and what it was told."""

    port: int = 0
    mails: dict[int, bytes] = field(default_factory=dict)
    seen: set[int] = field(default_factory=set)
    said: list[str] = field(default_factory=list)
    commands: list[bytes] = field(default_factory=list)
    early: bytes = b""
    endless: bool = False

    async def serve(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, tls: ssl.SSLContext
    ) -> None:
        writer.write(b"* OK ready\r\n")
        while line := await reader.readline():
            while match := re.search(rb"\{(\d+)\}\r\n$", line):
                writer.write(b"+ go on\r\n")
                line = line[: match.start()] + b"<" + await reader.readexactly(int(match[1])) + b">"
                line += await reader.readline()
            self.commands.append(line)
            tag, _, rest = line.strip().partition(b" ")
            if rest == b"STARTTLS":
                writer.write(tag + b" OK begin\r\n" + self.early)
                await writer.start_tls(tls)
                continue
            try:
                for answer in self.answers(rest):
                    writer.write(answer)
                    await writer.drain()
                writer.write(tag + b" OK done\r\n")
            except LookupError as error:
                writer.write(tag + b" NO " + str(error).encode() + b"\r\n")
            await writer.drain()
            if rest == b"LOGOUT":
                return

    def answers(self, rest: bytes) -> Any:
        if rest.startswith(b"LOGIN"):
            if rest != f"LOGIN <somebody@example.com> <{SECRET}>".encode():
                raise LookupError("wrong password")
        elif rest.startswith((b"EXAMINE", b"SELECT")):
            self.said.append(rest.decode())
            if not rest.endswith(b"INBOX"):
                raise LookupError("no such folder")
            yield b"* %d EXISTS\r\n" % len(self.mails)
        elif rest.startswith(b"UID SEARCH"):
            self.said.append(rest.decode())
            if self.endless:
                while True:
                    yield b"* SEARCH " + b"1 " * 10_000 + b"\r\n"
            found = [uid for uid in self.mails if "UNSEEN" not in rest.decode() or uid not in self.seen]
            yield b"* SEARCH " + b" ".join(b"%d" % uid for uid in found) + b"\r\n"
        elif rest.startswith(b"UID FETCH"):
            uid, most = (int(number) for number in re.findall(rb"FETCH (\d+).*<0\.(\d+)>", rest)[0])
            body = self.mails[uid][:most]
            flags = rb"\Seen" if uid in self.seen else b""
            yield b"* 1 FETCH (UID 999 FLAGS ())\r\n"  # another client's doing
            yield b"* 1 FETCH (UID %d FLAGS (%b) BODY[]<0> {%d}\r\n%b)\r\n" % (uid, flags, len(body), body)
        elif rest.startswith(b"UID STORE"):
            self.seen |= {int(uid) for uid in rest.split()[2].split(b",")}


@asynccontextmanager
async def box(tls: ssl.SSLContext, *, mode: str = "tls") -> AsyncIterator[Box]:
    server = Box(mails={3: letter("One"), 5: letter("Two", file=b"\x00\x01"), 9: letter("Three")}, seen={3})
    tasks: set[asyncio.Task[None]] = set()

    async def one(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        try:
            await server.serve(reader, writer, tls)
        except (OSError, EOFError, ValueError):
            pass
        finally:
            tasks.discard(task)
            writer.close()

    listener = await asyncio.start_server(one, "127.0.0.1", 0, ssl=tls if mode == "tls" else None)
    server.port = listener.sockets[0].getsockname()[1]
    try:
        yield server
    finally:
        listener.close()
        for task in list(tasks):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def read(server: Box, *, hosts: tuple[str, ...] = ("localhost",), **inputs: Any) -> dict[str, Any]:
    inputs = {"host": "localhost", "port": server.port, "credentials": CREDENTIALS, **inputs}
    async with GuardedHttp(allow=frozenset({f"localhost:{server.port}"})) as http:
        ctx = context(http=http, confidence=confidence(BLOCK, inputs, hosts=hosts))
        found = dict(await emits(BLOCK, inputs, ctx))
        for mail in found["messages"]:
            for part in mail["attachments"]:
                if part["file"]:
                    part["content"] = await ctx.files.read(part["file"])
        return found


@pytest.mark.parametrize("mode", ["tls", "starttls"])
async def test_unread_mails_come_in_order_and_stay_unread(tls: ssl.SSLContext, mode: str) -> None:
    async with box(tls, mode=mode) as server:
        got = await read(server, security=mode)
    assert [(mail["uid"], mail["subject"]) for mail in got["messages"]] == [(5, "Two"), (9, "Three")]
    assert got["last_uid"] == 9
    mail = got["messages"][1]
    assert (mail["from"], mail["text"].strip(), mail["date"]) == (
        "Zoë <z@example.com>",
        "Grüße",
        "2026-03-02T09:00:00+00:00",
    )
    assert server.said[0] == "EXAMINE INBOX"
    assert server.seen == {3}


async def test_marking_keeping_files_and_going_on(tls: ssl.SSLContext) -> None:
    async with box(tls) as server:
        got = await read(server, unseen_only=False, after_uid=3, most=1, attachments=True, mark_seen=True)
        assert server.seen == {3, 5}
        [file] = got["messages"][0]["attachments"]
        assert (file["content"].data, file["content"].name) == (b"\x00\x01", "x.bin")
        assert (await read(server, after_uid=9))["messages"] == []
        assert (await read(server, after_uid=9))["last_uid"] == 9


async def test_a_long_mail_is_cut_and_says_so(tls: ssl.SSLContext) -> None:
    async with box(tls) as server:
        server.mails = {7: letter("Long", text="x" * 50_000)}
        [mail] = (await read(server, most_bytes=2048))["messages"]
    assert not mail["complete"]
    assert mail["subject"] == "Long"
    assert 500 < len(mail["text"]) < 2048


async def test_what_is_searched_for_cannot_become_a_command(tls: ssl.SSLContext) -> None:
    async with box(tls) as server:
        await read(
            server,
            sender='x" ALL\r\nm9 DELETE INBOX',
            subject="Größe",
            containing="plain",
            since="2026-03-01",
        )
        searched = server.said[1]
        assert len(server.said) == 2
    assert searched.startswith(
        'UID SEARCH CHARSET UTF-8 UNSEEN FROM <x" ALL\r\nm9 DELETE INBOX> SUBJECT <Größe>'
    )
    assert searched.endswith("TEXT plain SINCE 1-Mar-2026")


async def test_an_endless_answer_ends(tls: ssl.SSLContext) -> None:
    """A20."""
    async with box(tls) as server:
        server.endless = True
        with pytest.raises(BlockError, match="more bytes|more than"):
            await read(server)


async def test_a_folder_that_is_not_there_is_told(tls: ssl.SSLContext) -> None:
    async with box(tls) as server:
        with pytest.raises(BlockError, match="no such folder"):
            await read(server, folder="Old mails")


@pytest.mark.parametrize("hosts", [(), ("imap.example.com",)])
async def test_a19_a_password_goes_to_no_mailbox_but_its_own(
    tls: ssl.SSLContext, hosts: tuple[str, ...]
) -> None:
    async with box(tls) as server:
        with pytest.raises(BlockError) as caught:
            await read(server, hosts=hosts)
        assert caught.value.code == "address_refused"
        assert not server.commands


async def test_nothing_is_believed_that_came_before_tls(tls: ssl.SSLContext) -> None:
    """What an attacker puts behind the answer to STARTTLS must not count as the server's (CVE-2021-38371 and kin)."""
    async with box(tls, mode="starttls") as server:
        server.early = b"m2 OK injected\r\n"
        with pytest.raises(BlockError):
            await read(server, security="starttls")
        assert not any(b"LOGIN" in command for command in server.commands)


async def test_a13_a_mailbox_inside_is_refused(tls: ssl.SSLContext) -> None:
    async with box(tls) as server, GuardedHttp() as http:
        inputs = {"host": "localhost", "port": server.port, "credentials": CREDENTIALS}
        ctx = context(http=http, confidence=confidence(BLOCK, inputs, hosts=("localhost",)))
        with pytest.raises(BlockError) as caught:
            await emits(BLOCK, inputs, ctx)
        assert caught.value.code == "address_refused"
