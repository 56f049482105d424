"""Gmail: read mails, send one, list labels."""

from __future__ import annotations

import base64
import binascii
import mimetypes
import re
from collections.abc import AsyncIterator, Iterator
from email.message import EmailMessage
from email.utils import getaddresses
from typing import Any, Final, Literal

from typing_extensions import TypedDict

from millstream.processors.annotations import EMPTY, Advanced, Emit, FileRef, Outputs
from millstream.processors.blocks.google import GMAIL, LOGIN, LabelMail, ReadMail, SendMail, served
from millstream.processors.context import Context
from millstream.processors.samples import Sample
from millstream.processors.sdk import block
from millstream.schemas.errors import BlockInputError

MAILS_MOST: Final = 100
RECIPIENTS_MOST: Final = 500
ATTACHMENTS_BYTES: Final = 24_000_000
_TAG = re.compile(r"<(?:html|body|p|div|br|table|ul|ol|h[1-6]|a|b|i|strong|em|span)\b", re.IGNORECASE)


class Attachment(TypedDict):
    """A file of a mail, by what Gmail knows of it."""

    filename: str
    content_type: str
    size: int
    attachment_id: str


class _Mail(TypedDict):
    """What both forms of a mail have."""

    threadId: str
    labelIds: list[str]
    id: str
    subject: str
    snippet: str
    from_: str
    to: list[str]
    cc: list[str]
    bcc: list[str]
    date: str
    body: str
    sizeEstimate: int


class Mail(_Mail):
    """One mail."""

    attachments: list[Attachment]


class MailRow(_Mail):
    """One mail of a list."""

    attachments: list[dict[str, Any]]


class Mails(Outputs):
    """Pins of GmailReadBlock."""

    email: Mail
    emails: list[MailRow]


_RAW = {
    "id": "m1",
    "threadId": "t1",
    "labelIds": ["UNREAD"],
    "snippet": "It is",
    "sizeEstimate": 900,
    "payload": {
        "mimeType": "multipart/mixed",
        "headers": [
            {"name": "Subject", "value": "Tea"},
            {"name": "From", "value": "Ada <ada@example.com>"},
            {"name": "To", "value": "Bob <bob@example.com>, eve@example.com"},
            {"name": "Date", "value": "Mon, 5 Jan 2026 10:00:00 +0000"},
        ],
        "parts": [
            {"mimeType": "text/plain", "body": {"data": "SXQgaXMgcmVhZHku"}},
            {
                "mimeType": "application/pdf",
                "filename": "menu.pdf",
                "body": {"attachmentId": "a1", "size": 5},
            },
        ],
    },
}
_MAIL = {
    "threadId": "t1",
    "labelIds": ["UNREAD"],
    "id": "m1",
    "subject": "Tea",
    "snippet": "It is",
    "from_": "ada@example.com",
    "to": ["bob@example.com", "eve@example.com"],
    "cc": [],
    "bcc": [],
    "date": "Mon, 5 Jan 2026 10:00:00 +0000",
    "body": "It is ready.",
    "sizeEstimate": 900,
    "attachments": [
        {"filename": "menu.pdf", "content_type": "application/pdf", "size": 5, "attachment_id": "a1"}
    ],
}


