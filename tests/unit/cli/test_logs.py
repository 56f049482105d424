from __future__ import annotations

from typing import Any

import pytest

from millstream.cli.logs import DOTS, redacted


@pytest.mark.parametrize(
    "name",
    [
        "token",
        "access_token",
        "Authorization",
        "api_key",
        "API-Key",
        "password",
        "client_secret",
        "set_cookie",
        "credentials",
    ],
)
def test_facts_that_look_like_secrets_are_not_written_down(name: str) -> None:
    assert redacted(None, "info", {"event": "x", name: "canary"}) == {"event": "x", name: DOTS}
    nested: dict[str, Any] = {"facts": [{"deep": {name: "canary", "size": 1}}]}
    assert redacted(None, "info", nested) == {"facts": [{"deep": {name: DOTS, "size": 1}}]}


def test_ids_numbers_and_flags_stay() -> None:
    event = {
        "event": "e",
        "secret_id": "i",
        "credential_id": "c",
        "tokens": 5,
        "has_token": True,
        "path": "/x",
        "token": None,
    }
    assert redacted(None, "info", event) == event
