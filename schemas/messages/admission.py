"""Messages of `executions.requests`: what people want to have run."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from millstream.schemas.messages.values import Id, Message


class Request(Message, frozen=True, kw_only=True):
    """Start an execution when its owner has room. Key: user id. Source: the edge."""

    user_id: Annotated[str, Meta(description="Owner.")]
    execution_id: Annotated[Id, Meta(description="The execution.")]
    start: Annotated[bytes, Meta(description="The encoded Start; its `in_flight` is set when it is granted.")]
    at: Annotated[int, Meta(description="When it was asked for, ms.")] = 0


class Withdraw(Message, frozen=True, kw_only=True):
    """An execution was stopped: if it still waits, let it begin now, to end. Key: user id. Source: the edge.

    Its Stop is on `executions.inbox` before, so that nothing of it runs.
    """

    user_id: Annotated[str, Meta(description="Owner.")]
    execution_id: Annotated[Id, Meta(description="The execution.")]
