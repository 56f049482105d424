"""What a person's answer does to an execution, and what happens when nobody answers."""

from __future__ import annotations

from tests.unit.streams.scenes import REVIEW, answer, one, ran


async def test_a_review_waits_without_a_worker_and_goes_on_with_the_edited_data() -> None:
    simulation = await ran(REVIEW)
    assert simulation.status == "REVIEW"
    assert simulation.executions()["h"][0]["status"] == "REVIEW"
    first = answer(simulation, "h", approved=True, data={"a": 2})
    second = answer(simulation, "h", approved=False)
    simulation.inbox += [(simulation.execution_id, first), (simulation.execution_id, second)]
    await simulation.run()
    assert simulation.status == "COMPLETED"
    assert simulation.outputs() == {"yes": [{"a": 2}], "message": ["as I see it"]}


async def test_a_rejected_review_takes_the_other_branch() -> None:
    simulation = await ran(REVIEW)
    simulation.inbox.append((simulation.execution_id, answer(simulation, "h", approved=False, data={"a": 1})))
    await simulation.run()
    assert simulation.outputs() == {"no": [{"a": 1}], "message": ["as I see it"]}


async def test_a_review_that_nobody_answers_takes_the_default_branch() -> None:
    nodes = [n.model_copy(update={"metadata": {"policy": {"review_timeout_s": 60}}}) for n in REVIEW.nodes]
    simulation = await ran(REVIEW.model_copy(update={"nodes": nodes}))
    assert simulation.status == "COMPLETED"
    assert "no" in simulation.outputs()
    assert simulation.now >= 1_060_000


async def test_a_sensitive_block_runs_only_when_approved() -> None:
    simulation = await ran(one("DelicateBlock", {}), sensitive_action_safe_mode=True)
    assert simulation.status == "REVIEW"
    simulation.inbox.append(
        (simulation.execution_id, answer(simulation, "n", approved=True, data={"value": 4}))
    )
    await simulation.run()
    assert simulation.outputs() == {"result": [40]}
    refused = await ran(one("DelicateBlock", {}), sensitive_action_safe_mode=True)
    refused.inbox.append((refused.execution_id, answer(refused, "n", approved=False)))
    await refused.run()
    assert refused.outputs() == {"error": ["as I see it"]}
    assert refused.detail["verdict"]["result"] == "errors"
    assert (await ran(one("DelicateBlock", {}))).outputs() == {"result": [10]}
