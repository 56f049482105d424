from __future__ import annotations

import asyncio
import base64
import uuid
from dataclasses import replace

import httpx
import orjson
import pytest
from pydantic import SecretStr
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus
from websockets.typing import Subprotocol

from millstream.api.graphql.protocol import SUBPROTOCOL
from millstream.api.http.limits import RULES, RateLimits, hit, network_of
from millstream.api.http.rates import Counter, Quota
from millstream.api.http.tries import MOST
from millstream.api.settings import EdgeSettings
from millstream.local.ports import free_ports
from millstream.processors.registry import Registry
from millstream.schemas.errors import RateLimitedError
from tests.integration.api.calls import problem
from tests.integration.api.conftest import Running, client_of, serving
from tests.integration.api.people import PASSWORD, key_of, person, with_account

PROXY = "127.0.0.1"


def quota(most: int, window_s: int = 60) -> Quota:
    return Quota(name="test", key=uuid.uuid4().hex, most=most, window_s=window_s)


async def test_of_many_at_once_exactly_the_quota_gets_through(running: Running) -> None:
    counter, mine = Counter(running.edge.redis), quota(10, 3600)
    found = await asyncio.gather(*(counter.count([mine]) for _ in range(40)))
    assert sum(count.wait_s == 0 for [count] in found) == 10
    assert all(0 < count.wait_s <= 7200 for [count] in found if count.wait_s)


async def test_a_window_slides_and_tells_when_there_is_room_again(running: Running) -> None:
    counter, mine = Counter(running.edge.redis), quota(4, 1)
    passed = 0
    while passed < 12:
        [count] = await counter.count([mine])
        if count.wait_s == 0:
            passed += 1
            continue
        assert count.wait_s <= 2
        await asyncio.sleep(0.05)
    assert passed == 12  # it was refused in between, and always let in again


async def test_a_refusal_counts_nothing_anywhere(running: Running) -> None:
    counter, wide, narrow = Counter(running.edge.redis), quota(3, 3600), quota(1, 3600)
    for _ in range(5):
        await counter.count([wide, narrow])
    [left] = await counter.count([wide])
    assert left.left == 1  # one went through both, this is the second


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("203.0.113.9", "203.0.113.9"),
        ("::ffff:203.0.113.9", "203.0.113.9"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("127.0.0.1", ""),
        ("ada@example.com", None),
    ],
)
def test_a_house_is_one_address(address: str, network: str | None) -> None:
    assert network_of(address) == network


async def test_passwords_of_one_account_are_tried_a_few_times_only(running: Running) -> None:
    _, email = await with_account(running.edge)
    body = {"email": email.upper(), "password": "wrong wrong wrong"}
    async with client_of(running.url, None) as stranger:
        for _ in range(RULES["log_in"][0]):
            problem(await stranger.post("/api/v1/auth/token", json=body), 401, "unauthenticated")
        answer = await stranger.post("/api/v1/auth/login", json=body | {"password": PASSWORD})
        refused = problem(answer, 429, "rate_limited")
        assert int(answer.headers["Retry-After"]) == refused["retry_after_s"] > 0
        other = {"email": (await with_account(running.edge))[1], "password": PASSWORD}
        assert (await stranger.post("/api/v1/auth/token", json=other)).status_code == 200


async def test_one_address_does_not_try_everybodys_password(
    settings: EdgeSettings, registry: Registry
) -> None:
    async with serving(replace(settings, trusted_proxies=(PROXY,)), registry) as edge:
        for _ in range(RULES["log_in"][1]):
            await hit(edge.edge, "log_in", f"{uuid.uuid4().hex}@example.com", "203.0.113.77")
        with pytest.raises(RateLimitedError):
            await hit(edge.edge, "log_in", "x@example.com", "203.0.113.77")
        body = {"email": "y@example.com", "password": PASSWORD}
        async with client_of(edge.url, None) as stranger:
            there = {"X-Forwarded-For": "203.0.113.77"}
            problem(await stranger.post("/api/v1/auth/token", json=body, headers=there), 429, "rate_limited")
            lied = {"X-Forwarded-For": "198.51.100.1, 203.0.113.77"}  # the left one is what the caller says
            problem(await stranger.post("/api/v1/auth/token", json=body, headers=lied), 429, "rate_limited")
            elsewhere = {"X-Forwarded-For": "203.0.113.78"}
            answer = await stranger.post("/api/v1/auth/token", json=body, headers=elsewhere)
            problem(answer, 401, "unauthenticated")


