from __future__ import annotations

import hashlib
import uuid
from pathlib import Path

import httpx
import psycopg

from millstream.api.files.router import FileOut, FilePage
from millstream.api.settings import EdgeSettings
from millstream.processors.guards.files import LocalFiles
from millstream.processors.guards.http import GuardedHttp
from millstream.processors.registry import Registry
from tests.integration.api.calls import problem
from tests.integration.api.conftest import serving, with_limits

USER = "3e53486c-cf57-477e-ba2a-cb02dc828e1a"


async def test_an_upload_is_stored_under_a_made_up_name_and_comes_back(client: httpx.AsyncClient) -> None:
    data = b"%PDF-1.7 \x00\xff"
    answer = await client.post("/api/v1/files", files={"file": ("../../etc/passwd", data, "text/html")})
    assert answer.status_code == 201, answer.text
    made = answer.json()
    FileOut.model_validate(made)
    assert (made["name"], made["media_type"], made["size"]) == ("passwd", "application/pdf", len(data))
    assert made["sha256"] == hashlib.sha256(data).hexdigest()
    back = await client.get(f"/api/v1/files/{made['id']}")
    assert back.content == data
    assert back.headers["content-disposition"] == "attachment; filename*=UTF-8''passwd"
    assert back.headers["content-type"] == "application/pdf"
    assert "sandbox" in back.headers["content-security-policy"]
    listed = (await client.get("/api/v1/files")).json()
    FilePage.model_validate(listed)
    assert made in listed["items"]


async def test_blocks_read_what_the_edge_has_stored(
    client: httpx.AsyncClient, settings: EdgeSettings
) -> None:
    made = (await client.post("/api/v1/files", files={"file": ("a.csv", b"a,b\n1,2", "text/csv")})).json()
    root = Path(settings.objects.removeprefix("file://")) / "files"
    found = await LocalFiles(root).of(USER, GuardedHttp()).read(made["uri"])
    assert (found.data, found.name, found.media_type) == (b"a,b\n1,2", "a.csv", "text/csv")


async def test_a_deleted_file_is_gone_with_its_bytes(
    client: httpx.AsyncClient, settings: EdgeSettings
) -> None:
    made = (await client.post("/api/v1/files", files={"file": ("a", b"a")})).json()
    url = f"/api/v1/files/{made['id']}"
    assert (await client.delete(url)).status_code == 204
    problem(await client.get(url), 404, "not_found")
    problem(await client.delete(url), 404, "not_found")
    folder = Path(settings.objects.removeprefix("file://")) / "files" / USER
    assert not list(folder.glob(f"{made['id']}*"))


async def test_a_file_of_another_owner_is_not_there(
    client: httpx.AsyncClient, settings: EdgeSettings
) -> None:
    root, other = Path(settings.objects.removeprefix("file://")) / "files", str(uuid.uuid4())
    uri = await LocalFiles(root).of(other, GuardedHttp()).write(b"theirs", name="a")
    url = f"/api/v1/files/{uri.removeprefix('workspace://')}"
    problem(await client.get(url), 404, "not_found")
    problem(await client.delete(url), 404, "not_found")
    with psycopg.connect(settings.dsn.get_secret_value(), autocommit=True) as conn:
        conn.execute("INSERT INTO users (id, email) VALUES (%s, %s)", [other, f"{other}@x"])
        made = (await client.post("/api/v1/files", files={"file": ("a", b"a")})).json()
        conn.execute("UPDATE files SET user_id = %s WHERE id = %s", [other, made["id"]])
    assert made["id"] not in str((await client.get("/api/v1/files")).json())


async def test_what_a_block_has_written_can_be_fetched_and_deleted(
    client: httpx.AsyncClient, settings: EdgeSettings
) -> None:
    root = Path(settings.objects.removeprefix("file://")) / "files"
    uri = (
        await LocalFiles(root)
        .of(USER, GuardedHttp())
        .write(b"made", name="made.txt", media_type="text/plain")
    )
    url = f"/api/v1/files/{uri.removeprefix('workspace://')}"
    assert (await client.get(url)).content == b"made"
    assert (await client.delete(url)).status_code == 204
    problem(await client.get(url), 404, "not_found")


async def test_a_file_over_the_limit_is_refused_before_it_is_read(
    settings: EdgeSettings, registry: Registry
) -> None:
    async with serving(with_limits(settings, file_bytes=50_000), registry) as edge:
        answer = await edge.client.post("/api/v1/files", files={"file": ("a", b"x" * 100_000)})
        problem(answer, 413, "payload_too_large")
        fits = await edge.client.post("/api/v1/files", files={"file": ("a", b"x" * 40_000)})
        assert fits.status_code == 201


async def test_a_file_never_comes_from_json(client: httpx.AsyncClient) -> None:
    for body in ({"file": "/etc/passwd"}, {"file": {"filename": "a", "path": "/etc/passwd"}}):
        problem(await client.post("/api/v1/files", json=body), 422, "request_invalid")
