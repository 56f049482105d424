"""Twilio: text messages and calls."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator
from typing import Annotated, Any
from xml.sax.saxutils import escape

from pydantic import Field

from millstream.processors.annotations import EMPTY, Advanced, Emit, Outputs
from millstream.processors.context import Context
from millstream.processors.credentials import Credentials, UserPassword
from millstream.processors.rest import Service
from millstream.processors.samples import Sample
from millstream.processors.sdk import block
from millstream.schemas.errors import BlockInputError

TWILIO = Service(provider="twilio", title="Twilio", url="https://api.twilio.com/2010-04-01")
TwilioLogin = Annotated[Credentials, TWILIO.takes("user_password")]
_PHONE = re.compile(r"(?:whatsapp:)?\+[1-9]\d{6,14}")
_ACCOUNT = re.compile(r"AC[0-9a-fA-F]{32}")
_LOGIN = {"id": "00000000-0000-4000-8000-000000000003", "provider": "twilio", "type": "user_password"}
_SID = "AC" + "0" * 32
_SENT = {"sid": "SM1", "status": "queued", "error_message": None}
_ASK = {"credentials": _LOGIN, "account_sid": _SID}


def _served(value: Any) -> tuple[str, str]:
    return "application/json", json.dumps(value)


async def _account(ctx: Context, given: str) -> str:
    """The account that is used: the one that is named, else the user name of the credential. Errors: BlockInputError."""
    held = await ctx.credentials("credentials")
    sid = given.strip() or (held.username if isinstance(held, UserPassword) else "")
    if not _ACCOUNT.fullmatch(sid):
        raise BlockInputError(
            "The user name of the credential is no account SID (AC and 32 digits); give it as account_sid.",
            pin="account_sid",
        )
    return sid


def _phone(number: str, pin: str) -> str:
    plain = re.sub(r"[\s()./-]", "", number)
    if not _PHONE.fullmatch(plain):
        raise BlockInputError(f"{pin} is {number!r}; give a number like +491701234567.", pin=pin)
    return plain


class Sent(Outputs):
    """A message or a call."""

    sid: str
    status: str


@block(
    name="TwilioSendMessageBlock",
    categories=("COMMUNICATION",),
    repeatable=False,
    samples=[
        Sample(
            {**_ASK, "to": "+49 170 1234567", "from_": "+15551234567", "body": "Tea is ready."},
            raises="block_input_invalid",
        ),
        Sample(
            {**_ASK, "to": "+49 170 1234567", "from": "+15551234567", "body": "Tea is ready."},
            [("sid", "SM1"), ("status", "queued")],
            serves={f"/Accounts/{_SID}/Messages.json": _served(_SENT)},
        ),
        Sample({**_ASK, "to": "0170", "from": "+15551234567", "body": "x"}, raises="block_input_invalid"),
    ],
)
async def twilio_send_message(
    credentials: TwilioLogin,
    to: str,
    from_: str,
    body: Annotated[str, Field(max_length=1600)],
    media_urls: Advanced[list[str]] = EMPTY,
    account_sid: Advanced[str] = "",
    *,
    ctx: Context,
) -> AsyncIterator[Emit[Sent]]:
    """Send a text message (SMS, or WhatsApp with `whatsapp:` before the numbers).

    credentials: Account SID and auth token; or the SID and secret of an API key, with account_sid.
    to: Whom it goes to, such as +491701234567.
    from: Your number at Twilio.
    body: The text.
    media_urls: Public addresses of pictures that go along, ten at most.
    account_sid: The account, if the user name of the credential is not its SID.
    sid: Id of the message.
    status: `queued`, `sent` and so on.
    """
    if len(media_urls) > 10:
        raise BlockInputError("Twilio takes ten pictures at most.", pin="media_urls")
    data: dict[str, Any] = {"To": _phone(to, "to"), "From": _phone(from_, "from"), "Body": body}
    if media_urls:
        data["MediaUrl"] = list(media_urls)
    path = {"account": await _account(ctx, account_sid)}
    made = await TWILIO.call(ctx, "POST /Accounts/{account}/Messages.json", path=path, data=data)
    yield "sid", made["sid"]
    yield "status", made["status"]


class Status(Outputs):
    """Pins of TwilioGetMessageBlock."""

    status: str
    message: dict[str, Any]


@block(
    name="TwilioGetMessageBlock",
    categories=("COMMUNICATION",),
    samples=[
        Sample(
            {**_ASK, "sid": "SM1"},
            [("status", "queued"), ("message", _SENT)],
            serves={f"/Accounts/{_SID}/Messages/SM1.json": _served(_SENT)},
        ),
        Sample({**_ASK, "sid": "SM2"}, raises="block_failed", serves={"/": ("text/plain", "")}),
    ],
)
async def twilio_get_message(
    credentials: TwilioLogin, sid: str, account_sid: Advanced[str] = "", *, ctx: Context
) -> AsyncIterator[Emit[Status]]:
    """Look whether a message has arrived.

    credentials: Account SID and auth token; or the SID and secret of an API key, with account_sid.
    sid: Id of the message.
    account_sid: The account, if the user name of the credential is not its SID.
    status: `queued`, `sent`, `delivered`, `undelivered`, `failed` and so on.
    message: The message as Twilio has it.
    """
    path = {"account": await _account(ctx, account_sid), "sid": sid}
    found = await TWILIO.call(ctx, "GET /Accounts/{account}/Messages/{sid}.json", path=path)
    yield "status", found["status"]
    yield "message", found


@block(
    name="TwilioMakeCallBlock",
    categories=("COMMUNICATION",),
    repeatable=False,
    samples=[
        Sample(
            {**_ASK, "to": "+491701234567", "from": "+15551234567", "text": "Tea & <cake>"},
            [("sid", "CA1"), ("status", "queued")],
            serves={f"/Accounts/{_SID}/Calls.json": _served({"sid": "CA1", "status": "queued"})},
        )
    ],
)
async def twilio_make_call(
    credentials: TwilioLogin,
    to: str,
    from_: str,
    text: Annotated[str, Field(min_length=1, max_length=3000)],
    language: Advanced[Annotated[str, Field(pattern="^[a-zA-Z]{2,3}(-[A-Za-z0-9]{2,4})?$")]] = "en-US",
    account_sid: Advanced[str] = "",
    *,
    ctx: Context,
) -> AsyncIterator[Emit[Sent]]:
    """Call somebody and say a text.

    credentials: Account SID and auth token; or the SID and secret of an API key, with account_sid.
    to: Whom to call, such as +491701234567.
    from: Your number at Twilio.
    text: What is said.
    language: In which language, such as de-DE.
    account_sid: The account, if the user name of the credential is not its SID.
    sid: Id of the call.
    status: `queued`, `ringing` and so on.
    """
    said = f'<Response><Say language="{language}">{escape(text)}</Say></Response>'
    data = {"To": _phone(to, "to"), "From": _phone(from_, "from"), "Twiml": said}
    path = {"account": await _account(ctx, account_sid)}
    made = await TWILIO.call(ctx, "POST /Accounts/{account}/Calls.json", path=path, data=data)
    yield "sid", made["sid"]
    yield "status", made["status"]
