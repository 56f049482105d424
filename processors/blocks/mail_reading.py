"""Mail in: what waits in a mailbox, by IMAP."""

from __future__ import annotations

import asyncio
import base64
import re
import ssl
from collections.abc import AsyncIterator
from datetime import date
from typing import Annotated, Any, Literal

from pydantic import Field
from typing_extensions import TypedDict

from millstream.processors import isolation, mailing
from millstream.processors.annotations import Advanced, DateText, Emit, Outputs, ShortText
from millstream.processors.blocks.mail import password_of
from millstream.processors.context import Context
from millstream.processors.credentials import Credentials, Provider
from millstream.processors.guards.connecting import connected, require_bound
from millstream.processors.imap import Argument, Imap, Line, quoted
from millstream.processors.samples import Sample
from millstream.processors.sdk import block
from millstream.schemas.errors import BlockInputError, BlockTimeoutError

TOTAL_BYTES = 64 * 1024 * 1024
WHOLE_S = 120.0
_IMAP = {"id": "00000000-0000-4000-8000-000000000002", "provider": "imap", "type": "user_password"}
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


class Attachment(TypedDict):
    """A file of a mail."""

    name: str
    media_type: str
    size_bytes: int
    file: str


Mail = TypedDict(
    "Mail",
    {
        "uid": int,
        "message_id": str,
        "in_reply_to": str,
        "from": str,
        "to": str,
        "cc": str,
        "subject": str,
        "date": str,
        "text": str,
        "html": str,
        "attachments": list[Attachment],
        "seen": bool,
        "complete": bool,
    },
)
"""One mail."""


class Mailbox(Outputs):
    """Pins of ReadMailboxBlock."""

    message: Mail
    messages: list[Mail]
    last_uid: int


@block(
    categories=("INPUT", "COMMUNICATION"),
    timeout_s=WHOLE_S + 30,
    samples=[
        Sample({"host": "127.0.0.1", "credentials": _IMAP}, raises="address_refused"),
        Sample({"host": "imap.example.com", "credentials": _IMAP}, raises="address_refused"),
    ],
)
async def read_mailbox(
    host: ShortText,
    credentials: Annotated[Credentials, Provider("imap", types=("user_password",))],
    folder: ShortText = "INBOX",
    unseen_only: bool = True,
    sender: ShortText = "",
    subject: ShortText = "",
    containing: Advanced[ShortText] = "",
    since: Advanced[DateText | None] = None,
    after_uid: Advanced[Annotated[int, Field(ge=0, le=2**32 - 1)]] = 0,
    most: Annotated[int, Field(ge=1, le=100)] = 20,
    attachments: bool = False,
    mark_seen: Advanced[bool] = False,
    most_bytes: Advanced[Annotated[int, Field(ge=1024, le=12 * 1024 * 1024)]] = 4 * 1024 * 1024,
    port: Advanced[Annotated[int, Field(ge=1, le=65_535)]] = 993,
    security: Advanced[Literal["tls", "starttls"]] = "tls",
    *,
    ctx: Context,
) -> AsyncIterator[Emit[Mailbox]]:
    """Read mails from a mailbox by IMAP, the oldest first; nothing is changed unless `mark_seen` is on.

    host: The IMAP server. The credential must name it in its hosts.
    credentials: Name and password of the account.
    folder: The folder.
    unseen_only: Only mails that nobody has read.
    sender: Only mails whose sender contains this.
    subject: Only mails whose subject contains this.
    containing: Only mails whose text contains this.
    since: Only mails of this day and later.
    after_uid: Only mails with a higher UID: what `last_uid` said the last time.
    most: How many mails are read at most.
    attachments: Keep attachments as files in the workspace.
    mark_seen: Mark the mails as read.
    most_bytes: How much of one mail is read; a longer one is cut, and not `complete`.
    port: The port of the server.
    security: `tls` from the start, or `starttls`.
    message: Each mail.
    messages: All mails.
    last_uid: The highest UID that was read; `after_uid` if there was none.
    """
    login = await password_of(ctx)
    require_bound(login, host.strip(), port)
    wanted = criteria(unseen_only, sender, subject, containing, since, after_uid)
    try:
        async with asyncio.timeout(WHOLE_S):
            link = await connected(ctx.http, host.strip(), port)
            imap = await Imap.over(
                link,
                host=host.strip(),
                implicit_tls=security == "tls",
                most_bytes=TOTAL_BYTES,
                context=ssl.create_default_context(),
            )
            try:
                await imap.login(login.username, login.password.get_secret_value())
                found = await _read(imap, folder, wanted, after_uid, most, most_bytes, mark_seen)
                await imap.command("LOGOUT")
            finally:
                imap.close()
    except TimeoutError as error:
        raise BlockTimeoutError(f"{host} took more than {WHOLE_S:g} s; read fewer mails at once.") from error
    mails = [await _kept(ctx, uid, seen, raw, most_bytes, attachments) for uid, seen, raw in found]
    for mail in mails:
        yield "message", mail
    yield "messages", mails
    yield "last_uid", max([after_uid, *(uid for uid, _, _ in found)])


