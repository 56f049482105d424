"""What blocks of S3 and Google send, against a server that keeps it, and signatures that others have made."""

from __future__ import annotations

import asyncio
import base64
import json
from datetime import UTC, datetime
from email import message_from_bytes, policy
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import obstore
import pytest
from obstore.store import S3Store
from pydantic import SecretStr

from millstream.processors.blocks import google_calendar, google_mail, google_sheets, s3_objects
from millstream.processors.generated.s3_signing import signed
from millstream.processors.guards.http import GuardedHttp
from millstream.schemas.errors import AddressRefusedError, BlockExecutionError, BlockInputError
from millstream.testing import SECRET, confidence, emits
from tests.unit.processors.conftest import Request, answer, serving
from tests.unit.processors.test_services_business import login, run_of, service

KEYS = ("AKIAIOSFODNN7EXAMPLE", SecretStr("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"))


def test_the_example_of_the_manual_is_signed_as_the_manual_says() -> None:
    """Source: AWS, "Authenticating requests: using the authorization header", GET object."""
    got = signed(
        "GET",
        "https://examplebucket.s3.amazonaws.com/test.txt",
        query={},
        headers={"Range": "bytes=0-9"},
        body=b"",
        key_id=KEYS[0],
        secret=KEYS[1],
        region="us-east-1",
        now=datetime(2013, 5, 24, tzinfo=UTC),
    )
    signature = "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41"
    assert got["Authorization"].endswith(f"Signature={signature}")
    assert "SignedHeaders=host;range;x-amz-content-sha256;x-amz-date" in got["Authorization"]