@block(
    id="25310c70-b89b-43ba-b25c-4dfa7e2a481c",
    name="GmailReadBlock",
    categories=("COMMUNICATION",),
    samples=[
        Sample(
            {"credentials": LOGIN},
            [("email", _MAIL), ("emails", [_MAIL])],
            serves={"/messages": served({"messages": [{"id": "m1"}]}), "/messages/m1": served(_RAW)},
        ),
        Sample(
            {"credentials": LOGIN, "query": "none"},
            [("emails", [])],
            serves={"/messages": served({"resultSizeEstimate": 0})},
        ),
    ],
)
async def gmail_read(
    credentials: ReadMail,
    query: Advanced[str] = "is:unread",
    max_results: Advanced[int] = 10,
    *,
    ctx: Context,
) -> AsyncIterator[Emit[Mails]]:
    """Read mails that a search finds, the newest first, up to a hundred.

    credentials: A connected Google account.
    query: What to look for, as in Gmail's own search.
    max_results: How many at most.
    email: Each mail.
    emails: All mails.
    """
    most = min(MAILS_MOST, max(1, max_results))
    found = await GMAIL.call(ctx, "GET /messages", query={"q": query or None, "maxResults": most})
    mails = []
    for each in (found.get("messages") or [])[:most]:
        raw = await GMAIL.call(ctx, "GET /messages/{id}", path={"id": each["id"]}, query={"format": "full"})
        mails.append(_mail(raw))
    for mail in mails:
        yield "email", mail
    yield "emails", mails


def _mail(raw: dict[str, Any]) -> Mail:
    payload = raw.get("payload") or {}
    headers = {each["name"].lower(): each["value"] for each in payload.get("headers") or []}
    parts = list(_parts(payload))

    def people(name: str) -> list[str]:
        return [address for _, address in getaddresses([headers.get(name, "")]) if address]

    return Mail(
        threadId=raw.get("threadId", ""),
        labelIds=raw.get("labelIds") or [],
        id=raw["id"],
        subject=headers.get("subject", ""),
        snippet=raw.get("snippet", ""),
        from_=next(iter(people("from")), headers.get("from", "")),
        to=people("to"),
        cc=people("cc"),
        bcc=people("bcc"),
        date=headers.get("date", ""),
        body=_body(parts),
        sizeEstimate=raw.get("sizeEstimate", 0),
        attachments=[
            Attachment(
                filename=part["filename"],
                content_type=part.get("mimeType", ""),
                size=part.get("body", {}).get("size", 0),
                attachment_id=part["body"]["attachmentId"],
            )
            for part in parts
            if part.get("filename") and part.get("body", {}).get("attachmentId")
        ],
    )


def _parts(payload: dict[str, Any]) -> Iterator[dict[str, Any]]:
    waiting, seen = [payload], 0
    while waiting and seen < 500:
        part = waiting.pop(0)
        seen += 1
        yield part
        waiting += part.get("parts") or []


def _body(parts: list[dict[str, Any]]) -> str:
    """The text of a mail: the plain one, else what the HTML says."""
    for kind in ("text/plain", "text/html"):
        for part in parts:
            data = part.get("body", {}).get("data")
            if part.get("mimeType") == kind and data and not part.get("filename"):
                text = _decoded(data)
                return text if kind == "text/plain" else _readable(text)
    return ""


def _decoded(data: str) -> str:
    try:
        return base64.urlsafe_b64decode(data + "=" * (-len(data) % 4)).decode("utf-8", "replace")
    except (binascii.Error, ValueError):
        return ""


def _readable(html: str) -> str:
    from selectolax.lexbor import LexborHTMLParser

    tree = LexborHTMLParser(html[:500_000])
    tree.strip_tags(["script", "style", "head"])
    text = tree.body.text(separator="\n") if tree.body else ""
    return "\n".join(line.strip() for line in text.splitlines() if line.strip())


class Sent(TypedDict):
    """A mail that was sent."""

    id: str
    status: str


class SentPins(Outputs):
    """Pins of GmailSendBlock."""

    result: Sent


_ASK = {"credentials": LOGIN, "to": ["bob@example.com"], "subject": "Tea", "body": "It is ready."}