def criteria(
    unseen_only: bool, sender: str, subject: str, containing: str, since: str | None, after_uid: int
) -> list[Argument]:
    """Return what SEARCH is asked for. Errors: BlockInputError."""
    wanted: list[Argument] = ["UNSEEN"] if unseen_only else ["ALL"]
    for name, text in (("FROM", sender), ("SUBJECT", subject), ("TEXT", containing)):
        if text:
            wanted += [name, quoted(text[:1000])]
    if since:
        try:
            day = date.fromisoformat(since)
        except ValueError as error:
            raise BlockInputError(f"since is {since!r}, not a day like 2026-01-31.", pin="since") from error
        wanted += ["SINCE", f"{day.day}-{_MONTHS[day.month - 1]}-{day.year:04}"]
    if after_uid:
        wanted += ["UID", f"{after_uid + 1}:*"]
    return wanted


async def _read(
    imap: Imap,
    folder: str,
    wanted: list[Argument],
    after_uid: int,
    most: int,
    most_bytes: int,
    mark_seen: bool,
) -> list[tuple[int, bool, bytes]]:
    """(UID, whether it was read before, the message) of each mail that fits."""
    await imap.command("SELECT" if mark_seen else "EXAMINE", quoted(folder))
    charset: list[Argument] = [] if all(isinstance(each, str) for each in wanted) else ["CHARSET", "UTF-8"]
    lines = await imap.command("UID", "SEARCH", *charset, *wanted)
    listed = [line.text.split()[2:] for line in lines if line.text.upper().startswith(b"* SEARCH")]
    # `7:*` has the last mail in it even if its UID is smaller
    uids = sorted({int(uid) for part in listed for uid in part if uid.isdigit() and int(uid) > after_uid})[
        :most
    ]
    found = []
    for uid in uids:
        lines = await imap.command("UID", "FETCH", str(uid), f"(UID FLAGS BODY.PEEK[]<0.{most_bytes + 1}>)")
        found += [one for line in lines if (one := _fetched(line)) is not None and one[0] == uid][:1]
    if mark_seen and found:
        numbers = ",".join(str(uid) for uid, _, _ in found)
        await imap.command("UID", "STORE", numbers, "+FLAGS.SILENT", r"(\Seen)")
    return found


def _fetched(line: Line) -> tuple[int, bool, bytes] | None:
    """A FETCH answer; None if the line is something else, such as news of another client."""
    uid = re.search(rb"\bUID (\d+)", line.text)
    if b" FETCH (" not in line.text.upper() or uid is None or not line.literals:
        return None
    return int(uid[1]), rb"\SEEN" in line.text.upper(), line.literals[-1]


async def _kept(
    ctx: Context, uid: int, seen: bool, raw: bytes, most_bytes: int, attachments: bool
) -> dict[str, Any]:
    """A mail as the block gives it, its attachments as files."""
    packed = base64.b64encode(raw[:most_bytes]).decode()
    told: dict[str, Any] = await isolation.call(mailing.read, packed, what="Reading this mail")
    files = []
    for part in told.pop("attachments"):
        data = base64.b64decode(part["data"])
        ref = (
            await ctx.files.write(data, name=part["name"], media_type=part["media_type"])
            if attachments
            else ""
        )
        files.append(
            {"name": part["name"], "media_type": part["media_type"], "size_bytes": len(data), "file": ref}
        )
    return {
        "uid": uid,
        **told,
        "attachments": files,
        "seen": seen,
        "complete": len(raw) <= most_bytes,
    }
