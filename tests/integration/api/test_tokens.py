from __future__ import annotations

import asyncio
import base64
import contextlib
import hmac
import json
import time
import uuid
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import httpx
import pytest
import pytest_asyncio
from joserfc import jwt
from joserfc.jwk import ECKey, KeySet, OctKey, OKPKey
from pydantic import SecretStr

from millstream.api.auth import accounts, login
from millstream.api.auth.repository import Users
from millstream.api.auth.settings import OutsideIssuer
from millstream.api.settings import EdgeSettings
from millstream.processors.registry import Registry
from millstream.schemas.errors import AuthenticationError
from tests.integration.api.calls import problem, until
from tests.integration.api.conftest import Running, client_of, serving
from tests.integration.api.people import PASSWORD, Person, browser, person, with_account

REFRESH = "/api/v1/auth/token/refresh"
ISSUER = "https://people.example/auth/v1"
SECRET = "a-shared-secret-of-an-outside-issuer-0123456789"


@pytest_asyncio.fixture
async def ada(running: Running) -> Any:
    async with person(running) as found:
        yield found


async def status(url: str, token: str) -> int:
    async with client_of(url, token) as client:
        return (await client.get("/api/v1/me")).status_code


def parts(token: str) -> tuple[dict[str, Any], dict[str, Any], str]:
    head, body, signature = token.split(".")
    return decoded(head), decoded(body), signature


def decoded(text: str) -> Any:
    return json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))


