from __future__ import annotations

import hmac

import pytest

from millstream.schemas.errors import SignatureInvalidError
from millstream.schemas.signing import SIGNATURE, Signer

VALUE = b"\0\0\0\0\1 a record"


def test_what_was_signed_is_accepted() -> None:
    signer = Signer("key")
    signer.verify(VALUE, [("traceparent", b"00"), signer.sign(VALUE)])
    signer.verify(VALUE, dict([signer.sign(VALUE)]))


def test_the_same_record_always_has_the_same_signature() -> None:
    assert Signer("key").sign(VALUE) == Signer("key", "older").sign(VALUE)


@pytest.mark.parametrize(
    "headers", [None, [], {}, [(SIGNATURE, None)], [(SIGNATURE, b"")], [Signer("other").sign(VALUE)]]
)
def test_what_was_not_signed_with_our_key_is_refused(headers: object) -> None:
    with pytest.raises(SignatureInvalidError) as caught:
        Signer("key").verify(VALUE, headers)  # type: ignore[arg-type]  # as clients may give them
    assert caught.value.code == "signature_invalid"


def test_a_signature_is_good_for_its_record_alone() -> None:
    signer = Signer("key")
    with pytest.raises(SignatureInvalidError):
        signer.verify(VALUE + b"!", [signer.sign(VALUE)])


def test_the_previous_key_is_accepted_and_signs_nothing() -> None:
    old, both, new = Signer("old"), Signer("new", "old"), Signer("new")
    both.verify(VALUE, [old.sign(VALUE)])
    both.verify(VALUE, [new.sign(VALUE)])
    new.verify(VALUE, [both.sign(VALUE)])
    with pytest.raises(SignatureInvalidError):
        new.verify(VALUE, [old.sign(VALUE)])


def test_the_key_itself_is_not_what_signs() -> None:
    """Another purpose of the same secret has other keys, so that none can be made to sign for another."""
    assert Signer("key").sign(VALUE)[1] != hmac.digest(b"key", VALUE, "sha256")
