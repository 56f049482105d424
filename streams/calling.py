"""The worker's side of calls: what a block asks for becomes messages, what was given becomes what the block sees."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Awaitable, Callable
from typing import Any

import orjson

from millstream.processors.calls import Call, Calls, Result, Tool
from millstream.processors.context import Park
from millstream.processors.masking import Mask
from millstream.schemas.errors import BlockExecutionError
from millstream.schemas.messages import Call as CallMessage
from millstream.schemas.messages import Park as ParkMessage
from millstream.schemas.messages import Payload, Run, Slot
from millstream.streams.calls import CALL_LIMIT, PARALLEL_LIMIT
from millstream.streams.readiness import token

ROUND_BYTES = 512 * 1024
"""Inputs of all calls of one round that travel in place; large values are not counted, they are in the object store."""
STATE_BYTES = 8 * 1024
"""A larger state of a parked block goes into the object store, so that the coordinator need not carry it."""
TOOLBOXES = 256
Offloader = Callable[[bytes, str], Awaitable[Payload]]
Fetch = Callable[[Payload], Awaitable[bytes]]


class Toolboxes:
    """Tools of nodes by the hash of their JSON: a worker fetches each once."""

    def __init__(self) -> None:
        self._known: OrderedDict[bytes, tuple[Tool, ...]] = OrderedDict()

    async def of(self, payload: Payload, fetch: Fetch) -> tuple[Tool, ...]:
        """Return the tools. Errors: those of `fetch`."""
        name = payload.sha256 or payload.inline or b""
        tools = self._known.get(name)
        if tools is None:
            tools = tuple(Tool(**each) for each in orjson.loads(await fetch(payload)))
            self._known[name] = tools
            if len(self._known) > TOOLBOXES:
                self._known.popitem(last=False)
        return tools


async def park_message(park: Park, mask: Mask, user_id: str, offload: Offloader) -> ParkMessage:
    """Return what a block ended with, as the coordinator takes it. Errors: BlockExecutionError, PayloadTooLargeError."""
    review = None
    if park.review is not None:
        review = orjson.dumps(
            {
                "data": mask.value(park.review.payload),
                "instructions": mask.text(park.review.instructions),
                "editable": park.review.editable,
            }
        )
    delay_ms = None if park.delay_s is None else max(0, round(park.delay_s * 1000))
    state, value = orjson.dumps(mask.value(park.state)), None
    if len(state) > STATE_BYTES:
        value = await offload(state, user_id)
        state = b"null" if value.inline is None else state
        value = value if value.inline is None else None
    if park.calls is None:
        return ParkMessage(delay_ms=delay_ms, state=state, state_value=value, review=review)
    return ParkMessage(
        delay_ms=None,
        state=state,
        state_value=value,
        calls=await _calls(park.calls, mask, user_id, offload),
        parallel=min(park.calls.parallel, PARALLEL_LIMIT),
        stop=park.calls.stop_on_error,
    )


async def _calls(calls: Calls, mask: Mask, user_id: str, offload: Offloader) -> list[CallMessage]:
    if not 1 <= len(calls.calls) <= CALL_LIMIT:
        raise BlockExecutionError(f"{len(calls.calls)} calls at once; 1 to {CALL_LIMIT} are possible.")
    if calls.parallel < 1:
        raise BlockExecutionError(f"parallel={calls.parallel!r} begins nothing; give 1 to {PARALLEL_LIMIT}.")
    found = [await _message(call, mask, user_id, offload) for call in calls.calls]
    size = sum(len(each.input) + 300 * len(each.slots) for each in found)
    if size > ROUND_BYTES:
        raise BlockExecutionError(
            f"The inputs of {len(found)} calls have {size:,} bytes; at most {ROUND_BYTES:,}. Make fewer at a time."
        )
    return found


async def _message(call: Call, mask: Mask, user_id: str, offload: Offloader) -> CallMessage:
    inputs: dict[str, Any] = {}
    slots: list[Slot] = []
    for pin, value in call.inputs.items():
        try:
            data = orjson.dumps(mask.value(value) if mask else value)
        except TypeError as error:
            raise BlockExecutionError(f"The input {pin!r} of a call is not JSON: {error}") from error
        payload = await offload(data, user_id)
        if payload.inline is None:
            slots.append(Slot(path="/" + token(pin), value=payload))
        else:
            inputs[pin] = orjson.Fragment(payload.inline)
    return CallMessage(node=call.tool.node, input=orjson.dumps(inputs), slots=slots)


async def results_of(task: Run, fetch: Fetch) -> list[Result]:
    """Return what the calls of the run before gave. Errors: those of `fetch`."""
    if task.results is None:
        return []
    whole: Any = orjson.loads(task.results)
    for slot in task.result_slots:  # outer ones first
        value = orjson.loads(await fetch(slot.value))
        if slot.path:
            put(whole, slot.path, value)
        else:
            whole = value
    return [
        Result(
            status=each["status"],
            outputs=tuple((pin, value) for pin, value in each["outputs"]),
            error=each.get("error", ""),
            code=each.get("code", ""),
        )
        for each in whole
    ]


def put(document: Any, pointer: str, value: Any) -> None:
    """Write a value at an RFC 6901 pointer; all but its last part is there."""
    *path, last = [part.replace("~1", "/").replace("~0", "~") for part in pointer.split("/")[1:]]
    for part in path:
        document = document[int(part)] if isinstance(document, list) else document[part]
    document[int(last) if isinstance(document, list) else last] = value
