"""The brokers for a command that needs nothing but Kafka."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from millstream.schemas.errors import ConfigurationError

if TYPE_CHECKING:
    from millstream.cli.settings import Settings


def kafka_conf(settings: Settings) -> dict[str, Any]:
    """Return librdkafka's configuration: the brokers that are set, else those of the running platform."""
    from millstream.local.home import Home
    from millstream.local.state import find

    conf = settings.confluent()
    if not conf["bootstrap.servers"]:
        running = find(Home(settings.home))
        if running is None or not running.kafka:
            raise ConfigurationError(
                f"No platform runs in {settings.home}: start one with `./millstream up`, "
                "or name the brokers in MILLSTREAM_KAFKA."
            )
        conf["bootstrap.servers"] = running.kafka
    return conf