def encoded(value: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


async def test_a_refresh_token_is_good_once_and_its_reuse_ends_the_login(
    running: Running, ada: Person
) -> None:
    first = ada.tokens["refresh_token"]
    answer = await running.client.post(REFRESH, json={"refresh_token": first})
    second = answer.json()
    assert await status(running.url, second["access_token"]) == 200
    problem(await running.client.post(REFRESH, json={"refresh_token": first}), 401, "unauthenticated")
    problem(
        await running.client.post(REFRESH, json={"refresh_token": second["refresh_token"]}),
        401,
        "unauthenticated",
    )
    assert await status(running.url, second["access_token"]) == 401
    assert await status(running.url, ada.tokens["access_token"]) == 401


async def test_of_refreshes_at_once_one_at_most_wins(running: Running, ada: Person) -> None:
    body = {"refresh_token": ada.tokens["refresh_token"]}
    answers = await asyncio.gather(*(running.client.post(REFRESH, json=body) for _ in range(5)))
    assert sorted(answer.status_code for answer in answers) == [200, 401, 401, 401, 401]


async def test_a_revoked_login_is_over_at_once(running: Running, ada: Person) -> None:
    body = {"refresh_token": ada.tokens["refresh_token"]}
    assert (await running.client.post("/api/v1/auth/token/revoke", json=body)).status_code == 204
    assert await status(running.url, ada.tokens["access_token"]) == 401
    assert (await running.client.post("/api/v1/auth/token/revoke", json=body)).status_code == 204


async def test_the_public_key_checks_our_tokens(running: Running, ada: Person) -> None:
    async with client_of(running.url, None) as stranger:
        keys = (await stranger.get("/.well-known/jwks.json")).json()
    assert "d" not in keys["keys"][0]
    found = jwt.decode(ada.tokens["access_token"], KeySet.import_key_set(keys), algorithms=["Ed25519"])
    assert found.claims["sub"] == str(ada.id)


async def test_no_forged_access_token_is_taken(running: Running, ada: Person) -> None:
    """A34: each of these a careless validator takes."""
    head, body, signature = parts(ada.tokens["access_token"])
    root, now = running.edge.auth.root, int(time.time())
    ours = OKPKey.import_key(running.edge.auth.tokens._key.raw_value)
    public = running.edge.auth.tokens.public()["keys"][0]
    other = OKPKey.generate_key("Ed25519")

    def signed(claims: dict[str, Any], key: Any = ours, **header: Any) -> str:
        whole = {"alg": "Ed25519", "typ": "at+jwt", **header}
        return jwt.encode(whole, claims, key, algorithms=["Ed25519", "HS256", "ES256"])

    assert await status(running.url, signed(body)) == 200  # so it is not the tool that fails
    forged = {
        "none": f"{encoded({**head, 'alg': 'none'})}.{encoded(body)}.",
        "None with signature": f"{encoded({**head, 'alg': 'None'})}.{encoded(body)}.{signature}",
        "no alg": f"{encoded({'typ': 'at+jwt'})}.{encoded(body)}.{signature}",
        "another's body": f"{encoded(head)}.{encoded({**body, 'sub': str(uuid.uuid4())})}.{signature}",
        "cut": f"{encoded(head)}.{encoded(body)}.{signature[:-6]}",
        "another key": signed(body, other),
        "its own key": signed(body, other, jwk=other.as_dict(private=False)),
        "key by url": signed(body, other, jku="https://evil.example/jwks.json"),
        "public key as secret": signed(body, OctKey.import_key(json.dumps(public)), alg="HS256"),
        "public x as secret": signed(body, OctKey.import_key(public["x"]), alg="HS256"),
        "elliptic": signed(body, ECKey.generate_key("P-256"), alg="ES256"),
        "expired": signed({**body, "exp": now - 1}),
        "no exp": signed({name: value for name, value in body.items() if name != "exp"}),
        "text exp": signed({**body, "exp": "never"}),
        "issuer": signed({**body, "iss": "https://evil.example"}),
        "no issuer": signed({name: value for name, value in body.items() if name != "iss"}),
        "audience": signed({**body, "aud": "authenticated"}),
        "no audience": signed({name: value for name, value in body.items() if name != "aud"}),
        "type": signed(body, typ="JWT"),
        "no session": signed({name: value for name, value in body.items() if name != "sid"}),
        "nobody": signed({**body, "sub": str(uuid.uuid4())}),
        "subject": signed({**body, "sub": "admin"}),
        "future": signed({**body, "nbf": now + 600}),
        "critical": f"{encoded({**head, 'crit': ['x'], 'x': 1})}.{encoded(body)}.{signature}",
        "csrf code": f"{encoded(head)}.{encoded(body)}.{root.mark('csrf', 'x')}",
        "long": signed({**body, "x": "y" * 20_000}),
    }
    found = {name: await status(running.url, token) for name, token in forged.items()}
    assert found == dict.fromkeys(forged, 401)


@contextlib.asynccontextmanager
async def served(body: dict[str, Any]) -> AsyncIterator[tuple[str, list[str]]]:
    """Serve a document over HTTP; gives its URL, and the requests that came."""
    asked: list[str] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append((await reader.readuntil(b"\r\n\r\n")).decode())
        data = json.dumps(body).encode()
        writer.write(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: %d\r\n\r\n" % len(data) + data)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/jwks.json", asked


def outside(settings: EdgeSettings, **more: Any) -> EdgeSettings:
    return replace(settings, access=replace(settings.access, outside=OutsideIssuer(issuer=ISSUER, **more)))


def claims(**more: Any) -> dict[str, Any]:
    now = int(time.time())
    return {
        "iss": ISSUER,
        "aud": "authenticated",
        "sub": str(uuid.uuid4()),
        "exp": now + 60,
        "iat": now,
        **more,
    }


async def test_users_of_an_outside_issuer_come_in_and_stay_the_same(
    settings: EdgeSettings, registry: Registry, running: Running, ada: Person
) -> None:
    shared = OctKey.import_key(SECRET)
    local = (await running.client.get("/api/v1/me")).json()["id"]
    async with serving(outside(settings, secret=SecretStr(SECRET)), registry) as edge:

        async def me(said: dict[str, Any], key: Any = shared, alg: str = "HS256") -> httpx.Response:
            token = jwt.encode({"alg": alg}, said, key, algorithms=[alg])
            async with client_of(edge.url, token) as client:
                return await client.get("/api/v1/me")

        said = claims(email="eve@people.example", role="authenticated")
        first, second = await asyncio.gather(me(said), me(said))
        assert first.json()["id"] == second.json()["id"]
        assert (first.json()["email"], first.json()["role"]) == ("eve@people.example", "user")
        assert (await me(claims(role="admin"))).json()["role"] == "admin"
        stolen = (await me(claims(email=ada.email, sub=str(ada.id)))).json()
        assert stolen["id"] not in (str(ada.id), local)
        assert stolen["email"] != ada.email
        assert (await me(claims(sub=local))).json()["id"] != local
        for bad in (
            claims(aud="anon"),
            claims(exp=int(time.time()) - 60),
            claims(iss="https://evil.example"),
            claims(sub=""),
            {name: value for name, value in claims().items() if name != "sub"},
        ):
            assert (await me(bad)).status_code == 401
        assert (
            await me(claims(), OctKey.import_key("another-secret-of-the-same-length-0123456789"))
        ).status_code == 401
        assert (await me(claims(), ECKey.generate_key("P-256"), "ES256")).status_code == 401
        none = f"{encoded({'alg': 'none'})}.{encoded(claims())}."
        assert await status(edge.url, none) == 401


async def test_public_keys_of_an_outside_issuer_are_fetched_and_not_for_every_stranger(
    settings: EdgeSettings, registry: Registry
) -> None:
    key = ECKey.generate_key("P-256", auto_kid=True)
    async with (
        served({"keys": [key.as_dict(private=False)]}) as (url, asked),
        serving(outside(settings, jwks_url=url), registry) as edge,
    ):
        good = jwt.encode({"alg": "ES256", "kid": key.kid}, claims(), key, algorithms=["ES256"])
        assert await status(edge.url, good) == 200
        strange = ECKey.generate_key("P-256", auto_kid=True)
        bad = jwt.encode({"alg": "ES256", "kid": key.kid}, claims(), strange, algorithms=["ES256"])
        assert await status(edge.url, bad) == 401
        signed = f"{encoded({'alg': 'HS256', 'kid': key.kid})}.{encoded(claims())}"
        code = hmac.digest(key.as_pem(private=False), signed.encode(), "sha256")
        assert (
            await status(edge.url, f"{signed}.{base64.urlsafe_b64encode(code).decode().rstrip('=')}") == 401
        )
        for _ in range(5):
            bad = jwt.encode({"alg": "ES256", "kid": strange.kid}, claims(), strange, algorithms=["ES256"])
            assert await status(edge.url, bad) == 401
        assert len(asked) == 1


async def test_an_issuer_that_was_away_at_first_is_asked_again_soon(
    settings: EdgeSettings, registry: Registry
) -> None:
    """Not only once what was read would be old, ten minutes later."""
    key = ECKey.generate_key("P-256", auto_kid=True)
    body: dict[str, Any] = {"error": "not yet"}
    async with (
        served(body) as (url, asked),
        serving(outside(settings, jwks_url=url), registry) as edge,
    ):
        good = jwt.encode({"alg": "ES256", "kid": key.kid}, claims(), key, algorithms=["ES256"])
        assert [await status(edge.url, good) for _ in range(5)] == [503] * 5
        assert len(asked) == 1  # and not for every stranger
        del body["error"]
        body["keys"] = [key.as_dict(private=False)]

        async def comes_in() -> bool:
            return await status(edge.url, good) == 200

        await until(comes_in)


async def test_a_log_in_under_way_with_the_old_password_is_none(running: Running) -> None:
    user_id, email = await with_account(running.edge)
    async with running.edge.pool.connection() as conn:
        before = await Users(conn).get(user_id)  # as the log-in has read it
        await accounts.set_password(running.edge, before, PASSWORD + " new")
    with pytest.raises(AuthenticationError):
        await login.start_family(running.edge, before, "late")
    with pytest.raises(AuthenticationError):
        await login.start_session(running.edge, before, "late")
    async with browser(running, email, PASSWORD + " new") as page:
        assert len((await page.get("/api/v1/sessions")).json()["items"]) == 1


async def test_without_an_outside_issuer_nobody_vouches(running: Running) -> None:
    token = jwt.encode({"alg": "HS256"}, claims(), OctKey.import_key(SECRET), algorithms=["HS256"])
    assert await status(running.url, token) == 401


@pytest.mark.parametrize("token", ["a.b.c", "..", ".", "a" * 10_000, "e30.e30.e30", "ms_"])
async def test_odd_tokens_are_refused(running: Running, token: str) -> None:
    assert await status(running.url, token) == 401
