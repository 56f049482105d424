"""Whoever changes something leaves a record of it."""

from __future__ import annotations

from millstream.api.settings import EdgeSettings
from tests.integration.api import audits
from tests.integration.api.conftest import Running, client_of
from tests.integration.api.deeds import NEEDS_NONE, SECRET, Walk, walked
from tests.integration.api.engine import Engine
from tests.integration.api.people import PASSWORD, Postbox, with_account


async def test_every_route_that_changes_something_writes_it_down(
    settings: EdgeSettings, running: Running, engine: Engine, mail_server: tuple[Postbox, int]
) -> None:
    walk = Walk(settings)
    await walked(walk, running, mail_server[0])
    await audits.drained(running.edge.pool)
    found = await audits.chain(settings.kafka["bootstrap_servers"], settings.dsn.get_secret_value())
    written = {audits.facts(record).get("request_id") for _, record in found}
    silent = {asked for asked in walk.changing if not written & set(walk.done.get(asked, []))}
    assert sorted(silent - NEEDS_NONE.keys()) == [], "these write no record, or the walk does not use them"
    assert sorted((NEEDS_NONE.keys() & walk.changing) - silent) == [], (
        "these write one: take them off the list"
    )
    for _, record in found:
        assert PASSWORD.encode() not in record.data
        assert SECRET.encode() not in record.data
        assert audits.facts(record).get("address", "127.0.0.1") == "127.0.0.1"


async def test_a_log_in_that_fails_is_written_down_without_what_was_typed(
    settings: EdgeSettings, running: Running
) -> None:
    user_id, email = await with_account(running.edge)
    ids = {}
    async with client_of(running.url, None) as stranger:
        for who, password in ((email, "wrong wrong"), ("nobody@example.com", "wrong wrong")):
            answer = await stranger.post("/api/v1/auth/token", json={"email": who, "password": password})
            assert answer.status_code == 401
            ids[answer.headers["X-Request-ID"]] = str(user_id) if who == email else "unknown"
    await audits.drained(running.edge.pool)
    found = await audits.chain(settings.kafka["bootstrap_servers"], settings.dsn.get_secret_value())
    failed = [record for _, record in found if record.action == "log_in.failed"]
    seen = {audits.facts(each).get("request_id"): each.subject for each in failed}
    assert ids.items() <= seen.items()
    assert not any(b"wrong wrong" in each.data or b"nobody@" in each.data for each in failed)
