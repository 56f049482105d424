"""Discord: who and what there is."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime

from millstream.processors.annotations import Advanced, Emit, Outputs
from millstream.processors.blocks.discord import (
    DISCORD,
    EPOCH_MS,
    LOGIN,
    SERVERS,
    DiscordLogin,
    channel_of,
    page,
)
from millstream.processors.context import Context
from millstream.processors.samples import Sample
from millstream.processors.sdk import block


class Person(Outputs):
    """Pins of DiscordUserInfoBlock."""

    user_id: str
    username: str
    display_name: str
    discriminator: str
    avatar_url: str
    is_bot: bool
    created_at: str


@block(
    id="9aeed32a-6ebf-49b8-a0a3-e2e509d86120",
    name="DiscordUserInfoBlock",
    categories=("SOCIAL",),
    samples=[
        Sample(
            {"user_id": "175928847299117063", "credentials": LOGIN},
            [
                ("user_id", "175928847299117063"),
                ("username", "ada"),
                ("display_name", "Ada"),
                ("discriminator", "0"),
                ("avatar_url", "https://cdn.discordapp.com/avatars/175928847299117063/h.png"),
                ("is_bot", False),
                ("created_at", "2016-04-30T11:18:25.796000+00:00"),
            ],
            serves={
                "/users/175928847299117063": page(
                    {
                        "id": "175928847299117063",
                        "username": "ada",
                        "global_name": "Ada",
                        "discriminator": "0",
                        "avatar": "h",
                    }
                )
            },
        )
    ],
)
async def discord_user_info(
    user_id: str, credentials: DiscordLogin, *, ctx: Context
) -> AsyncIterator[Emit[Person]]:
    """Tell who somebody on Discord is.

    user_id: The id of the person.
    credentials: The token of a bot.
    username: The name.
    display_name: The name that is shown.
    discriminator: The four digits of old names, else `0`.
    avatar_url: The address of the picture; empty if there is none.
    is_bot: Whether it is a bot.
    created_at: When the account was made.
    """
    found = await DISCORD.call(ctx, "GET /users/{id}", path={"id": user_id})
    avatar = found.get("avatar")
    made = datetime.fromtimestamp(((int(found["id"]) >> 22) + EPOCH_MS) / 1000, UTC)
    yield "user_id", found["id"]
    yield "username", found["username"]
    yield "display_name", found.get("global_name") or found["username"]
    yield "discriminator", found.get("discriminator") or "0"
    yield "avatar_url", f"https://cdn.discordapp.com/avatars/{found['id']}/{avatar}.png" if avatar else ""
    yield "is_bot", bool(found.get("bot"))
    yield "created_at", made.isoformat()


class Channel(Outputs):
    """Pins of DiscordChannelInfoBlock."""

    channel_id: str
    channel_name: str
    server_id: str
    server_name: str
    channel_type: str


@block(
    id="592f815e-35c3-4fed-96cd-a69966b45c8f",
    name="DiscordChannelInfoBlock",
    categories=("SOCIAL",),
    samples=[
        Sample(
            {"channel_identifier": "general", "server_name": "Mill", "credentials": LOGIN},
            [
                ("channel_id", "22"),
                ("channel_name", "general"),
                ("server_id", "1"),
                ("server_name", "Mill"),
                ("channel_type", "text"),
            ],
            serves=SERVERS,
        )
    ],
)
async def discord_channel_info(
    channel_identifier: str, credentials: DiscordLogin, server_name: Advanced[str] = "", *, ctx: Context
) -> AsyncIterator[Emit[Channel]]:
    """Tell what a channel of Discord is.

    channel_identifier: The channel, by id or name.
    credentials: The token of a bot that is on the server.
    server_name: The server, by name or id.
    channel_id: The id of the channel.
    channel_name: Its name.
    server_id: The id of its server.
    server_name: The name of its server; empty if the channel was given by its id.
    channel_type: What it is for: `text`, `voice`, `news`, `thread` and so on.
    """
    for pin, value in (await channel_of(ctx, channel_identifier, server_name)).items():
        yield pin, value
