from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from millstream.connectors.objects import OBJECT_LIMIT_BYTES, Objects
from millstream.connectors.payloads import INLINE_RESULT_BYTES, Values, fetch, json_type, offload, payload_ref
from millstream.schemas.errors import NotFoundError, ObjectCorruptError, PayloadTooLargeError
from millstream.schemas.messages import Payload

USER = "00000000-0000-7000-8000-00000000000a"


@pytest.fixture
def objects(tmp_path: Path) -> Objects:
    return Objects(f"file://{tmp_path}")


@pytest.mark.parametrize(
    ("value", "type_", "length"),
    [
        ({str(n): "x" * 10 for n in range(5_000)}, "object", 5_000),
        (["x" * 100] * 300, "array", 300),
        ("ü" * 20_000, "string", 20_000),
    ],
    ids=["object", "array", "string"],
)
async def test_a_large_value_goes_out_and_comes_back(
    objects: Objects, value: Any, type_: str, length: int
) -> None:
    data = json.dumps(value, ensure_ascii=False).encode()
    payload = await offload(data, objects, USER)
    digest = hashlib.sha256(data).digest()
    assert payload == Payload(
        ref=f"values/{USER}/{digest.hex()}", type=type_, size=len(data), length=length, sha256=digest
    )
    assert await fetch(payload, objects) == data


async def test_a_value_at_the_limit_stays_and_one_byte_more_goes(objects: Objects) -> None:
    values = Values(objects)
    here = await values.offload(b'"' + b"x" * (INLINE_RESULT_BYTES - 2) + b'"', USER)
    gone = await values.offload(b'"' + b"x" * (INLINE_RESULT_BYTES - 1) + b'"', USER)
    assert (here.ref, here.size, here.type, here.length) == (None, INLINE_RESULT_BYTES, "string", None)
    assert gone.inline is None
    assert gone.ref is not None
    assert await values.fetch(here) == here.inline


async def test_a_value_that_counts_badly_has_no_length(objects: Objects) -> None:
    payload = await offload(b'"\\ud800' + b"x" * 20_000 + b'"', objects, USER)
    assert (payload.type, payload.length) == ("string", None)


async def test_a_value_over_the_limit_is_refused(objects: Objects) -> None:
    with pytest.raises(PayloadTooLargeError, match="25,000,001 bytes, the limit is 25,000,000"):
        await offload(b"1" * (OBJECT_LIMIT_BYTES + 1), objects, USER)


async def test_the_largest_value_goes_through(objects: Objects) -> None:
    data = b"1" * OBJECT_LIMIT_BYTES
    payload = await offload(data, objects, USER)
    assert (payload.type, payload.length) == ("number", None)
    assert await fetch(payload, objects) == data


async def test_no_value_is_null(objects: Objects) -> None:
    assert await fetch(Payload(), objects) == b"null"


async def test_a_lost_or_damaged_object_is_noticed(objects: Objects, tmp_path: Path) -> None:
    payload = await offload(b"[" + b"1," * 10_000 + b"1]", objects, USER)
    assert payload.ref is not None
    with pytest.raises(ObjectCorruptError):  # another object than the one that was meant
        await fetch(Payload(ref=payload.ref, sha256=b"\0" * 32), objects)
    (tmp_path / payload.ref).write_bytes(b"[]")
    with pytest.raises(ObjectCorruptError):
        await fetch(payload, objects)
    (tmp_path / payload.ref).unlink()
    with pytest.raises(NotFoundError):
        await fetch(payload, objects)


@pytest.mark.parametrize(
    ("text", "type_"),
    [(b" \n{}", "object"), (b"[1]", "array"), (b'""', "string"), (b"true", "boolean"), (b"false", "boolean")]
    + [(b"null", "null"), (b"-1", "number"), (b"1e5", "number")],
)
def test_the_first_character_tells_the_type(text: bytes, type_: str) -> None:
    assert json_type(text) == type_


def test_a_reference_is_shown_with_its_digest_as_text() -> None:
    shown = payload_ref(Payload(ref="values/u/x", type="string", size=5, length=3, sha256=b"\x0f" * 32))
    assert shown == {
        "key": "values/u/x",
        "type": "string",
        "size": 5,
        "length": 3,
        "sha256": "0f" * 32,
        "key_id": None,
    }
