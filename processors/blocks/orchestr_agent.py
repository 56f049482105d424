"""An agent of our own: a model, an instruction, and the nodes linked from `tools`, in a loop."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Annotated, Any

from pydantic import Field

from millstream.processors.annotations import EMPTY, Advanced, Emit, LongText, Outputs
from millstream.processors.blocks.orchestr_turns import Asking
from millstream.processors.blocks.orchestrator import agent
from millstream.processors.context import Context, Park
from millstream.processors.credentials import Credentials
from millstream.processors.models.interface import AUTO
from millstream.processors.models.pins import KEYS, Model, chosen
from millstream.processors.samples import Sample
from millstream.processors.sdk import block

INSTRUCTIONS = (
    "You solve tasks with the tools that you have. Call what you need, read what it gives, and then answer the task "
    "in a few words."
)


class Answered(Outputs):
    """Pins of AgentLoopBlock."""

    tools: Any
    answer: str
    conversation: list[Any]


@block(
    kind="AI",
    categories=("AI",),
    lane="llm",
    calls="always",
    samples=[
        Sample(
            {"task": "Repeat: hello", "instructions": "Do it."}, [("answer", "hello"), ("conversation", list)]
        )
    ],
)
async def agent_loop(
    task: LongText,
    instructions: LongText = INSTRUCTIONS,
    model: Model = AUTO,
    credentials: Annotated[Credentials, KEYS] = EMPTY,
    max_turns: Annotated[int, Field(ge=1, le=1000)] = 10,
    parallel_tools: Advanced[bool] = True,
    max_tokens: Advanced[int | None] = None,
    *,
    ctx: Context,
) -> AsyncIterator[Emit[Answered]]:
    """Let a model solve a task with the nodes that are linked from `tools`: it calls them, reads what they give, and answers.

    task: What to do.
    instructions: How to do it, for the model.
    model: The model; `auto` is the default of the credential's provider, or of this platform.
    credentials: Whose model is asked; without it the platform's default.
    max_turns: After so many turns of the model it ends in any case.
    parallel_tools: The model may call several tools at once.
    max_tokens: Longest answer of a turn, in tokens.
    tools: To be linked to the pins that the model may fill, of any nodes and agents.
    answer: What the model says at the end.
    conversation: All messages.
    """
    choice = await chosen(ctx, model, credentials)
    asking = Asking(choice=choice, parallel=parallel_tools, max_tokens=max_tokens)
    first = [{"role": "system", "content": instructions}, {"role": "user", "content": task}]
    async for emit in agent(ctx, first, asking, max_turns):
        if isinstance(emit, Park):
            yield emit
        else:
            pin, value = emit
            yield ("answer" if pin == "finished" else "conversation"), value
