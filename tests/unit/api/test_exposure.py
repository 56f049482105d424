from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from pydantic import SecretStr
from starlette.requests import HTTPConnection

from millstream.api.auth.local import LocalToken
from millstream.api.auth.principal import READING, OrgRole, Principal, Role, Scope
from millstream.api.auth.secret import RootKey
from millstream.api.auth.settings import AccessSettings
from millstream.api.serve import check_exposure, server_config
from millstream.api.settings import EdgeSettings
from millstream.schemas.errors import ConfigurationError, ForbiddenError

TOKEN = "a-token-of-a-unit-test"
SETTINGS = EdgeSettings(
    kafka={}, dsn=SecretStr("x"), redis=SecretStr("x"), objects="file:///nowhere", token=SecretStr(TOKEN)
)
KEY = AccessSettings(key=SecretStr("0123456789abcdef"))


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "", "10.0.0.1", "millstream.example", "192.168.1.7"])
def test_beyond_loopback_it_wants_a_proxy_and_a_key(host: str) -> None:
    """A35."""
    for bad in (
        replace(SETTINGS, host=host),
        replace(SETTINGS, host=host, access=KEY),
        replace(SETTINGS, host=host, trusted_proxies=("10.0.0.2",)),
    ):
        with pytest.raises(ConfigurationError, match="MILLSTREAM_"):
            check_exposure(bad)
    check_exposure(replace(SETTINGS, host=host, access=KEY, trusted_proxies=("10.0.0.2",)))


@pytest.mark.parametrize("host", ["127.0.0.1", "127.9.9.9", "::1", "localhost"])
def test_on_loopback_it_just_starts(host: str) -> None:
    check_exposure(replace(SETTINGS, host=host))


def test_headers_of_proxies_are_believed_only_if_named() -> None:
    assert server_config(SETTINGS, []).proxy_headers is False
    named = server_config(replace(SETTINGS, trusted_proxies=("10.0.0.2",)), [])
    assert (named.proxy_headers, named.forwarded_allow_ips) == (True, ["10.0.0.2"])


@pytest.mark.parametrize(
    ("client", "headers", "known"),
    [
        (("127.0.0.1", 1), {}, True),
        (("::1", 1), {}, True),
        (("10.0.0.1", 1), {}, False),
        (("127.0.0.1", 1), {"x-forwarded-for": "127.0.0.1"}, False),
        (("127.0.0.1", 1), {"forwarded": "for=127.0.0.1"}, False),
        (("127.0.0.1", 1), {"x-real-ip": "127.0.0.1"}, False),
        (None, {}, False),
        (("testclient", 1), {}, False),
    ],
)
def test_the_local_token_is_good_on_this_machine_alone(
    client: Any, headers: dict[str, str], known: bool
) -> None:
    raw = [(name.encode(), value.encode()) for name, value in headers.items()]
    connection = HTTPConnection({"type": "http", "client": client, "headers": raw})
    found = LocalToken(SecretStr(TOKEN)).find(TOKEN, connection)
    assert (found is not None) is known
    if found is not None:
        assert (found.kind, found.role) == ("local", Role.ADMIN)


def test_what_is_sealed_opens_only_for_what_it_was_sealed() -> None:
    key = RootKey("0123456789abcdef")
    sealed = key.seal(b"secret", "row 1")
    assert key.open(sealed, "row 1") == b"secret"
    for other, about in ((key, "row 2"), (RootKey("fedcba9876543210"), "row 1")):
        with pytest.raises(ConfigurationError):
            other.open(sealed, about)
    assert key.derive("a") != key.derive("b")
    with pytest.raises(ConfigurationError, match="16"):
        RootKey("short")


def test_a_viewer_only_reads_whatever_the_key_says(principal: Principal) -> None:
    for scope in Scope:
        assert principal.may(scope) is (scope in READING)
        if scope not in READING:
            with pytest.raises(ForbiddenError):
                principal.demand(scope)


@pytest.fixture(params=[None, frozenset(Scope)])
def principal(request: pytest.FixtureRequest) -> Principal:
    from uuid import uuid4

    return Principal(user_id=uuid4(), account_id=uuid4(), org_role=OrgRole.VIEWER, scopes=request.param)