async def test_another_client_signs_the_same() -> None:
    """obstore asks; from what it sent, our own code must come to the same signature."""

    async def handle(request: Request, writer: asyncio.StreamWriter) -> None:
        await answer(
            writer,
            200,
            b"tea",
            Content_Type="text/plain",
            ETag='"e"',
            Last_Modified="Mon, 05 Jan 2026 10:00:00 GMT",
        )

    async with serving(handle) as server:
        store = S3Store(
            "teas",
            endpoint=server.url,
            region="eu-central-1",
            access_key_id=KEYS[0],
            secret_access_key=KEYS[1].get_secret_value(),
            client_options={"allow_http": True},
            virtual_hosted_style_request=False,
        )
        await obstore.put_async(store, "a b/ü+(1).txt", b"tea", use_multipart=False)
        await (await obstore.get_async(store, "a b/ü+(1).txt")).bytes_async()
    assert len(server.requests) == 2
    for request in server.requests:
        theirs = request.headers["authorization"]
        names = theirs.partition("SignedHeaders=")[2].partition(",")[0].split(";")
        when = datetime.strptime(request.headers["x-amz-date"], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
        parts = urlsplit(request.path)
        ours = signed(
            request.method,
            f"{server.url}{parts.path}",
            query=dict(parse_qsl(parts.query, keep_blank_values=True)),
            headers={
                name: request.headers[name]
                for name in names
                if name not in ("host", "x-amz-date", "x-amz-content-sha256")
            },
            body=request.body,
            key_id=KEYS[0],
            secret=KEYS[1],
            region="eu-central-1",
            now=when,
        )
        assert ours["Authorization"] == theirs


async def test_objects_are_put_fetched_listed_and_deleted() -> None:
    kept: dict[str, bytes] = {}

    def answers(request: Request) -> tuple[int, Any]:
        assert request.headers["authorization"].startswith("AWS4-HMAC-SHA256 Credential=")
        assert SECRET not in str(request.headers)
        if request.method == "PUT":
            kept[request.path] = request.body
        return 200, kept.get(request.path, b"")

    async with service(answers) as (server, http):
        block = s3_objects.s3_put_object
        where = {"credentials": login("s3", "user_password"), "bucket": "teas", "key": "/a b/1+2.txt"}
        inputs = where | {"file": "data:text/plain,tea"}
        await emits(block, inputs, run_of(block, inputs, http))
        block = s3_objects.s3_get_object
        ctx = run_of(block, where, http)
        got = dict(await emits(block, where, ctx))
        assert (await ctx.files.read(got["file"])).data == b"tea"
        block = s3_objects.s3_delete_object
        await emits(block, where, run_of(block, where, http))
        block = s3_objects.s3_list_objects
        inputs = {"credentials": where["credentials"], "bucket": "teas", "prefix": "a b/"}
        with pytest.raises(BlockExecutionError, match="list of objects"):
            await emits(block, inputs, run_of(block, inputs, http))
    put, fetched, gone, listed = server.requests
    assert put.headers["content-type"] == "text/plain"
    assert {put.path, fetched.path, gone.path} == {"/teas/a%20b/1%2B2.txt"}
    assert gone.method == "DELETE"
    assert listed.path == "/teas?list-type=2&max-keys=100&prefix=a%20b%2F"


async def test_refusals_have_the_words_of_the_service_and_secrets_stay_with_their_hosts() -> None:
    problem = b"<Error><Code>AccessDenied</Code><Message>Not yours</Message></Error>"

    async def handle(request: Request, writer: asyncio.StreamWriter) -> None:
        await answer(writer, 403, problem, Content_Type="application/xml")

    block = s3_objects.s3_get_object
    async with serving(handle) as server, GuardedHttp(allow=frozenset({server.origin})) as http:
        inputs = {
            "credentials": login("s3", "user_password"),
            "bucket": "teas",
            "key": "x",
            "endpoint": server.url,
        }
        with pytest.raises(AddressRefusedError, match="amazonaws"):
            await emits(block, inputs, run_of(block, inputs, http))
        assert server.requests == []
        ctx = run_of(block, inputs, http)
        ctx.confidence = confidence(block, inputs, hosts=(server.origin,))
        with pytest.raises(BlockExecutionError, match=r"\(403\): AccessDenied: Not yours"):
            await emits(block, inputs, ctx)


async def test_a_mail_goes_out_as_one() -> None:
    async with service(lambda _: (200, {"id": "m1"})) as (server, http):
        block = google_mail.gmail_send
        inputs = {
            "credentials": login("google", "oauth2"),
            "to": ["Bob <bob@example.com>"],
            "bcc": ["eve@example.com"],
            "subject": "Grüße",
            "body": "<p>Tea</p>",
            "attachments": ["data:text/plain,menu"],
        }
        await emits(block, inputs, run_of(block, inputs, http))
    [sent] = server.requests
    assert sent.headers["authorization"] == f"Bearer {SECRET}"
    raw = base64.urlsafe_b64decode(json.loads(sent.body)["raw"])
    mail = message_from_bytes(raw, policy=policy.default)
    assert (mail["to"], mail["bcc"], mail["subject"]) == ("Bob <bob@example.com>", "eve@example.com", "Grüße")
    html, attachment = mail.iter_parts()
    assert html.get_content_type() == "text/html"
    assert attachment.get_content().strip() == "menu"
    assert not block.spec.repeatable


@pytest.mark.parametrize(
    "wrong", [{"to": ["bob@example.com\r\nBcc: eve@example.com"]}, {"subject": "x\nBcc: eve@example.com"}]
)
async def test_nobody_slips_a_header_into_a_mail(wrong: dict[str, Any]) -> None:
    async with service(lambda _: (200, {"id": "m1"})) as (server, http):
        block = google_mail.gmail_send
        inputs = {
            "credentials": login("google", "oauth2"),
            "to": ["a@x.de"],
            "subject": "s",
            "body": "b",
            **wrong,
        }
        with pytest.raises(BlockInputError):
            await emits(block, inputs, run_of(block, inputs, http))
    assert server.requests == []


async def test_html_of_a_mail_is_read_as_text() -> None:
    html = "<head><style>x</style></head><p>Tea is <b>ready</b></p><script>bad()</script>"
    data = base64.urlsafe_b64encode(html.encode()).decode().rstrip("=")
    raw = {"id": "m1", "payload": {"mimeType": "text/html", "body": {"data": data}, "headers": []}}

    def answers(request: Request) -> tuple[int, Any]:
        return 200, raw if "/m1" in request.path else {"messages": [{"id": "m1"}]}

    async with service(answers) as (server, http):
        block = google_mail.gmail_read
        inputs = {"credentials": login("google", "oauth2"), "query": "is:unread from:ada", "max_results": 500}
        got = await emits(block, inputs, run_of(block, inputs, http))
    assert "ready" in got[0][1]["body"]
    assert "bad" not in got[0][1]["body"]
    assert server.requests[0].path == "/messages?q=is%3Aunread+from%3Aada&maxResults=100"


async def test_an_event_is_what_was_asked_for() -> None:
    async with service(lambda _: (200, {"id": "e1"})) as (server, http):
        block = google_calendar.google_calendar_create_event
        inputs = {
            "credentials": login("google", "oauth2"),
            "event_title": "Tea",
            "timing": {
                "discriminator": "exact_timing",
                "start_datetime": "2026-01-05T16:00:00",
                "end_datetime": "2026-01-05T17:00:00",
            },
            "guest_emails": ["bob@example.com"],
            "send_notifications": False,
            "add_google_meet": True,
            "recurrence": {"discriminator": "recurring", "frequency": "WEEKLY", "count": 4},
            "reminder_minutes": [10],
        }
        await emits(block, inputs, run_of(block, inputs, http, timezone="Europe/Berlin"))
        for wrong in (
            {"recurrence": {"frequency": "HOURLY"}},
            {"timing": inputs["timing"] | {"end_datetime": "2026-01-05T15:00:00"}},  # type: ignore[operator]
            {"timing": inputs["timing"] | {"end_datetime": "2026-01-05T18:00:00Z"}},  # type: ignore[operator]
        ):
            bad = inputs | wrong
            with pytest.raises(BlockInputError):
                await emits(block, bad, run_of(block, bad, http))
    [sent] = server.requests
    assert sent.path == "/calendars/primary/events?sendUpdates=none&conferenceDataVersion=1"
    event = json.loads(sent.body)
    assert event["start"] == {"dateTime": "2026-01-05T16:00:00", "timeZone": "Europe/Berlin"}
    assert event["recurrence"] == ["RRULE:FREQ=WEEKLY;COUNT=4"]
    assert event["reminders"]["overrides"] == [{"method": "popup", "minutes": 10}]
    assert event["attendees"] == [{"email": "bob@example.com"}]


async def test_cells_are_asked_for_by_id_or_address() -> None:
    async with service(lambda _: (200, {"values": [["a", 1]]})) as (server, http):
        block = google_sheets.google_sheets_read
        url = "https://docs.google.com/spreadsheets/d/sheet-77/edit#gid=0"
        inputs = {
            "credentials": login("google", "oauth2"),
            "spreadsheet": {"url": url},
            "range": "My sheet!A1:B",
        }
        got = await emits(block, inputs, run_of(block, inputs, http))
        assert got[0] == ("result", [["a", "1"]])
        append = google_sheets.google_sheets_append_row
        inputs = {
            "credentials": inputs["credentials"],
            "spreadsheet": {"id": "sheet-77"},
            "row": ["x"],
            "sheet_name": "Ada's",
        }
        await emits(append, inputs, run_of(append, inputs, http))
    read, added = server.requests
    assert read.path == "/spreadsheets/sheet-77/values/My%20sheet%21A1%3AB"
    assert added.path.startswith("/spreadsheets/sheet-77/values/%27Ada%27%27s%27%21A1:append?")
    assert json.loads(added.body) == {"values": [["x"]]}
