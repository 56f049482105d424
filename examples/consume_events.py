"""Read a public topic with a consumer group of your own: one line of JSON a record.

It needs `confluent-kafka`, `fastavro` and the folder `schemas/avro`, nothing of Millstream. Offsets are committed after a
record was printed, so that a crash repeats records and loses none.
"""

from __future__ import annotations

import argparse
import io
import json
import sys
from pathlib import Path
from typing import Any

import fastavro
from confluent_kafka import Consumer, KafkaException

SCHEMAS = Path(__file__).resolve().parent.parent / "schemas" / "avro"


def load_schemas(folder: Path) -> dict[int, Any]:
    """Return schema id -> parsed schema."""
    ids = json.loads((folder / "ids.json").read_text())
    return {
        int(id_): fastavro.parse_schema(json.loads((folder / name).read_text())) for id_, name in ids.items()
    }


def read_record(value: bytes, schemas: dict[int, Any]) -> Any:
    """Decode the Confluent wire format: a zero byte, four bytes of schema id, the Avro body."""
    id_ = int.from_bytes(value[1:5], "big")
    if value[0] != 0 or id_ not in schemas:
        raise ValueError(f"schema id {id_} is newer than these files: update them")
    return fastavro.schemaless_reader(io.BytesIO(value[5:]), schemas[id_], None)


def show(value: Any) -> Any:
    """Bytes are ids, or JSON inside."""
    if not isinstance(value, bytes):
        return str(value)
    return value.hex() if len(value) == 16 else value.decode(errors="replace")


def main() -> None:
    """Print records until interrupted, or until there are `--count`."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bootstrap", default="localhost:9092")
    parser.add_argument("--group", default="reports")
    parser.add_argument("--topic", default="executions.events")
    parser.add_argument("--count", type=int, default=0, help="stop after so many records; 0: never")
    asked = parser.parse_args()
    schemas = load_schemas(SCHEMAS)
    consumer = Consumer(
        {
            "bootstrap.servers": asked.bootstrap,
            "group.id": asked.group,
            "auto.offset.reset": "earliest",
            "enable.auto.offset.store": False,
        }
    )
    consumer.subscribe([asked.topic])
    seen = 0
    try:
        while not asked.count or seen < asked.count:
            message = consumer.poll(1.0)
            if message is None:
                continue
            if message.error():
                raise KafkaException(message.error())
            value = message.value()
            if value is None:
                continue
            body = read_record(value, schemas)
            sys.stdout.write(json.dumps(body, default=show) + "\n")
            sys.stdout.flush()
            consumer.store_offsets(message)
            seen += 1
    except KeyboardInterrupt:
        pass
    finally:
        consumer.close()


if __name__ == "__main__":
    main()
