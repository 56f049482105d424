"""Mail out, by SMTP. The server is reached through the guard, and gets a log-in only under TLS and only if it is its own."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Annotated, Any, Literal

from pydantic import Field
from typing_extensions import TypedDict

from millstream.processors.annotations import EMPTY, Advanced, Emit, FileRef, LongText, Outputs, ShortText
from millstream.processors.context import Context
from millstream.processors.credentials import Credentials, Provider, UserPassword
from millstream.processors.guards.connecting import connected, require_bound
from millstream.processors.mailing import Letter, written
from millstream.processors.samples import Sample
from millstream.processors.sdk import block
from millstream.schemas.errors import BlockExecutionError, BlockInputError, CredentialError, UpstreamError

SEND_S = 60.0
OWN_NAME = "[127.0.0.1]"
"""How we greet: the name of this machine is nobody's business."""
Security = Literal["auto", "tls", "starttls", "none"]
_SMTP = {"id": "00000000-0000-4000-8000-000000000001", "provider": "smtp", "type": "user_password"}


async def deliver(
    ctx: Context, letter: Letter, *, host: str, port: int, security: Security, login: UserPassword | None
) -> dict[str, str]:
    """Hand a letter to a server; return the addresses that it refused, with its words.

    Errors: BlockInputError, AddressRefusedError, CredentialError, UpstreamError, BlockExecutionError.
    """
    import aiosmtplib

    message, everybody = written(letter, ctx.idempotency_key)
    if login is not None:
        require_bound(login, host, port)
        if security == "none":
            raise BlockInputError(
                "Without TLS no password is sent; choose `tls` or `starttls`.", pin="security"
            )
    implicit = security == "tls" or (security == "auto" and port == 465)
    link = await connected(ctx.http, host, port)
    client = aiosmtplib.SMTP(
        hostname=host,
        sock=link,
        use_tls=implicit,
        start_tls=not implicit and security != "none",
        local_hostname=OWN_NAME,
        timeout=SEND_S,
    )
    try:
        await client.connect()
        if login is not None:
            await client.login(login.username, login.password.get_secret_value())
        refused, _ = await client.send_message(
            message, sender=str(message["From"].addresses[0].addr_spec), recipients=everybody
        )
        await client.quit()
    except aiosmtplib.SMTPAuthenticationError as error:
        raise CredentialError(f"{host} does not accept this log-in ({error.code}): {error.message}") from None
    except aiosmtplib.SMTPRecipientsRefused as error:
        said = "; ".join(f"{each.recipient}: {each.message}" for each in error.recipients[:5])
        raise BlockExecutionError(f"{host} refused every address: {said}") from error
    except aiosmtplib.SMTPResponseException as error:
        kind = UpstreamError if 400 <= error.code < 500 else BlockExecutionError
        raise kind(f"{host} refused the mail ({error.code}): {error.message}") from error
    except (aiosmtplib.SMTPException, OSError) as error:
        raise UpstreamError(f"{host} did not take the mail: {error}") from error
    finally:
        client.close()
    return {address: f"{answer.code} {answer.message}" for address, answer in refused.items()}


async def password_of(ctx: Context, pin: str = "credentials") -> UserPassword:
    """Return the name and password on a pin. Errors: CredentialError."""
    held = await ctx.credentials(pin)
    if not isinstance(held, UserPassword):
        raise CredentialError("A mail server takes a name and a password.", pin=pin)
    return held


class Server(TypedDict):
    """The SMTP server of SendEmailBlock."""

    smtp_server: str
    smtp_port: int


class Status(Outputs):
    """Pins of SendEmailBlock."""

    status: str


_LETTER: dict[str, Any] = {"to_email": "ada@example.com", "subject": "Hi", "body": "Hello"}


