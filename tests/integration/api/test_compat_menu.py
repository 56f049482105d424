"""AutoGPT's paths of credentials, the block menu, files of the workspace, and the permissions of keys."""

from __future__ import annotations

import uuid
from typing import Any

import pytest

from millstream.api.compat import builder, integrations, models
from millstream.api.database import statements
from tests.integration.api import graphs
from tests.integration.api.conftest import Running, client_of
from tests.integration.api.people import key_of, person
from tests.integration.api.test_compat import refused

CANARY = "canary-" + uuid.uuid4().hex
URL = "/api/integrations"
GIVEN: list[dict[str, Any]] = [
    {
        "type": "api_key",
        "api_key": CANARY,
        "expires_at": 4_000_000_000,
        "provider": "ignored",
        "id": "ignored",
    },
    {"type": "user_password", "username": "ada", "password": CANARY, "title": "mail"},
    {"type": "oauth2", "access_token": CANARY, "refresh_token": CANARY, "scopes": ["a"], "username": "ada"},
    {"type": "host_scoped", "host": "api.example.com", "headers": {"X-Key": CANARY}},
]


@pytest.mark.parametrize("given", GIVEN, ids=lambda given: str(given["type"]))
async def test_a_credential_of_each_kind_is_kept_listed_and_removed(
    running: Running, given: dict[str, Any]
) -> None:
    async with person(running) as ada:
        answer = await ada.client.post(f"{URL}/some.service/credentials", json=given)
        assert answer.status_code == 201, answer.text
        made = answer.json()
        integrations.CredentialMeta.model_validate(made)
        assert set(made) == set(integrations.CredentialMeta.model_fields)
        assert (made["provider"], made["type"]) == ("some.service", given["type"])
        assert made["title"] == given.get("title", "some.service")
        assert made["host"] == given.get("host")
        url = f"{URL}/some.service/credentials/{made['id']}"
        assert (await ada.client.get(url)).json() == made
        assert (await ada.client.get(f"{URL}/credentials")).json() == [made]
        assert (await ada.client.get(f"{URL}/some.service/credentials")).json() == [made]
        assert (await ada.client.get(f"{URL}/other/credentials")).json() == []
        refused(await ada.client.get(f"{URL}/other/credentials/{made['id']}"), 404)
        refused(await ada.client.delete(f"{URL}/other/credentials/{made['id']}"), 404)
        async with statements(running.edge.pool) as conn:
            row = await (
                await conn.execute("SELECT c::text FROM credentials c WHERE id = %s", [made["id"]])
            ).fetchone()
        assert CANARY not in str(row) + answer.text
        assert (await ada.client.delete(url)).json() == {"deleted": True, "revoked": None}
        refused(await ada.client.get(url), 404)


async def test_credentials_that_do_not_fit_are_refused_without_being_repeated(running: Running) -> None:
    async with person(running) as ada:
        for given in (
            {"type": "api_key", "api_key": CANARY + "\nX-Other: 1"},
            {"type": "api_key"},
            {"type": "host_scoped", "host": "https://x/" + CANARY, "headers": {"X": CANARY}},
            {"type": CANARY, "api_key": CANARY},
        ):
            answer = await ada.client.post(f"{URL}/github/credentials", json=given)
            refused(answer, 422)
            assert CANARY not in answer.text
        refused(await ada.client.post(f"{URL}/Bad Name/credentials", json=GIVEN[0]), 422)
        refused(await ada.client.get(f"{URL}/nowhere/login"), 404)


async def test_keys_need_the_scopes_of_integrations(running: Running) -> None:
    async with person(running) as ada:
        key = await key_of(ada.client, "READ_INTEGRATIONS")
        async with client_of(running.url, key["key"]) as program:
            assert (await program.get(f"{URL}/credentials")).json() == []
            refused(await program.post(f"{URL}/github/credentials", json=GIVEN[0]), 403)
            refused(await program.delete(f"{URL}/github/credentials/{uuid.uuid4()}"), 403)
            refused(await program.get(f"{URL}/github/login"), 403)
            refused(await program.get("/api/builder/blocks"), 403)