async def test_requests_of_users_and_their_keys_are_counted(
    settings: EdgeSettings, registry: Registry
) -> None:
    chosen = replace(settings, rates=RateLimits(reads=6))
    async with serving(chosen, registry) as edge, person(edge) as ada, person(edge) as bob:
        key = await key_of(ada.client, "READ_GRAPH")
        async with client_of(edge.url, key["key"]) as program:
            for left in (2, 1, 0):
                answer = await program.get("/api/v1/graphs")
                assert answer.status_code == 200
                assert answer.headers["RateLimit-Policy"] == '"read-user";q=6;w=60, "read-key";q=3;w=60'
                assert answer.headers["RateLimit"].startswith(f'"read-key";r={left};t=')
            answer = await program.get("/api/v1/graphs")
            problem(answer, 429, "rate_limited")
            assert answer.headers["RateLimit"].startswith('"read-key";r=0;t=')
            assert int(answer.headers["Retry-After"]) > 0
        for _ in range(3):  # the user has the rest
            assert (await ada.client.get("/api/v1/graphs")).status_code == 200
        problem(await ada.client.get("/api/v1/graphs"), 429, "rate_limited")
        assert (await ada.client.delete(f"/api/v1/api-keys/{key['id']}")).status_code == 200  # not a read
        assert (await bob.client.get("/api/v1/graphs")).status_code == 200
        for _ in range(20):  # the command line of this machine
            answer = await edge.client.get("/api/v1/graphs")
            assert answer.status_code == 200
            assert "RateLimit" not in answer.headers


async def test_limits_can_be_switched_off_but_those_of_log_ins(
    settings: EdgeSettings, registry: Registry
) -> None:
    chosen = replace(settings, rates=RateLimits(on=False, reads=1))
    async with serving(chosen, registry) as edge, person(edge) as ada:
        for _ in range(3):
            answer = await ada.client.get("/api/v1/graphs")
            assert answer.status_code == 200
            assert "RateLimit" not in answer.headers
        for _ in range(RULES["log_in"][0]):
            await hit(edge.edge, "log_in", "off@example.com")
        with pytest.raises(RateLimitedError):
            await hit(edge.edge, "log_in", "off@example.com")


async def test_without_redis_nobody_logs_in_and_the_rest_goes_on(
    settings: EdgeSettings, registry: Registry
) -> None:
    [port] = free_ports(1)
    away = replace(
        settings, redis=SecretStr(f"redis://127.0.0.1:{port}/0"), trusted_proxies=(PROXY,), rates=RateLimits()
    )
    async with serving(away, registry) as edge, client_of(edge.url, None) as stranger:
        there = {"X-Forwarded-For": "203.0.113.9"}
        body = {"email": "ada@example.com", "password": PASSWORD}
        for path in ("/api/v1/auth/login", "/api/v1/auth/token"):
            problem(await stranger.post(path, json=body, headers=there), 503, "unavailable")
        answer = await stranger.get("/healthz", headers=there)
        assert answer.status_code == 200
        assert "RateLimit" not in answer.headers
        text = (await edge.client.get("/metrics")).text
        assert 'millstream_edge_uncounted_total{outcome="let_through"}' in text
        assert 'millstream_edge_uncounted_total{outcome="refused"}' in text
        assert (await edge.client.get("/api/v1/graphs")).status_code == 200


