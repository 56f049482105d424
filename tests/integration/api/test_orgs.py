from __future__ import annotations

import contextlib
import uuid
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
import pytest_asyncio

from tests.integration.api import graphs
from tests.integration.api.calls import problem, saved
from tests.integration.api.conftest import Running, client_of
from tests.integration.api.people import Person, Postbox, address, key_of, person

ORGS = "/api/v1/organisations"
ROLES = ("viewer", "member", "admin", "owner")


@dataclass(frozen=True, kw_only=True)
class Org:
    """An organisation with one member of each role, besides the owner who has made it."""

    id: str
    people: dict[str, Person]
    stranger: Person

    def inside(self, role: str) -> httpx.AsyncClient:
        """The client of a member, switched to the organisation."""
        client = self.people[role].client
        client.headers["X-Millstream-Org"] = self.id
        return client


@contextlib.asynccontextmanager
async def org_of(running: Running) -> AsyncIterator[Org]:
    async with contextlib.AsyncExitStack() as stack:
        people = {role: await stack.enter_async_context(person(running)) for role in ROLES}
        stranger = await stack.enter_async_context(person(running))
        answer = await people["owner"].client.post(ORGS, json={"name": "Engines"})
        assert answer.status_code == 201
        org_id = answer.json()["id"]
        async with running.edge.pool.connection() as conn:
            for role in ROLES[:3]:
                await conn.execute(
                    "INSERT INTO org_members (org_id, user_id, role) VALUES (%s, %s, %s)",
                    [org_id, people[role].id, role],
                )
        yield Org(id=org_id, people=people, stranger=stranger)


@pytest_asyncio.fixture
async def org(running: Running) -> Any:
    async with org_of(running) as found:
        yield found


@pytest.fixture
def box(mail_server: tuple[Postbox, int]) -> Postbox:
    return mail_server[0]


async def test_members_share_what_the_organisation_owns(org: Org) -> None:
    made = await saved(org.inside("member"), graphs.echo())
    for role in ROLES:
        assert (await org.inside(role).get(f"/api/v1/graphs/{made['id']}")).status_code == 200
        alone = {"X-Millstream-Org": ""}
        answer = await org.people[role].client.get(f"/api/v1/graphs/{made['id']}", headers=alone)
        problem(answer, 404, "not_found")
    problem(await org.stranger.client.get(f"/api/v1/graphs/{made['id']}"), 404, "not_found")


async def test_who_is_not_a_member_cannot_switch(org: Org) -> None:
    for chosen in (org.id, str(uuid.uuid4()), "x", "' OR 1=1", str(org.people["owner"].id)):
        headers = {"X-Millstream-Org": chosen}
        problem(await org.stranger.client.get("/api/v1/graphs", headers=headers), 404, "not_found")
        problem(await org.stranger.client.get("/api/v1/graphs", params={"org": chosen}), 404, "not_found")


async def test_roles_decide_in_the_server(org: Org, running: Running) -> None:
    """A29: each operation by each role."""
    made = await saved(org.inside("owner"), graphs.echo())
    run = f"/api/v1/graphs/{made['id']}/execute"
    allowed = {
        ("GET", "/api/v1/graphs"): ROLES,
        ("GET", f"{ORGS}/{org.id}"): ROLES,
        ("GET", f"{ORGS}/{org.id}/members"): ROLES,
        ("POST", "/api/v1/graphs"): ROLES[1:],
        ("POST", run): ROLES[1:],
        ("PATCH", f"{ORGS}/{org.id}"): ROLES[2:],
        ("GET", f"{ORGS}/{org.id}/invitations"): ROLES[2:],
        ("POST", f"{ORGS}/{org.id}/invitations"): ROLES[2:],
        ("DELETE", f"{ORGS}/{org.id}/members/{org.stranger.id}"): ROLES[2:],
        ("GET", "/api/v1/users"): (),
        ("GET", "/metrics"): (),
        ("DELETE", f"{ORGS}/{org.id}"): ROLES[3:],
    }
    bodies: dict[tuple[str, str], Any] = {
        ("POST", "/api/v1/graphs"): graphs.echo(),
        ("POST", run): {"inputs": {"text": "x"}},
        ("PATCH", f"{ORGS}/{org.id}"): {"name": "New"},
        ("POST", f"{ORGS}/{org.id}/invitations"): {"email": address()},
    }
    for (method, path), roles in allowed.items():
        for role in ROLES:
            answer = await org.inside(role).request(method, path, json=bodies.get((method, path)))
            assert (answer.status_code == 403) is (role not in roles), (method, path, role, answer.text)


