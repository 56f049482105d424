from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import httpx
import pytest
import pytest_asyncio
from pydantic import SecretStr

from millstream.api.auth.passwords import Passwords
from millstream.api.settings import EdgeSettings
from millstream.connectors.database import migrate
from millstream.processors.registry import Registry
from tests.integration.api import graphs
from tests.integration.api.calls import problem, saved
from tests.integration.api.conftest import SETUP_CODE, Running, client_of, serving
from tests.integration.api.people import PASSWORD, Person, Postbox, address, browser, person, with_account
from tests.servers import Servers

AUTH = "/api/v1/auth"


@pytest_asyncio.fixture
async def stranger(running: Running) -> Any:
    async with client_of(running.url, None) as client:
        yield client


@pytest_asyncio.fixture
async def ada(running: Running) -> Any:
    async with person(running) as found:
        yield found


@pytest.fixture
def box(mail_server: tuple[Postbox, int]) -> Postbox:
    return mail_server[0]


async def log_in(client: httpx.AsyncClient, email: str, password: str = PASSWORD) -> httpx.Response:
    return await client.post(f"{AUTH}/token", json={"email": email, "password": password})


async def test_who_signs_up_comes_in_once_the_address_is_checked(
    stranger: httpx.AsyncClient, box: Postbox
) -> None:
    email = address()
    body = {"email": email.upper(), "password": PASSWORD, "name": "Ada"}
    answer = await stranger.post(f"{AUTH}/register", json=body)
    assert (answer.status_code, answer.json()) == (202, {"status": "check_mail"})
    token = await box.link(email)
    problem(await log_in(stranger, email), 403, "forbidden")
    verify = {"token": token, "password": "not that password"}
    problem(await stranger.post(f"{AUTH}/verify", json=verify), 403, "forbidden")
    verify["password"] = PASSWORD
    assert (await stranger.post(f"{AUTH}/verify", json=verify)).status_code == 204
    problem(await stranger.post(f"{AUTH}/verify", json=verify), 400, "input_invalid")  # once
    tokens = (await log_in(stranger, email)).json()
    me = await stranger.get("/api/v1/me", headers={"Authorization": f"Bearer {tokens['access_token']}"})
    assert (me.json()["email"], me.json()["name"], me.json()["role"]) == (email, "Ada", "user")


async def test_sign_up_with_an_address_that_is_taken_looks_the_same(
    stranger: httpx.AsyncClient, ada: Person, box: Postbox
) -> None:
    other = "another password"
    answer = await stranger.post(f"{AUTH}/register", json={"email": ada.email, "password": other})
    assert (answer.status_code, answer.json()) == (202, {"status": "check_mail"})
    assert "#token=" not in await box.text(ada.email)
    problem(await log_in(stranger, ada.email, other), 401, "unauthenticated")
    assert (await log_in(stranger, ada.email)).status_code == 200


async def test_who_confirms_a_foreign_sign_up_does_not_let_its_maker_in(
    stranger: httpx.AsyncClient, box: Postbox
) -> None:
    email = address()
    await stranger.post(f"{AUTH}/register", json={"email": email, "password": "attacker's password"})
    await box.link(email)
    await stranger.post(f"{AUTH}/register", json={"email": email, "password": PASSWORD})
    token = await box.link(email, 2)
    body = {"token": token, "password": PASSWORD}
    assert (await stranger.post(f"{AUTH}/verify", json=body)).status_code == 204
    problem(await log_in(stranger, email, "attacker's password"), 401, "unauthenticated")
    assert (await log_in(stranger, email)).status_code == 200


async def test_unknown_people_and_wrong_passwords_get_the_same_answer(
    stranger: httpx.AsyncClient, ada: Person
) -> None:
    for path in ("login", "token"):
        answers = [
            await stranger.post(f"{AUTH}/{path}", json={"email": email, "password": "wrong " + PASSWORD})
            for email in (ada.email, address())
        ]
        found = [problem(answer, 401, "unauthenticated") for answer in answers]
        assert found[0]["detail"] == found[1]["detail"]
        assert set(answers[0].headers) == set(answers[1].headers)


async def test_a_password_is_hashed_for_nobody_too(monkeypatch: pytest.MonkeyPatch) -> None:
    passwords = Passwords()
    assert not await passwords.verify(PASSWORD, None)
    stored = await passwords.hash(PASSWORD)
    assert stored.startswith("$argon2id$")
    assert await passwords.verify(PASSWORD, stored)
    assert not await passwords.verify(PASSWORD + "x", stored)


@pytest.mark.parametrize(
    "token", [None, "", " ", "null", "x" * 19, "x" * 43, 0, [], {"$ne": None}, "%00" * 10, "' OR true --" * 3]
)
async def test_no_made_up_token_resets_a_password(
    stranger: httpx.AsyncClient, ada: Person, token: Any
) -> None:
    answer = await stranger.post(
        f"{AUTH}/password/reset", json={"token": token, "password": "a new password"}
    )
    assert answer.status_code in (400, 422)
    assert (
        await stranger.post(f"{AUTH}/password/reset", json={"password": "a new password"})
    ).status_code == 422
    assert (await log_in(stranger, ada.email)).status_code == 200