async def test_an_address_that_tries_many_tokens_is_refused_whatever_it_sends(
    settings: EdgeSettings, registry: Registry
) -> None:
    async with serving(replace(settings, trusted_proxies=(PROXY,)), registry) as edge, person(edge) as ada:
        there = {"X-Forwarded-For": f"198.51.100.{uuid.uuid4().int % 250}"}
        async with client_of(edge.url, None) as stranger:

            async def tried(token: str, **more: str) -> httpx.Response:
                headers = {"Authorization": f"Bearer {token}"} | there | more
                return await stranger.get("/api/v1/me", headers=headers)

            for _ in range(MOST + 5):  # a program with an old token
                answer = await tried("an-old-token")
                problem(answer, 401, "unauthenticated")
            answer = await tried("ms_" + uuid.uuid4().hex)
            problem(answer, 401, "unauthenticated")
            assert answer.headers["RateLimit"].startswith(f'"bad-token";r={MOST - 2};t=')
            for n in range(MOST - 2):
                kind = {"X-API-Key": uuid.uuid4().hex} if n % 2 else {}
                problem(await tried(forged(n), **kind), 401, "unauthenticated")
            for token in ("one-more", ada.tokens["access_token"], "an-old-token"):
                answer = await tried(token)
                refused = problem(answer, 429, "rate_limited")
                assert int(answer.headers["Retry-After"]) == refused["retry_after_s"] > 0
                assert answer.headers["RateLimit"].startswith('"bad-token";r=0;t=')
                assert answer.headers["RateLimit-Policy"] == f'"bad-token";q={MOST};w=300'
            with pytest.raises(InvalidStatus) as caught:
                async with connect(f"{edge.ws}?token=x", additional_headers=there):
                    pass
            response = caught.value.response
            assert response.status_code == 429
            assert orjson.loads(response.body or b"")["code"] == "rate_limited"
            assert response.headers["RateLimit"].startswith('"bad-token";r=0;t=')
            assert (await stranger.get("/healthz", headers=there)).status_code == 200
            elsewhere = {"X-Forwarded-For": "198.51.100.251"}
            assert (await tried(ada.tokens["access_token"], **elsewhere)).status_code == 200
        async with (  # another edge counts on
            serving(replace(settings, trusted_proxies=(PROXY,)), registry) as other,
            client_of(other.url, None) as stranger,
        ):
            headers = {"Authorization": "Bearer one-there"} | there
            problem(await stranger.get("/api/v1/me", headers=headers), 429, "rate_limited")


def forged(number: int) -> str:
    """A JWT that says it is ours, with a signature that is not."""
    parts = [{"alg": "Ed25519", "typ": "at+jwt"}, {"iss": "http://127.0.0.1:8000", "n": number}]
    return ".".join(base64.urlsafe_b64encode(orjson.dumps(p)).decode().rstrip("=") for p in parts) + ".AAAA"


async def test_wrong_sockets_count_and_a_user_opens_so_many_a_minute(
    settings: EdgeSettings, registry: Registry
) -> None:
    chosen = replace(settings, trusted_proxies=(PROXY,), rates=RateLimits(sockets=3))
    async with serving(chosen, registry) as edge, person(edge) as ada:
        there = {"X-Forwarded-For": "198.51.100.253"}
        for n in range(2):
            with pytest.raises(InvalidStatus):
                async with connect(f"{edge.ws}?token=wrong-{n}", additional_headers=there):
                    pass
        assert len(edge.edge.tries.seen) == 2
        token = ada.tokens["access_token"]
        for _ in range(3):
            async with connect(f"{edge.ws}?token={token}", additional_headers=there):
                pass
        with pytest.raises(InvalidStatus) as caught:
            async with connect(f"{edge.ws}?token={token}", additional_headers=there):
                pass
        assert caught.value.response.status_code == 429
        assert caught.value.response.headers["RateLimit"].startswith('"socket-user";r=0;t=')


async def test_sockets_of_graphql_are_counted_before_they_say_who_they_are(
    settings: EdgeSettings, registry: Registry
) -> None:
    chosen = replace(settings, trusted_proxies=(PROXY,), rates=RateLimits(sockets=1))
    async with serving(chosen, registry) as edge:
        url = edge.ws.replace("/ws", "/graphql")
        there = {"X-Forwarded-For": "198.51.100.252"}
        for _ in range(4):
            async with connect(url, additional_headers=there, subprotocols=[Subprotocol(SUBPROTOCOL)]):
                pass
        with pytest.raises(InvalidStatus) as caught:
            async with connect(url, additional_headers=there, subprotocols=[Subprotocol(SUBPROTOCOL)]):
                pass
        assert caught.value.response.status_code == 429


async def test_without_redis_a_wrong_key_is_refused_and_not_judged(
    settings: EdgeSettings, registry: Registry
) -> None:
    [port] = free_ports(1)
    away = replace(settings, redis=SecretStr(f"redis://127.0.0.1:{port}/0"), trusted_proxies=(PROXY,))
    async with serving(away, registry) as edge, client_of(edge.url, "ms_wrong") as stranger:
        answer = await stranger.get("/api/v1/me", headers={"X-Forwarded-For": "203.0.113.9"})
        problem(answer, 503, "unavailable")
