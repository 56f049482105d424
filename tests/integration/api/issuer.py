"""An issuer for tests, on a socket: right by default, and wrong in the way that a test asks for. It is GitHub too."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import hashlib
import secrets
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlencode, urlsplit

import orjson
import uvicorn
from joserfc import jwt
from joserfc.jwk import RSAKey
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from millstream.api.serve import bind

Claims = dict[str, Any]
CLIENT_ID = "millstream-test"
CLIENT_SECRET = "a secret: with odd / letters"


@dataclass
class Issuer:
    """What it says next."""

    url: str = ""
    person: Claims = field(default_factory=dict)
    twist: Callable[[Claims], None] = lambda claims: None
    """Changes the claims before they are signed."""
    sign: Callable[[Claims, RSAKey], str] | None = None
    document: Claims = field(default_factory=dict)
    emails: list[Claims] = field(default_factory=list)
    iss: str | None = None
    key: RSAKey = field(default_factory=lambda: RSAKey.generate_key(2048, {"kid": "one", "use": "sig"}))
    codes: dict[str, dict[str, str]] = field(default_factory=dict)

    async def configuration(self, request: Request) -> Response:
        found = {
            "issuer": self.url,
            "authorization_endpoint": f"{self.url}/authorize",
            "token_endpoint": f"{self.url}/token",
            "jwks_uri": f"{self.url}/jwks",
        }
        return JSONResponse(found | self.document)

    async def jwks(self, request: Request) -> Response:
        return JSONResponse({"keys": [self.key.as_dict(private=False)]})

    async def authorize(self, request: Request) -> Response:
        """Whoever comes has logged in here."""
        asked = dict(request.query_params)
        assert asked["client_id"] == CLIENT_ID
        assert asked["code_challenge_method"] == "S256"
        code = secrets.token_urlsafe(16)
        self.codes[code] = asked
        given = {"code": code, "state": asked["state"]} | ({"iss": self.iss} if self.iss else {})
        return RedirectResponse(f"{asked['redirect_uri']}?{urlencode(given)}", 303)

    async def token(self, request: Request) -> Response:
        form = dict(parse_qsl((await request.body()).decode()))
        asked = self.codes.pop(form.get("code", ""), None)
        hashed = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        sent = base64.urlsafe_b64encode(hashed).rstrip(b"=").decode()
        if asked is None or sent != asked["code_challenge"] or form["redirect_uri"] != asked["redirect_uri"]:
            return JSONResponse({"error": "invalid_grant"}, 400)
        now = int(time.time())
        claims = {"iss": self.url, "aud": CLIENT_ID, "iat": now, "exp": now + 60} | self.person
        claims["nonce"] = asked.get("nonce", "")
        self.twist(claims)
        claims = {name: value for name, value in claims.items() if value is not None}
        return JSONResponse({"access_token": "t", "token_type": "Bearer", "id_token": self._signed(claims)})

    def _signed(self, claims: Claims) -> str:
        if self.sign is not None:
            return self.sign(claims, self.key)
        return jwt.encode({"alg": "RS256", "kid": "one"}, claims, self.key, algorithms=["RS256"])

    async def user(self, request: Request) -> Response:
        assert request.headers["authorization"] == "Bearer t"
        return JSONResponse(self.person)

    async def user_emails(self, request: Request) -> Response:
        return JSONResponse(self.emails)


def unsigned(claims: Claims, _: RSAKey, *, header: Claims | None = None) -> str:
    """A token without a signature, which says that it needs none."""

    def part(value: object) -> str:
        return base64.urlsafe_b64encode(orjson.dumps(value)).rstrip(b"=").decode()

    return f"{part(header or {'alg': 'none'})}.{part(claims)}."


@contextlib.asynccontextmanager
async def issuing() -> AsyncIterator[Issuer]:
    made = Issuer()
    routes = [
        Route("/.well-known/openid-configuration", made.configuration),
        Route("/jwks", made.jwks),
        Route("/authorize", made.authorize),
        Route("/token", made.token, methods=["POST"]),
        Route("/login/oauth/authorize", made.authorize),
        Route("/login/oauth/access_token", made.token, methods=["POST"]),
        Route("/api/user", made.user),
        Route("/api/user/emails", made.user_emails),
    ]
    listener = bind("127.0.0.1", 0)
    made.url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    server = uvicorn.Server(uvicorn.Config(Starlette(routes=routes), log_config=None, lifespan="off"))
    task = asyncio.create_task(server.serve(sockets=[listener]))
    while not server.started:
        assert not task.done(), "the issuer did not start"
        await asyncio.sleep(0.01)
    try:
        yield made
    finally:
        server.should_exit = True
        await task


def query_of(url: str) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}
