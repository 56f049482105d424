"""What stands between a ready node execution and a worker: a person's approval, or a child execution instead of a task."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID

import orjson

from millstream.schemas.ids import derived_execution
from millstream.schemas.messages import Delta, Flags, Named, Payload, Start
from millstream.streams.cells import Open
from millstream.streams.plan import RunNode, child_plan
from millstream.streams.spending import left
from millstream.streams.state import key
from millstream.topics import catalogue

if TYPE_CHECKING:
    from millstream.streams.stepping import Step

DEPTH_LIMIT = 32
"""Levels of agents within agents."""


def held_for_approval(step: Step, node: RunNode, k: int, opened: Open) -> bool:
    """Park a sensitive block until a person has approved its inputs. Returns whether it was parked."""
    if not (node.block.sensitive and step.head.sensitive_safe) or opened.approved:
        return False
    opened.state = "approval"
    step.head.reviews += 1
    reason = await_person(step, node, k)
    step.state.put(key(b"o", node.index, k), opened)
    review = {
        "data": orjson.loads(opened.input),
        "name": f"Run {node.id}?",
        "editable": True,
        "sensitive": True,
    }
    step.tell(
        Delta(
            kind="NODE",
            node_execution_id=step.node_execution_id(node, k),
            node_id=node.id,
            status="REVIEW",
            detail=orjson.dumps({"review": review, "reason": reason}),
            at=step.at,
        )
    )
    return True


def await_person(step: Step, node: RunNode, k: int) -> dict[str, Any]:
    """Have a review answered by its default when nobody does in time. Returns the reason: who can answer, since when."""
    reason: dict[str, Any] = {"kind": "review", "who": [step.head.user_id], "since": step.at}
    limit = node.policy.review_timeout_ms
    if limit is not None:
        step.set_timer(step.at + limit, "review", node.index, k)
        reason |= {"until": step.at + limit, "default": node.policy.review_default}
    return reason


def started_as_child(step: Step, node: RunNode, k: int, opened: Open) -> bool:
    """Start the execution that an agent node stands for. Returns whether there is one."""
    if node.child < 0 or node.block.kind != "Agent" or step.head.depth + 1 > DEPTH_LIMIT:
        return False
    head, plan = step.head, child_plan(step.plan.data.children[node.child])
    child_id = derived_execution(step.state.id, node.id, k, "child")
    opened.state, opened.child = "child", child_id
    head.parked += 1
    step.state.put(key(b"o", node.index, k), opened)
    slots = {slot.path[1:]: slot.value for slot in opened.slots}
    inputs = [Named(name=n, value=slots.get(n) or _inline(v)) for n, v in orjson.loads(opened.input).items()]
    step.send(
        catalogue.INBOX.name,
        child_id,
        Start(
            execution_id=child_id,
            user_id=head.user_id,
            graph_id=plan.graph_id,
            graph_version=plan.graph_version,
            plan_hash=plan.hash,
            plan=plan.data,
            inputs=inputs,
            masks=head.masks,
            flags=Flags(
                human_in_the_loop_safe_mode=head.review_safe,
                sensitive_action_safe_mode=head.sensitive_safe,
                dry_run=head.dry_run,
                timezone=head.timezone,
            ),
            parent_execution_id=step.state.id,
            parent_node=node.index,
            parent_k=k,
            root_execution_id=head.root or step.state.id,
            depth=head.depth + 1,
            in_flight=head.in_flight_limit,
            budget_microusd=left(head),
        ),
    )
    reason = {"kind": "children", "executions": [str(UUID(bytes=child_id))], "since": step.at}
    step.tell(
        Delta(
            kind="RUNNING",
            node_execution_id=step.node_execution_id(node, k),
            node_id=node.id,
            status="RUNNING",
            detail=orjson.dumps({"child": child_id.hex(), "reason": reason}),
            at=step.at,
        )
    )
    return True


def _inline(value: object) -> Payload:
    data = orjson.dumps(value)
    return Payload(inline=data, size=len(data))
