"""AutoGPT's orchestrator (formerly smart decision maker): a model that chooses among the nodes linked from its pin `tools`."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Annotated, Any, Literal

from millstream.processors.annotations import EMPTY, Advanced, Emit, Outputs
from millstream.processors.blocks.orchestr_turns import (
    Asking,
    Messages,
    answer_to,
    as_text,
    open_calls,
    result_text,
    take_turn,
)
from millstream.processors.calls import Calls
from millstream.processors.context import Context, Park
from millstream.processors.credentials import Credentials
from millstream.processors.models.interface import AUTO
from millstream.processors.models.pins import KEYS, OLLAMA_HOST, Model, chosen
from millstream.processors.pins import tool_pin
from millstream.processors.samples import Sample
from millstream.processors.sdk import block
from millstream.schemas.errors import BlockExecutionError

TURNS_LIMIT = 1000
"""Of an agent without a limit of its own."""
SYSTEM = (
    "Decide what has to be done next for the task, and call the tool that does it, with arguments that follow from the "
    "task and from what tools gave before. Make no values up: if something is missing, say what. When nothing is left "
    "to do, answer."
)


class Decided(Outputs):
    """Pins of OrchestratorBlock."""

    tools: Any
    finished: str
    conversations: list[Any]


@block(
    id="3b191d9f-356f-482d-8238-ba04b6d18381",
    name="OrchestratorBlock",
    kind="AI",
    categories=("AI",),
    lane="llm",
    calls="agent_mode_max_iterations",
    samples=[
        Sample(
            {"prompt": "Repeat: hello {{name}}", "prompt_values": {"name": "Ada"}},
            [("finished", "hello Ada")],
        )
    ],
)
async def orchestrator(
    prompt: str,
    model: Model = AUTO,
    credentials: Annotated[Credentials, KEYS] = EMPTY,
    multiple_tool_calls: Advanced[bool] = False,
    sys_prompt: Advanced[str] = SYSTEM,
    conversation_history: Advanced[list[dict[str, Any]] | None] = None,
    last_tool_output: Advanced[Any] = None,
    retry: Advanced[int] = 3,
    prompt_values: dict[str, str] = EMPTY,
    max_tokens: Advanced[int | None] = None,
    ollama_host: Advanced[str] = OLLAMA_HOST,
    agent_mode_max_iterations: Advanced[int] = 0,
    execution_mode: Advanced[Literal["built_in", "extended_thinking"]] = "built_in",
    conversation_compaction: Advanced[bool] = True,
    *,
    ctx: Context,
) -> AsyncIterator[Emit[Decided]]:
    """Let a model choose among tools, which are the nodes linked from the pin `tools`.

    With `agent_mode_max_iterations` 0 it decides once: the arguments go out on the tools' pins, or the answer on `finished`.
    Otherwise it is an agent: the tools run, the model reads what they gave, and so on until it answers.

    prompt: The task.
    model: The model; `auto` is the default of the credential's provider, and without a credential the local demo model.
    credentials: Whose model is asked.
    multiple_tool_calls: The model may call several tools at once.
    sys_prompt: What the model is to do in general.
    conversation_history: Messages of earlier turns, from `conversations`.
    last_tool_output: What the tool gave that the last message in the history called.
    retry: How often to ask again when the model's calls fit no tool.
    prompt_values: Values for places like {{name}} in prompt and system prompt.
    max_tokens: Longest answer, in tokens.
    ollama_host: Where Ollama is, for its models.
    agent_mode_max_iterations: Turns of an agent; -1: up to 1,000; 0: no agent.
    execution_mode: Only `built_in` is there.
    conversation_compaction: Cut old results of tools when the conversation grows long.
    tools: Arguments for the linked pins, a value each.
    finished: The model's answer, when it calls no tool.
    conversations: The messages so far, to be linked to `conversation_history`.
    """
    if execution_mode != "built_in":
        raise BlockExecutionError("The mode 'extended_thinking' is not available here; choose 'built_in'.")
    asking = Asking(
        choice=await chosen(ctx, model, credentials, ollama_host=ollama_host),
        parallel=multiple_tool_calls,
        retry=retry,
        max_tokens=max_tokens,
        compact=conversation_compaction,
    )
    if agent_mode_max_iterations:
        first = _opening(prompt, sys_prompt, prompt_values, conversation_history or [])
        limit = agent_mode_max_iterations if agent_mode_max_iterations > 0 else TURNS_LIMIT
        async for emit in agent(ctx, first, asking, limit):
            yield emit
        return
    messages = _opening(prompt, sys_prompt, prompt_values, conversation_history or [])
    if not _answered(messages, last_tool_output):
        yield "conversations", messages
        return
    turn = await take_turn(ctx, messages, asking)
    if not turn.calls:
        yield "finished", turn.text
        return
    for _, call in turn.calls:
        for pin, value in call.inputs.items():
            yield tool_pin(call.tool.node, pin), value
    yield "conversations", messages


def _opening(prompt: str, system: str, values: dict[str, str], history: list[dict[str, Any]]) -> Messages:
    messages = [dict(message) for message in history]
    for name, value in values.items():
        prompt, system = prompt.replace("{{" + name + "}}", value), system.replace("{{" + name + "}}", value)
    if prompt and not any(m.get("role") == "user" and m.get("content") == prompt for m in messages):
        messages.append({"role": "user", "content": prompt})
    if system and not any(m.get("role") == "system" for m in messages):
        messages.insert(0, {"role": "system", "content": system})
    return messages


def _answered(messages: Messages, output: Any) -> bool:
    """Give a tool's output to the oldest call that waits for one. Returns whether none is left."""
    waiting = open_calls(messages)
    if not waiting:
        if output is not None:
            messages.append({"role": "user", "content": f"A tool gave: {as_text(output)}"})
        return True
    if output is None:
        raise BlockExecutionError(
            f"The last message called {len(waiting)} tool(s); link what the tool gives to `last_tool_output`."
        )
    place = max(i for i, message in enumerate(messages) if message.get("tool_calls")) + 1
    while place < len(messages) and messages[place].get("role") == "tool":
        place += 1
    messages.insert(place, answer_to(waiting[0], as_text(output)))
    return len(waiting) == 1


async def agent(ctx: Context, first: Messages, asking: Asking, limit: int) -> AsyncIterator[Any]:
    """Turn by turn: each is a run of this block, each tool a node execution of its own."""
    state = ctx.resumed or {"messages": first, "turn": 0, "calls": []}
    messages: Messages = state["messages"]
    for call_id, result in zip(state["calls"], ctx.results, strict=True):
        messages.append(answer_to(call_id, result_text(result)))
    if state["turn"] >= limit:
        yield "finished", f"Stopped after {limit} turns without an answer."
        yield "conversations", messages
        return
    turn = await take_turn(ctx, messages, asking)
    if not turn.calls:
        yield "finished", turn.text
        yield "conversations", messages
        return
    calls = [call for _, call in turn.calls]
    ids = [asked.id for asked, _ in turn.calls]
    ctx.progress(
        min(1.0, (state["turn"] + 1) / limit), f"calls {', '.join(call.tool.name for call in calls)}"
    )
    state = {"messages": messages, "turn": state["turn"] + 1, "calls": ids}
    yield Park(None, state, calls=Calls(calls, parallel=len(calls)))
