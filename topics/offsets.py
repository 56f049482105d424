"""Committed offsets of a consumer group.

Asked by a consumer that joins nothing, not by the admin client: librdkafka's `list_consumer_group_offsets` takes the whole
process down with a segmentation fault when the group's coordinator is just moving or loading (librdkafka issue 5040).
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import Any

from confluent_kafka import KafkaError, KafkaException, TopicPartition

from millstream.topics.clients import ANSWER_S, consumer, unavailable

RETRY_S = 0.1
_PASSING = {
    KafkaError.NOT_COORDINATOR,
    KafkaError.COORDINATOR_NOT_AVAILABLE,
    KafkaError.COORDINATOR_LOAD_IN_PROGRESS,
}


def committed(
    conf: dict[str, Any], group: str, places: Iterable[tuple[str, int]]
) -> dict[tuple[str, int], int]:
    """Return (topic, partition) -> committed offset, of those `places` that have one. `conf` is librdkafka's.

    Errors: UnavailableError.
    """
    asked = [TopicPartition(topic, number) for topic, number in places]
    deadline = time.monotonic() + ANSWER_S
    client = consumer(conf, group)
    try:
        while True:
            try:
                found = client.committed(asked, timeout=ANSWER_S)
                break
            except KafkaException as error:
                if error.args[0].code() not in _PASSING or time.monotonic() > deadline:
                    raise unavailable(error, conf["bootstrap.servers"]) from error
                time.sleep(RETRY_S)  # a coordinator that loads, or was just made
    finally:
        client.close()
    return {(p.topic, p.partition): p.offset for p in found if p.error is None and p.offset >= 0}
