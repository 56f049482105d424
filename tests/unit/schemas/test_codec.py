"""Messages, their `.avsc` and two independent readers agree."""

from __future__ import annotations

import contextlib
import io
import json
import types
from pathlib import Path
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

import avro.io
import avro.schema
import fastavro
import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from millstream.schemas import generate
from millstream.schemas.avro_schema import avro_schema
from millstream.schemas.codec import RECORD_LIMIT_BYTES, decode, encode, schema_files
from millstream.schemas.errors import PayloadTooLargeError, RecordInvalidError
from millstream.schemas.messages import MESSAGES, DeadLetter, Message, Stop

LONG = st.integers(-(2**63), 2**63 - 1)
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)


def values(hint: Any) -> st.SearchStrategy[Any]:
    """Return a strategy for a field's annotation."""
    origin = get_origin(hint)
    if getattr(hint, "__metadata__", None) is not None:
        base = hint.__origin__
        fixed = base is bytes and any(getattr(m, "min_length", None) == 16 for m in hint.__metadata__)
        return st.binary(min_size=16, max_size=16) if fixed else values(base)
    if origin in (Union, types.UnionType):
        return st.none() | values(next(a for a in get_args(hint) if a is not type(None)))
    if origin is Literal:
        return st.sampled_from(get_args(hint))
    if origin is list:
        return st.lists(values(get_args(hint)[0]), max_size=3)
    if isinstance(hint, type) and issubclass(hint, Message):
        return messages(hint)
    plain: dict[Any, st.SearchStrategy[Any]] = {
        bytes: st.binary(max_size=20),
        str: TEXT,
        int: LONG,
        bool: st.booleans(),
        float: st.floats(allow_nan=False),
    }
    return plain[hint]


def messages(cls: type[Message]) -> st.SearchStrategy[Message]:
    hints = get_type_hints(cls, include_extras=True)
    return st.builds(cls, **{f.name: values(hints[f.name]) for f in msgspec.structs.fields(cls)})


@pytest.mark.parametrize("cls", MESSAGES, ids=lambda cls: cls.__name__)
def test_every_record_comes_back_as_it_was_and_a_second_reader_sees_the_same(cls: type[Message]) -> None:
    files = {name: schema for name, schema in schema_files().values()}
    parsed = fastavro.parse_schema(files[cls.__name__])
    second = avro.io.DatumReader(avro.schema.parse(json.dumps(files[cls.__name__])))

    @settings(max_examples=25, deadline=None)
    @given(messages(cls))
    def check(message: Message) -> None:
        data = encode(message)
        assert decode(data) == message
        first = io.BytesIO()
        fastavro.schemaless_writer(first, parsed, msgspec.to_builtins(message, builtin_types=(bytes,)))
        assert data[5:] == first.getvalue()
        seen = second.read(avro.io.BinaryDecoder(io.BytesIO(data[5:])))
        assert seen == msgspec.to_builtins(message, builtin_types=(bytes,))

    check()


def test_the_schema_files_are_those_of_the_classes() -> None:
    newest = {name: schema for name, schema in schema_files().values()}
    assert newest == {cls.__name__: avro_schema(cls) for cls in MESSAGES}


def test_a_changed_schema_gets_a_new_id_and_the_old_one_keeps_its_own(tmp_path: Path) -> None:
    generate.main(tmp_path)
    first = json.loads((tmp_path / "ids.json").read_text())
    older = json.loads((tmp_path / "Stop.v1.avsc").read_text())
    older["fields"].pop()
    (tmp_path / "Stop.v1.avsc").write_text(json.dumps(older))
    assert generate.main(tmp_path) == ["Stop.v2.avsc"]
    second = json.loads((tmp_path / "ids.json").read_text())
    assert {k: second[k] for k in first} == first
    assert second[str(len(first) + 1)] == "Stop.v2.avsc"


def test_every_field_is_described() -> None:
    def fields(schema: Any) -> Any:
        if isinstance(schema, dict):
            yield from schema.get("fields", [])
            for value in schema.values():
                yield from fields(value)
        elif isinstance(schema, list):
            for value in schema:
                yield from fields(value)

    missing = [f["name"] for cls in MESSAGES for f in fields(avro_schema(cls)) if not f["doc"]]
    assert missing == []


STOP = Stop(execution_id=b"e" * 16, by="somebody")


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (None, "wire format"),
        (b"", "wire format"),
        (b"\0\0\0", "wire format"),
        (b'{"json": 1}', "wire format"),
        (b"\0\xff\xff\xff\xffx", "unknown schema id"),
        (encode(STOP)[:-3], "not a Stop"),
        (encode(STOP) + b"x", "1 bytes too many"),
        (encode(STOP)[:5] + b"\xff" * 40, "not a Stop"),
    ],
)
def test_garbage_is_refused_with_its_reason(data: bytes | None, words: str) -> None:
    with pytest.raises(RecordInvalidError, match=words):
        decode(data)


@given(st.binary(max_size=200))
def test_no_bytes_make_the_decoder_raise_anything_else(data: bytes) -> None:
    for prefix in (b"", encode(STOP)[:5], b"\0\0\0\0\x0c"):
        with contextlib.suppress(RecordInvalidError):
            decode(prefix + data)


def test_a_record_over_the_limit_is_refused_before_it_is_sent() -> None:
    letter = DeadLetter(
        topic="t",
        partition=0,
        offset=0,
        timestamp=0,
        key=None,
        value=bytes(RECORD_LIMIT_BYTES),
        error_code="x",
        error_message="x",
        consumer="x",
        at=0,
    )
    with pytest.raises(PayloadTooLargeError, match="the limit is"):
        encode(letter)
