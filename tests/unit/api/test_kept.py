"""What a process keeps for seconds, and what a change makes of it."""

from __future__ import annotations

from uuid import uuid4

import pytest

from millstream.api.auth.kept import Kept
from millstream.api.auth.principal import Principal
from millstream.api.auth.revocations import hits
from millstream.schemas.messages import Changed

ADA, BOB, ORG = uuid4(), uuid4(), uuid4()


def changed(**what: object) -> Changed:
    return Changed(edge="e", at=0, **{"ends": True, **what})  # type: ignore[arg-type]


def test_a_fact_is_kept_for_its_time_and_forgotten_when_it_changes() -> None:
    kept: Kept[str, int] = Kept(60)
    kept.keep("a", 1, asked=kept.changes)
    kept.keep("b", 2, asked=kept.changes)
    assert (kept.find("a"), kept.find("b"), kept.find("c")) == (1, 2, None)
    kept.forget(lambda key, value: key == "a" and value == 1)
    assert (kept.find("a"), kept.find("b")) == (None, 2)
    gone: Kept[str, int] = Kept(0)
    gone.keep("a", 1, asked=gone.changes)
    assert gone.find("a") is None


def test_an_answer_that_was_under_way_when_something_changed_is_not_kept() -> None:
    kept: Kept[str, int] = Kept(60)
    asked = kept.changes
    kept.forget(lambda *_: False)
    kept.keep("a", 1, asked=asked)
    assert kept.find("a") is None
    kept.keep("a", 2, asked=kept.changes)
    assert kept.find("a") == 2


def test_it_never_holds_more_than_so_many() -> None:
    kept: Kept[int, int] = Kept(60, most=10)
    for number in range(100):
        kept.keep(number, number, asked=kept.changes)
        assert len(kept) <= 10
    assert kept.find(99) == 99


@pytest.mark.parametrize(
    ("what", "is_hit"),
    [
        ({"user_id": str(ADA)}, True),
        ({"user_id": str(BOB)}, False),
        ({"session_id": "s"}, True),
        ({"session_id": "t"}, False),
        ({"account_id": str(ORG)}, True),
        ({"user_id": str(ADA), "account_id": str(ORG)}, True),
        ({"user_id": str(BOB), "account_id": str(ORG)}, False),
        ({"user_id": str(ADA), "account_id": str(BOB)}, False),
        ({"user_id": str(ADA), "ends": False}, False),
    ],
    ids=str,
)
def test_a_change_closes_what_it_names_and_nothing_else(what: dict[str, object], is_hit: bool) -> None:
    principal = Principal(user_id=ADA, account_id=ORG, session_id="s")
    assert hits(changed(**what), principal) is is_hit
