"""Links that show a run without a login."""

from __future__ import annotations

import logging
import uuid
from typing import Any

import httpx
import pytest

from millstream.api.shares.repository import Share
from millstream.api.shares.router import SharedOut, ShareOut
from tests.integration.api import graphs
from tests.integration.api.calls import ended, problem, started
from tests.integration.api.conftest import Running, client_of
from tests.integration.api.engine import Engine
from tests.integration.api.people import key_of, person


async def shared(client: httpx.AsyncClient, **body: Any) -> dict[str, Any]:
    id_ = await started(client, graphs.echo(), inputs={"text": "hello"})
    await ended(client, id_)
    answer = await client.post(f"/api/v1/executions/{id_}/share", json=body)
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()
    ShareOut.model_validate(found)
    assert found["url"].endswith(f"/api/v1/shared/{found['token']}")
    return found


async def test_whoever_has_the_link_sees_the_outputs_and_nothing_else(
    running: Running, client: httpx.AsyncClient, engine: Engine
) -> None:
    link = await shared(client)
    async with client_of(running.url, None) as stranger:
        answer = await stranger.get(f"/api/v1/shared/{link['token']}")
    found = answer.json()
    SharedOut.model_validate(found)
    assert set(found) == set(SharedOut.model_fields)
    assert (found["status"], found["outputs"]) == ("COMPLETED", {"said": ["hello"]})
    assert not {"inputs", "node_executions", "user_id"} & set(found)
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["Referrer-Policy"] == "no-referrer"


async def test_a_withdrawn_link_shows_nothing_and_a_new_one_ends_the_old(
    running: Running, client: httpx.AsyncClient, engine: Engine
) -> None:
    link = await shared(client)
    url = f"/api/v1/executions/{link['execution_id']}/share"
    assert (await client.get(url)).json() == link
    second = (await client.post(url)).json()
    async with client_of(running.url, None) as stranger:
        problem(await stranger.get(f"/api/v1/shared/{link['token']}"), 404, "not_found")
        assert (await stranger.get(f"/api/v1/shared/{second['token']}")).status_code == 200
        assert (await client.delete(url)).status_code == 204
        problem(await stranger.get(f"/api/v1/shared/{second['token']}"), 404, "not_found")
    problem(await client.get(url), 404, "not_found")


async def test_a_link_ends_with_its_time(running: Running, client: httpx.AsyncClient, engine: Engine) -> None:
    link = await shared(client, expires_in_s=0.001)
    async with client_of(running.url, None) as stranger:
        problem(await stranger.get(f"/api/v1/shared/{link['token']}"), 404, "not_found")
    for lifetime_s in (0, -1, 10**9):
        url = f"/api/v1/executions/{link['execution_id']}/share"
        problem(await client.post(url, json={"expires_in_s": lifetime_s}), 422, "request_invalid")


async def test_a_deleted_run_takes_its_link_along(
    running: Running, client: httpx.AsyncClient, engine: Engine
) -> None:
    link = await shared(client)
    assert (await client.delete(f"/api/v1/executions/{link['execution_id']}")).status_code == 204
    problem(await client.get(f"/api/v1/executions/{link['execution_id']}"), 404, "not_found")
    async with client_of(running.url, None) as stranger:
        problem(await stranger.get(f"/api/v1/shared/{link['token']}"), 404, "not_found")


async def test_no_other_spelling_or_code_opens_a_link(
    running: Running, client: httpx.AsyncClient, engine: Engine
) -> None:
    """A26, A47: the code is of one canonical text; what is nearly it, or of another link or purpose, is nothing."""
    one, other = await shared(client), await shared(client)
    token = one["token"]
    row = Share(
        id=uuid.UUID(hex=token[:32]),
        execution_id=uuid.UUID(one["execution_id"]),
        account_id=uuid.uuid4(),
        created_by=uuid.uuid4(),
        created_at=None,  # type: ignore[arg-type]  # not signed
        expires_at=None,  # type: ignore[arg-type]
    )
    forged = row.id.hex + running.edge.auth.root.mark("another use", str(row.id))
    bad = [
        token[:32] + other["token"][32:],
        other["token"][:32] + token[32:],
        token[:-1] + ("0" if token[-1] != "0" else "1"),
        uuid.uuid4().hex + token[32:],
        forged,
    ]
    odd = [token.upper(), token + "0", token[:-1], f"{row.id}{token[32:]}", token[:32], "x", "%00" + token]
    async with client_of(running.url, None) as stranger:
        for text in bad:
            problem(await stranger.get(f"/api/v1/shared/{text}"), 404, "not_found")
        for text in odd:
            assert (await stranger.get(f"/api/v1/shared/{text}")).status_code in (404, 422), text
        for text in (token, token[:32]):  # no way in, either
            assert (await stranger.get("/api/v1/executions", headers={"X-API-Key": text})).status_code == 401


async def test_only_files_that_the_outputs_name_are_given_out(
    running: Running, client: httpx.AsyncClient, engine: Engine
) -> None:
    files = [
        (await client.post("/api/v1/files", files={"file": (f"{n}.txt", b"text %d" % n)})).json()
        for n in range(2)
    ]
    id_ = await started(client, graphs.echo(), inputs={"text": files[0]["uri"]})
    await ended(client, id_)
    token = (await client.post(f"/api/v1/executions/{id_}/share")).json()["token"]
    async with client_of(running.url, None) as stranger:
        found = await stranger.get(f"/api/v1/shared/{token}/files/{files[0]['id']}")
        assert (found.status_code, found.content) == (200, b"text 0")
        assert "sandbox" in found.headers["Content-Security-Policy"]
        problem(await stranger.get(f"/api/v1/shared/{token}/files/{files[1]['id']}"), 404, "not_found")
        problem(await stranger.get(f"/api/v1/files/{files[0]['id']}"), 401, "unauthenticated")
        for ref in (
            f"files/{files[1]['user_id']}/x" if "user_id" in files[1] else "files/x",
            "plans/x",
            "../x",
        ):
            assert (await stranger.get(f"/api/v1/shared/{token}/values/{ref}")).status_code == 404


async def test_others_and_narrow_keys_share_nothing(
    running: Running, client: httpx.AsyncClient, engine: Engine
) -> None:
    link = await shared(client)
    url = f"/api/v1/executions/{link['execution_id']}/share"
    async with person(running) as other:
        for method in ("POST", "GET", "DELETE"):
            problem(await other.client.request(method, url), 404, "not_found")
        narrow = await key_of(other.client, "READ_GRAPH")
    async with client_of(running.url, narrow["key"]) as program:
        problem(await program.post(url), 403, "forbidden")
    assert (await client.get(url)).status_code == 200


async def test_no_log_has_the_link(
    running: Running,
    client: httpx.AsyncClient,
    engine: Engine,
    caplog: pytest.LogCaptureFixture,
    capsys: pytest.CaptureFixture[str],
) -> None:
    with caplog.at_level(logging.DEBUG, logger="uvicorn"):
        logging.getLogger("uvicorn.error").setLevel(logging.WARNING)
        link = await shared(client)
        await client.get(f"/api/v1/shared/{link['token']}")
    out = capsys.readouterr().out
    assert "path=/api/v1/shared/..." in out
    assert link["token"] not in out + caplog.text
