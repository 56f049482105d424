"""What a user may say about a Kafka cluster, and how bytes become values."""

from __future__ import annotations

import base64
import json
import struct
from typing import Any

import pytest
from pydantic import SecretStr

from millstream.processors.credentials import UserPassword
from millstream.processors.guards.http import GuardedHttp
from millstream.processors.kafka.cluster import Cluster, addresses, checked, cluster_of, name_of
from millstream.processors.kafka.formats import read, read_avro, write, write_avro
from millstream.schemas.errors import AddressRefusedError, BlockInputError, BlockTimeoutError, CredentialError
from millstream.testing import context

SCHEMA = json.dumps(
    {
        "type": "record",
        "name": "Order",
        "fields": [
            {"name": "id", "type": "long"},
            {"name": "blob", "type": ["null", "bytes"], "default": None},
            {
                "name": "at",
                "type": ["null", {"type": "long", "logicalType": "timestamp-millis"}],
                "default": None,
            },
        ],
    }
)


@pytest.mark.parametrize(
    "properties",
    [
        {"sasl.jaas.config": "com.sun.security.auth.module.JndiLoginModule required;"},
        {"sasl.oauthbearer.token.endpoint.url": "file:///etc/passwd"},
        {"sasl.oauthbearer.jwks.endpoint.url": "http://169.254.169.254/"},
        {"sasl.login.callback.handler.class": "x"},
        {"ssl.truststore.location": "file:/etc/passwd"},
        {"ssl.ca.location": "/etc/passwd"},
        {"plugin.library.paths": "x.so"},
        {"metric.reporters": "x"},
        {"bootstrap.servers": "10.0.0.1:9092"},
        {"SASL.JAAS.CONFIG": "x"},
        {"client.id": "ldap://x"},
        {"client.id": "file:x"},
        {"acks": "0"},
        {"request.timeout.ms": 10_000_000},
        {"request.timeout.ms": True},
        {"request.timeout.ms": "-1"},
        {"enable.idempotence": "no"},
    ],
)
def test_a21_only_harmless_properties_are_taken(properties: dict[str, Any]) -> None:
    with pytest.raises(BlockInputError):
        checked(properties)


def test_properties_come_in_their_types() -> None:
    given = {"acks": "1", "enable.idempotence": "false", "request.timeout.ms": "2000", "client.id": "a-b"}
    assert checked(given) == {
        "acks": 1,
        "enable.idempotence": False,
        "request.timeout.ms": 2000,
        "client.id": "a-b",
    }


def test_brokers_are_hosts_with_ports() -> None:
    assert addresses("a.example:9092, [::1]:9093") == (("a.example", 9092), ("::1", 9093))
    for wrong in ("", "a", "a:0", "a:99999", "http://a:1", "a/b:1", "a@b:1", ",".join(["a:1"] * 11)):
        with pytest.raises(BlockInputError):
            addresses(wrong)
    for wrong in ("", "a b", "..", "x" * 300, "a/b"):
        with pytest.raises(BlockInputError):
            name_of(wrong, "topic")


@pytest.mark.parametrize(
    ("hosts", "tls", "fits"),
    [
        ({"*.example.com:9092"}, True, True),
        ({"b1.example.com:9092"}, True, True),
        ({"*.example.com:9092"}, False, False),
        ({"b1.example.com:9092"}, False, True),
        ({"*.example.com"}, True, False),
        ({"example.org:9092"}, True, False),
        (set(), True, False),
    ],
)
def test_a_password_goes_to_the_brokers_that_it_is_for(hosts: set[str], tls: bool, fits: bool) -> None:
    import ssl

    login = UserPassword(
        id="i",
        provider="kafka",
        title="t",
        hosts=frozenset(hosts),
        username="u",
        password=SecretStr("secret-word"),
    )
    cluster = Cluster(
        servers=(("b1.example.com", 9092),),
        security="SASL_SSL" if tls else "SASL_PLAINTEXT",
        mechanism="PLAIN",
        login=login,
        context=ssl.create_default_context() if tls else None,
    )
    assert "secret-word" not in repr(cluster)
    if fits:
        cluster.check("b1.example.com", 9092)
    else:
        with pytest.raises(AddressRefusedError, match="credential"):
            cluster.check("b1.example.com", 9092)


async def test_what_is_missing_is_said() -> None:
    ctx = context(http=GuardedHttp())
    with pytest.raises(CredentialError, match="choose a credential"):
        await cluster_of(ctx, "a:1", "SASL_SSL", "PLAIN", None)
    with pytest.raises(BlockInputError, match="PEM"):
        await cluster_of(ctx, "a:1", "SSL", "PLAIN", None, ca="/etc/passwd")
    for form in ("read", "write"):
        with pytest.raises(BlockInputError, match="schema registry"):
            await (read([b"x"], "avro", None) if form == "read" else write([1], "avro", None, "s", None))


async def test_inner_brokers_are_refused() -> None:
    from millstream.processors.kafka.reading import commit

    async with GuardedHttp() as http:
        for server in ("127.0.0.1:9092", "169.254.169.254:80", "localhost:9092"):
            cluster = await cluster_of(context(http=http), server, "PLAINTEXT", "PLAIN", None)
            with pytest.raises(AddressRefusedError):
                await commit(http, cluster, "t", "g", {"0": 1})


async def test_values_become_bytes_and_back() -> None:
    for form, values in (
        ("json", [{"a": ["ä"]}, 1, None]),
        ("text", ["ä", None]),
        ("base64", ["AAH/", None]),
    ):
        raw = await write(values, form, None, "", None)  # type: ignore[arg-type]
        assert [each.value for each in await read(raw, form, None)] == values  # type: ignore[arg-type]
    with pytest.raises(BlockInputError, match="base64"):
        await write(["?"], "base64", None, "", None)
    with pytest.raises(BlockInputError, match="are texts"):
        await write([1], "text", None, "", None)


async def test_bytes_that_cannot_be_read_say_why_and_hold_up_nothing() -> None:
    odd = [b"{", b"\xff", b"[" * 100_000, b"1"]
    found = await read(odd, "json", None)
    assert [bool(each.problem) for each in found] == [True, True, True, False]
    assert found[3].value == 1


def test_avro_comes_in_json_and_goes_out() -> None:
    body = write_avro([{"id": 7, "blob": None}], SCHEMA)[0]
    assert body is not None
    framed = struct.pack(">bI", 0, 5) + base64.b64decode(body)
    texts = [base64.b64encode(data).decode() for data in (framed, b"plain", framed[:-1])]
    good, plain, short = read_avro([*texts], {"5": SCHEMA})
    assert good == ({"id": 7, "blob": None, "at": None}, "")
    assert "no schema id" in plain[1]
    assert "does not fit" in short[1]
    with pytest.raises(ValueError, match="id"):
        write_avro([{"id": "seven"}], SCHEMA)


class Known:
    """A registry with one schema."""

    def __init__(self, schema: str) -> None:
        self._schema = schema

    async def schema(self, id_: int) -> str:
        return self._schema


async def test_a_record_that_claims_a_huge_list_ends_its_process_alone() -> None:
    nulls = json.dumps({"type": "array", "items": "null"})
    count = b"\xfe\xff\xff\xff\xff\xff\xff\x7f\x00"  # a block of 2^54 nulls, which take no bytes
    with pytest.raises(BlockTimeoutError):
        await read([struct.pack(">bI", 0, 1) + count], "avro", Known(nulls), timeout_s=0.5)  # type: ignore[arg-type]
