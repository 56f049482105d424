from __future__ import annotations

import time
from typing import Any

import httpx
import pyotp
import pytest_asyncio

from tests.integration.api.calls import problem
from tests.integration.api.conftest import Running
from tests.integration.api.people import PASSWORD, Person, person

TOTP = "/api/v1/me/totp"
TOKEN = "/api/v1/auth/token"


@pytest_asyncio.fixture
async def ada(running: Running) -> Any:
    async with person(running) as found:
        yield found


def codes_of(secret: str) -> list[str]:
    """Return the three codes that are good now, oldest first."""
    totp, now = pyotp.TOTP(secret), int(time.time())
    return [totp.at(now + 30 * step) for step in (-1, 0, 1)]


async def enrolled(ada: Person) -> tuple[str, list[str]]:
    """Switch a second factor on; returns its secret and the recovery codes."""
    secret = (await ada.client.post(TOTP, json={"password": PASSWORD})).json()["secret"]
    answer = await ada.client.post(f"{TOTP}/confirm", json={"code": codes_of(secret)[0]})
    assert answer.status_code == 200, answer.text
    return secret, answer.json()["recovery_codes"]


async def log_in(ada: Person, code: str | None = None, password: str = PASSWORD) -> httpx.Response:
    return await ada.client.post(TOKEN, json={"email": ada.email, "password": password, "code": code})


async def test_a_login_asks_for_the_code_and_takes_each_once(running: Running, ada: Person) -> None:
    secret, _ = await enrolled(ada)
    problem(await log_in(ada), 401, "second_factor_required")
    problem(await log_in(ada, "000000"), 401, "second_factor_required")
    code = codes_of(secret)[1]
    problem(await log_in(ada, code, "a wrong password"), 401, "unauthenticated")
    assert (await log_in(ada, code)).status_code == 200
    problem(await log_in(ada, code), 401, "second_factor_required")
    async with running.edge.pool.connection() as conn:
        row = await (await conn.execute("SELECT totp_secret FROM users WHERE id = %s", [ada.id])).fetchone()
    assert row is not None
    assert secret.encode() not in bytes(row[0])


async def test_a_recovery_code_stands_in_once(running: Running, ada: Person) -> None:
    _, recovery = await enrolled(ada)
    assert len(set(recovery)) == 10
    assert (await log_in(ada, recovery[0].upper())).status_code == 200
    problem(await log_in(ada, recovery[0]), 401, "second_factor_required")
    assert (await log_in(ada, recovery[1])).status_code == 200


async def test_guessing_is_stopped(ada: Person) -> None:
    secret, _ = await enrolled(ada)
    for guess in range(5):
        problem(await log_in(ada, f"{guess:06}"), 401, "second_factor_required")
    answer = await log_in(ada, codes_of(secret)[2])
    problem(answer, 429, "rate_limited")
    assert "Retry-After" in answer.headers


async def test_it_counts_only_once_confirmed(ada: Person) -> None:
    problem(await ada.client.post(TOTP, json={"password": "not the password"}), 403, "forbidden")
    problem(await ada.client.post(f"{TOTP}/confirm", json={"code": "123456"}), 409, "conflict")
    made = (await ada.client.post(TOTP, json={"password": PASSWORD})).json()
    assert made["uri"].startswith("otpauth://totp/Millstream:")
    problem(await ada.client.post(f"{TOTP}/confirm", json={"code": "000000"}), 400, "input_invalid")
    assert (await log_in(ada)).status_code == 200


async def test_removing_it_needs_password_and_code(ada: Person) -> None:
    secret, recovery = await enrolled(ada)
    problem(await ada.client.post(TOTP, json={"password": PASSWORD}), 409, "conflict")
    body = {"password": PASSWORD, "code": "000000"}
    problem(await ada.client.post(f"{TOTP}/remove", json=body), 401, "second_factor_required")
    body = {"password": "not the password", "code": recovery[0]}
    problem(await ada.client.post(f"{TOTP}/remove", json=body), 403, "forbidden")
    body = {"password": PASSWORD, "code": codes_of(secret)[2]}
    assert (await ada.client.post(f"{TOTP}/remove", json=body)).status_code == 204
    assert (await log_in(ada)).status_code == 200
