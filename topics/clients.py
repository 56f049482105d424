"""The confluent-kafka clients of the platform: admin, producer, consumer. What all of them need is set here, once."""

from __future__ import annotations

import logging
from typing import Any

from confluent_kafka import Consumer, KafkaException, Producer
from confluent_kafka.admin import AdminClient

from millstream.schemas.errors import UnavailableError

ANSWER_S = 10.0
"""How long a broker may take to answer before it counts as unavailable."""
_LOG = logging.getLogger("millstream.kafka")
_SHARED = {
    # A broker that is down costs one line a second otherwise, from each client.
    "log.connection.close": False,
    "reconnect.backoff.ms": 100,
    "reconnect.backoff.max.ms": 2_000,
}


def admin(conf: dict[str, Any]) -> AdminClient:
    """Return an admin client for librdkafka's `conf` (`bootstrap.servers`, `security.protocol`, ...)."""
    return AdminClient(_SHARED | {"socket.timeout.ms": int(ANSWER_S * 1000)} | conf, logger=_LOG)


def producer(conf: dict[str, Any], **more: Any) -> Producer:
    """Return a producer that waits for all replicas and picks partitions as aiokafka and Java do.

    librdkafka's own default is CRC32: the same key would land on two partitions, and state with it.
    """
    fixed = {
        "partitioner": "murmur2_random",
        "acks": "all",
        "enable.idempotence": True,
        "message.max.bytes": 2_000_000,
    }
    return Producer(_SHARED | conf | more | fixed, logger=_LOG)


def consumer(conf: dict[str, Any], group: str, **more: Any) -> Consumer:
    """Return a consumer of `group` that commits nothing unless `more` says so."""
    fixed = {"group.id": group, "enable.auto.offset.store": False}
    return Consumer({"enable.auto.commit": False} | _SHARED | conf | more | fixed, logger=_LOG)


def unavailable(error: KafkaException, servers: str) -> UnavailableError:
    """Return the error to raise when a broker did not answer."""
    reason = error.args[0].str() if error.args and hasattr(error.args[0], "str") else str(error)
    return UnavailableError(
        f"Kafka at {servers} does not answer: {reason}. Is it running? `millstream doctor` checks."
    )
