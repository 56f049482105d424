"""The page about topics, `docs/topics.md`, made from the catalogue: for people who read them with programs of their own."""

from __future__ import annotations

from typing import Final

from millstream.topics.asyncapi import newest_schemas
from millstream.topics.catalogue import Topic, catalogue

_HEAD: Final = """\
# Topics

Everything that happens is on Kafka, and what is public there is for your consumer groups as well. Made by
`millstream documents` from `topics/catalogue.py`; [asyncapi.json](asyncapi.json) says the same to programs. The edge serves
it at `/asyncapi.json`, and a page of it at `/asyncapi`.

| topic | key | messages | partitions | kept | for |
| --- | --- | --- | --- | --- | --- |
"""
_READING: Final = """
Task topics of lanes of yours (`nodes.tasks.<lane>`) are like those above. Records on private topics change without notice.

## Reading a public topic

- **Wire format**: a zero byte, the schema's id (four bytes, big endian), then the Avro body. Ids never change their meaning;
  [`schemas/avro/ids.json`](../schemas/avro/ids.json) says which file each is. Schemas only change so that old readers read new
  records and new readers old ones.
- **Order** holds within a key. Keys are spread by murmur2, Kafka's default.
- **At least once**: after a crash a step may be told again. `executions.events` numbers everything (`first`, then one more
  for each delta), so drop numbers that you have; on the others the headers `ce_source` and `ce_id` name one record for ever.
- **Headers**: CloudEvents 1.0.2 in binary mode, and `traceparent` where a run has one.
- **Large values** are references into the object store (`ref`, `sha256`), which
  `GET /api/v1/executions/{id}/values/{ref}` serves.
- **Time** of records is the broker's.

[`examples/consume_events.py`](../examples/consume_events.py) is a whole consumer, with fastavro and the `.avsc` files alone:

```sh
python examples/consume_events.py --bootstrap localhost:9092 --group reports --topic executions.events
```

To look by hand: `millstream tail executions.feed --since 10m`, which joins no group and commits nothing.

## Rights

A consumer of yours needs to read its topics and its group, nothing else. With Kafka's own ACLs, for the user `reports`:

```sh
"""
_TAIL: Final = """\
kafka-acls.sh --bootstrap-server $KAFKA --add --allow-principal User:reports \\
  --operation Read --group reports --resource-pattern-type prefixed
```

A record says whose it is (`user_id`), but Kafka's rights are for whole topics: who may read `executions.events` reads
everybody's runs. For one user's own runs use the API with a key of his.
"""


def topics_page() -> str:
    """Return the page."""
    rows = "".join(_row(topic) for topic in catalogue())
    acls = "".join(
        "kafka-acls.sh --bootstrap-server $KAFKA --add --allow-principal User:reports \\\n"
        f"  --operation Read --operation Describe --topic {topic.name}\n"
        for topic in catalogue()
        if topic.public
    )
    return _HEAD + rows + _READING + acls + _TAIL + _sections()


def _row(topic: Topic) -> str:
    messages = ", ".join(_link(name) for name in topic.messages) or "its owner's state"
    whose = "everybody" if topic.public else "the platform"
    return f"| `{topic.name}` | {topic.key} | {messages} | {topic.partitions} | {topic.kept} | {whose} |\n"


def _link(name: str) -> str:
    _, file, _ = newest_schemas()[name]
    return f"[{name}](../schemas/avro/{file})"


def _sections() -> str:
    schemas = newest_schemas()
    text = "\n## What is on the public ones\n"
    for topic in catalogue():
        if not topic.public:
            continue
        text += f"\n### `{topic.name}`\n\n{topic.about}\n"
        for name in topic.messages:
            id_, _, schema = schemas[name]
            text += f"\n{_link(name)}, schema id {id_}: {schema['doc']}\n\n"
            for field in schema["fields"]:
                text += f"- `{field['name']}`: {field['doc']}\n"
    return text