async def test_a_reset_works_once_and_logs_everything_out(
    running: Running, stranger: httpx.AsyncClient, ada: Person, box: Postbox
) -> None:
    async with browser(running, ada.email) as page:
        assert (await page.get("/api/v1/me")).status_code == 200
        answer = await stranger.post(f"{AUTH}/password/forgot", json={"email": ada.email})
        other = await stranger.post(f"{AUTH}/password/forgot", json={"email": address()})
        assert (
            (answer.status_code, answer.json())
            == (other.status_code, other.json())
            == (202, {"status": "check_mail"})
        )
        first = await box.link(ada.email)
        await stranger.post(f"{AUTH}/password/forgot", json={"email": ada.email})
        token = await box.link(ada.email, 2)
        reset = {"token": token, "password": "a new password"}
        problem(
            await stranger.post(f"{AUTH}/password/reset", json={**reset, "token": first}),
            400,
            "input_invalid",
        )
        problem(
            await stranger.post(f"{AUTH}/verify", json={"token": token, "password": PASSWORD}),
            400,
            "input_invalid",
        )
        problem(
            await stranger.post(f"{AUTH}/password/reset", json={**reset, "password": "short"}),
            400,
            "input_invalid",
        )
        assert (await stranger.post(f"{AUTH}/password/reset", json=reset)).status_code == 204
        problem(await stranger.post(f"{AUTH}/password/reset", json=reset), 400, "input_invalid")
        problem(await page.get("/api/v1/me"), 401, "unauthenticated")
    problem(await ada.client.get("/api/v1/me"), 401, "unauthenticated")
    refresh = {"refresh_token": ada.tokens["refresh_token"]}
    problem(await stranger.post(f"{AUTH}/token/refresh", json=refresh), 401, "unauthenticated")
    problem(await log_in(stranger, ada.email), 401, "unauthenticated")
    assert (await log_in(stranger, ada.email, "a new password")).status_code == 200


async def test_a_link_is_too_old_after_its_time(
    running: Running, stranger: httpx.AsyncClient, ada: Person, box: Postbox
) -> None:
    await stranger.post(f"{AUTH}/password/forgot", json={"email": ada.email})
    token = await box.link(ada.email)
    async with running.edge.pool.connection() as conn:
        stored = await (
            await conn.execute("SELECT hash FROM mail_tokens WHERE user_id = %s", [ada.id])
        ).fetchall()
        assert token.encode() not in [bytes(row[0]) for row in stored]
        await conn.execute(
            "UPDATE mail_tokens SET expires_at = now() - interval '1 s' WHERE user_id = %s", [ada.id]
        )
    reset = {"token": token, "password": "a new password"}
    problem(await stranger.post(f"{AUTH}/password/reset", json=reset), 400, "input_invalid")


async def test_one_link_used_twice_at_once_works_once(
    running: Running, stranger: httpx.AsyncClient, ada: Person, box: Postbox
) -> None:
    await stranger.post(f"{AUTH}/password/forgot", json={"email": ada.email})
    token = await box.link(ada.email)
    answers = await asyncio.gather(
        *(
            stranger.post(f"{AUTH}/password/reset", json={"token": token, "password": f"new password {n}"})
            for n in range(4)
        )
    )
    assert sorted(answer.status_code for answer in answers) == [204, 400, 400, 400]


async def test_a_new_address_counts_once_its_link_is_used(
    stranger: httpx.AsyncClient, ada: Person, box: Postbox
) -> None:
    new = address()
    body = {"email": new, "password": "not the password"}
    problem(await ada.client.post("/api/v1/me/email", json=body), 403, "forbidden")
    body["password"] = PASSWORD
    assert (await ada.client.post("/api/v1/me/email", json=body)).status_code == 202
    assert "change the address" in await box.text(ada.email)
    assert (await log_in(stranger, ada.email)).status_code == 200
    verify = {"token": await box.link(new), "password": PASSWORD}
    assert (await stranger.post(f"{AUTH}/verify", json=verify)).status_code == 204
    assert (await log_in(stranger, new)).status_code == 200
    problem(await log_in(stranger, ada.email), 401, "unauthenticated")


async def test_a_new_password_needs_the_old_one(stranger: httpx.AsyncClient, ada: Person) -> None:
    body = {"password": "not the password", "new_password": "a new password"}
    problem(await ada.client.post("/api/v1/me/password", json=body), 403, "forbidden")
    body["password"] = PASSWORD
    assert (await ada.client.post("/api/v1/me/password", json=body)).status_code == 204
    problem(await ada.client.get("/api/v1/me"), 401, "unauthenticated")
    assert (await log_in(stranger, ada.email, "a new password")).status_code == 200


