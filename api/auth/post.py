"""Mails of accounts. They go out behind the answer, so that its time does not tell whether somebody has an account."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

import structlog

from millstream.connectors.mail import Mailer
from millstream.schemas.errors import UnavailableError

log = structlog.get_logger(__name__)

WAIT_S = 25.0


class Post:
    """Sends links. A link's secret is behind `#`, so that no server on the way logs it."""

    def __init__(self, mailer: Mailer | None, public_url: str) -> None:
        self._mailer = mailer
        self._url = public_url.rstrip("/")
        self._under_way: set[asyncio.Task[None]] = set()

    def behind(self, work: Coroutine[Any, Any, None]) -> None:
        """Do something after the answer."""
        task = asyncio.create_task(_logged(work))
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)

    async def stop(self) -> None:
        """Wait for what is under way."""
        if self._under_way:
            await asyncio.wait(self._under_way, timeout=WAIT_S)

    async def link(self, to: str, subject: str, *, says: str, page: str, secret: str) -> None:
        """Mail a link to one of our pages."""
        url = f"{self._url}/{page}#token={secret}"
        await self.text(
            to, subject, f"{says}\n\n{url}\n\nIf you did not ask for this, there is nothing to do.\n"
        )

    async def text(self, to: str, subject: str, text: str) -> None:
        """Mail a text. Without a mailer nothing is sent, and the log says so."""
        if self._mailer is None:
            log.warning("mail_not_sent", reason="there is neither a mail server nor a folder for mails")
            return
        await self._mailer.send(to, subject, text)


async def _logged(work: Coroutine[Any, Any, None]) -> None:
    try:
        await work
    except UnavailableError as error:
        log.error("mail_failed", error=str(error))
    except Exception:  # a background task
        log.exception("mail_failed")
