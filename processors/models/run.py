"""The models as one run of a block sees them: each call is limited, repeated where that helps, counted and written down."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Any, Final, TypeVar, Unpack
from uuid import UUID, uuid5

import orjson

from millstream.processors.models import pricing
from millstream.processors.models.asking import Refused, explained, persist
from millstream.processors.models.forms import Answer, Asked, Counted
from millstream.processors.models.interface import (
    AUTO,
    TIMEOUT_S,
    ChatOptions,
    Choice,
    Embeddings,
    Media,
    Message,
    Moderation,
    OnText,
    Reply,
    Usage,
)
from millstream.processors.models.keeping import keepable, kept
from millstream.processors.models.providers import Ability
from millstream.processors.models.resolve import Target, resolve
from millstream.schemas.errors import BlockExecutionError, BlockInputError, UpstreamError
from millstream.schemas.messages import ModelCall

if TYPE_CHECKING:
    from millstream.processors.context import Context
    from millstream.processors.models.switchboard import Switchboard

T = TypeVar("T")
Ask = Callable[[Any, Target], Awaitable[tuple[T, Counted]]]
"""Asks a form (of protocol) at a target."""

QUESTION_LIMIT_BYTES: Final = 24 * 1024 * 1024
TEXTS_LIMIT: Final = 2048
AUDIO_LIMIT_BYTES: Final = 25 * 1024 * 1024
SPOKEN_CHARS: Final = 100_000
PICTURES: Final = 10
_IN_WORDS: Final = (
    "Answer with one JSON value and nothing else: no prose, no code fence. It must fit this JSON Schema:\n"
)


class RunModels:
    """`Models` of one run."""

    def __init__(self, board: Switchboard, ctx: Context) -> None:
        self._board = board
        self._ctx = ctx

    async def chat(
        self, messages: Sequence[Message], choice: Choice | str = AUTO, **options: Unpack[ChatOptions]
    ) -> Reply:
        """Return the model's next turn in a conversation."""
        if not messages:
            raise BlockInputError("A conversation has at least one message.")
        heard = _Heard(options.get("on_text"))
        asked = Asked(
            messages=messages,
            tools=options.get("tools", ()),
            tool_choice=options.get("tool_choice", "auto"),
            parallel_tools=options.get("parallel_tools", True),
            json_schema=options.get("json_schema"),
            max_tokens=options.get("max_tokens"),
            temperature=options.get("temperature"),
            on_text=heard if heard.tell else None,
        )
        question = _question(asked)
        choices = [_choice(choice), *options.get("fallbacks", ())]
        cache_s = options.get("cache_s", 0.0)
        if cache_s > 0 and (known := await self._known(choices[0], question, cache_s)) is not None:
            heard(known.text)
            return known

        async def ask(form: Any, target: Target) -> tuple[Answer, Counted]:
            try:
                answer: Answer = await _asked(form, target, asked)
            except Refused as refused:
                if heard.anything:  # a second try would say it twice
                    raise explained(refused, target) from None
                raise
            return answer, _guessed(answer, question)

        answer, target, usage = await self._call(
            "chat", choices, question, ask, timeout_s=options.get("timeout_s", TIMEOUT_S)
        )
        reply = Reply(
            text=answer.text,
            tool_calls=answer.tool_calls,
            finish=answer.finish,
            provider=target.provider.name,
            model=answer.model or target.model,
            usage=usage,
            refusal=answer.refusal,
        )
        if cache_s > 0 and target.bound_to == self._target(choices[0]).bound_to:
            await self._keep(choices[0], question, reply, cache_s)
        return reply

    async def embed(
        self, texts: Sequence[str], choice: Choice | str = AUTO, *, dimensions: int | None = None
    ) -> Embeddings:
        """Return a vector for each text."""
        if not 0 < len(texts) <= TEXTS_LIMIT:
            raise BlockInputError(f"{len(texts)} texts: give 1 to {TEXTS_LIMIT} at once.")

        async def ask(form: Any, target: Target) -> tuple[list[list[float]], Counted]:
            vectors, counted = await form.embed(target, texts, dimensions)
            return vectors, counted

        question = _bounded({"texts": list(texts), "dimensions": dimensions})
        vectors, target, usage = await self._call("embed", [_choice(choice)], question, ask)
        return Embeddings(vectors=vectors, provider=target.provider.name, model=target.model, usage=usage)

    async def moderate(self, texts: Sequence[str], choice: Choice | str = AUTO) -> list[Moderation]:
        """Say of each text whether it is harmful."""
        if not 0 < len(texts) <= TEXTS_LIMIT:
            raise BlockInputError(f"{len(texts)} texts: give 1 to {TEXTS_LIMIT} at once.")

        async def ask(form: Any, target: Target) -> tuple[list[Moderation], Counted]:
            verdicts = await form.moderate(target, texts)
            if len(verdicts) != len(texts):
                raise UpstreamError(f"{target.name} gave {len(verdicts)} verdicts for {len(texts)} texts.")
            return verdicts, Counted()

        verdicts, _, _ = await self._call("moderate", [_choice(choice)], _bounded(list(texts)), ask)
        return verdicts

    async def transcribe(
        self, data: bytes, choice: Choice | str = AUTO, *, name: str = "audio.wav", language: str = ""
    ) -> str:
        """Return what is said in a recording."""
        if len(data) > AUDIO_LIMIT_BYTES:
            raise BlockInputError(f"The recording has {len(data)} bytes; {AUDIO_LIMIT_BYTES} at most.")

        async def ask(form: Any, target: Target) -> tuple[str, Counted]:
            text, counted = await form.transcribe(target, data, name, language)
            return text, counted

        question = hashlib.sha256(data).digest() + language.encode()
        text, _, _ = await self._call("transcribe", [_choice(choice)], question, ask)
        return text

    async def speak(
        self, text: str, choice: Choice | str = AUTO, *, voice: str = "", audio_format: str = "mp3"
    ) -> Media:
        """Say a text aloud."""
        if not 0 < len(text) <= SPOKEN_CHARS:
            raise BlockInputError(f"A text to be spoken has 1 to {SPOKEN_CHARS} characters.")

        async def ask(form: Any, target: Target) -> tuple[Media, Counted]:
            return await form.speak(target, text, voice, audio_format), Counted()

        question = _bounded([text, voice, audio_format])
        media, _, _ = await self._call("speak", [_choice(choice)], question, ask)
        return media

    async def draw(
        self, prompt: str, choice: Choice | str = AUTO, *, size: str = "", count: int = 1
    ) -> list[Media]:
        """Make pictures."""
        if not 1 <= count <= PICTURES:
            raise BlockInputError(f"{count} pictures: ask for 1 to {PICTURES}.")

        async def ask(form: Any, target: Target) -> tuple[tuple[list[Media], list[str]], Counted]:
            pictures, addresses, counted = await form.draw(target, prompt, size, count)
            return (pictures, addresses), counted

        (pictures, addresses), target, _ = await self._call(
            "draw", [_choice(choice)], _bounded([prompt, size, count]), ask
        )
        for url in addresses:
            answer = await self._ctx.http.get(url, max_bytes=32 * 1024 * 1024)
            pictures.append(Media(data=answer.body, media_type=answer.media_type or "image/png"))
        if not pictures:
            raise UpstreamError(f"{target.name} made no picture.")
        return pictures

    # --- every call ---

    async def _call(
        self,
        ability: Ability,
        choices: Sequence[Choice],
        question: bytes,
        ask: Ask[T],
        *,
        timeout_s: float = TIMEOUT_S,
    ) -> tuple[T, Target, Usage]:
        """Ask the first, and the next if it does not answer; write down what it cost."""
        targets = [resolve(choice, self._board.offer, ability) for choice in choices]
        budget = self._ctx.budget_microusd
        if budget is not None and self._ctx.spent_microusd > budget:
            raise BlockExecutionError(
                "This run has spent more than is left of the execution's budget: no model is asked."
            )
        for number, target in enumerate(targets):
            form = await self._board.form(target.provider.form)
            began = time.monotonic()
            try:
                async with self._board.place(target):
                    value, counted = await persist(target, lambda: ask(form, target), timeout_s=timeout_s)  # noqa: B023
            except UpstreamError:
                if number + 1 == len(targets):
                    raise
                continue
            elapsed_ms = round((time.monotonic() - began) * 1000)
            return value, target, await self._count(ability, target, counted, question, elapsed_ms)
        raise AssertionError("the last one answers or raises")

    async def _count(
        self, ability: Ability, target: Target, counted: Counted, question: bytes, elapsed_ms: int
    ) -> Usage:
        microusd, priced = pricing.microusd(
            target.provider.prices,
            target.model,
            input_tokens=counted.input_tokens,
            output_tokens=counted.output_tokens,
            cached_tokens=counted.cached_tokens,
        )
        if target.provider.prices and not counted.told:
            priced = False
        ctx = self._ctx
        ctx.spend(microusd)
        usage = Usage(
            input_tokens=counted.input_tokens,
            output_tokens=counted.output_tokens,
            cached_tokens=counted.cached_tokens,
            microusd=microusd,
            priced=priced,
            elapsed_ms=elapsed_ms,
        )
        if self._board.usage is not None:
            await self._board.usage.add(
                ModelCall(
                    call_id=self._call_id(ability, target, question).bytes,
                    user_id=ctx.user_id,
                    execution_id=UUID(ctx.execution_id).bytes,
                    node_execution_id=UUID(ctx.node_execution_id).bytes,
                    graph_id=ctx.graph_id,
                    provider=target.provider.name,
                    model=target.model,
                    ability=ability,
                    input_tokens=usage.input_tokens,
                    output_tokens=usage.output_tokens,
                    cached_tokens=usage.cached_tokens,
                    cost_microusd=microusd,
                    priced=priced,
                    elapsed_ms=elapsed_ms,
                    at=time.time_ns() // 1_000_000,
                )
            )
        return usage

    def _call_id(self, ability: str, target: Target, question: bytes) -> UUID:
        """The same when the run is repeated after a crash; another for the same question asked again in one run."""
        digest = hashlib.sha256(question)
        digest.update(f"{ability}\0{target.bound_to}\0{target.model}\0{self._ctx.attempt}".encode())
        if self._ctx.resumed is not None:
            digest.update(orjson.dumps(self._ctx.resumed, option=orjson.OPT_SORT_KEYS))
        name = digest.hexdigest()
        number = self._ctx.model_calls[name] = self._ctx.model_calls.get(name, 0) + 1
        return uuid5(UUID(self._ctx.node_execution_id), f"{name} {number}")

    # --- the cache ---

    def _target(self, choice: Choice) -> Target:
        return resolve(choice, self._board.offer, "chat")

    def _digest(self, choice: Choice, question: bytes) -> str:
        target = self._target(choice)
        digest = hashlib.sha256(question)
        digest.update(f"{target.provider.name}\0{target.base_url}\0{target.model}".encode())
        return digest.hexdigest()

    async def _known(self, choice: Choice, question: bytes, cache_s: float) -> Reply | None:
        if self._board.cache is None:
            return None
        raw = await self._board.cache.get(self._ctx.user_id, self._digest(choice, question))
        return None if raw is None else kept(raw, since=time.time() - cache_s)

    async def _keep(self, choice: Choice, question: bytes, reply: Reply, cache_s: float) -> None:
        raw = keepable(reply, self._ctx.trusted().mask, now=time.time())
        if raw is not None and self._board.cache is not None:
            digest = self._digest(choice, question)
            await self._board.cache.put(self._ctx.user_id, digest, raw, keep_s=cache_s)


