"""Services with an HTTP API, told once: where they are, how one logs in, how they report a failure. A block of such a
service is then its pins and one call that reads like the service's documentation.

    made = await GITHUB.call(ctx, "POST /repos/{owner}/{repo}/issues", path=repo, json={"title": title})

Requests go through the guarded client of the context, so the rules of addresses and credentials hold here too.
"""

from __future__ import annotations

import asyncio
import dataclasses
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal, TypedDict, Unpack
from urllib.parse import quote, urlsplit

from millstream.processors.context import Context
from millstream.processors.credentials import AnyCredential, ApiKey, OAuth2, Provider
from millstream.processors.guards.retrying import back_off_s, may_repeat, retry_after_s
from millstream.processors.services import Credential, HttpOptions, HttpResponse
from millstream.schemas.errors import (
    AddressRefusedError,
    BlockExecutionError,
    BlockInputError,
    CredentialError,
    MillstreamError,
    UpstreamError,
)
from millstream.schemas.secrets import CredentialKind

TRIES: Final = 3
WAIT_LIMIT_S: Final = 20.0
"""Longest wait between two tries; a service that asks for more ends the node, whose policy may try again later."""
_SLOT = re.compile(r"\{(\w+)(\*?)\}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Login:
    """Where a service wants the key: in a header, a parameter of the query, or as `{key}` in the path."""

    place: Literal["header", "query", "path"] = "header"
    name: str = "Authorization"
    prefix: str = "Bearer "


BEARER: Final = Login()


class Ask(TypedDict, total=False):
    """What goes along with a request; what is None in `query` and `json` is left out."""

    path: Mapping[str, Any]
    """Values of the slots in the path: `{name}` takes one segment, `{name*}` several."""
    query: Mapping[str, Any]
    json: Any
    data: Mapping[str, Any]
    files: list[tuple[str, tuple[str, bytes, str]]]
    content: bytes
    headers: Mapping[str, str]
    timeout_s: float
    max_bytes: int
    keyed: bool
    """The service does a request with the same `Idempotency-Key` once: it is sent along, and POST may be repeated."""
    pin: str | None
    """The credentials pin, if it is not `credentials`; None for a request without a log-in."""


def _problem(value: Any) -> str:
    """Find the sentence in the usual places of an error answer."""
    for key in ("message", "error_description", "detail", "error", "msg", "description"):
        found = value.get(key) if isinstance(value, dict) else None
        if isinstance(found, dict):
            return _problem(found)
        if isinstance(found, str) and found:
            return found
    return value if isinstance(value, str) else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """A service. `provider` names its credentials; `name` is what an operator calls it in `MILLSTREAM_SERVICE_URLS`."""

    provider: str
    title: str
    url: str
    name: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    login: Login | None = BEARER
    problem: Callable[[Any], str] = _problem
    """Finds the sentence of an error in the JSON of an answer."""
    failed: Callable[[Any], bool] | None = None
    """Tells whether an answer with status 200 reports a failure."""
    fixed: bool = False
    """Its address is the caller's, and no operator puts it elsewhere."""

    def takes(self, *types: CredentialKind, scopes: tuple[str, ...] = ()) -> Provider:
        """Return the annotation of this service's credentials pin; they go to its host only."""
        host = urlsplit(self.url).hostname or ""
        return Provider(self.provider, types=types or ("api_key",), scopes=scopes, hosts=(host,))

    async def call(self, ctx: Context, request: str, **ask: Unpack[Ask]) -> Any:
        """Send `request` (`"GET /things/{id}"`) and return the JSON of the answer, None if it is empty.

        Errors: CredentialError if it does not accept the log-in; UpstreamError if it is out of order or over its limits;
        BlockExecutionError with its own words for whatever else it refuses.
        """
        answer = await self.ask(ctx, request, **ask)
        if not answer.body:
            return None
        try:
            return answer.json()
        except (ValueError, RecursionError) as error:
            raise UpstreamError(f"{self.title} did not answer with JSON.", status=answer.status) from error

    async def ask(self, ctx: Context, request: str, **ask: Unpack[Ask]) -> HttpResponse:
        """As `call`, but return the answer as it is: for files, texts and headers."""
        method, _, template = request.partition(" ")
        base = None if self.fixed else ctx.http.service_url(self.name or self.provider)
        options, key = await self._options(ctx, ask, base)
        url = (base or self.url).rstrip("/") + filled(template, {**ask.get("path", {}), **key})
        keyed = ask.get("keyed", False)
        for tried in range(1, TRIES + 1):
            answer: HttpResponse | None = None
            try:
                answer = await ctx.http.request(method, url, **options)
            except UpstreamError as error:
                if tried == TRIES or not may_repeat(method, None, keyed=keyed):
                    raise UpstreamError(f"{self.title}: {_without(key, str(error))}") from None
            except AddressRefusedError as error:
                raise AddressRefusedError(f"{self.title}: {_without(key, str(error))}") from None
            if answer is not None and answer.status < 400:
                return self._checked(answer)
            wait_s = back_off_s(tried, retry_after_s(answer.headers) if answer is not None else None)
            if answer is not None and (
                tried == TRIES or wait_s > WAIT_LIMIT_S or not may_repeat(method, answer.status, keyed=keyed)
            ):
                raise self._refusal(answer)
            await asyncio.sleep(wait_s)
        raise AssertionError("unreachable")

    async def _options(self, ctx: Context, ask: Ask, base: str | None) -> tuple[HttpOptions, dict[str, str]]:
        """What the client is told, and the key if it stands in the path."""
        options: HttpOptions = {"headers": {**self.headers, **ask.get("headers", {})}}
        if ask.get("keyed"):
            options["headers"] = {**options["headers"], "Idempotency-Key": ctx.idempotency_key}
        if "json" in ask:
            options["json"] = given(ask["json"])
        for name in ("data", "files", "content", "timeout_s", "max_bytes"):
            if name in ask:
                options[name] = ask[name]
        query = {name: _text(value) for name, value in given(dict(ask.get("query", {}))).items()}
        pin = ask.get("pin", "credentials")
        key: dict[str, str] = {}
        if self.login is not None and pin is not None:
            held = await ctx.credentials(pin)
            credential = self._bound(held, base)
            if self.login.place == "header":
                options["auth"] = credential
            else:
                self._may_send(credential, base)
                secret = _secret(held)
                (query if self.login.place == "query" else key)[
                    self.login.name if self.login.place == "query" else "key"
                ] = secret
        if query:
            options["params"] = query
        return options, key

    def _bound(self, held: AnyCredential, base: str | None) -> Credential:
        """The log-in as headers with the hosts that it may go to."""
        credential = held.credential()
        if self.login is not None and self.login.place == "header" and isinstance(held, ApiKey):
            credential = held.in_header(self.login.name, self.login.prefix)
        if base is not None and credential.hosts == {urlsplit(self.url).hostname}:
            # The credential names no host of its own, and the operator says where the service is.
            credential = dataclasses.replace(credential, hosts=frozenset({_origin(base)}))
        return credential

    def _may_send(self, credential: Credential, base: str | None) -> None:
        """What stands in a URL is not seen by the client's check, so it is made here. Errors: AddressRefusedError."""
        parts = urlsplit(base or self.url)
        port = parts.port or (443 if parts.scheme == "https" else 80)
        if not credential.allows(parts.scheme, parts.hostname or "", port):
            hosts = ", ".join(sorted(credential.hosts)) or "no host"
            raise AddressRefusedError(f"This credential is for {hosts}, not for {self.title}.")

    def _checked(self, answer: HttpResponse) -> HttpResponse:
        """The answer, unless it says in its body that it failed."""
        if self.failed is not None and self.failed(value := _value(answer)):
            raise BlockExecutionError(f"{self.title} refused this: {self.problem(value)[:500]}")
        return answer

    def _refusal(self, answer: HttpResponse) -> MillstreamError:
        status, reason = answer.status, self.problem(_value(answer))[:500]
        said = f" It says: {reason}" if reason else ""
        if status == 401:
            return CredentialError(f"{self.title} does not accept this credential (401); renew it.{said}")
        if may_repeat("GET", status):
            after = retry_after_s(answer.headers)
            facts: dict[str, Any] = {"status": status} | ({"retry_after_s": after} if after else {})
            return UpstreamError(f"{self.title} cannot do this now ({status}).{said}", **facts)
        return BlockExecutionError(f"{self.title} refused this ({status}).{said}", status=status)


def given(value: Any) -> Any:
    """Return a dictionary without what is None; anything else as it is."""
    return {k: v for k, v in value.items() if v is not None} if isinstance(value, dict) else value


def filled(template: str, values: Mapping[str, Any]) -> str:
    """Put values into the slots of a path. What a value holds stays inside its slot. Errors: BlockInputError."""

    def one(match: re.Match[str]) -> str:
        name, several = match[1], bool(match[2])
        text = str(values[name]).strip("/" if several else "")
        parts = text.split("/") if several else [text]
        if any(part in ("", ".", "..") for part in parts):
            raise BlockInputError(f"{name} is {text!r}; a path cannot have that in it.", pin=name)
        return "/".join(quote(part, safe=":" if name == "key" else "") for part in parts)

    return _SLOT.sub(one, template)


def _text(value: Any) -> Any:
    """A value of the query as text; a list as texts, each under the same name."""
    if isinstance(value, list):
        return [_text(each) for each in value]
    return str(value).lower() if isinstance(value, bool) else str(value)


def _value(answer: HttpResponse) -> Any:
    """The JSON of an answer, else the beginning of its text."""
    if len(answer.body) > 1_000_000 and not answer.media_type.endswith("json"):
        return ""
    try:
        return answer.json()
    except (ValueError, RecursionError):
        return "" if answer.media_type == "text/html" else answer.text[:500]


def _secret(held: AnyCredential) -> str:
    if isinstance(held, ApiKey):
        return held.api_key.get_secret_value()
    if isinstance(held, OAuth2):
        return held.access_token.get_secret_value()
    raise CredentialError("This service takes an API key.")


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.hostname}:{parts.port or (443 if parts.scheme == 'https' else 80)}"


def _without(key: Mapping[str, str], text: str) -> str:
    for secret in key.values():
        text = text.replace(secret, "•••").replace(quote(secret, safe=":"), "•••")
    return text
