from __future__ import annotations

from uuid import UUID

from millstream.schemas.ids import derived_execution, new_id


def test_an_execution_that_another_starts_has_its_time_and_an_id_that_a_repeated_step_gives_again() -> None:
    parent = new_id()
    first, second = (UUID(bytes=derived_execution(parent.bytes, "agent", k)) for k in (0, 1))
    assert first == UUID(bytes=derived_execution(parent.bytes, "agent", 0))
    assert first != second
    assert (first.version, first.variant) == (parent.version, parent.variant) == (7, "specified in RFC 4122")
    assert first.bytes[:6] == second.bytes[:6] == parent.bytes[:6]
