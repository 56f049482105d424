"""Two versions of the platform at once: each reads what the other writes, as long as the newer one is told to hold back."""

from __future__ import annotations

import io
import itertools
import json
from collections import defaultdict
from collections.abc import Iterator
from typing import Any

import avro.io
import avro.schema
import fastavro
import msgspec
import pytest
from fastavro.utils import generate_many
from hypothesis import given, settings

from millstream.schemas import codec
from millstream.schemas.codec import decode, encode, newest_id, schema_files, write_up_to
from millstream.schemas.messages import MESSAGES, Message
from tests.unit.schemas.test_codec import messages

VERSIONS: dict[str, dict[int, Any]] = defaultdict(dict)
for _id, (_name, _schema) in schema_files().items():
    VERSIONS[_name][_id] = _schema
PAIRS = [
    pytest.param(VERSIONS[name][writer], VERSIONS[name][reader], id=f"{name}-{writer}-{reader}")
    for name in VERSIONS
    for writer, reader in itertools.permutations(VERSIONS[name], 2)
]
OLDER = [(name, id_) for name, found in VERSIONS.items() for id_ in list(found)[:-1]]
CLASSES = {cls.__name__: cls for cls in MESSAGES}


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    yield
    write_up_to()


@pytest.mark.parametrize(("writer", "reader"), PAIRS)
def test_every_version_reads_every_other_one(writer: Any, reader: Any) -> None:
    """By Avro's own rules, with two implementations: a field that one of them lacks has a default in the other."""
    parsed = fastavro.parse_schema(writer)
    second = avro.io.DatumReader(avro.schema.parse(json.dumps(writer)), avro.schema.parse(json.dumps(reader)))
    for record in generate_many(parsed, 20):
        out = io.BytesIO()
        fastavro.schemaless_writer(out, parsed, record)
        out.seek(0)
        seen: Any = fastavro.schemaless_reader(out, parsed, fastavro.parse_schema(reader))
        assert set(seen) == {field["name"] for field in reader["fields"]}
        assert set(second.read(avro.io.BinaryDecoder(io.BytesIO(out.getvalue())))) == set(seen)


@pytest.mark.parametrize(("name", "id_"), OLDER)
def test_records_of_an_older_version_are_read_with_defaults(name: str, id_: int) -> None:
    """Written as the older version did: with that id, and the fields of its schema."""
    cls, schema = CLASSES[name], VERSIONS[name][id_]
    known = {field["name"] for field in schema["fields"]}
    defaults = {f.name: _default(f) for f in msgspec.structs.fields(cls) if f.name not in known}

    @settings(max_examples=20, deadline=None)
    @given(messages(cls))
    def check(message: Message) -> None:
        write_up_to(id_)
        data = encode(message)
        assert int.from_bytes(data[1:5], "big") == id_
        read = decode(data)
        assert type(read) is cls
        for field, value in defaults.items():
            assert getattr(read, field) == value, field

    check()


def _default(field: Any) -> Any:
    return field.default if field.default is not msgspec.NODEFAULT else field.default_factory()


@pytest.mark.parametrize("highest", sorted({i for i in range(1, newest_id() + 1)}))
def test_a_process_that_holds_back_writes_no_id_that_an_older_one_does_not_know(highest: int) -> None:
    """But a message that the older version does not have at all; nobody there asks for it."""
    write_up_to(highest)
    for cls, (prefix, _) in codec._WRITTEN.items():
        ids = list(VERSIONS[cls.__name__])
        expected = max((i for i in ids if i <= highest), default=ids[-1])
        assert int.from_bytes(prefix[1:5], "big") == expected


@pytest.mark.parametrize("cls", MESSAGES, ids=lambda cls: cls.__name__)
def test_the_encoder_of_older_schemas_is_that_of_the_newest(cls: type[Message]) -> None:
    """Nothing is lost on the slower way: for the newest schema both write the same bytes."""
    schema = fastavro.parse_schema(list(VERSIONS[cls.__name__].values())[-1])
    slow = codec._older(schema)

    @settings(max_examples=10, deadline=None)
    @given(messages(cls))
    def check(message: Message) -> None:
        assert slow(message) == encode(message)[5:]

    check()
