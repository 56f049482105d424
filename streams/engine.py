"""`decide(state, message) -> (state, effects)`: what a message means for an execution. Pure: no clock (time is the record's
LogAppendTime), no randomness, no I/O; the same state and message always give the same effects, so that a step that was
interrupted is simply done again.
"""

from __future__ import annotations

from collections.abc import Callable

from millstream.schemas.messages import (
    Answer,
    ChildEvent,
    Finished,
    Message,
    Nudge,
    Output,
    Start,
    Started,
    Stop,
    Timer,
)
from millstream.streams import starting
from millstream.streams.calls import give_up, on_kept
from millstream.streams.cells import End, Head
from millstream.streams.effects import Effects
from millstream.streams.joins import release
from millstream.streams.nudging import on_nudge
from millstream.streams.plan import Plan
from millstream.streams.resting import tell_again
from millstream.streams.results import emit_canned, on_child, on_finished, on_output, on_started
from millstream.streams.reviews import on_answer
from millstream.streams.state import Rows, State
from millstream.streams.stepping import IN_FLIGHT_LIMIT, Hooks, Step
from millstream.streams.stopping import on_stop
from millstream.streams.timers import on_timer

PLAN_MISSING = "the plan of this execution is neither in its Start nor in the object store"
_HANDLERS: dict[type[Message], Callable[[Step, Message], None]] = {
    Finished: on_finished,  # type: ignore[dict-item]  # each handler takes its own message
    Output: on_output,  # type: ignore[dict-item]
    Started: on_started,  # type: ignore[dict-item]
    Timer: on_timer,  # type: ignore[dict-item]
    Answer: on_answer,  # type: ignore[dict-item]
    ChildEvent: on_child,  # type: ignore[dict-item]
    Stop: on_stop,  # type: ignore[dict-item]
    Nudge: on_nudge,  # type: ignore[dict-item]
}


def _unblock(step: Step) -> bool:
    """Nothing will happen any more: let joins go on with what has come, and calls that wait end."""
    return release(step) or give_up(step)


_HOOKS = Hooks(emit_canned, _unblock, on_kept)


def decide(
    state: State | None, message: Message, *, at: int, plan: Plan | None, rows: Rows
) -> tuple[State | None, Effects]:
    """Apply one inbox message, appended at `at` (ms). `plan` is the execution's, or the Start's; `rows` are the partition's.

    The state is changed in place. Messages of executions that ended, or that nobody started, change nothing.
    """
    effects = Effects()
    if isinstance(message, Start):
        return _start(state, message, at, plan, rows, effects)
    if state is None:
        if isinstance(message, Stop):
            end = End("TERMINATED", 0, "", "", 0, at, True, message.by, message.reason)
            return State(message.execution_id, end, rows), effects
        return None, effects
    if isinstance(state.head, End):
        return state, effects
    step = Step(state, state.head, plan or Plan.empty(state.head.plan_hash), at, effects, _HOOKS)
    if plan is None:
        step.fail("plan_missing", PLAN_MISSING)
    else:
        _HANDLERS[type(message)](step, message)
    step.settle()
    return state, effects


def _start(
    state: State | None, message: Start, at: int, plan: Plan | None, rows: Rows, effects: Effects
) -> tuple[State | None, Effects]:
    stop: Stop | None = None
    if state is not None:
        found = state.head
        if not (isinstance(found, End) and found.stopped_early):
            tell_again(state, message, at, effects)
            return state, effects  # a repeated Start
        stop = Stop(execution_id=message.execution_id, by=found.by, reason=found.reason)
    head = Head(
        user_id=message.user_id,
        graph_id=message.graph_id,
        graph_version=message.graph_version,
        plan_hash=message.plan_hash,
        strict=message.flags.strict,
        review_safe=message.flags.human_in_the_loop_safe_mode,
        sensitive_safe=message.flags.sensitive_action_safe_mode,
        dry_run=message.flags.dry_run,
        timezone=message.flags.timezone,
        test=message.flags.test,
        masks=message.masks,
        recorded=len(message.recorded or b""),
        started_at=at,
        parent=message.parent_execution_id,
        parent_node=-1 if message.parent_node is None else message.parent_node,
        parent_k=-1 if message.parent_k is None else message.parent_k,
        root=message.root_execution_id,
        depth=message.depth,
        in_flight_limit=max(1, min(message.in_flight, IN_FLIGHT_LIMIT)),
        budget_microusd=-1 if message.budget_microusd is None else message.budget_microusd,
    )
    state = State(message.execution_id, head, rows)
    step = Step(state, head, plan or Plan.empty(message.plan_hash), at, effects, _HOOKS)
    starting.begin(step, message)
    if stop is not None:
        on_stop(step, stop)
    elif plan is None:
        step.fail("plan_missing", PLAN_MISSING)
    else:
        starting.start_nodes(step, message)
    step.settle()
    return state, effects
