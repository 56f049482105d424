"""What executions cost: summed up in the head, children's included; beyond the budget the execution fails at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from millstream.schemas.messages import Finished, Usage
from millstream.streams.cells import Head, Open
from millstream.streams.verdict import OVER_BUDGET
from millstream.topics import catalogue

if TYPE_CHECKING:
    from millstream.streams.stepping import Step


def left(head: Head) -> int | None:
    """Return what may still be spent; None: no limit."""
    return None if head.budget_microusd < 0 else max(0, head.budget_microusd - head.cost_microusd)


def spent(step: Step, message: Finished) -> None:
    """A run has cost something, however it ended: note it for the owner's bill, and look at the budget."""
    if message.cost_microusd <= 0:
        return
    node = step.plan.node(message.node)
    usage = Usage(
        user_id=step.head.user_id,
        execution_id=step.state.id,
        node_execution_id=step.node_execution_id(node, message.k),
        run_id=message.run_id,
        block_id=node.block.id,
        elapsed_ms=message.elapsed_ms,
        cost_microusd=message.cost_microusd,
        at=step.at,
    )
    step.send(catalogue.USAGE.name, step.head.user_id.encode(), usage)
    _add(step, message.cost_microusd)


def child_spent(step: Step, opened: Open, cost_microusd: int) -> None:
    """A child tells what it has spent all in all; what is new of it is added."""
    more = cost_microusd - opened.cost_microusd
    if more > 0:
        opened.cost_microusd = cost_microusd
        _add(step, more)


def _add(step: Step, microusd: int) -> None:
    head = step.head
    head.cost_microusd += microusd
    if 0 <= head.budget_microusd < head.cost_microusd:
        step.fail(
            OVER_BUDGET,
            f"the execution has cost {head.cost_microusd:,} millionths of a US dollar, "
            f"its budget was {head.budget_microusd:,}",
        )
