from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.platform import Platform
    from tests.servers import Servers


@pytest.fixture(scope="session")
def servers() -> Iterator[Servers]:
    """The real Kafka, PostgreSQL and Redis, started when the first test asks and shared by all."""
    from tests.servers import temporary

    with temporary() as running:
        yield running


@pytest.fixture(scope="session")
def kafka(servers: Servers) -> str:
    """Bootstrap servers of the shared broker."""
    return servers.kafka


@pytest.fixture(scope="session")
def redis_url(servers: Servers) -> str:
    """URL of the shared Redis, with its password."""
    return servers.redis


@pytest.fixture
def dsn(servers: Servers) -> Iterator[str]:
    """DSN of an empty database of this test alone, with pgvector."""
    with servers.database() as found:
        yield found


@pytest.fixture(scope="session")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    """A whole platform, started by `millstream up` when the first test asks and shared by all.

    Secrets are planted in it first; when all tests are over they are looked for, and found nowhere (A56).
    """
    from tests.canary import Search, plant
    from tests.platform import running

    with running(tmp_path_factory.mktemp("platform")) as found:
        planted = plant(found)
        yield found
        places = Search(*planted).everywhere(found)
        assert not any(places.values()), places
