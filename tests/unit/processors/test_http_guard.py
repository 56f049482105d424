"""The guarded client against the attacks on its kind, on real sockets of loopback."""

from __future__ import annotations

import asyncio
import json
import time
from typing import Any

import pytest

from millstream.processors.guards.http import GuardedHttp
from millstream.processors.registry import load_registry
from millstream.processors.services import Credential, HttpOptions
from millstream.schemas.errors import (
    AddressRefusedError,
    BlockError,
    BlockExecutionError,
    BlockInputError,
    UpstreamError,
)
from millstream.testing import context, emits
from tests.unit.processors.conftest import Request, Server, answer, serving


class Names:
    """A resolver with a script: each name's answers, one after the other; the last one stays."""

    def __init__(self, **answers: list[list[str]]) -> None:
        self.answers = {name.replace("_", "."): list(lists) for name, lists in answers.items()}
        self.asked: list[str] = []

    async def __call__(self, host: str, port: int, /) -> list[str]:
        self.asked.append(host)
        if host not in self.answers:
            raise OSError("unknown")
        lists = self.answers[host]
        return lists.pop(0) if len(lists) > 1 else lists[0]


async def echo(request: Request, writer: asyncio.StreamWriter) -> None:
    """Answer with what was asked."""
    seen = {
        "method": request.method,
        "path": request.path,
        "headers": request.headers,
        "body": request.body.decode(),
    }
    await answer(writer, 200, json.dumps(seen).encode(), Content_Type="application/json")


def redirecting(target: str, status: int = 302) -> Any:
    """Redirect `/` to `target`; echo everything else."""

    async def handle(request: Request, writer: asyncio.StreamWriter) -> None:
        if request.path == "/":
            await answer(writer, status, Location=target)
        else:
            await echo(request, writer)

    return handle


def open_to(*servers: Server, **more: Any) -> GuardedHttp:
    return GuardedHttp(allow=frozenset(server.origin for server in servers), **more)


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "localhost",
        "2130706433",
        "0x7f000001",
        "0177.0.0.1",
        "127.1",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "[0:0:0:0:0:ffff:7f00:1]",
        "0",
        "127.0.0.1.",
        "user:secret@127.0.0.1",
        "%31%32%37.0.0.1",
        "１２７.0.0.1",
        "127。0。0。1",
    ],
)
async def test_no_spelling_of_loopback_connects(host: str) -> None:
    """A13: what counts is the address that the system resolves."""
    async with serving(echo) as server, GuardedHttp() as http:
        with pytest.raises((AddressRefusedError, BlockInputError, UpstreamError)) as caught:
            await http.get(f"http://{host}:{server.port}/")
        assert "secret" not in str(caught.value)
        assert not server.requests


async def test_a_name_with_one_inner_address_is_refused() -> None:
    """A13: else the choice among addresses is the attacker's."""
    async with GuardedHttp(resolver=Names(mixed_test=[["8.8.8.8", "127.0.0.1"]])) as http:
        with pytest.raises(AddressRefusedError, match=r"127\.0\.0\.1 is not a public address"):
            await http.get("http://mixed.test/")


async def test_a_name_that_changes_after_the_check_gains_nothing() -> None:
    """A14: one look-up, and the connection goes to what was checked."""
    names = Names(rebind_test=[["192.0.2.1"], ["127.0.0.1"]])
    async with serving(echo) as server:
        async with GuardedHttp(resolver=names) as http:
            with pytest.raises(AddressRefusedError):
                await http.get(f"http://rebind.test:{server.port}/")
        assert names.asked == ["rebind.test"]
        with pytest.raises(AddressRefusedError):
            await http.get(f"http://rebind.test:{server.port}/")
        assert not server.requests
        await http.close()


