from __future__ import annotations

from typing import Annotated, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from millstream import Context, Credentials, Provider, SecretText, block
from millstream.processors.confidence import Confidence, NoVault
from millstream.processors.credentials import ApiKey, HostScoped, OAuth2, UserPassword
from millstream.processors.masking import DOTS, Mask
from millstream.processors.services import Credential
from millstream.schemas.errors import CredentialError
from millstream.schemas.secrets import Opened, ref_id

CANARY = "canary-0123456789"
ID = "11111111-1111-4111-8111-111111111111"
DATA: dict[str, dict[str, Any]] = {
    "api_key": {"api_key": CANARY},
    "user_password": {"username": "ada", "password": CANARY},
    "oauth2": {"access_token": CANARY, "scopes": ["read"]},
    "host_scoped": {"headers": {"X-Key": CANARY}},
    "value": {"value": CANARY},
}
KINDS = ("api_key", "user_password", "oauth2", "host_scoped")


@block
async def ask(
    query: str,
    credentials: Annotated[Credentials, Provider("jina", "exa", types=KINDS, hosts=("api.jina.ai",))],
    phrase: SecretText = "",
    *,
    ctx: Context,
) -> str:
    """Ask."""
    return query + repr(await ctx.credentials())


def opened(kind: str = "api_key", **more: Any) -> Opened:
    return Opened(**{"id": ID, "kind": kind, "provider": "jina", "title": "t", "data": DATA[kind], **more})


class OneVault:
    def __init__(self, what: Opened) -> None:
        self.what = what
        self.asked: list[tuple[str, str, str]] = []

    async def open(self, user_id: str, execution_id: str, secret_id: str) -> Opened:
        self.asked.append((user_id, execution_id, secret_id))
        return self.what


def confidence(what: Opened, **inputs: Any) -> Confidence:
    made = Confidence(OneVault(what), "user", "execution")
    made.about(ask.spec.input_schema, {"credentials": {"id": ID}, **inputs})
    return made


def test_the_pins_of_secrets_say_so_in_the_schema() -> None:
    pins = ask.spec.input_schema["properties"]
    assert pins["phrase"]["secret"] is True
    assert pins["credentials"]["credentials_provider"] == ["jina", "exa"]
    assert pins["credentials"]["credentials_types"] == list(KINDS)
    assert pins["credentials"]["properties"]["provider"]["enum"] == ["jina", "exa"]
    assert "$defs" not in ask.spec.input_schema


@pytest.mark.parametrize(
    ("kind", "headers"),
    [
        ("api_key", {"Authorization": f"Bearer {CANARY}"}),
        ("user_password", {"Authorization": "Basic YWRhOmNhbmFyeS0wMTIzNDU2Nzg5"}),
        ("oauth2", {"Authorization": f"Bearer {CANARY}"}),
        ("host_scoped", {"X-Key": CANARY}),
    ],
)
async def test_each_kind_has_headers_for_its_hosts_and_a_silent_repr(
    kind: str, headers: dict[str, str]
) -> None:
    found = await confidence(opened(kind)).credentials("credentials")
    assert isinstance(found, ApiKey | UserPassword | OAuth2 | HostScoped)
    assert found.credential() == Credential(hosts=frozenset({"api.jina.ai"}), headers=headers)
    assert CANARY not in repr(found) + str(found) + repr(found.credential()) + repr(opened(kind))


async def test_its_own_hosts_go_before_those_of_the_block() -> None:
    found = await confidence(opened(hosts=("mine.example",))).credentials("credentials")
    assert found.hosts == frozenset({"mine.example"})


@pytest.mark.parametrize(
    "wrong", [{"provider": "other"}, {"kind": "value", "data": DATA["value"]}, {"data": {}}]
)
async def test_another_provider_or_kind_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(CredentialError):
        await confidence(opened(**wrong)).credentials("credentials")


@pytest.mark.parametrize("meta", [None, "x", {}, {"id": 1}])
async def test_a_pin_without_a_choice_is_refused(meta: Any) -> None:
    with pytest.raises(CredentialError, match="Nothing is chosen"):
        await confidence(opened(), credentials=meta).credentials("credentials")


async def test_a_credential_is_no_value_to_look_at() -> None:
    with pytest.raises(CredentialError, match="is a credential"):
        await confidence(opened()).resolve({"x": {"$secret": ID}})


