"""What must pass before the pins of Faust, aiokafka or mode move: `pytest $(python -m tests.integration.streams.gate)`."""

from __future__ import annotations

_HERE = "tests/integration/streams"

UPGRADE_GATE = (
    f"{_HERE}/test_commits.py",
    f"{_HERE}/test_members.py::test_nothing_is_lost_when_a_member_ends_in_mid_flight",
    f"{_HERE}/test_members.py::test_nothing_is_lost_when_a_member_joins_in_mid_flight",
    f"{_HERE}/test_members.py::test_a_spare_member_takes_over_from_one_that_was_killed",
    f"{_HERE}/test_members.py::test_a_restart_within_the_session_is_no_business_of_the_peers",
    f"{_HERE}/test_pressure.py",
    f"{_HERE}/test_tables.py",
    f"{_HERE}/test_standbys.py",
    f"{_HERE}/test_missing.py",
    f"{_HERE}/test_lane.py::test_a_task_that_is_delivered_again_attaches_to_its_run",
    f"{_HERE}/test_coordinator.py::test_a_coordinator_that_slept_is_fenced_and_writes_no_older_state",
    "tests/unit/streams/test_transport.py",
    "tests/unit/streams/test_store.py",
)

if __name__ == "__main__":
    print(*UPGRADE_GATE)  # noqa: T201 - for a command line