async def test_host_stays_that_of_the_url() -> None:
    """A14: the checked address is only where the connection goes."""
    async with serving(echo) as server:
        names = Names(inner_test=[["127.0.0.1"]])
        async with GuardedHttp(resolver=names, allow=frozenset({f"inner.test:{server.port}"})) as http:
            seen = (await http.get(f"http://inner.test:{server.port}/x?y=1")).json()
    assert seen["headers"]["host"] == f"inner.test:{server.port}"
    assert seen["path"] == "/x?y=1"
    assert names.asked == ["inner.test"]


async def test_the_tls_name_stays_that_of_the_url() -> None:
    """A14: the client hello names the host, not the address."""
    hello = asyncio.get_running_loop().create_future()

    async def listen(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        hello.set_result(await reader.read(4096))
        writer.close()

    listener = await asyncio.start_server(listen, "127.0.0.1", 0)
    port = listener.sockets[0].getsockname()[1]
    names = Names(shop_test=[["127.0.0.1"]])
    async with listener, GuardedHttp(resolver=names, allow=frozenset({f"shop.test:{port}"})) as http:
        with pytest.raises(UpstreamError):
            await http.get(f"https://shop.test:{port}/")
    assert b"shop.test" in await hello


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_to_an_inner_address_is_refused(status: int) -> None:
    """A15: each hop is checked."""
    async with (
        serving(echo) as inner,
        serving(redirecting(f"{inner.url}/secret", status)) as outer,
        open_to(outer) as http,
    ):
        with pytest.raises(AddressRefusedError):
            await http.get(outer.url)
        assert len(outer.requests) == 1
        assert not inner.requests


@pytest.mark.parametrize("target", ["file:///etc/passwd", "gopher://127.0.0.1/", "ftp://x/", "//", "http://"])
async def test_a_redirect_to_something_else_than_the_web_is_refused(target: str) -> None:
    async with serving(redirecting(target)) as server, open_to(server) as http:
        with pytest.raises((AddressRefusedError, UpstreamError, BlockInputError)):
            await http.get(server.url)


async def test_redirects_end_after_five() -> None:
    """A15."""

    async def onward(request: Request, writer: asyncio.StreamWriter) -> None:
        number = int(request.path[1:] or 0)
        await (answer(writer, 302, Location=f"/{number + 1}") if number < hops else echo(request, writer))

    async with serving(onward) as server, open_to(server) as http:
        hops = 5
        assert (await http.get(f"{server.url}/0")).status == 200
        hops = 6
        with pytest.raises(UpstreamError, match="5 redirects"):
            await http.get(f"{server.url}/0")


async def test_credentials_are_dropped_on_another_host_and_kept_on_the_same() -> None:
    """A15: any header that the caller set may be one, so only harmless ones go along."""
    secrets = {"Authorization": "Bearer s", "Cookie": "a=s", "X-Api-Key": "s", "Accept-Language": "de"}
    async with (
        serving(echo) as other,
        serving(redirecting(f"{other.url}/x")) as first,
        open_to(first, other) as http,
    ):
        seen = (await http.get(first.url.replace("http://", "http://user:s@"), headers=secrets)).json()[
            "headers"
        ]
    assert seen["accept-language"] == "de"
    assert seen["host"] == other.origin
    assert not {"authorization", "cookie", "x-api-key"} & seen.keys()
    async with serving(redirecting("/x")) as same, open_to(same) as http:
        seen = (await http.get(same.url, headers=secrets)).json()["headers"]
    assert seen["x-api-key"] == "s"


@pytest.mark.parametrize(
    ("status", "method", "body"), [(302, "GET", ""), (303, "GET", ""), (307, "POST", '{"a":1}')]
)
async def test_methods_across_redirects(status: int, method: str, body: str) -> None:
    async with (
        serving(echo) as other,
        serving(redirecting(f"{other.url}/x", status)) as first,
        open_to(first, other) as http,
    ):
        seen = (await http.request("POST", first.url, json={"a": 1})).json()
    assert (seen["method"], seen["body"]) == (method, body)


async def test_no_cookies_are_kept_between_requests() -> None:
    async def set_cookie(request: Request, writer: asyncio.StreamWriter) -> None:
        await answer(writer, 200, request.headers.get("cookie", "none").encode(), Set_Cookie="a=1")

    async with serving(set_cookie) as server, open_to(server) as http:
        await http.get(server.url)
        assert (await http.get(server.url)).text == "none"


@pytest.mark.parametrize(
    ("block_id", "inputs"),
    [
        ("6595ae1f-b924-42cb-9a41-551a0611c4b4", {"url": "{}", "method": "GET"}),
        ("6595ae1f-b924-42cb-9a41-551a0611c4b4", {"url": "https://e.test", "files": ["{}"]}),
        ("5ebe6768-8e5d-41e3-9134-1c7bd89a8d52", {"rss_url": "{}", "polling_rate": 1}),
        ("cbb50872-625b-42f0-8203-a2ae78242d8a", {"file_in": "{}"}),
        ("3735a31f-7e18-4aca-9e90-08a7120674bc", {"file_input": "{}"}),
        ("acf7625e-d2cb-4941-bfeb-2819fc6fc015", {"file_input": "{}"}),
        ("95ead23f-8283-4654-aef3-10c053b74a31", {"name": "f", "value": "{}"}),
        ("25d0f1ef-589c-5297-926b-b28d3cea883a", {"url": "{}"}),
    ],
)
async def test_every_block_that_fetches_is_guarded(block_id: str, inputs: dict[str, Any]) -> None:
    """A16: the guard is in the client, so there is no path around it."""
    async with serving(echo) as server, GuardedHttp() as http:
        filled = json.loads(json.dumps(inputs).replace("{}", server.url))
        with pytest.raises(BlockError) as caught:
            await emits(load_registry().get(block_id), filled, context(http=http))
        assert caught.value.code == "address_refused"
        assert not server.requests


@pytest.mark.parametrize(
    "host", ["127.0.0.1.attacker.test", "127.0.0.1@attacker.test", "attacker.test#127.0.0.1"]
)
async def test_an_allowed_host_is_compared_exactly(host: str) -> None:
    """A17: a name that begins like an allowed one is another name."""
    names = Names(attacker_test=[["10.0.0.1"]], **{"127_0_0_1_attacker_test": [["10.0.0.1"]]})
    allow = frozenset({"127.0.0.1:80", "127.0.0.1:443"})
    async with GuardedHttp(resolver=names, allow=allow) as http:
        with pytest.raises(AddressRefusedError, match="private network"):
            await http.get(f"http://{host}")


@pytest.mark.parametrize("url", ["/api/v1/graphs", "//127.0.0.1/", "api", "", "http:///x", "HTTP", "data:,x"])
async def test_only_absolute_web_urls_are_requested(url: str) -> None:
    """A18: nothing is relative to this process."""
    async with GuardedHttp() as http:
        with pytest.raises((AddressRefusedError, BlockInputError)):
            await http.get(url)


async def test_the_platform_itself_is_refused_even_if_allowed() -> None:
    """A18."""
    async with serving(echo) as server:
        own = frozenset({server.origin})
        async with GuardedHttp(allow=own, deny=own) as http:
            with pytest.raises(AddressRefusedError, match="platform itself"):
                await http.get(server.url)
        assert not server.requests


@pytest.mark.parametrize("host", ["agents.example.com", "AGENTS.example.com", "agents.example.com."])
async def test_no_spelling_of_the_platform_s_own_name_is_requested(host: str) -> None:
    """A18."""
    deny = frozenset({"agents.example.com:443"})
    async with GuardedHttp(deny=deny, resolver=Names(**{"agents_example_com": [["8.8.8.8"]]})) as http:
        with pytest.raises(AddressRefusedError, match="platform itself"):
            await http.get(f"https://{host}/api/v1/graphs")
        with pytest.raises(AddressRefusedError, match="platform itself"):
            await http.addresses(host, 443)


async def test_a_credential_goes_only_to_its_hosts() -> None:
    """A19: checked when it is sent, not where it is chosen."""
    async with (
        serving(echo) as other,
        serving(redirecting(f"{other.url}/x")) as own,
        open_to(own, other) as http,
    ):
        key = Credential(hosts=frozenset({own.origin}), headers={"X-Key": "secret-canary"})
        assert "canary" not in repr(key)
        with pytest.raises(AddressRefusedError, match="This credential is for") as caught:
            await http.get(other.url, credential=key)
        assert "canary" not in str(caught.value)
        assert not other.requests
        assert (await http.get(f"{own.url}/x", credential=key)).json()["headers"]["x-key"] == "secret-canary"
        assert "x-key" not in (await http.get(own.url, credential=key)).json()["headers"]


async def _endless(request: Request, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
    while True:
        writer.write(b"x" * 65536)
        await writer.drain()


async def _slow(request: Request, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
    while True:
        writer.write(b"x")
        await writer.drain()
        await asyncio.sleep(0.05)


async def test_endless_and_slow_answers_are_cut() -> None:
    """A20: bytes and time are capped, the client lives."""
    async with (
        serving(_endless) as endless,
        serving(_slow) as slow,
        serving(echo) as good,
        open_to(endless, slow, good, max_bytes=1_000_000, timeout_s=0.4) as http,
    ):
        with pytest.raises(BlockExecutionError, match="1000000 bytes"):
            await http.get(endless.url, timeout_s=10)
        started = time.monotonic()
        with pytest.raises(UpstreamError, match=r"0\.4 s"):
            await http.get(slow.url)
        assert time.monotonic() - started < 2
        assert (await http.get(good.url, timeout_s=5)).status == 200


@pytest.mark.parametrize(
    "options",
    [
        {"headers": {"X-A": "b\r\nX-Evil: 1"}},
        {"headers": {"X A": "b"}},
        {"json": {1, 2}},
    ],
)
async def test_requests_that_cannot_be_sent_are_input_errors(options: HttpOptions) -> None:
    async with serving(echo) as server, open_to(server) as http:
        with pytest.raises(BlockInputError):
            await http.request("POST", server.url, **options)


async def test_headers_that_frame_a_message_are_ours() -> None:
    async with serving(echo) as server, open_to(server) as http:
        headers = {
            "Host": "evil",
            "Content-Length": "1",
            "Transfer-Encoding": "chunked",
            "Accept-Encoding": "br",
        }
        seen = (await http.request("POST", server.url, json={}, headers=headers)).json()["headers"]
    assert (seen["host"], seen["content-length"], seen["accept-encoding"]) == (
        server.origin,
        "2",
        "gzip, deflate",
    )
    assert "transfer-encoding" not in seen


@pytest.mark.parametrize("what", ["refused", "unknown", "garbage", "cut"])
async def test_bad_servers_are_upstream_errors(what: str) -> None:
    async def garbage(request: Request, writer: asyncio.StreamWriter) -> None:
        writer.write(
            b"\0\1\2\r\n\r\n" if what == "garbage" else b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nx"
        )
        await writer.drain()

    async with serving(garbage) as server:
        closed = "127.0.0.1:1"
        async with GuardedHttp(allow=frozenset({server.origin, closed})) as http:
            url = {"refused": f"http://{closed}/?key=secret", "unknown": "http://no-such-host.invalid/"}.get(
                what
            )
            with pytest.raises(UpstreamError) as caught:
                await http.get(url or server.url)
    assert "secret" not in str(caught.value)
    assert caught.value.retryable


async def test_connections_are_used_again_and_shared() -> None:
    async def keep(request: Request, writer: asyncio.StreamWriter) -> None:
        await answer(writer, 200, b"x")

    async with serving(keep) as server, open_to(server) as http:
        answers = await asyncio.gather(*(http.get(server.url) for _ in range(50)))
    assert [one.body for one in answers] == [b"x"] * 50
