"""Discord, by its REST API for bots. Nothing is kept open: what waits for messages is a trigger's business."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Annotated, Any

from millstream.processors.annotations import EMPTY, Advanced, Emit, FileRef, Outputs
from millstream.processors.context import Context
from millstream.processors.credentials import Credentials
from millstream.processors.rest import Login, Service, given
from millstream.processors.samples import Sample
from millstream.processors.sdk import block
from millstream.schemas.errors import BlockInputError

DISCORD = Service(
    provider="discord",
    title="Discord",
    url="https://discord.com/api/v10",
    headers={"User-Agent": "DiscordBot (https://github.com/millstream, 0.1)"},
    login=Login(prefix="Bot "),
)
DiscordLogin = Annotated[Credentials, DISCORD.takes("api_key")]
EPOCH_MS = 1_420_070_400_000
GUILDS_LIMIT = 50
KINDS = {
    0: "text",
    2: "voice",
    4: "category",
    5: "news",
    11: "thread",
    12: "private thread",
    13: "stage",
    15: "forum",
}
LOGIN = {"id": "00000000-0000-4000-8000-000000000006", "provider": "discord", "type": "api_key"}
_NO_PINGS = {"parse": ["users"]}
"""A text may name people; `@everyone` and roles stay without effect, since texts come from models and strangers."""


def page(value: Any) -> tuple[str, str]:
    """Return a page for a sample."""
    return "application/json", json.dumps(value)


SERVERS = {
    "/users/@me/guilds": page([{"id": "1", "name": "Mill"}]),
    "/guilds/1/channels": page([{"id": "22", "name": "general", "type": 0}]),
    "/channels/22/messages": page({"id": "333", "channel_id": "22"}),
}


async def channel_of(ctx: Context, wanted: str, server: str) -> dict[str, str]:
    """Return id, name, type and server of a channel, by its id or its name. Errors: BlockInputError."""
    if wanted.isascii() and wanted.isdigit():
        found = await DISCORD.call(ctx, "GET /channels/{id}", path={"id": wanted})
        return _channel(found, {"id": found.get("guild_id") or "", "name": ""})
    name = wanted.strip().removeprefix("#").lower()
    guilds = await DISCORD.call(ctx, "GET /users/@me/guilds")
    matching = [guild for guild in guilds if not server or server in (guild["id"], guild["name"])][
        :GUILDS_LIMIT
    ]
    for guild in matching:
        channels = await DISCORD.call(ctx, "GET /guilds/{id}/channels", path={"id": guild["id"]})
        for one in channels:
            if str(one.get("name", "")).lower() == name:
                return _channel(one, guild)
    where = f"on {server!r}" if server else f"on the {len(matching)} servers that the bot is on"
    raise BlockInputError(f"There is no channel {wanted[:100]!r} {where}; give its id, or invite the bot.")


def _channel(found: dict[str, Any], guild: dict[str, Any]) -> dict[str, str]:
    return {
        "channel_id": found["id"],
        "channel_name": found.get("name") or "",
        "server_id": guild["id"],
        "server_name": guild["name"],
        "channel_type": KINDS.get(found.get("type", 0), "other"),
    }


async def _post(ctx: Context, channel_id: str, message: dict[str, Any]) -> dict[str, Any]:
    """Post a message. The nonce makes Discord take a repeated request once."""
    whole = {
        "allowed_mentions": _NO_PINGS,
        **message,
        "nonce": ctx.idempotency_key[:25],
        "enforce_nonce": True,
    }
    sent: dict[str, Any] = await DISCORD.call(
        ctx, "POST /channels/{id}/messages", path={"id": channel_id}, json=whole
    )
    return sent


class Sent(Outputs):
    """Pins of SendDiscordMessageBlock."""

    status: str
    message_id: str
    channel_id: str


@block(
    id="d0822ab5-9f8a-44a3-8971-531dd0178b6b",
    name="SendDiscordMessageBlock",
    categories=("SOCIAL",),
    repeatable=False,
    samples=[
        Sample(
            {"message_content": "Hi", "channel_name": "#general", "credentials": LOGIN},
            [("status", "Message sent"), ("message_id", "333"), ("channel_id", "22")],
            serves=SERVERS,
        ),
        Sample(
            {"message_content": "Hi", "channel_name": "other", "credentials": LOGIN},
            raises="block_input_invalid",
            serves=SERVERS,
        ),
    ],
)
async def send_discord_message(
    message_content: str,
    channel_name: str,
    credentials: DiscordLogin,
    server_name: Advanced[str] = "",
    *,
    ctx: Context,
) -> AsyncIterator[Emit[Sent]]:
    """Post a message to a channel of Discord. A long text becomes several messages; `@everyone` has no effect.

    message_content: The text.
    channel_name: The channel, by name or id.
    credentials: The token of a bot that is on the server.
    server_name: The server, by name or id; needed if several have a channel of this name.
    status: That it was sent.
    message_id: The id of the message; of several the first.
    channel_id: The id of the channel.
    """
    channel = await channel_of(ctx, channel_name, server_name)
    pieces = [
        message_content[at : at + 2000] for at in range(0, min(len(message_content), 20_000), 2000)
    ] or [""]
    first: dict[str, Any] = {}
    for number, piece in enumerate(pieces):
        key = ctx.idempotency_key[:22] + f"-{number}"
        message = {"content": piece, "allowed_mentions": _NO_PINGS, "nonce": key, "enforce_nonce": True}
        sent = await DISCORD.call(
            ctx, "POST /channels/{id}/messages", path={"id": channel["channel_id"]}, json=message
        )
        first = first or sent
    yield "status", "Message sent"
    yield "message_id", first["id"]
    yield "channel_id", first["channel_id"]


class Told(Outputs):
    """Pins of the blocks that send something else."""

    status: str
    message_id: str


@block(
    id="40d71a5a-e268-4060-9ee0-38ae6f225682",
    name="SendDiscordDMBlock",
    categories=("SOCIAL",),
    repeatable=False,
    samples=[
        Sample(
            {"user_id": "9", "message_content": "Hi", "credentials": LOGIN},
            [("status", "Message sent"), ("message_id", "333")],
            serves={**SERVERS, "/users/@me/channels": page({"id": "22"})},
        )
    ],
)
async def send_discord_dm(
    user_id: str, message_content: str, credentials: DiscordLogin, *, ctx: Context
) -> AsyncIterator[Emit[Told]]:
    """Send a direct message to somebody on Discord.

    user_id: The id of the person.
    message_content: The text, up to 2,000 characters.
    credentials: The token of a bot that shares a server with the person.
    status: That it was sent.
    message_id: The id of the message.
    """
    opened = await DISCORD.call(ctx, "POST /users/@me/channels", json={"recipient_id": user_id})
    sent = await _post(ctx, opened["id"], {"content": message_content})
    yield "status", "Message sent"
    yield "message_id", sent["id"]


@block(
    id="c76293f4-9ae8-454d-a029-0a3f8c5bc499",
    name="SendDiscordEmbedBlock",
    categories=("SOCIAL",),
    repeatable=False,
    samples=[
        Sample(
            {
                "channel_identifier": "general",
                "title": "T",
                "fields": [{"name": "a", "value": "b"}],
                "credentials": LOGIN,
            },
            [("status", "Embed sent"), ("message_id", "333")],
            serves=SERVERS,
        )
    ],
)
async def send_discord_embed(
    channel_identifier: str,
    credentials: DiscordLogin,
    server_name: Advanced[str] = "",
    title: Advanced[str] = "",
    description: Advanced[str] = "",
    color: Advanced[int] = 5793266,
    thumbnail_url: Advanced[str] = "",
    image_url: Advanced[str] = "",
    author_name: Advanced[str] = "",
    footer_text: Advanced[str] = "",
    fields: Advanced[list[dict[str, Any]]] = EMPTY,
    *,
    ctx: Context,
) -> AsyncIterator[Emit[Told]]:
    """Post a message with a frame, pictures and fields to a channel of Discord.

    channel_identifier: The channel, by id or name.
    credentials: The token of a bot that is on the server.
    server_name: The server, by name or id.
    title: The title.
    description: The text.
    color: The colour of the frame, as a number.
    thumbnail_url: A small picture.
    image_url: A large picture.
    author_name: A name above the title.
    footer_text: A line below.
    fields: Up to 25 fields, each with `name`, `value` and perhaps `inline`.
    status: That it was sent.
    message_id: The id of the message.
    """
    channel = await channel_of(ctx, channel_identifier, server_name)
    embed = given(
        {
            "title": title or None,
            "description": description or None,
            "color": color,
            "thumbnail": {"url": thumbnail_url} if thumbnail_url else None,
            "image": {"url": image_url} if image_url else None,
            "author": {"name": author_name} if author_name else None,
            "footer": {"text": footer_text} if footer_text else None,
            "fields": list(fields)[:25] or None,
        }
    )
    sent = await _post(ctx, channel["channel_id"], {"embeds": [embed]})
    yield "status", "Embed sent"
    yield "message_id", sent["id"]


@block(
    id="b1628cf2-4622-49bf-80cf-10e55826e247",
    name="SendDiscordFileBlock",
    categories=("SOCIAL",),
    repeatable=False,
    samples=[
        Sample(
            {
                "channel_identifier": "general",
                "file": "data:text/plain,hi",
                "filename": "a.txt",
                "credentials": LOGIN,
            },
            [("status", "File sent"), ("message_id", "333")],
            serves=SERVERS,
        )
    ],
)
async def send_discord_file(
    channel_identifier: str,
    file: FileRef,
    credentials: DiscordLogin,
    server_name: Advanced[str] = "",
    filename: Advanced[str] = "",
    message_content: Advanced[str] = "",
    *,
    ctx: Context,
) -> AsyncIterator[Emit[Told]]:
    """Send a file to a channel of Discord.

    channel_identifier: The channel, by id or name.
    file: The file.
    credentials: The token of a bot that is on the server.
    server_name: The server, by name or id.
    filename: How the file is called; its own name if empty.
    message_content: A text that goes along.
    status: That it was sent.
    message_id: The id of the message.
    """
    channel = await channel_of(ctx, channel_identifier, server_name)
    part = await ctx.files.read(file)
    message = {"content": message_content, "allowed_mentions": _NO_PINGS}
    sent = await DISCORD.call(
        ctx,
        "POST /channels/{id}/messages",
        path={"id": channel["channel_id"]},
        data={"payload_json": json.dumps(message)},
        files=[("files[0]", (filename or part.name or "file", part.data, part.media_type))],
    )
    yield "status", "File sent"
    yield "message_id", sent["id"]


class Replied(Outputs):
    """Pins of ReplyToDiscordMessageBlock."""

    status: str
    reply_id: str


@block(
    id="7226cb99-6e7b-4672-b6b2-acec95336eec",
    name="ReplyToDiscordMessageBlock",
    categories=("SOCIAL",),
    repeatable=False,
    samples=[
        Sample(
            {"channel_id": "22", "message_id": "1", "reply_content": "Ho", "credentials": LOGIN},
            [("status", "Reply sent"), ("reply_id", "333")],
            serves=SERVERS,
        )
    ],
)
async def reply_to_discord_message(
    channel_id: str,
    message_id: str,
    reply_content: str,
    credentials: DiscordLogin,
    mention_author: Advanced[bool] = True,
    *,
    ctx: Context,
) -> AsyncIterator[Emit[Replied]]:
    """Answer a message of Discord.

    channel_id: The id of the channel.
    message_id: The message that is answered.
    reply_content: The text, up to 2,000 characters.
    credentials: The token of a bot that is on the server.
    mention_author: Whether the writer of the message is told.
    status: That it was sent.
    reply_id: The id of the answer.
    """
    message = {
        "content": reply_content,
        "message_reference": {"message_id": message_id},
        "allowed_mentions": {**_NO_PINGS, "replied_user": mention_author},
    }
    sent = await _post(ctx, channel_id, message)
    yield "status", "Reply sent"
    yield "reply_id", sent["id"]