async def test_admins_neither_make_nor_touch_owners(org: Org) -> None:
    admin = org.people["admin"].client
    owner, member = org.people["owner"], org.people["member"]
    members = f"{ORGS}/{org.id}/members"
    problem(await admin.put(f"{members}/{member.id}", json={"role": "owner"}), 403, "forbidden")
    problem(await admin.put(f"{members}/{owner.id}", json={"role": "member"}), 403, "forbidden")
    problem(await admin.delete(f"{members}/{owner.id}"), 403, "forbidden")
    invitation = {"email": address(), "role": "owner"}
    problem(await admin.post(f"{ORGS}/{org.id}/invitations", json=invitation), 403, "forbidden")
    problem(await owner.client.delete(f"{members}/{owner.id}"), 409, "conflict")
    problem(await owner.client.put(f"{members}/{owner.id}", json={"role": "member"}), 409, "conflict")
    problem(
        await owner.client.post("/api/v1/me/delete", json={"password": "correct horse battery"}),
        409,
        "conflict",
    )
    assert (await owner.client.put(f"{members}/{member.id}", json={"role": "owner"})).status_code == 204
    assert (await owner.client.delete(f"{members}/{owner.id}")).status_code == 204


async def test_an_invitation_is_for_one_address_and_one_use(org: Org, running: Running, box: Postbox) -> None:
    owner, guest = org.people["owner"].client, org.stranger
    body = {"email": guest.email, "role": "member"}
    made = (await owner.post(f"{ORGS}/{org.id}/invitations", json=body)).json()
    assert "token" not in made
    assert [each["id"] for each in (await owner.get(f"{ORGS}/{org.id}/invitations")).json()["items"]] == [
        made["id"]
    ]
    token = await box.link(guest.email)
    accept = f"{ORGS}/invitations/accept"
    problem(await org.people["viewer"].client.post(accept, json={"token": token}), 400, "input_invalid")
    problem(await guest.client.get(f"{ORGS}/{org.id}"), 404, "not_found")
    joined = (await guest.client.post(accept, json={"token": token})).json()["items"]
    assert [(each["id"], each["role"]) for each in joined] == [(org.id, "member")]
    problem(await guest.client.post(accept, json={"token": token}), 400, "input_invalid")
    answer = await owner.post(f"{ORGS}/{org.id}/invitations", json={"email": address()})
    gone = f"{ORGS}/{org.id}/invitations/{answer.json()['id']}"
    assert (await owner.delete(gone)).status_code == 204
    problem(await owner.delete(gone), 404, "not_found")


async def test_who_is_taken_out_is_out_at_once_with_his_keys(org: Org, running: Running) -> None:
    member = org.people["member"]
    mine = await key_of(member.client, "IDENTITY")
    key = await key_of(org.inside("member"), "READ_GRAPH", "IDENTITY")
    assert key["account_id"] == org.id
    async with client_of(running.url, key["key"]) as client:
        me = (await client.get("/api/v1/me")).json()
        assert (me["account_id"], me["org_role"]) == (org.id, "member")
        elsewhere = {"X-Millstream-Org": str(member.id)}
        problem(await client.get("/api/v1/me", headers=elsewhere), 404, "not_found")
        path = f"{ORGS}/{org.id}/members/{member.id}"
        assert (await org.people["admin"].client.delete(path)).status_code == 204
        problem(await client.get("/api/v1/me"), 401, "unauthenticated")
    problem(await org.inside("member").get("/api/v1/graphs"), 404, "not_found")
    async with client_of(running.url, mine["key"]) as client:
        assert (await client.get("/api/v1/me")).status_code == 200


async def test_a_key_of_ones_own_does_not_open_the_organisation(org: Org, running: Running) -> None:
    member = org.people["member"]
    member.client.headers.pop("X-Millstream-Org", None)
    mine = await key_of(member.client, "IDENTITY")
    async with client_of(running.url, mine["key"]) as client:
        problem(await client.get("/api/v1/me", headers={"X-Millstream-Org": org.id}), 404, "not_found")


async def test_a_viewer_hands_out_no_more_than_he_has(org: Org) -> None:
    body = {"name": "x", "scopes": ["EXECUTE_GRAPH"]}
    problem(await org.inside("viewer").post("/api/v1/api-keys", json=body), 403, "forbidden")
    assert (
        await org.inside("viewer").post("/api/v1/api-keys", json={**body, "scopes": ["READ_GRAPH"]})
    ).status_code == 201


async def test_a_member_ends_no_key_of_others_but_admins_do(org: Org) -> None:
    key = await key_of(org.inside("owner"), "READ_GRAPH")
    path = f"/api/v1/api-keys/{key['id']}"
    problem(await org.inside("member").delete(path), 403, "forbidden")
    assert (await org.inside("admin").delete(path)).status_code == 200


async def test_an_organisation_goes_with_all_it_owns(org: Org) -> None:
    made = await saved(org.inside("member"), graphs.echo())
    assert (
        await org.people["owner"].client.delete(f"{ORGS}/{org.id}", headers={"X-Millstream-Org": ""})
    ).status_code == 204
    problem(await org.inside("member").get(f"/api/v1/graphs/{made['id']}"), 404, "not_found")
    assert (await org.people["owner"].client.get(ORGS, headers={"X-Millstream-Org": ""})).json() == {
        "items": []
    }
