"""Which records of `edge.changes` an edge believes."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest

from millstream.api.changes import Changes
from millstream.api.inbox import Inbox
from millstream.schemas.codec import encode
from millstream.schemas.messages import Cancel, Changed
from millstream.schemas.signing import Signer

OURS, OTHERS = Signer("a key of ours"), Signer("a key of others")


def heard_by(signer: Signer | None, value: bytes | None, headers: list[tuple[str, bytes]]) -> list[Changed]:
    found: list[Changed] = []
    changes = Changes({}, cast(Inbox, None), signer=signer)
    changes.hear(found.append, lambda: None)
    changes._take(cast(Any, SimpleNamespace(value=value, headers=headers)))
    return found


def changed(edge: str = "another") -> bytes:
    return encode(Changed(edge=edge, user_id="u", ends=True, at=0))


@pytest.mark.parametrize("headers", [[], [OTHERS.sign(changed())], [OURS.sign(changed("x"))]], ids=len)
def test_only_what_is_signed_for_it_is_believed(headers: list[tuple[str, bytes]]) -> None:
    """A55."""
    assert heard_by(OURS, changed(), headers) == []
    assert len(heard_by(OURS, changed(), [OURS.sign(changed())])) == 1


def test_without_a_key_all_are_believed() -> None:
    assert [each.user_id for each in heard_by(None, changed(), [])] == ["u"]


@pytest.mark.parametrize("value", [None, b"", b"nonsense", encode(Cancel(execution_id=b"x" * 16, at=0))])
def test_what_is_no_change_is_passed_over(value: bytes | None) -> None:
    signed = [OURS.sign(value or b"")]
    assert heard_by(OURS, value, signed) == heard_by(None, value, []) == []


def test_an_edge_does_not_hear_itself_again() -> None:
    found: list[Changed] = []
    changes = Changes({}, cast(Inbox, None))
    changes.hear(found.append, lambda: None)
    changes._take(cast(Any, SimpleNamespace(value=changed(changes.edge), headers=[])))
    assert found == []