@block(
    id="4335878a-394e-4e67-adf2-919877ff49ae",
    name="SendEmailBlock",
    categories=("OUTPUT",),
    sensitive=True,
    repeatable=False,
    samples=[
        Sample(
            {**_LETTER, "config": {"smtp_server": "127.0.0.1", "smtp_port": 25}, "credentials": _SMTP},
            raises="address_refused",
        ),
    ],
)
async def send_email(
    to_email: str,
    subject: str,
    body: str,
    config: Server,
    credentials: Annotated[Credentials, Provider("smtp", types=("user_password",))],
    *,
    ctx: Context,
) -> AsyncIterator[Emit[Status]]:
    """Send a mail by an SMTP server, always under TLS (at once on port 465, else by STARTTLS).

    The credential must name the server in its hosts, so that no shared graph can send your password to another one.

    to_email: Where it goes.
    subject: The subject.
    body: The text.
    config: The server and its port.
    credentials: Name and password of the sender's account.
    status: That it was sent.
    """
    login = await password_of(ctx)
    letter = Letter(sender=login.username, to=[to_email], subject=subject, text=body)
    host, port = config["smtp_server"].strip(), config["smtp_port"]
    await deliver(ctx, letter, host=host, port=port, security="auto", login=login)
    yield "status", "Email sent successfully"


class Sent(Outputs):
    """Pins of SendMailBlock."""

    message_id: str
    refused: dict[str, str]


@block(
    categories=("OUTPUT", "COMMUNICATION"),
    sensitive=True,
    repeatable=False,
    samples=[
        Sample(
            {"host": "10.0.0.1", "from_email": "a@e.com", "to": ["b@e.com"], "subject": "Hi", "text": "x"},
            raises="address_refused",
        ),
        Sample(
            {"host": "127.0.0.1", "from_email": "a@e.com", "to": ["no address"], "subject": "Hi"},
            raises="block_input_invalid",
        ),
        Sample(
            {"host": "127.0.0.1", "from_email": "a@e.com", "to": ["b@e.com"], "subject": "Hi\nBcc: c@e.com"},
            raises="block_input_invalid",
        ),
    ],
)
async def send_mail(
    host: ShortText,
    from_email: ShortText,
    to: list[str],
    subject: ShortText,
    text: LongText = "",
    html: Advanced[LongText] = "",
    attachments: list[FileRef] = EMPTY,
    cc: Advanced[list[str]] = EMPTY,
    bcc: Advanced[list[str]] = EMPTY,
    reply_to: Advanced[ShortText] = "",
    in_reply_to: Advanced[ShortText] = "",
    port: Annotated[int, Field(ge=1, le=65_535)] = 587,
    security: Advanced[Security] = "auto",
    credentials: Annotated[Credentials | None, Provider("smtp", types=("user_password",))] = None,
    *,
    ctx: Context,
) -> AsyncIterator[Emit[Sent]]:
    """Send a mail with text, HTML and files to several people by an SMTP server.

    A credential must name the server in its hosts. It is not sent again after a crash.

    host: The SMTP server.
    from_email: The sender, like `Ada <ada@example.com>`.
    to: The addresses that it goes to.
    subject: The subject.
    text: The text; made of the HTML if it is empty.
    html: The same as HTML.
    attachments: Files that go along, 20 MB together.
    cc: Addresses that get a copy.
    bcc: Addresses that get a copy of which the others do not know.
    reply_to: Where answers go.
    in_reply_to: The Message-ID of the mail that this one answers.
    port: The port of the server.
    security: `tls` from the start, `starttls`, or `none` (then no password is sent); `auto` is `tls` on port 465 and
        `starttls` on all others.
    credentials: Name and password of the sender's account.
    message_id: The Message-ID of the mail.
    refused: Addresses that the server refused, with its words, if it took others.
    """
    login = await password_of(ctx) if credentials else None
    files = [await ctx.files.read(each) for each in attachments[:50]]
    letter = Letter(
        sender=from_email,
        to=to,
        cc=cc,
        bcc=bcc,
        subject=subject,
        text=text,
        html=html,
        reply_to=reply_to,
        in_reply_to=in_reply_to,
        attachments=files,
    )
    message, _ = written(letter, ctx.idempotency_key)
    refused = await deliver(ctx, letter, host=host.strip(), port=port, security=security, login=login)
    yield "message_id", str(message["Message-ID"])
    if refused:
        yield "refused", refused
