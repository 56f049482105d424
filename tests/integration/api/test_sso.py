"""Log-in by providers: an independent OpenID Connect server, and one of our own that lies."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import sys
import time
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
import pytest_asyncio
from joserfc import jwt
from joserfc.jwk import OctKey, RSAKey
from pydantic import SecretStr

from millstream.api.auth.principal import LOCAL_USER_ID, Role
from millstream.api.auth.repository import Users
from millstream.api.settings import EdgeSettings
from millstream.api.sso.settings import SsoProvider, github
from millstream.local.ports import free_ports
from millstream.processors.registry import Registry
from millstream.schemas.errors import ConfigurationError
from tests.integration.api.calls import problem
from tests.integration.api.conftest import Running, client_of, serving
from tests.integration.api.issuer import CLIENT_ID, CLIENT_SECRET, Claims, Issuer, issuing, query_of, unsigned
from tests.integration.api.people import PASSWORD, address, with_account

PUBLIC = "http://millstream.test:8000"
SECRET = SecretStr(CLIENT_SECRET)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def issuer() -> AsyncIterator[Issuer]:
    async with issuing() as found:
        yield found


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def edge(settings: EdgeSettings, registry: Registry, issuer: Issuer) -> AsyncIterator[Running]:
    company = SsoProvider(name="company", issuer=issuer.url, client_id=CLIENT_ID, client_secret=SECRET)
    providers = (
        company,
        replace(company, name="other"),
        replace(company, name="staff", role_claim="groups", roles={"ops": Role.ADMIN, "pr": Role.MODERATOR}),
        github(client_id=CLIENT_ID, client_secret=SECRET, url=issuer.url, api_url=f"{issuer.url}/api"),
    )
    access = replace(settings.access, public_url=PUBLIC, sso=providers)
    async with serving(replace(settings, access=access), registry) as found:
        yield found


@pytest.fixture(autouse=True)
def honest(issuer: Issuer) -> None:
    """Before each test: somebody new, and no lies."""
    subject = uuid.uuid4().hex
    issuer.person = {"sub": subject, "email": address(), "email_verified": True, "name": "Ada"}
    issuer.twist, issuer.sign, issuer.iss = lambda claims: None, None, None


async def gone(browser: httpx.AsyncClient, name: str = "company", **query: str) -> str:
    """Go to the provider, and return where it sends the browser back to, on the edge."""
    answer = await browser.get(f"/api/v1/auth/sso/{name}/start", params=query)
    assert answer.status_code == 303, answer.text
    back = await browser.get(answer.headers["Location"])
    assert back.status_code == 303
    url = back.headers["Location"]
    assert url.startswith(f"{PUBLIC}/api/v1/auth/sso/{name}/callback?")
    return url.removeprefix(PUBLIC)


async def come_in(browser: httpx.AsyncClient, name: str = "company", **query: str) -> httpx.Response:
    return await browser.get(await gone(browser, name, **query))


async def me(browser: httpx.AsyncClient) -> Claims:
    answer = await browser.get("/api/v1/me")
    assert answer.status_code == 200, answer.text
    found: Claims = answer.json()
    return found


def stranger(edge: Running) -> Any:
    return client_of(edge.url, None)


@asynccontextmanager
async def independent() -> AsyncIterator[str]:
    """Run an OpenID Connect server that others have written, as a process."""
    [port] = free_ports(1)
    command = [sys.executable, "-m", "oidc_provider_mock", "--port", str(port), "--require-nonce", "true"]
    quiet = asyncio.subprocess.DEVNULL
    process = await asyncio.create_subprocess_exec(*command, stdout=quiet, stderr=quiet)
    url = f"http://localhost:{port}"
    try:
        deadline = time.monotonic() + 60
        async with httpx.AsyncClient(trust_env=False) as client:
            while True:
                assert time.monotonic() < deadline
                try:
                    await client.get(f"{url}/.well-known/openid-configuration")
                    break
                except httpx.TransportError:
                    await asyncio.sleep(0.1)
        yield url
    finally:
        process.terminate()
        await process.wait()


async def test_a_server_that_others_wrote_lets_people_in(settings: EdgeSettings, registry: Registry) -> None:
    email = address()
    async with independent() as url, httpx.AsyncClient(trust_env=False) as admin:
        claims = {"email": email, "email_verified": True, "name": "Ada"}
        assert (await admin.put(f"{url}/users/ada", json=claims)).status_code == 204
        provider = SsoProvider(name="theirs", issuer=url, client_id=CLIENT_ID, client_secret=SECRET)
        access = replace(settings.access, public_url=PUBLIC, sso=(provider,))
        async with serving(replace(settings, access=access), registry) as edge:
            found = []
            for _ in range(2):
                async with stranger(edge) as browser:
                    begun = await browser.get("/api/v1/auth/sso/theirs/start", params={"next": "/graphs"})
                    chosen = await admin.post(begun.headers["Location"], data={"sub": "ada"})
                    assert chosen.status_code in (302, 303), chosen.text
                    back = await browser.get(chosen.headers["Location"].removeprefix(PUBLIC))
                    assert (back.status_code, back.headers["Location"]) == (303, "/graphs"), back.text
                    found.append(await me(browser))
    assert found[0]["id"] == found[1]["id"]
    assert (found[0]["email"], found[0]["email_verified"], found[0]["role"]) == (email, True, "user")


async def test_what_is_offered_is_listed(edge: Running) -> None:
    async with stranger(edge) as browser:
        items = (await browser.get("/api/v1/auth/sso")).json()["items"]
        assert [item["name"] for item in items] == ["company", "other", "staff", "github"]
        assert items[0]["url"] == "/api/v1/auth/sso/company/start"
        problem(await browser.get("/api/v1/auth/sso/nobody/start"), 404, "not_found")


async def test_the_redirect_uri_comes_from_settings_not_from_the_request(edge: Running) -> None:
    async with stranger(edge) as browser:
        lies = {"Host": "evil.example", "X-Forwarded-Host": "evil.example"}
        answer = await browser.get("/api/v1/auth/sso/company/start", headers=lies)
        asked = query_of(answer.headers["Location"])
        assert asked["redirect_uri"] == f"{PUBLIC}/api/v1/auth/sso/company/callback"
        assert asked["code_challenge_method"] == "S256"
        assert len({asked["state"], asked["nonce"], asked["code_challenge"]}) == 3
        cookie = answer.headers["Set-Cookie"]
        assert "HttpOnly" in cookie
        assert "SameSite=lax" in cookie


async def test_a_session_begins_and_the_identity_stays_whatever_the_address(
    edge: Running, issuer: Issuer
) -> None:
    async with stranger(edge) as browser:
        assert (await come_in(browser)).headers["Location"] == "/"
        first = await me(browser)
    issuer.person["email"] = address()
    async with stranger(edge) as browser:
        await come_in(browser)
        assert await me(browser) == first


def _sign_symmetric(claims: Claims, key: RSAKey) -> str:
    """Take the public key, which everybody has, for a shared secret."""
    head = unsigned(claims, key, header={"alg": "HS256", "kid": "one"}).rstrip(".")
    mark = hmac.new(key.as_pem(private=False), head.encode(), hashlib.sha256).digest()
    return f"{head}.{base64.urlsafe_b64encode(mark).rstrip(b'=').decode()}"


def _sign_by_client_secret(claims: Claims, key: RSAKey) -> str:
    return jwt.encode({"alg": "HS256"}, claims, OctKey.import_key(CLIENT_SECRET), algorithms=["HS256"])


def _sign_by_another(claims: Claims, key: RSAKey) -> str:
    other = RSAKey.generate_key(2048, {"kid": "one"})
    return jwt.encode({"alg": "RS256", "kid": "one"}, claims, other, algorithms=["RS256"])


@pytest.mark.parametrize(
    "change",
    [
        {"nonce": "another"},
        {"nonce": None},
        {"aud": "another"},
        {"aud": [CLIENT_ID, "another"]},
        {"azp": "another"},
        {"aud": None},
        {"iss": "https://evil.example"},
        {"iss": None},
        {"exp": 1},
        {"exp": None},
        {"sub": None},
        {"sub": ""},
    ],
)
async def test_a_token_that_says_something_wrong_lets_nobody_in(
    edge: Running, issuer: Issuer, change: Claims
) -> None:
    issuer.twist = lambda claims: claims.update(change)
    async with stranger(edge) as browser:
        answer = await come_in(browser)
        problem(answer, 401, "unauthenticated")
        assert "millstream_session" not in answer.headers.get("Set-Cookie", "")
        assert (await browser.get("/api/v1/me")).status_code == 401


@pytest.mark.filterwarnings("ignore::joserfc.errors.SecurityWarning")
@pytest.mark.parametrize(
    "sign", [unsigned, _sign_symmetric, _sign_by_client_secret, _sign_by_another, lambda claims, key: "x.y.z"]
)
async def test_a_token_that_is_signed_wrong_lets_nobody_in(
    edge: Running, issuer: Issuer, sign: Callable[[Claims, RSAKey], str]
) -> None:
    issuer.sign = sign
    async with stranger(edge) as browser:
        problem(await come_in(browser), 401, "unauthenticated")


async def test_a_state_is_good_once_in_its_own_browser_for_its_own_provider(edge: Running) -> None:
    async with stranger(edge) as browser, stranger(edge) as other:
        url = await gone(browser)
        path = urlsplit(url).path
        code = query_of(url)["code"]
        for missing in ("", f"?code={code}", f"?code={code}&state=", f"?code={code}&state=guessed"):
            problem(await browser.get(path + missing), 401, "unauthenticated")
        problem(await other.get(url), 401, "unauthenticated")  # no cookie: somebody else's link
        problem(await browser.get(url), 401, "unauthenticated")  # and now the state is used up

        await gone(other)
        url = await gone(browser)
        problem(await other.get(url), 401, "unauthenticated")  # a cookie, but of another log-in
        url = await gone(browser)
        problem(await browser.get(url.replace("/company/", "/other/")), 401, "unauthenticated")
        url = await gone(browser)
        assert (await browser.get(url)).status_code == 303
        problem(await browser.get(url), 401, "unauthenticated")  # replayed


async def test_a_code_of_somebody_else_does_not_fit_the_verifier(edge: Running) -> None:
    async with stranger(edge) as victim, stranger(edge) as thief:
        stolen = query_of(await gone(victim))["code"]
        mine = await gone(thief)
        state = query_of(mine)["state"]
        answer = await thief.get(urlsplit(mine).path, params={"code": stolen, "state": state})
        problem(answer, 401, "unauthenticated")


async def test_an_answer_that_names_another_issuer_is_refused(edge: Running, issuer: Issuer) -> None:
    issuer.iss = "https://evil.example"
    async with stranger(edge) as browser:
        problem(await come_in(browser), 401, "unauthenticated")
    issuer.iss = issuer.url
    async with stranger(edge) as browser:
        assert (await come_in(browser)).status_code == 303


async def test_who_says_no_at_the_provider_is_not_in(edge: Running) -> None:
    async with stranger(edge) as browser:
        url = await gone(browser)
        refused = {"error": "access_denied", "state": query_of(url)["state"]}
        problem(await browser.get(urlsplit(url).path, params=refused), 401, "unauthenticated")
        problem(await browser.get(url), 401, "unauthenticated")


@pytest.mark.parametrize(
    ("wanted", "path"),
    [
        ("/graphs?x=1", "/graphs?x=1"),
        ("https://evil.example", "/"),
        ("//evil.example", "/"),
        ("/\\evil.example", "/"),
        ("/\t/evil.example", "/"),
        ("javascript:alert(1)", "/"),
        ("graphs", "/"),
    ],
)
async def test_one_comes_out_on_a_page_of_ours(edge: Running, wanted: str, path: str) -> None:
    async with stranger(edge) as browser:
        assert (await come_in(browser, next=wanted)).headers["Location"] == path


async def test_an_account_is_joined_by_a_checked_address_alone(edge: Running, issuer: Issuer) -> None:
    user_id, email = await with_account(edge.edge)
    issuer.person["email"] = email.upper()
    for unchecked in (False, None, "true", 1):
        issuer.person["email_verified"] = unchecked
        async with stranger(edge) as browser:
            problem(await come_in(browser), 403, "forbidden")
    issuer.person["email_verified"] = True
    async with stranger(edge) as browser:
        assert (await come_in(browser)).status_code == 303
        assert (await me(browser))["id"] == str(user_id)
        body = {"email": email, "password": PASSWORD}
        assert (await browser.post("/api/v1/auth/token", json=body)).status_code == 200, "the password stays"


async def test_an_account_with_a_second_factor_is_not_joined(edge: Running, issuer: Issuer) -> None:
    user_id, issuer.person["email"] = await with_account(edge.edge)
    async with edge.edge.pool.connection() as conn:
        await Users(conn).set_totp(user_id, b"sealed", confirmed=True)
    async with stranger(edge) as browser:
        problem(await come_in(browser), 403, "forbidden")


async def test_an_account_that_waited_for_somebody_elses_address_loses_its_password(
    edge: Running, issuer: Issuer
) -> None:
    user_id, email = await with_account(edge.edge, verified=False)
    issuer.person["email"] = email
    async with stranger(edge) as browser:
        assert (await come_in(browser)).status_code == 303
        assert (await me(browser))["id"] == str(user_id)
        body = {"email": email, "password": PASSWORD}
        problem(await browser.post("/api/v1/auth/token", json=body), 401, "unauthenticated")


async def test_nobody_becomes_the_local_user(edge: Running, issuer: Issuer) -> None:
    async with edge.edge.pool.connection() as conn:
        issuer.person["email"] = (await Users(conn).get(LOCAL_USER_ID)).email
    async with stranger(edge) as browser:
        problem(await come_in(browser), 403, "forbidden")


async def test_who_is_shut_out_does_not_come_in_this_way(edge: Running, issuer: Issuer) -> None:
    async with stranger(edge) as browser:
        await come_in(browser)
        user_id = uuid.UUID((await me(browser))["id"])
    async with edge.edge.pool.connection() as conn:
        await Users(conn).set_disabled(user_id, disabled=True)
    async with stranger(edge) as browser:
        problem(await come_in(browser), 401, "unauthenticated")


async def test_where_one_needs_an_invitation_only_those_of_a_chosen_provider_sign_up(
    settings: EdgeSettings, registry: Registry, issuer: Issuer
) -> None:
    company = SsoProvider(name="company", issuer=issuer.url, client_id=CLIENT_ID, client_secret=SECRET)
    providers = (company, replace(company, name="staff", sign_up=True))
    access = replace(settings.access, public_url=PUBLIC, sign_up="invite", sso=providers)
    async with serving(replace(settings, access=access), registry) as edge, stranger(edge) as browser:
        problem(await come_in(browser), 403, "forbidden")
        assert (await come_in(browser, "staff")).status_code == 303
        assert (await come_in(browser)).status_code == 303, "now there is an account"


async def test_roles_follow_the_claims(edge: Running, issuer: Issuer) -> None:
    for groups, role in ((["x", "pr", "ops"], "admin"), ("pr", "moderator"), ([], "user"), (None, "user")):
        issuer.person["groups"] = groups
        async with stranger(edge) as browser:
            await come_in(browser, "staff")
            assert (await me(browser))["role"] == role
    issuer.person["groups"] = ["ops"]
    async with stranger(edge) as browser:
        await come_in(browser)  # a provider without roles changes none
        assert (await me(browser))["role"] == "user"


async def test_github_is_asked_who_came_back(edge: Running, issuer: Issuer) -> None:
    email = issuer.person["email"]
    issuer.person = {
        "id": int(uuid.uuid4().int % 10**9),
        "login": "ada",
        "name": None,
        "email": "public@x.example",
    }
    issuer.emails = [{"email": email, "primary": True, "verified": False}]
    async with stranger(edge) as browser:
        problem(await come_in(browser, "github"), 403, "forbidden")
    issuer.emails = [
        {"email": "old@example.com", "primary": False, "verified": True},
        {"email": email, "primary": True, "verified": True},
    ]
    async with stranger(edge) as browser:
        assert (await come_in(browser, "github")).status_code == 303
        found = await me(browser)
        assert (found["email"], found["name"]) == (email, "ada")


@pytest.mark.parametrize("url", ["http://issuer.example", "ftp://issuer.example", "issuer.example"])
def test_a_provider_without_tls_is_refused_at_start(url: str) -> None:
    with pytest.raises(ConfigurationError, match="https"):
        SsoProvider(name="x", issuer=url, client_id="y")


def test_a_name_that_is_no_path_is_refused_at_start() -> None:
    with pytest.raises(ConfigurationError, match="name"):
        SsoProvider(name="../x", issuer="https://issuer.example", client_id="y")
