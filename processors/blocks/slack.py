"""Slack, by its Web API."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Annotated, Any

from pydantic import Field

from millstream.processors.annotations import Advanced, Emit, Outputs
from millstream.processors.context import Context
from millstream.processors.credentials import Credentials
from millstream.processors.rest import Service, given
from millstream.processors.samples import Sample
from millstream.processors.sdk import block

SLACK = Service(
    provider="slack",
    title="Slack",
    url="https://slack.com/api",
    failed=lambda answer: isinstance(answer, dict) and answer.get("ok") is False,
)
SlackLogin = Annotated[Credentials, SLACK.takes("api_key")]
_LOGIN = {"id": "00000000-0000-4000-8000-000000000004", "provider": "slack", "type": "api_key"}


class Posted(Outputs):
    """Pins of SendSlackMessageBlock."""

    ts: str
    channel: str


@block(
    id="50cf5290-ec87-4ca1-b7d7-b8b4ef772f6d",
    name="SendSlackMessageBlock",
    categories=("SOCIAL",),
    repeatable=False,
    samples=[
        Sample(
            {"channel": "#general", "text": "Hi", "credentials": _LOGIN},
            [("ts", "1.2"), ("channel", "C1")],
            serves={
                "/chat.postMessage": (
                    "application/json",
                    json.dumps({"ok": True, "ts": "1.2", "channel": "C1"}),
                )
            },
        ),
        Sample(
            {"channel": "#none", "text": "Hi", "credentials": _LOGIN},
            raises="block_failed",
            serves={"/chat.postMessage": ("application/json", '{"ok": false, "error": "channel_not_found"}')},
        ),
    ],
)
async def send_slack_message(
    channel: str,
    text: str,
    credentials: SlackLogin,
    thread_ts: Advanced[str | None] = None,
    username: Advanced[str | None] = None,
    icon_emoji: Advanced[str | None] = None,
    unfurl_links: Advanced[bool] = True,
    mrkdwn: Advanced[bool] = True,
    *,
    ctx: Context,
) -> AsyncIterator[Emit[Posted]]:
    """Post a message to a channel of Slack.

    channel: The channel, by id or `#name`.
    text: The text, in Slack's own Markdown.
    credentials: A bot token, `xoxb-...`, with the scope `chat:write`.
    thread_ts: The message whose thread it belongs to.
    username: A name for the sender, if the bot may choose one.
    icon_emoji: An emoji as picture of the sender, like `:robot_face:`.
    unfurl_links: Whether links show what is behind them.
    mrkdwn: Whether the text is formatted.
    ts: The id of the message in its channel.
    channel: The id of the channel.
    """
    wanted = {
        "channel": channel,
        "text": text,
        "thread_ts": thread_ts,
        "username": username,
        "icon_emoji": icon_emoji,
        "unfurl_links": unfurl_links,
        "mrkdwn": mrkdwn,
    }
    sent = await SLACK.call(ctx, "POST /chat.postMessage", json=wanted)
    yield "ts", sent["ts"]
    yield "channel", sent["channel"]


class Messages(Outputs):
    """Pins of ReadSlackChannelBlock."""

    message: dict[str, Any]
    messages: list[dict[str, Any]]


_MESSAGE = {"ts": "1.2", "user": "U1", "text": "Hi"}


@block(
    categories=("SOCIAL", "INPUT"),
    samples=[
        Sample(
            {"channel": "C1", "credentials": _LOGIN},
            [("message", {**_MESSAGE, "thread_ts": ""}), ("messages", [{**_MESSAGE, "thread_ts": ""}])],
            serves={
                "/conversations.history": (
                    "application/json",
                    json.dumps({"ok": True, "messages": [{**_MESSAGE, "type": "message"}]}),
                )
            },
        )
    ],
)
async def read_slack_channel(
    channel: str,
    credentials: SlackLogin,
    after: Advanced[str] = "",
    most: Annotated[int, Field(ge=1, le=200)] = 50,
    *,
    ctx: Context,
) -> AsyncIterator[Emit[Messages]]:
    """Read the newest messages of a channel of Slack, the oldest of them first.

    channel: The id of the channel, like `C0123456789`.
    credentials: A bot token with the scope `channels:history`.
    after: Only messages after this one: its `ts`.
    most: How many messages are read at most.
    message: Each message: `ts`, `user`, `text`, `thread_ts`.
    messages: All messages.
    """
    found = await SLACK.call(
        ctx, "GET /conversations.history", query={"channel": channel, "oldest": after or None, "limit": most}
    )
    shown = [
        {name: row.get(name) or "" for name in ("ts", "user", "text", "thread_ts")}
        for row in reversed(found.get("messages") or [])
    ]
    for each in shown:
        yield "message", given(each)
    yield "messages", shown
