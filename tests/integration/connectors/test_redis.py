from __future__ import annotations

import pytest

from millstream.connectors import redis
from millstream.schemas.errors import ConfigurationError, UnavailableError
from tests.servers import Servers

pytestmark = pytest.mark.integration


async def test_a_client_answers_and_survives_a_restart_of_redis(redis_url: str, servers: Servers) -> None:
    client = redis.client(redis_url, name="test")
    try:
        await redis.ping(client)
        servers.kill("redis")
        with pytest.raises(UnavailableError):
            await redis.ping(client)
        servers.restart("redis")
        await redis.ping(client)
    finally:
        await client.aclose()


async def test_a_wrong_password_is_a_matter_of_configuration(redis_url: str) -> None:
    client = redis.client("redis://:wrong@" + redis_url.rpartition("@")[2])
    try:
        with pytest.raises(ConfigurationError, match="password"):
            await redis.ping(client)
    finally:
        await client.aclose()


@pytest.mark.parametrize("url", ["", "http://x", "redis//:secret@host"])
def test_a_url_that_is_none_is_refused_without_repeating_it(url: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        redis.client(url)
    assert "secret" not in str(caught.value)
