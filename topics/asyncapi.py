"""The catalogue as an AsyncAPI 3.0 document: a channel a topic, a message a record, Avro payloads, Kafka bindings. Pure.

Source: AsyncAPI 3.0.0; Kafka bindings 0.5.0. It describes Millstream, so that Millstream `send`s what others may read.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from millstream.schemas.codec import schema_files
from millstream.topics.catalogue import Topic, catalogue

VERSION: Final = "3.0.0"
BINDING: Final = "0.5.0"
AVRO: Final = "application/vnd.apache.avro+json;version=1.9.0"
_ABOUT: Final = (
    "Every topic of Millstream. Records are Avro in the Confluent wire format: a zero byte, the schema's id in four bytes "
    "(big endian; `x-schema-id`), the body. Times are Unix milliseconds by the broker's clock. Public topics "
    "(`x-public`) are for consumer groups of yours; all others are the platform's own and change without notice."
)
_CLOUD_EVENTS: Final = {
    "type": "object",
    "description": "CloudEvents 1.0.2, Kafka protocol binding, binary mode. `ce_source` and `ce_id` name one record.",
    "required": ["ce_specversion", "ce_type", "ce_source", "ce_id", "content-type"],
    "properties": {
        "ce_specversion": {"type": "string", "const": "1.0"},
        "ce_type": {"type": "string"},
        "ce_source": {"type": "string", "format": "uri-reference"},
        "ce_id": {"type": "string"},
        "ce_subject": {"type": "string"},
        "ce_time": {"type": "string", "format": "date-time"},
        "content-type": {"type": "string", "const": "application/avro"},
    },
}
_NUMBERS: Final = ("retention.ms", "max.message.bytes", "delete.retention.ms")


def newest_schemas() -> dict[str, tuple[int, str, dict[str, Any]]]:
    """Return message name -> id, file name and Avro schema, of the newest version of each."""
    found: dict[str, tuple[int, str, dict[str, Any]]] = {}
    versions: dict[str, int] = {}
    for id_, (name, schema) in sorted(schema_files().items()):
        versions[name] = versions.get(name, 0) + 1
        found[name] = (id_, f"{name}.v{versions[name]}.avsc", schema)
    return found


def document(version: str, topics: Iterable[Topic] | None = None) -> dict[str, Any]:
    """Return the document. `version`: of this platform."""
    shown = tuple(catalogue() if topics is None else topics)
    public = {name for topic in shown if topic.public for name in topic.messages}
    keys = {name: topic.key for topic in shown for name in topic.messages}
    schemas = newest_schemas()
    return {
        "asyncapi": VERSION,
        "info": {
            "title": "Millstream",
            "version": version,
            "description": _ABOUT,
            "license": {"name": "Apache-2.0"},
        },
        "defaultContentType": "application/avro",
        "channels": {topic.name: _channel(topic) for topic in shown},
        "operations": {f"send.{topic.name}": _operation(topic) for topic in shown if topic.public},
        "components": {
            "messages": {
                name: _message(name, key, *schemas[name], is_public=name in public)
                for name, key in sorted(keys.items())
            }
        },
    }


def _channel(topic: Topic) -> dict[str, Any]:
    config: dict[str, Any] = {"cleanup.policy": [topic.cleanup]}
    config |= {name: int(topic.config[name]) for name in _NUMBERS if name in topic.config}
    return {
        "address": topic.name,
        "description": f"{topic.about} Key: {topic.key}.",
        "messages": {name: {"$ref": f"#/components/messages/{name}"} for name in topic.messages},
        "bindings": {
            "kafka": {
                "topic": topic.name,
                "partitions": topic.partitions,
                "topicConfiguration": config,
                "bindingVersion": BINDING,
            }
        },
        "x-public": topic.public,
    }


def _operation(topic: Topic) -> dict[str, Any]:
    channel = f"#/channels/{topic.name}"
    return {
        "action": "send",
        "channel": {"$ref": channel},
        "summary": topic.about,
        "messages": [{"$ref": f"{channel}/messages/{name}"} for name in topic.messages],
    }


def _message(
    name: str, key: str, id_: int, file: str, schema: dict[str, Any], *, is_public: bool
) -> dict[str, Any]:
    return {
        "name": f"{schema['namespace']}.{name}",
        "title": name,
        "summary": schema.get("doc", ""),
        "contentType": "application/avro",
        **({"headers": _CLOUD_EVENTS} if is_public else {}),
        "payload": {"schemaFormat": AVRO, "schema": schema},
        "bindings": {
            "kafka": {
                "key": {"description": key},
                "schemaIdLocation": "payload",
                "schemaIdPayloadEncoding": "confluent",
                "bindingVersion": BINDING,
            }
        },
        "x-schema-id": id_,
        "x-schema-file": f"schemas/avro/{file}",
    }
