"""A kit for each test, and a Kafka of its own for tests that stop the broker or run the real coordinator."""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from millstream.local import keys
from millstream.local.child import Child
from millstream.local.stack import Wanted, prepare_servers
from millstream.topics.admin import apply
from tests.integration.streams.kit import Kit, kit
from tests.servers import Servers


class KafkaOnly(Servers):
    """A broker without the other servers."""

    def start(self) -> None:
        """Start it and wait until it answers."""
        self.home.prepare()
        self._keys = keys.ensure(self.home)
        wanted = Wanted(home=self.home, postgres="elsewhere", redis="elsewhere")
        found = prepare_servers(wanted, self._keys, progress=lambda _: None)
        self.kafka = found.kafka
        for spec in found.specs:
            child = Child(spec, self.home.logs / f"{spec.name}.log")
            child.start(self._environ(spec.name), time.monotonic())
            self._children[spec.name] = child
        self.wait_ready()


@pytest.fixture(scope="session")
def own_broker() -> Iterator[KafkaOnly]:
    """A Kafka that no other folder's tests know: it may be stopped, and has the platform's own topic names."""
    folder = Path(tempfile.mkdtemp(prefix="millstream-test-"))
    servers = KafkaOnly(folder / "home")
    try:
        servers.start()
        yield servers
    finally:
        servers.stop()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def bench(kafka: str, tmp_path: Path) -> Iterator[Kit]:
    """A kit on the shared broker."""
    with kit(kafka, tmp_path) as made:
        yield made


@pytest.fixture
def own_bench(own_broker: KafkaOnly, tmp_path: Path) -> Iterator[Kit]:
    """A kit on the broker of this folder alone."""
    with kit(own_broker.kafka, tmp_path) as made:
        yield made


@pytest.fixture(scope="session")
def platform_topics(own_broker: KafkaOnly) -> None:
    """The platform's topics, on the broker of this folder."""
    apply({"bootstrap.servers": own_broker.kafka})


@pytest.fixture
def mill(own_bench: Kit, platform_topics: None) -> Kit:
    """A kit on the broker of this folder, which has the platform's topics."""
    return own_bench
