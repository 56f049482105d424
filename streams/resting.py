"""Whether an execution works or rests, for those who count: its owner's feed, and of a child its parent.

It rests when all that is left waits for people, for times that are far away, or for children that rest. Short waits are
not told: the hot path stays at four records a node.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from millstream.schemas.messages import ChildEvent, Feed, Start
from millstream.streams.cells import End, Head, Open
from millstream.streams.effects import Effects, Send
from millstream.streams.state import State
from millstream.topics import catalogue

if TYPE_CHECKING:
    from millstream.streams.stepping import Step

FAR_MS = 5_000


def park(step: Step, opened: Open, wait_ms: int) -> None:
    """Count a node execution that waits for a time."""
    step.head.parked += 1
    rest(step, opened, wait_ms >= FAR_MS)


def unpark(step: Step, opened: Open) -> None:
    """It waits no longer, for a time or for a child."""
    step.head.parked -= 1
    rest(step, opened, False)


def rest(step: Step, opened: Open, rests: bool) -> None:
    """Note whether a parked node execution rests."""
    step.head.resting += rests - opened.rests
    opened.rests = rests


def tell(step: Step, said: int) -> None:
    """Tell the feed a new status, or that the execution rests or goes on. `said`: number of the newest event."""
    head, state = step.head, step.state
    works = head.in_flight or head.ready_first < head.ready_next or head.parked > head.resting
    active = step.ended is None and bool(works)
    if head.status == head.fed and active == head.active:
        return
    child = _is_child(head)
    if not child or head.fed:  # that a child began says its parent
        feed = _feed(state.id, head, head.status, active=active, child=child, sequence=said, at=step.at)
        step.send(catalogue.FEED.name, head.user_id.encode(), feed)
    if child and head.parent is not None and active != head.active and step.ended is None:
        waits = ChildEvent(
            execution_id=head.parent,
            child_id=state.id,
            node=head.parent_node,
            k=head.parent_k,
            first=head.said,
            waiting=not active,
            cost_microusd=head.cost_microusd,
        )
        step.send(catalogue.INBOX.name, head.parent, waits)
    head.fed, head.active = head.status, active


def tell_again(state: State, message: Start, at: int, effects: Effects) -> None:
    """A Start came again: whoever sent it does not know how far its execution is, so the feed says it once more."""
    if message.parent_node is not None:
        return
    head = state.head
    active = isinstance(head, Head) and head.active
    said = head.sequence - 1
    feed = _feed(state.id, head, head.status, active=active, child=False, sequence=said, at=at)
    effects.sends.append(Send(catalogue.FEED.name, head.user_id.encode(), feed))


def failed_start(message: Start, at: int) -> Send:
    """Return what says that a Start ended as a dead letter: nothing of it will ever run."""
    end = End("FAILED", 0, message.user_id, message.graph_id, message.graph_version, at)
    feed = _feed(message.execution_id, end, end.status, active=False, child=False, sequence=-1, at=at)
    return Send(catalogue.FEED.name, message.user_id.encode(), feed)


def _is_child(head: Head) -> bool:
    return head.parent is not None and head.parent_node >= 0


def _feed(
    id_: bytes, head: Head | End, status: str, *, active: bool, child: bool, sequence: int, at: int
) -> Feed:
    return Feed(
        user_id=head.user_id,
        execution_id=id_,
        graph_id=head.graph_id,
        graph_version=head.graph_version,
        status=status,  # type: ignore[arg-type]  # statuses in the state are text
        sequence=sequence,
        at=at,
        active=active,
        child=child,
    )