class _Heard:
    """Passes pieces of text on, and knows whether there were any."""

    def __init__(self, tell: OnText | None) -> None:
        self.tell = tell
        self.anything = False

    def __call__(self, text: str) -> None:
        if self.tell is not None and text:
            self.anything = True
            self.tell(text)


async def _asked(form: Any, target: Target, asked: Asked) -> Answer:
    """Ask; a server that knows no schemas is told in words."""
    try:
        answer: Answer = await form.chat(target, asked)
    except Refused as refused:
        said = refused.message.lower()
        if (
            asked.json_schema is None
            or refused.status not in (400, 422)
            or not ("response_format" in said or "json_schema" in said)
        ):
            raise
        words = _IN_WORDS + orjson.dumps(asked.json_schema).decode()
        in_words = [*asked.messages, {"role": "system", "content": words}]
        answer = await form.chat(target, asked.having(in_words))
    return answer


def _choice(choice: Choice | str) -> Choice:
    return Choice(model=choice) if isinstance(choice, str) else choice


def _question(asked: Asked) -> bytes:
    return _bounded(
        [
            list(asked.messages),
            list(asked.tools),
            asked.tool_choice,
            asked.parallel_tools,
            asked.json_schema,
            asked.max_tokens,
            asked.temperature,
        ]
    )


def _bounded(question: Any) -> bytes:
    try:
        data = orjson.dumps(question, option=orjson.OPT_SORT_KEYS | orjson.OPT_NON_STR_KEYS)
    except TypeError as error:
        raise BlockInputError(f"What a model is asked must be JSON: {error}.") from error
    if len(data) > QUESTION_LIMIT_BYTES:
        raise BlockInputError(f"The question has {len(data)} bytes; {QUESTION_LIMIT_BYTES} at most.")
    return data


def _guessed(answer: Answer, question: bytes) -> Counted:
    """Four bytes a token, where a server counts none."""
    counted = answer.counted
    if counted.told:
        return counted
    written = len(answer.text) + sum(len(call.arguments) for call in answer.tool_calls)
    return Counted(input_tokens=len(question) // 4, output_tokens=written // 4)
