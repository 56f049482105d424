from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import time
import uuid
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
import pytest
import redis
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from confluent_kafka.admin import AdminClient, NewTopic
from redis.backoff import NoBackoff
from redis.retry import Retry

from millstream.cli.setup import add_pgvector
from millstream.local import jars, keys
from millstream.local.child import Child, Phase
from millstream.local.home import Home
from millstream.local.stack import Wanted, prepare_servers
from millstream.schemas.errors import ConfigurationError, UnavailableError

if TYPE_CHECKING:
    from tests.servers import Servers

pytestmark = pytest.mark.integration


async def test_kafka_keeps_acknowledged_records_over_a_kill(servers: Servers) -> None:
    topic = f"kill-{uuid.uuid4().hex[:8]}"
    admin = AdminClient({"bootstrap.servers": servers.kafka})
    await asyncio.to_thread(admin.create_topics([NewTopic(topic, 16, 1)])[topic].result)
    producer = AIOKafkaProducer(bootstrap_servers=servers.kafka, acks="all")
    await producer.start()
    try:
        for number in range(200):
            await producer.send_and_wait(topic, str(number).encode(), key=str(number).encode())
        servers.kill("kafka")
        seconds = await asyncio.to_thread(servers.restart, "kafka")
        await producer.send_and_wait(topic, b"after", key=b"after")
    finally:
        await producer.stop()
    consumer = AIOKafkaConsumer(topic, bootstrap_servers=servers.kafka, auto_offset_reset="earliest")
    await consumer.start()
    try:
        found = [(await asyncio.wait_for(consumer.getone(), 20)).value for _ in range(201)]
    finally:
        await consumer.stop()
    assert sorted(found) == sorted([*(str(number).encode() for number in range(200)), b"after"])
    assert seconds < 20


def test_a_topic_that_nobody_made_is_an_error(servers: Servers) -> None:
    admin = AdminClient({"bootstrap.servers": servers.kafka})
    topics = admin.list_topics("never-made", timeout=10).topics
    assert topics["never-made"].error is not None


def test_postgres_keeps_commits_over_a_kill_and_has_pgvector(servers: Servers, dsn: str) -> None:
    with psycopg.connect(dsn) as connection:
        connection.execute("CREATE TABLE t (v vector(3))")
        connection.execute("INSERT INTO t VALUES ('[1,2,3]')")
    servers.kill("postgres")
    assert servers.restart("postgres") < 20
    with psycopg.connect(dsn) as connection:
        row = connection.execute("SELECT v <-> '[1,2,4]' FROM t").fetchone()
    assert row == (1.0,)


def test_our_role_is_no_superuser(dsn: str) -> None:
    with psycopg.connect(dsn) as connection:
        row = connection.execute("SELECT rolsuper FROM pg_roles WHERE rolname = current_user").fetchone()
    assert row == (False,)


def test_postgres_wants_the_password(servers: Servers) -> None:
    place = servers.postgres.rpartition("@")[2]
    with pytest.raises(psycopg.OperationalError, match="password"):
        psycopg.connect(f"postgresql://millstream:wrong@{place}")


def test_redis_keeps_every_write_over_a_kill(servers: Servers) -> None:
    key = uuid.uuid4().hex
    with redis.Redis.from_url(servers.redis) as client:
        client.set(key, "claimed", nx=True)
        servers.kill("redis")
        servers.restart("redis")
        assert client.get(key) == b"claimed"
        assert client.config_get("appendfsync") == {"appendfsync": "always"}


def test_redis_wants_the_password(servers: Servers) -> None:
    host, _, port = servers.redis.rpartition("@")[2].partition("/")[0].partition(":")
    with (
        redis.Redis(host=host, port=int(port), retry=Retry(NoBackoff(), 0)) as client,
        pytest.raises(redis.AuthenticationError),
    ):
        client.ping()


@pytest.mark.parametrize("name", ["kafka", "postgres", "redis"])
def test_servers_listen_on_loopback_alone(servers: Servers, name: str) -> None:
    port = int(
        {
            "kafka": servers.kafka,
            "postgres": servers.postgres.rpartition("/")[0],
            "redis": servers.redis.rpartition("/")[0],
        }[name].rpartition(":")[2]
    )
    with contextlib.closing(socket.create_connection(("127.0.0.1", port), 5)):
        pass
    others = {str(info[4][0]) for info in socket.getaddrinfo(socket.gethostname(), None, socket.AF_INET)}
    for address in others - {"127.0.0.1"}:
        if address.startswith("127."):
            continue
        with pytest.raises(OSError):  # noqa: PT011 - refused or unreachable, by platform
            socket.create_connection((address, port), 2)


def test_secrets_are_private(servers: Servers) -> None:
    assert servers.home.path.stat().st_mode & 0o077 == 0
    assert servers.home.secrets.stat().st_mode & 0o777 == 0o600
    assert (servers.home.run / "redis.conf").stat().st_mode & 0o777 == 0o600


def test_kafka_starts_from_a_folder_of_jars(tmp_path: Path) -> None:
    """`MILLSTREAM_KAFKA_JARS`: no download and no prepared classes."""
    home = Home(tmp_path / "home")
    home.prepare()
    folder = jars.ensure(jars.default_cache(), lambda _: None)[0].parent
    wanted = Wanted(home=home, kafka_jars=folder, postgres="postgresql://outside/db", redis="redis://outside")
    found = prepare_servers(wanted, keys.ensure(home), progress=lambda _: None)
    assert (found.postgres, found.redis) == ("postgresql://outside/db", "redis://outside")
    [spec] = found.specs
    assert not any("AOTCache" in argument for argument in spec.argv)
    child = Child(spec, home.logs / "kafka.log")
    child.start(dict(os.environ), time.monotonic())
    try:
        deadline = time.monotonic() + 60
        while child.phase is not Phase.READY:
            assert child.poll(time.monotonic()) is None
            assert time.monotonic() < deadline
            time.sleep(0.05)
    finally:
        child.kill()
        while child.alive:
            child.poll(time.monotonic())
            time.sleep(0.02)


def test_a_database_without_pgvector_says_who_can_add_it(servers: Servers, dsn: str) -> None:
    add_pgvector(dsn)
    with pytest.raises(ConfigurationError, match="superuser"):
        add_pgvector(servers.postgres.rpartition("/")[0] + "/postgres")
    with pytest.raises(UnavailableError):
        add_pgvector("postgresql://millstream@127.0.0.1:9/millstream")
