"""What is left of executions goes when nothing of them can come again; what is open stays, with its plan."""

from __future__ import annotations

import pytest

from millstream.schemas.messages import Run, Stop
from millstream.streams.state import PLAN
from millstream.topics.catalogue import STATE, tasks
from tests.integration.streams.engine import gated
from tests.integration.streams.kit import Kit
from tests.integration.streams.messages import said, start, statuses, tell

pytestmark = pytest.mark.integration


def rows(bench: Kit) -> dict[bytes, bytes | None]:
    """Return the newest value of each key of the changelog."""
    return {record.key(): record.value() for record in bench.read(STATE.name)}


def test_old_end_markers_and_plans_that_nobody_has_are_swept(mill: Kit) -> None:
    one = mill.spawn("coordinator", "one", ends_kept_ms=500).wait_ready()
    going, done = start("goes on"), start("is done")
    tell(mill, going, done)
    ids = {going.execution_id, done.execution_id}
    one.wait(lambda: len(said(mill, tasks(gated.spec.lane).name, Run, ids)) == 2)
    assert rows(mill)[PLAN + done.plan_hash]
    tell(mill, Stop(execution_id=done.execution_id, by="test"))
    one.wait(lambda: statuses(mill, done.execution_id)[-1:] == ["TERMINATED"])

    def swept() -> bool:
        found = rows(mill)
        return found[done.execution_id] is None and found[PLAN + done.plan_hash] is None

    one.wait(swept, 60)
    found = rows(mill)
    assert found[going.execution_id]
    assert found[PLAN + going.plan_hash]
    one.kill()
    two = mill.spawn("coordinator", "two").wait_ready()
    tell(mill, Stop(execution_id=going.execution_id, by="test"))
    two.wait(lambda: statuses(mill, going.execution_id)[-1:] == ["TERMINATED"])
    marker = two.wait(lambda: (row := rows(mill)[going.execution_id]) and row[8:9] == b"E" and row, 20)
    assert marker, "with the usual age it stays"
    assert two.end() == 0
