from __future__ import annotations

import msgspec
import pytest

from millstream.schemas.audit import START, Head, link_hash, verify
from millstream.schemas.codec import decode, encode
from millstream.schemas.messages import Audit

CHAIN = "5d5f0a55-7f6c-4f56-8a57-0d29c3d2b0f6"
Placed = list[tuple[str, Audit]]


def link(sequence: int, previous: bytes, *, action: str = "graph.saved", chain_id: str = CHAIN) -> Audit:
    bare = Audit(
        audit_id=sequence.to_bytes(16, "big"),
        actor_id=f"actor-{sequence % 3}",
        action=action,
        subject="x",
        data=b"{}",
        at=sequence,
        chain_id=chain_id,
        sequence=sequence,
        previous=previous,
    )
    return msgspec.structs.replace(bare, hash=link_hash(bare))


def chain(count: int) -> Placed:
    """Links as they lie in three partitions."""
    found: Placed = []
    previous = START
    for sequence in range(1, count + 1):
        record = link(sequence, previous)
        previous = record.hash
        found.append((f"audit.log/{sequence % 3}@{sequence}", record))
    return sorted(found, key=lambda item: item[0].split("@")[0])  # partition after partition


def head_of(placed: Placed) -> Head:
    last = max((record for _, record in placed), key=lambda record: record.sequence)
    return Head(chain_id=CHAIN, sequence=last.sequence, hash=last.hash, sent=last.sequence)


def faults(placed: Placed, head: Head | None = None) -> set[str]:
    return {each.fault for each in verify(placed, head).breaks}


def at(placed: Placed, sequence: int) -> int:
    return next(index for index, (_, record) in enumerate(placed) if record.sequence == sequence)


def test_a_whole_chain_holds_over_all_partitions_and_deliveries() -> None:
    placed = chain(20)
    again = [(f"audit.log/{r.sequence % 3}@{100 + r.sequence}", r) for _, r in placed if r.sequence > 15]
    report = verify(placed + again, head_of(placed))
    assert not report.breaks
    assert (report.records, report.first, report.last, report.repeated) == (25, 1, 20, 5)


def test_the_oldest_may_have_gone_with_the_retention() -> None:
    placed = [(place, record) for place, record in chain(20) if record.sequence > 7]
    report = verify(placed, head_of(placed))
    assert not report.breaks
    assert report.first == 8


@pytest.mark.parametrize("field", ["actor_id", "action", "subject", "data", "at", "audit_id", "chain_id"])
def test_no_field_can_be_changed(field: str) -> None:
    placed = chain(9)
    index = at(placed, 5)
    place, record = placed[index]
    value = getattr(record, field)
    changed = (
        value + 1 if isinstance(value, int) else value[:-1] + (b"~" if isinstance(value, bytes) else "~")
    )
    placed[index] = (place, msgspec.structs.replace(record, **{field: changed}))
    assert faults(placed, head_of(chain(9))) & {"changed", "foreign"}


def test_a_record_with_its_hash_made_anew_does_not_fit_the_next() -> None:
    placed = chain(9)
    index = at(placed, 5)
    place, record = placed[index]
    forged = msgspec.structs.replace(record, action="graph.deleted")
    forged = msgspec.structs.replace(forged, hash=link_hash(forged))
    placed[index] = (place, forged)
    assert faults(placed) == {"unlinked"}


def test_a_chain_that_was_computed_anew_does_not_fit_what_postgresql_has() -> None:
    forged: Placed = []
    previous = START
    for sequence in range(1, 10):
        record = link(sequence, previous, action="nothing" if sequence == 5 else "graph.saved")
        previous = record.hash
        forged.append((f"audit.log/0@{sequence}", record))
    assert faults(forged) == set()
    assert faults(forged, head_of(chain(9))) == {"changed"}


def test_a_record_that_is_missing_shows() -> None:
    placed = chain(9)
    del placed[at(placed, 4)]
    [found] = verify(placed).breaks
    assert (found.fault, found.sequence) == ("missing", 4)


def test_records_that_were_cut_off_show_by_what_postgresql_has() -> None:
    placed = [(place, record) for place, record in chain(9) if record.sequence < 8]
    assert faults(placed) == set()
    assert faults(placed, head_of(chain(9))) == {"cut"}
    waiting = Head(chain_id=CHAIN, sequence=9, hash=b"", sent=7)  # two wait in the outbox
    assert faults(placed, waiting) == set()
    assert faults([], head_of(chain(9))) == {"cut"}


def test_records_in_another_order_show() -> None:
    placed = [(f"audit.log/0@{at}", record) for at, (_, record) in enumerate(sorted(chain(9), key=_sequence))]
    placed[3], placed[6] = placed[6], placed[3]
    assert faults(placed) == {"reordered"}


def test_records_that_somebody_put_in_show() -> None:
    placed = chain(9)
    forged = link(5, START, action="key.made")
    assert "forked" in faults([*placed, ("audit.log/0@99", forged)])
    assert "forked" in faults([*placed, ("audit.log/0@99", link(10, placed[-1][1].hash))], head_of(placed))
    loose = msgspec.structs.replace(forged, sequence=0, chain_id="")
    assert faults([*placed, ("audit.log/0@99", loose)]) == {"foreign"}
    assert faults([*placed, ("audit.log/0@99", link(5, START, chain_id="other"))]) == {"foreign"}


def test_the_wire_keeps_a_link_whole() -> None:
    record = link(1, START)
    found = decode(encode(record))
    assert found == record
    assert isinstance(found, Audit)
    assert link_hash(found) == found.hash


def _sequence(item: tuple[str, Audit]) -> int:
    return item[1].sequence
