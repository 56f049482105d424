from __future__ import annotations

import json
from typing import Any

import pytest
from pydantic import SecretStr

from millstream.cli.sign_in import providers
from millstream.schemas.errors import ConfigurationError


def given(*each: dict[str, Any]) -> SecretStr:
    return SecretStr(json.dumps(each))


def test_presets_know_where_their_servers_are() -> None:
    app = {"client_id": "i", "client_secret": "s"}
    enterprise = {"name": "work", "preset": "github", "issuer": "https://git.example"}
    found = providers(
        given(
            {"name": "google", "preset": "google", **app},
            {"name": "github", "preset": "github", **app},
            {**enterprise, **app},
            {
                "name": "company",
                "issuer": "https://id.example",
                "role_claim": "groups",
                "roles": {"ops": "admin"},
                **app,
            },
        )
    )
    assert [each.issuer for each in found] == [
        "https://accounts.google.com",
        "https://github.com",
        "https://git.example",
        "https://id.example",
    ]
    assert [each.api_url for each in found] == [
        "",
        "https://api.github.com",
        "https://git.example/api/v3",
        "",
    ]
    assert found[3].roles == {"ops": "admin"}
    assert providers(SecretStr("")) == ()


@pytest.mark.parametrize(
    "text",
    [
        "{",
        "{}",
        '[{"name": "x"}]',
        '[{"name": "x", "client_id": "i", "issuer": "http://id.example", "client_secret": "hidden"}]',
        '[{"name": "x", "client_id": "i", "issuer": "https://id.example", "secret": "hidden"}]',
        '[{"name": "x", "client_id": "i", "issuer": "https://id.example", "client_secret": ["hidden"]}]',
        '[{"name": "x", "client_id": "i", "issuer": "https://id.example", "roles": {"hidden": "king"}}]',
    ],
)
def test_what_is_wrong_is_refused_without_showing_secrets(text: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        providers(SecretStr(text))
    assert "hidden" not in str(caught.value).replace("roles.hidden", "")