@block(
    id="6c27abc2-e51d-499e-a85f-5a0041ba94f0",
    name="GmailSendBlock",
    categories=("COMMUNICATION",),
    repeatable=False,
    samples=[
        Sample(
            _ASK,
            [("result", {"id": "m1", "status": "sent"})],
            serves={"/messages/send": served({"id": "m1"})},
        ),
        Sample({**_ASK, "to": []}, raises="block_input_invalid"),
        Sample({**_ASK, "to": ["nobody"]}, raises="block_input_invalid"),
        Sample({**_ASK, "subject": "Tea\r\nBcc: eve@example.com"}, raises="block_input_invalid"),
    ],
)
async def gmail_send(
    credentials: SendMail,
    to: list[str],
    subject: str,
    body: str,
    cc: Advanced[list[str]] = EMPTY,
    bcc: Advanced[list[str]] = EMPTY,
    content_type: Advanced[Literal["auto", "plain", "html"] | None] = None,
    attachments: Advanced[list[FileRef]] = EMPTY,
    *,
    ctx: Context,
) -> AsyncIterator[Emit[SentPins]]:
    """Send a mail from the account. It is not sent again after a crash.

    credentials: A connected Google account.
    to: Whom it goes to.
    subject: The subject.
    body: The text, plain or HTML.
    cc: Who gets a copy.
    bcc: Who gets a copy that nobody else sees.
    content_type: What the text is; `auto` looks for tags.
    attachments: Files that go along, 24 MB at most together.
    result: Id of the mail.
    """
    mail = _composed(to, subject, body, cc, bcc, content_type)
    size = 0
    for ref in attachments:
        file = await ctx.files.read(ref)
        size += len(file.data)
        if size > ATTACHMENTS_BYTES:
            raise BlockInputError(
                f"The attachments have more than {ATTACHMENTS_BYTES:,} bytes.", pin="attachments"
            )
        kind = file.media_type or mimetypes.guess_type(file.name)[0] or "application/octet-stream"
        main, _, sub = kind.partition("/")
        mail.add_attachment(
            file.data, maintype=main, subtype=sub or "octet-stream", filename=file.name or "file"
        )
    raw = base64.urlsafe_b64encode(mail.as_bytes()).decode()
    sent = await GMAIL.call(ctx, "POST /messages/send", json={"raw": raw}, timeout_s=120.0)
    yield "result", {"id": sent["id"], "status": "sent"}


def _composed(
    to: list[str], subject: str, body: str, cc: list[str], bcc: list[str], kind: str | None
) -> EmailMessage:
    """Errors: BlockInputError: no address, or a line break where none may be."""
    if not to or len(to) + len(cc) + len(bcc) > RECIPIENTS_MOST:
        raise BlockInputError(f"Give 1 to {RECIPIENTS_MOST} recipients.", pin="to")
    mail = EmailMessage()
    for name, people in (("To", to), ("Cc", cc), ("Bcc", bcc)):
        for each in people:
            if not re.fullmatch(r"[^\r\n]*[^\s@<>]+@[^\s@<>]+>?\s*", each):
                raise BlockInputError(f"{each[:100]!r} is no mail address.", pin=name.lower())
        if people:
            mail[name] = ", ".join(people)
    if re.search(r"[\r\n\0]", subject):
        raise BlockInputError("The subject has a line break.", pin="subject")
    mail["Subject"] = subject
    html = kind == "html" or (kind in (None, "auto") and bool(_TAG.search(body)))
    mail.set_content(body, subtype="html" if html else "plain")
    return mail


class Labels(Outputs):
    """Pins of GmailListLabelsBlock."""

    result: list[dict[str, Any]]


@block(
    id="3e1c2c1c-c689-4520-b956-1f3bf4e02bb7",
    name="GmailListLabelsBlock",
    categories=("COMMUNICATION",),
    samples=[
        Sample(
            {"credentials": LOGIN},
            [("result", [{"id": "L1", "name": "Tea"}])],
            serves={"/labels": served({"labels": [{"id": "L1", "name": "Tea", "type": "user"}]})},
        )
    ],
)
async def gmail_list_labels(credentials: LabelMail, *, ctx: Context) -> AsyncIterator[Emit[Labels]]:
    """List the labels of the account.

    credentials: A connected Google account.
    result: Id and name of each label.
    """
    found = (await GMAIL.call(ctx, "GET /labels")).get("labels") or []
    yield "result", [{"id": each["id"], "name": each["name"]} for each in found]
