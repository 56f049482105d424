"""Letters: made for SMTP, and read from what IMAP gives. Plain functions; reading runs in a process of its own."""

from __future__ import annotations

import base64
import email
import email.policy
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.headerregistry import Address, HeaderRegistry
from email.message import EmailMessage, Message
from email.utils import format_datetime, parsedate_to_datetime
from html import unescape
from typing import Any, Final

from millstream.processors.services import FileContent
from millstream.schemas.errors import BlockInputError

RECIPIENTS_LIMIT: Final = 100
ADDRESSES_CHARS: Final = 20_000
"""Of one field: the parser of addresses is slow, and runs in the loop of all."""
ATTACHMENTS_BYTES: Final = 20 * 1024 * 1024
PARTS_LIMIT: Final = 200
TEXT_LIMIT_CHARS: Final = 500_000
_HEADERS: Final = HeaderRegistry()
_ADDRESS: Final = re.compile(r"[^\s@<>,;]{1,64}@[^\s@<>,;]{1,253}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """What is to be sent."""

    sender: str
    to: Sequence[str]
    cc: Sequence[str] = ()
    bcc: Sequence[str] = ()
    subject: str = ""
    text: str = ""
    html: str = ""
    reply_to: str = ""
    in_reply_to: str = ""
    attachments: Sequence[FileContent] = field(default=(), repr=False)


def written(letter: Letter, key: str) -> tuple[EmailMessage, list[str]]:
    """Return the message and the addresses that it goes to. The same `key` gives the same Message-ID.

    Errors: BlockInputError: an address or a header that is none, too many recipients, too large.
    """
    sender = addresses([letter.sender], "from_email")
    groups = {"To": addresses(letter.to, "to"), "Cc": addresses(letter.cc, "cc")}
    everybody = [*groups["To"], *groups["Cc"], *addresses(letter.bcc, "bcc")]
    if len(sender) != 1:
        raise BlockInputError("A mail has one sender; give one address.", pin="from_email")
    if not everybody or len(everybody) > RECIPIENTS_LIMIT:
        raise BlockInputError(
            f"A mail goes to 1 to {RECIPIENTS_LIMIT} addresses, not to {len(everybody)}.", pin="to"
        )
    headers: dict[str, Any] = {
        "From": sender[0],
        **groups,
        "Subject": letter.subject,
        "Date": format_datetime(datetime.now(UTC)),
        "Message-ID": f"<{key}@{sender[0].domain}>",
        "Reply-To": addresses([letter.reply_to], "reply_to"),
        "In-Reply-To": letter.in_reply_to,
        "References": letter.in_reply_to,
    }
    message = EmailMessage(policy=email.policy.SMTP)
    try:
        for name, value in headers.items():
            if value:
                message[name] = value
    except ValueError as error:  # a line break would begin a header of the writer's choice
        raise BlockInputError(f"A header cannot hold this: {error}.") from error
    _fill(message, letter)
    return message, list(dict.fromkeys(each.addr_spec for each in everybody))


def _fill(message: EmailMessage, letter: Letter) -> None:
    """Put texts and files into a message. Errors: BlockInputError if the files are too large."""
    message.set_content(letter.text or _plain(letter.html))
    if letter.html:
        message.add_alternative(letter.html, subtype="html")
    if sum(len(part.data) for part in letter.attachments) > ATTACHMENTS_BYTES:
        raise BlockInputError(
            f"The attachments have more than {ATTACHMENTS_BYTES} bytes; send links instead."
        )
    for number, part in enumerate(letter.attachments, 1):
        main, _, sub = part.media_type.partition("/")
        name = re.sub(r"[\x00-\x1f\x7f]", "", part.name) or f"file-{number}"
        message.add_attachment(
            part.data, maintype=main or "application", subtype=sub or "octet-stream", filename=name
        )


def addresses(texts: Sequence[str], pin: str) -> list[Address]:
    """Return the addresses in texts like `Ada <ada@example.com>, bob@example.com`. Errors: BlockInputError."""
    if len(texts) > RECIPIENTS_LIMIT or sum(map(len, texts)) > ADDRESSES_CHARS:
        raise BlockInputError(
            f"At most {RECIPIENTS_LIMIT} addresses, of {ADDRESSES_CHARS:,} characters together.", pin=pin
        )
    found: list[Address] = []
    for text in filter(str.strip, texts):
        try:
            header: Any = _HEADERS("to", text)
            found += header.addresses
        except (ValueError, IndexError, RecursionError) as error:
            raise BlockInputError(f"{text[:100]!r} is no mail address: {error}.", pin=pin) from error
        wrong = [each for each in header.addresses if not _ADDRESS.fullmatch(each.addr_spec)]
        if header.defects or wrong or not header.addresses or "\n" in text or "\r" in text:
            raise BlockInputError(
                f"{text[:100]!r} is no mail address; it looks like ada@example.com.", pin=pin
            )
    return found


def _plain(html: str) -> str:
    """HTML as rough text, for readers that show none."""
    text = re.sub(r"<(?:br|/p|/div|/li|/tr|/h[1-6])\b[^>]{0,1000}>", "\n", html, flags=re.IGNORECASE)
    return unescape(re.sub(r"<[^<>]{0,10000}>", "", text)).strip()


def read(data: str) -> dict[str, Any]:
    """Return what a message says; `data` and the attachments' contents are base64."""
    message = email.message_from_bytes(base64.b64decode(data), policy=email.policy.default)
    texts: dict[str, str] = {"plain": "", "html": ""}
    attachments = []
    for part in _leaves(message):
        kind = part.get_content_type()
        disposition = part.get_content_disposition()
        if disposition != "attachment" and kind in ("text/plain", "text/html") and not part.get_filename():
            texts[kind[5:]] = (texts[kind[5:]] + _text(part))[:TEXT_LIMIT_CHARS]
            continue
        payload = part.get_payload(decode=True)
        content = payload if isinstance(payload, bytes) else b""
        attachments.append(
            {
                "name": _header(part.get_filename())[:200],
                "media_type": kind,
                "inline": disposition == "inline",
                "data": base64.b64encode(content).decode(),
            }
        )
    return {
        "message_id": _header(message.get("Message-ID")),
        "in_reply_to": _header(message.get("In-Reply-To")),
        "from": _header(message.get("From")),
        "to": _header(message.get("To")),
        "cc": _header(message.get("Cc")),
        "subject": _header(message.get("Subject")),
        "date": _date(_header(message.get("Date"))),
        "text": texts["plain"] or _plain(texts["html"]),
        "html": texts["html"],
        "attachments": attachments,
    }


def _leaves(message: Message) -> Iterator[Message]:
    """The parts that hold something, the first 200."""
    parts = 0
    for part in message.walk():
        if not part.is_multipart():
            parts += 1
            if parts > PARTS_LIMIT:
                return
            yield part


def _text(part: Message) -> str:
    payload = part.get_payload(decode=True)
    if not isinstance(payload, bytes):
        return ""
    try:
        return payload.decode(part.get_content_charset() or "utf-8", "replace")
    except LookupError:
        return payload.decode("utf-8", "replace")


def _header(value: Any) -> str:
    """A header in one line; what is broken in it is shown as it can be."""
    return " ".join(str(value or "").split())[:2000].encode("utf-8", "replace").decode()


def _date(text: str) -> str:
    try:
        when = parsedate_to_datetime(text)
    except (ValueError, TypeError, IndexError):
        return ""
    return (when if when.tzinfo else when.replace(tzinfo=UTC)).astimezone(UTC).isoformat()