async def test_references_are_resolved_wherever_they_are() -> None:
    secrets = confidence(opened("value"))
    given_ = {"a": {"$secret": ID}, "b": [{"c": {"$secret": ID}}], "d": {"$secret": "no-id"}, "e": 1}
    assert await secrets.resolve(given_) == {
        "a": CANARY,
        "b": [{"c": CANARY}],
        "d": {"$secret": "no-id"},
        "e": 1,
    }
    assert secrets.mask.value({"out": CANARY, "also": [f"<{CANARY}>"]}) == {
        "out": {"$secret": ID},
        "also": [f"<{DOTS}>"],
    }
    untouched = {"x": [1]}
    assert await secrets.resolve(untouched) is untouched


async def test_a_worker_without_a_key_refuses() -> None:
    with pytest.raises(CredentialError, match="MILLSTREAM_WORKER_KEY"):
        await Confidence(NoVault(), "u", "e").resolve({"$secret": ID})


def test_what_is_sent_is_masked_in_the_form_in_which_it_is_sent() -> None:
    from millstream.processors.credentials import secret_texts

    mask = Mask()
    for kind in KINDS:
        mask.add_texts(secret_texts(opened(kind)))
    assert mask.text(f"{CANARY} Basic YWRhOmNhbmFyeS0wMTIzNDU2Nzg5") == f"{DOTS} Basic {DOTS}"
    bearer = Mask()
    bearer.add_texts(
        secret_texts(opened("host_scoped", data={"headers": {"Authorization": f"Bearer {CANARY}"}}))
    )
    assert bearer.text(f"echo {CANARY}") == f"echo {DOTS}"


@pytest.mark.parametrize("value", [42.5, 12345, {"user": "ada-lovelace"}, ["abcdefgh", 2]])
def test_a_secret_of_any_type_goes_back_to_its_reference(value: Any) -> None:
    mask = Mask()
    mask.add_value(ID, value)
    assert mask.value({"x": [value]}) == {"x": [{"$secret": ID}]}


@pytest.mark.parametrize("value", [None, True, False, 0, "", [], {}])
def test_values_that_tell_nothing_are_not_masked(value: Any) -> None:
    mask = Mask()
    mask.add_value(ID, value)
    shown: list[Any] = [None, True, False, 0, 0.0, 1, "", [], {}]
    assert mask.value(shown) == shown


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-5, 5)
    | st.text(max_size=5)
    | st.just(CANARY)
    | st.just(f"a{CANARY}b"),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(max_size=3) | st.just(CANARY), inner, max_size=3)
    ),
    max_leaves=10,
)


@given(JSON)
def test_a_masked_value_never_has_the_secret_in_it(value: Any) -> None:
    mask = Mask()
    mask.add_value(ID, CANARY)
    assert CANARY not in str(mask.value(value))


@given(JSON.filter(lambda value: CANARY not in str(value)))
def test_a_value_without_the_secret_stays(value: Any) -> None:
    mask = Mask()
    mask.add_value(ID, CANARY)
    assert mask.value(value) == value


@pytest.mark.parametrize("value", [{"$secret": ID, "x": 1}, {"$secret": 1}, {"$secret": "x"}, [], None, ID])
def test_only_the_exact_form_is_a_reference(value: Any) -> None:
    assert ref_id(value) is None


@pytest.mark.parametrize(
    ("hosts", "url", "allowed"),
    [
        ("api.example", ("https", "api.example", 443), True),
        ("API.example", ("https", "api.EXAMPLE.", 443), True),
        ("api.example", ("http", "api.example", 80), False),
        ("api.example", ("https", "api.example", 8443), False),
        ("api.example:8443", ("https", "api.example", 8443), True),
        ("api.example:80", ("http", "api.example", 80), True),
        ("api.example", ("https", "evil.example", 443), False),
        ("api.example", ("https", "api.example.evil.test", 443), False),
        ("*.example", ("https", "a.b.example", 443), True),
        ("*.example", ("https", "example", 443), False),
        ("*.example", ("https", "evilexample", 443), False),
        ("*.example:8443", ("https", "a.example", 8443), True),
        ("*.example", ("http", "a.example", 80), False),
        ("*", ("https", "a.example", 443), False),
    ],
)
def test_a_credential_knows_its_hosts(hosts: str, url: tuple[str, str, int], allowed: bool) -> None:
    assert Credential(hosts=frozenset({hosts}), headers={}).allows(*url) is allowed
