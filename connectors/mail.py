"""Mail to people: over SMTP, or without a server as files in a folder that only the operator reads."""

from __future__ import annotations

import asyncio
import os
import smtplib
import ssl
import time
import uuid
from dataclasses import dataclass
from email.message import EmailMessage
from pathlib import Path
from typing import Literal, Protocol

from pydantic import SecretStr

from millstream.schemas.errors import UnavailableError

TIMEOUT_S = 20.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Smtp:
    """A server that takes our mail."""

    host: str
    port: int = 587
    security: Literal["starttls", "tls", "none"] = "starttls"
    username: str = ""
    password: SecretStr = SecretStr("")
    sender: str = "millstream@localhost"


class Mailer(Protocol):
    """Sends a text to one address."""

    async def send(self, to: str, subject: str, text: str) -> None:
        """Errors: UnavailableError."""


class SmtpMailer:
    """Hands mail to a server; each over a connection of its own, since there are few."""

    def __init__(self, smtp: Smtp) -> None:
        self._smtp = smtp

    async def send(self, to: str, subject: str, text: str) -> None:
        """Send one mail. Errors: UnavailableError."""
        message = _message(self._smtp.sender, to, subject, text)
        try:
            await asyncio.to_thread(self._deliver, message)
        except (smtplib.SMTPException, OSError) as error:
            raise UnavailableError(
                f"The mail server does not take mail now: {type(error).__name__}."
            ) from error

    def _deliver(self, message: EmailMessage) -> None:
        smtp = self._smtp
        context = ssl.create_default_context()
        if smtp.security == "tls":
            server: smtplib.SMTP = smtplib.SMTP_SSL(smtp.host, smtp.port, timeout=TIMEOUT_S, context=context)
        else:
            server = smtplib.SMTP(smtp.host, smtp.port, timeout=TIMEOUT_S)
        with server:
            if smtp.security == "starttls":
                server.starttls(context=context)
            if smtp.username:
                server.login(smtp.username, smtp.password.get_secret_value())
            server.send_message(message)


class FolderMailer:
    """Keeps mail as `<time>-<id>.eml`. It has links that let people in, so the files are the operator's alone."""

    def __init__(self, folder: Path, sender: str = "millstream@localhost") -> None:
        self._folder = folder
        self._sender = sender

    async def send(self, to: str, subject: str, text: str) -> None:
        """Write one mail. Errors: UnavailableError."""
        try:
            await asyncio.to_thread(self._write, bytes(_message(self._sender, to, subject, text)))
        except OSError as error:
            raise UnavailableError(
                f"Mail cannot be kept in {str(self._folder)!r}: {error.strerror}."
            ) from error

    def _write(self, data: bytes) -> None:
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        path = self._folder / f"{time.strftime('%Y%m%dT%H%M%S', time.gmtime())}-{uuid.uuid4().hex[:8]}.eml"
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(data)


def _message(sender: str, to: str, subject: str, text: str) -> EmailMessage:
    message = EmailMessage()  # refuses line breaks in headers
    message["From"], message["To"], message["Subject"] = sender, to, subject
    message.set_content(text)
    return message
