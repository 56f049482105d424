"""Telegram, by its Bot API. The token is a part of each address there, so it is kept out of every message of an error."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Annotated, Any, Literal

from millstream.processors.annotations import Advanced, Emit, FileRef, Outputs
from millstream.processors.context import Context
from millstream.processors.credentials import Credentials
from millstream.processors.rest import Login, Service, given
from millstream.processors.samples import Sample
from millstream.processors.sdk import block
from millstream.schemas.errors import BlockExecutionError

TELEGRAM = Service(
    provider="telegram",
    title="Telegram",
    url="https://api.telegram.org",
    login=Login(place="path"),
    failed=lambda answer: isinstance(answer, dict) and answer.get("ok") is False,
)
TelegramLogin = Annotated[Credentials, TELEGRAM.takes("api_key")]
ParseMode = Literal["none", "Markdown", "MarkdownV2", "HTML"]
FILE_BYTES = 20 * 1024 * 1024
"""Largest file that Telegram hands to a bot."""
_LOGIN = {"id": "00000000-0000-4000-8000-000000000005", "provider": "telegram", "type": "api_key"}
_BOT = "/botmade-up-secret"


def _serves(method: str, result: Any) -> dict[str, tuple[str, str]]:
    return {f"{_BOT}/{method}": ("application/json", json.dumps({"ok": True, "result": result}))}


async def _method(ctx: Context, method: str, values: dict[str, Any]) -> Any:
    """Call a method of the Bot API and return its result."""
    mode = values.get("parse_mode")
    answer = await TELEGRAM.call(
        ctx, "POST /bot{key}/" + method, json={**values, "parse_mode": None if mode == "none" else mode}
    )
    return answer["result"]


def _answering(message_id: int | None) -> dict[str, int] | None:
    return {"message_id": message_id} if message_id else None


class Sent(Outputs):
    """Id of the message, and what became of it."""

    message_id: int
    status: str


@block(
    id="787678ad-1f47-4efc-89df-643f9908621a",
    name="SendTelegramMessageBlock",
    categories=("SOCIAL",),
    repeatable=False,
    samples=[
        Sample(
            {"chat_id": 1, "text": "Hi", "credentials": _LOGIN},
            [("message_id", 5), ("status", "Message sent")],
            serves=_serves("sendMessage", {"message_id": 5}),
        ),
        Sample(
            {"chat_id": 1, "text": "Hi", "credentials": _LOGIN},
            raises="block_failed",
            serves={
                f"{_BOT}/sendMessage": ("application/json", '{"ok": false, "description": "chat not found"}')
            },
        ),
    ],
)
async def send_telegram_message(
    chat_id: int,
    text: str,
    credentials: TelegramLogin,
    parse_mode: Advanced[ParseMode] = "none",
    reply_to_message_id: Advanced[int | None] = None,
    disable_notification: Advanced[bool] = False,
    *,
    ctx: Context,
) -> AsyncIterator[Emit[Sent]]:
    """Send a message to a chat of Telegram.

    chat_id: The id of the chat.
    text: The text, up to 4,096 characters.
    credentials: The token of a bot.
    parse_mode: How the text is formatted.
    reply_to_message_id: The message that this one answers.
    disable_notification: Send it without a sound.
    message_id: The id of the message.
    status: That it was sent.
    """
    values = {
        "chat_id": chat_id,
        "text": text,
        "parse_mode": parse_mode,
        "reply_parameters": _answering(reply_to_message_id),
        "disable_notification": disable_notification,
    }
    sent = await _method(ctx, "sendMessage", values)
    yield "message_id", sent["message_id"]
    yield "status", "Message sent"


@block(
    id="c2b1c976-844f-4b6c-ab21-4973d2ceab15",
    name="ReplyToTelegramMessageBlock",
    categories=("SOCIAL",),
    repeatable=False,
    samples=[
        Sample(
            {"chat_id": 1, "reply_to_message_id": 5, "text": "Hi", "credentials": _LOGIN},
            [("message_id", 6), ("status", "Reply sent")],
            serves=_serves("sendMessage", {"message_id": 6}),
        )
    ],
)
async def reply_to_telegram_message(
    chat_id: int,
    reply_to_message_id: int,
    text: str,
    credentials: TelegramLogin,
    parse_mode: Advanced[ParseMode] = "none",
    *,
    ctx: Context,
) -> AsyncIterator[Emit[Sent]]:
    """Answer a message of Telegram.

    chat_id: The id of the chat.
    reply_to_message_id: The message that is answered.
    text: The text, up to 4,096 characters.
    credentials: The token of a bot.
    parse_mode: How the text is formatted.
    message_id: The id of the answer.
    status: That it was sent.
    """
    values = {
        "chat_id": chat_id,
        "text": text,
        "parse_mode": parse_mode,
        "reply_parameters": _answering(reply_to_message_id),
    }
    sent = await _method(ctx, "sendMessage", values)
    yield "message_id", sent["message_id"]
    yield "status", "Reply sent"


@block(
    id="c55816a2-37af-4901-ba19-36edcf2acfc1",
    name="EditTelegramMessageBlock",
    categories=("SOCIAL",),
    samples=[
        Sample(
            {"chat_id": 1, "message_id": 5, "text": "Ho", "credentials": _LOGIN},
            [("message_id", 5), ("status", "Message edited")],
            serves=_serves("editMessageText", {"message_id": 5}),
        )
    ],
)
async def edit_telegram_message(
    chat_id: int,
    message_id: int,
    text: str,
    credentials: TelegramLogin,
    parse_mode: Advanced[ParseMode] = "none",
    *,
    ctx: Context,
) -> AsyncIterator[Emit[Sent]]:
    """Change a message that the bot has sent.

    chat_id: The id of the chat.
    message_id: The message.
    text: The new text.
    credentials: The token of the bot.
    parse_mode: How the text is formatted.
    status: That it was changed.
    """
    values = {"chat_id": chat_id, "message_id": message_id, "text": text, "parse_mode": parse_mode}
    sent = await _method(ctx, "editMessageText", values)
    yield "message_id", sent["message_id"]
    yield "status", "Message edited"


class Status(Outputs):
    """What became of it."""

    status: str


@block(
    id="bb4fd91a-883e-4d29-9879-b06c4bb79d30",
    name="DeleteTelegramMessageBlock",
    categories=("SOCIAL",),
    samples=[
        Sample(
            {"chat_id": 1, "message_id": 5, "credentials": _LOGIN},
            [("status", "Message deleted")],
            serves=_serves("deleteMessage", True),
        )
    ],
)
async def delete_telegram_message(
    chat_id: int, message_id: int, credentials: TelegramLogin, *, ctx: Context
) -> AsyncIterator[Emit[Status]]:
    """Remove a message from a chat of Telegram.

    chat_id: The id of the chat.
    message_id: The message.
    credentials: The token of a bot that may remove it.
    status: That it was removed.
    """
    await _method(ctx, "deleteMessage", {"chat_id": chat_id, "message_id": message_id})
    yield "status", "Message deleted"


async def _send_file(ctx: Context, kind: str, ref: str, name: str, values: dict[str, Any]) -> int:
    """Send a file as a photo, a document and so on; return the id of the message."""
    part = await ctx.files.read(ref)
    mode = values.get("parse_mode")
    fields = given({**values, "parse_mode": None if mode in ("none", None) else mode})
    answer = await TELEGRAM.call(
        ctx,
        "POST /bot{key}/send" + kind.capitalize(),
        data={key: value if isinstance(value, str) else json.dumps(value) for key, value in fields.items()},
        files=[(kind, (name or part.name or kind, part.data, part.media_type))],
    )
    sent: int = answer["result"]["message_id"]
    return sent


_PIXEL = "data:image/gif;base64,R0lGODlhAQABAAAAACw="


@block(
    id="ceb9fd95-fd95-49ff-b57b-278957255716",
    name="SendTelegramPhotoBlock",
    categories=("SOCIAL",),
    repeatable=False,
    samples=[
        Sample(
            {"chat_id": 1, "photo": _PIXEL, "credentials": _LOGIN},
            [("message_id", 7), ("status", "Photo sent")],
            serves=_serves("sendPhoto", {"message_id": 7}),
        )
    ],
)
async def send_telegram_photo(
    chat_id: int,
    photo: FileRef,
    credentials: TelegramLogin,
    caption: Advanced[str] = "",
    parse_mode: Advanced[ParseMode] = "none",
    reply_to_message_id: Advanced[int | None] = None,
    *,
    ctx: Context,
) -> AsyncIterator[Emit[Sent]]:
    """Send a picture to a chat of Telegram.

    chat_id: The id of the chat.
    photo: The picture, up to 10 MB.
    credentials: The token of a bot.
    caption: A text below it.
    parse_mode: How the text is formatted.
    reply_to_message_id: The message that this one answers.
    message_id: The id of the message.
    status: That it was sent.
    """
    values = {
        "chat_id": chat_id,
        "caption": caption or None,
        "parse_mode": parse_mode,
        "reply_parameters": _answering(reply_to_message_id),
    }
    yield "message_id", await _send_file(ctx, "photo", photo, "", values)
    yield "status", "Photo sent"


@block(
    id="554f4bad-4c99-48ba-9d1c-75840b71c5ad",
    name="SendTelegramDocumentBlock",
    categories=("SOCIAL",),
    repeatable=False,
    samples=[
        Sample(
            {"chat_id": 1, "document": "data:text/plain,hi", "filename": "a.txt", "credentials": _LOGIN},
            [("message_id", 8), ("status", "Document sent")],
            serves=_serves("sendDocument", {"message_id": 8}),
        )
    ],
)
async def send_telegram_document(
    chat_id: int,
    document: FileRef,
    credentials: TelegramLogin,
    filename: Advanced[str] = "",
    caption: Advanced[str] = "",
    parse_mode: Advanced[ParseMode] = "none",
    reply_to_message_id: Advanced[int | None] = None,
    *,
    ctx: Context,
) -> AsyncIterator[Emit[Sent]]:
    """Send a file to a chat of Telegram.

    chat_id: The id of the chat.
    document: The file.
    credentials: The token of a bot.
    filename: How the file is called; its own name if empty.
    caption: A text below it.
    parse_mode: How the text is formatted.
    reply_to_message_id: The message that this one answers.
    message_id: The id of the message.
    status: That it was sent.
    """
    values = {
        "chat_id": chat_id,
        "caption": caption or None,
        "parse_mode": parse_mode,
        "reply_parameters": _answering(reply_to_message_id),
    }
    yield "message_id", await _send_file(ctx, "document", document, filename, values)
    yield "status", "Document sent"


class Fetched(Outputs):
    """Pins of GetTelegramFileBlock."""

    file: FileRef
    status: str


@block(
    id="b600aaf2-6272-40c6-b973-c3984747c5bd",
    name="GetTelegramFileBlock",
    categories=("SOCIAL",),
    samples=[
        Sample(
            {"file_id": "F1", "credentials": _LOGIN},
            [("file", str), ("status", "File downloaded")],
            serves={
                **_serves("getFile", {"file_path": "photos/a b.txt"}),
                f"/file{_BOT}/photos/a%20b.txt": ("text/plain", "hi"),
            },
        )
    ],
)
async def get_telegram_file(
    file_id: str, credentials: TelegramLogin, *, ctx: Context
) -> AsyncIterator[Emit[Fetched]]:
    """Download a file that somebody sent to the bot.

    file_id: The id of the file.
    credentials: The token of the bot.
    file: A reference to the file.
    status: That it was downloaded.
    """
    found = await _method(ctx, "getFile", {"file_id": file_id})
    path = found.get("file_path")
    if not path:
        raise BlockExecutionError(f"Telegram gives bots no file of more than {FILE_BYTES} bytes.")
    answer = await TELEGRAM.ask(ctx, "GET /file/bot{key}/{path*}", path={"path": path}, max_bytes=FILE_BYTES)
    name = path.rpartition("/")[2]
    yield "file", await ctx.files.write(answer.body, name=name, media_type=answer.media_type)
    yield "status", "File downloaded"
