"""As much of IMAP (RFC 9051, 3501) as reading a mailbox takes, over a connection that the guard has checked.

Ours, since the server is as hostile as any: each answer has a limit in bytes, and nothing of it reaches a log.
"""

from __future__ import annotations

import asyncio
import re
import socket
import ssl
from dataclasses import dataclass, field
from typing import Final

from millstream.schemas.errors import BlockExecutionError, CredentialError, UpstreamError

LINE_BYTES: Final = 256 * 1024
ANSWER_LINES: Final = 20_000
_LITERAL = re.compile(rb"\{(\d{1,10})\+?\}$")
_PLAIN = re.compile(rb"[A-Za-z0-9_./@:*,()\[\]<>=-]+")


@dataclass(slots=True)
class Line:
    """One answer of the server: its text, with `\\0` where a literal stood."""

    text: bytes
    literals: list[bytes] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Literal:
    """An argument that holds anything: it is sent by its length, so nothing in it ends the command."""

    data: bytes


Argument = str | Literal


class Imap:
    """One connection. Close it."""

    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, host: str, most_bytes: int
    ) -> None:
        self._reader = reader
        self._writer = writer
        self._host = host
        self._left = most_bytes
        self._number = 0

    @classmethod
    async def over(
        cls, link: socket.socket, *, host: str, implicit_tls: bool, most_bytes: int, context: ssl.SSLContext
    ) -> Imap:
        """Begin on an open connection; without `implicit_tls` it is made secure by STARTTLS before anything else is said."""
        tls = {"ssl": context, "server_hostname": host} if implicit_tls else {}
        try:
            reader, writer = await asyncio.open_connection(sock=link, limit=LINE_BYTES, **tls)  # type: ignore[arg-type]
            made = cls(reader, writer, host=host, most_bytes=most_bytes)
            await made._greeting()
            if not implicit_tls:
                await made.command("STARTTLS")
                if reader._buffer:  # type: ignore[attr-defined]  # what was said before TLS is not the server's word
                    raise UpstreamError(f"{host} said something between STARTTLS and TLS.")
                await writer.start_tls(context, server_hostname=host)
        except (OSError, EOFError) as error:
            link.close()
            raise UpstreamError(f"{host} does not speak IMAP under TLS: {error}") from error
        return made

    def close(self) -> None:
        """End the connection."""
        self._writer.close()

    async def login(self, user: str, password: str) -> None:
        """Log in. Errors: CredentialError."""
        try:
            await self.command("LOGIN", Literal(user.encode()), Literal(password.encode()))
        except BlockExecutionError as error:
            raise CredentialError(
                f"{self._host} does not accept this log-in: {error.facts.get('said', '')}"
            ) from None

    async def command(self, *arguments: Argument) -> list[Line]:
        """Send a command and return its untagged answers.

        Errors: BlockExecutionError with the server's words; UpstreamError.
        """
        self._number += 1
        tag = f"m{self._number}".encode()
        line = tag
        answers: list[Line] = []
        try:
            for argument in arguments:
                if isinstance(argument, str):
                    line += b" " + argument.encode("ascii")
                    continue
                self._writer.write(line + b" {%d}\r\n" % len(argument.data))
                answers += await self._until(b"+", tag)
                line = argument.data
            self._writer.write(line + b"\r\n")
            await self._writer.drain()
            return answers + await self._until(tag, tag)
        except (OSError, EOFError, asyncio.LimitOverrunError, ValueError) as error:
            raise UpstreamError(f"{self._host} broke off: {error or type(error).__name__}") from error

    async def _greeting(self) -> None:
        line = await self._line()
        if not line.text.upper().startswith((b"* OK", b"* PREAUTH")):
            raise UpstreamError(f"{self._host} does not let us in: {_shown(line.text)}")

    async def _until(self, wanted: bytes, tag: bytes) -> list[Line]:
        """Read answers up to the line that begins with `wanted`. Errors: BlockExecutionError if the command failed."""
        answers: list[Line] = []
        await self._writer.drain()
        while len(answers) < ANSWER_LINES:
            line = await self._line()
            first, _, rest = line.text.partition(b" ")
            if first == tag and (wanted != tag or not rest.upper().startswith(b"OK")):
                said = _shown(rest)
                raise BlockExecutionError(f"{self._host} refused this: {said}", said=said)
            if first == wanted:
                return answers
            answers.append(line)
        raise BlockExecutionError(f"{self._host} answers with more than {ANSWER_LINES} lines; ask for less.")

    async def _line(self) -> Line:
        line = Line(b"")
        while True:
            part = await self._reader.readuntil(b"\r\n")
            self._spend(len(part))
            part = part[:-2]
            match = _LITERAL.search(part)
            if match is None:
                line.text += part
                return line
            size = int(match[1])
            self._spend(size)
            line.text += part[: match.start()] + b"\0"
            line.literals.append(await self._reader.readexactly(size))

    def _spend(self, size: int) -> None:
        self._left -= size
        if self._left < 0:
            raise BlockExecutionError(
                f"{self._host} answers with more bytes than this block takes; ask for less."
            )


def quoted(text: str) -> Argument:
    """Return a text as an argument that cannot be taken for anything else."""
    data = text.encode()
    return data.decode() if _PLAIN.fullmatch(data) and text.upper() != "NIL" else Literal(data)


def _shown(text: bytes) -> str:
    return text.decode("utf-8", "replace").strip()[:300]