async def test_the_menu_has_blocks_by_category_side_and_service(running: Running) -> None:
    async with person(running) as ada:
        client = ada.client
        all_ = {block["id"]: block for block in (await client.get("/api/blocks")).json()}
        seen: list[str] = []
        for number in range(1, 100):
            answer = await client.get("/api/builder/blocks", params={"page": number, "page_size": 100})
            page = builder.PagedBlocks.model_validate(answer.json())
            seen += [block.id for block in page.blocks]
            if number >= page.pagination.total_pages:
                break
        assert sorted(seen) == sorted(all_)
        sides = {}
        for side in ("input", "output", "action"):
            found = await client.get("/api/builder/blocks", params={"type": side, "page_size": 1})
            sides[side] = found.json()["pagination"]["total_items"]
        assert sum(sides.values()) == len(all_)
        assert sides["input"] == sum(block["uiType"] == "Input" for block in all_.values())
        categories = (await client.get("/api/builder/categories", params={"blocks_per_category": 2})).json()
        for category in map(builder.Category.model_validate, categories):
            assert len(category.blocks) == min(2, category.total_blocks)
        name, total = categories[0]["name"], categories[0]["total_blocks"]
        found = await client.get("/api/builder/blocks", params={"category": name})
        assert found.json()["pagination"]["total_items"] == total
        wanted = [graphs.CALCULATOR, str(uuid.uuid4()), graphs.INPUT]
        batch = (await client.get("/api/builder/blocks/batch", params={"block_ids": wanted})).json()
        assert [models.Block.model_validate(each).id for each in batch] == [graphs.CALCULATOR, graphs.INPUT]
        services = (await client.get("/api/builder/providers", params={"page_size": 100})).json()
        one = services["providers"][0]
        used = await client.get("/api/builder/blocks", params={"provider": one["name"]})
        assert used.json()["pagination"]["total_items"] == one["integration_count"] > 0
        names = (await client.get(f"{URL}/providers/names")).json()["providers"]
        listed = (await client.get(f"{URL}/providers")).json()
        assert names == [each["name"] for each in listed]
        assert all(integrations.ProviderMeta.model_validate(each).supported_auth_types for each in listed)
        nothing = await client.get(
            "/api/builder/blocks", params={"provider": "nobody", "category": "nothing"}
        )
        assert nothing.json()["blocks"] == []


async def test_files_of_the_workspace_come_in_pages_and_go(running: Running) -> None:
    async with person(running) as ada:
        url = "/api/workspace/files"
        made = []
        for number in range(3):
            file = {"file": (f"../{number}.txt", b"text")}
            answer = await ada.client.post(f"{url}/upload", files=file)
            assert answer.status_code == 200, answer.text
            made.append(models.WorkspaceFile.model_validate(answer.json()))
        assert [each.path for each in made] == ["/0.txt", "/1.txt", "/2.txt"]
        refused(await ada.client.post(f"{url}/upload?overwrite=true", files={"file": ("0.txt", b"x")}), 400)
        first = (await ada.client.get(url, params={"limit": 2})).json()
        models.WorkspaceFiles.model_validate(first)
        assert (first["has_more"], [each["name"] for each in first["files"]]) == (True, ["2.txt", "1.txt"])
        rest = (await ada.client.get(url, params={"limit": 2, "offset": 2})).json()
        assert (rest["has_more"], [each["name"] for each in rest["files"]]) == (False, ["0.txt"])
        one = f"{url}/{made[0].file_id}"
        assert (await ada.client.get(f"{one}/download")).content == b"text"
        assert (await ada.client.delete(one)).json() == {"deleted": True}
        refused(await ada.client.delete(one), 404)


async def test_a_key_gets_other_permissions_at_once(running: Running) -> None:
    async with person(running) as ada:
        key = await key_of(ada.client, "IDENTITY")
        url = f"/api/api-keys/{key['id']}"
        async with client_of(running.url, key["key"]) as program:
            assert (await program.get("/api/v1/me")).status_code == 200
            changed = await ada.client.put(f"{url}/permissions", json={"permissions": ["READ_GRAPH"]})
            assert changed.json()["scopes"] == ["READ_GRAPH"]
            assert (await program.get("/api/v1/me")).status_code == 403
            assert (await program.get("/api/v1/graphs")).status_code == 200
            refused(await program.put(f"{url}/permissions", json={"permissions": ["IDENTITY"]}), 403)
        await ada.client.delete(url)
        refused(await ada.client.put(f"{url}/permissions", json={"permissions": ["IDENTITY"]}), 409)