async def test_who_leaves_takes_all_along(running: Running, stranger: httpx.AsyncClient, ada: Person) -> None:
    made = await saved(ada.client, graphs.echo())
    problem(await ada.client.post("/api/v1/me/delete", json={"password": "not it at all"}), 403, "forbidden")
    assert (await ada.client.post("/api/v1/me/delete", json={"password": PASSWORD})).status_code == 204
    problem(await ada.client.get("/api/v1/me"), 401, "unauthenticated")
    problem(await log_in(stranger, ada.email), 401, "unauthenticated")
    async with running.edge.pool.connection() as conn:
        for table, column in (("graphs", "id"), ("users", "id"), ("accounts", "id")):
            value = made["id"] if table == "graphs" else ada.id
            found = await conn.execute(f"SELECT 1 FROM {table} WHERE {column} = %s".encode(), [value])
            assert await found.fetchone() is None


async def test_profiles_are_checked(ada: Person) -> None:
    answer = await ada.client.patch("/api/v1/me", json={"name": "Ada", "timezone": "Europe/London"})
    assert (answer.json()["name"], answer.json()["timezone"]) == ("Ada", "Europe/London")
    problem(await ada.client.patch("/api/v1/me", json={"timezone": "../../etc/passwd"}), 400, "input_invalid")
    problem(await ada.client.patch("/api/v1/me", json={"role": "admin"}), 422, "request_invalid")


async def test_easy_passwords_are_refused(stranger: httpx.AsyncClient) -> None:
    email = address()
    for password in ("tiny-1234", "a" * 20, email):
        answer = await stranger.post(f"{AUTH}/register", json={"email": email, "password": password})
        problem(answer, 400, "input_invalid")
        assert password not in answer.text


@pytest.mark.parametrize("sign_up", ["invite", "closed"])
async def test_sign_up_can_be_for_few_or_nobody(
    settings: EdgeSettings, registry: Registry, box: Postbox, sign_up: Any
) -> None:
    chosen = replace(settings, access=replace(settings.access, sign_up=sign_up))
    async with serving(chosen, registry) as edge, client_of(edge.url, None) as stranger:
        assert (await stranger.get(f"{AUTH}/config")).json()["sign_up"] == sign_up
        email = address()
        body = {"email": email, "password": PASSWORD}
        problem(await stranger.post(f"{AUTH}/register", json=body), 403, "forbidden")
        assert (await edge.client.post("/api/v1/users/invitations", json={"email": email})).status_code == 202
        body["invitation"] = await box.link(email)
        if sign_up == "closed":
            problem(await stranger.post(f"{AUTH}/register", json=body), 403, "forbidden")
            return
        problem(
            await stranger.post(f"{AUTH}/register", json={**body, "email": address()}), 400, "input_invalid"
        )
        assert (await stranger.post(f"{AUTH}/register", json=body)).json() == {"status": "ready"}
        assert (await log_in(stranger, email)).status_code == 200
        problem(await stranger.post(f"{AUTH}/register", json=body), 400, "input_invalid")


async def test_the_set_up_code_makes_one_admin_and_no_second(
    servers: Servers, settings: EdgeSettings, registry: Registry
) -> None:
    with servers.database() as dsn:
        await asyncio.to_thread(migrate, dsn)
        async with (
            serving(replace(settings, dsn=SecretStr(dsn)), registry) as edge,
            client_of(edge.url, None) as stranger,
        ):
            made = await saved(edge.client, graphs.echo())  # from the command line, before there are accounts
            assert (await stranger.get(f"{AUTH}/config")).json()["first_account"] is True
            body = {"email": address(), "password": PASSWORD, "setup_code": "not-the-code"}
            problem(await stranger.post(f"{AUTH}/register", json=body), 403, "forbidden")
            for empty in ("", None):
                answer = await stranger.post(f"{AUTH}/register", json={**body, "setup_code": empty})
                assert answer.json().get("status") != "ready"
            tries = [{"email": address(), "password": PASSWORD, "setup_code": SETUP_CODE} for _ in range(4)]
            answers = await asyncio.gather(*(stranger.post(f"{AUTH}/register", json=each) for each in tries))
            won = [each for each, answer in zip(tries, answers, strict=True) if answer.status_code == 202]
            assert len(won) == 1
            assert sorted(answer.status_code for answer in answers) == [202, 403, 403, 403]
            assert (await stranger.get(f"{AUTH}/config")).json()["first_account"] is False
            tokens = (await log_in(stranger, won[0]["email"])).json()
            async with client_of(edge.url, tokens["access_token"]) as admin:
                assert (await admin.get("/api/v1/me")).json()["role"] == "admin"
                assert (await admin.get(f"/api/v1/graphs/{made['id']}")).status_code == 200
                problem(await admin.post("/api/v1/me/delete", json={"password": PASSWORD}), 409, "conflict")


async def test_who_is_shut_out_is_out_at_once(running: Running, ada: Person) -> None:
    user_id, email = await with_account(running.edge)
    async with browser(running, email) as page:
        assert (await page.get("/api/v1/me")).status_code == 200
        answer = await running.client.patch(f"/api/v1/users/{user_id}", json={"disabled": True})
        assert answer.status_code == 200
        problem(await page.get("/api/v1/me"), 401, "unauthenticated")
        problem(await log_in(page, email), 401, "unauthenticated")
    problem(await ada.client.patch(f"/api/v1/users/{user_id}", json={"disabled": False}), 403, "forbidden")
