"""Blocks run on trial: their samples, odd inputs, a cancelled run, a secret that must not be seen again.

Everything is local and the same each time: the web is a server on loopback, odd inputs come from the schema by a
generator that begins at the block's name.
"""

from __future__ import annotations

import asyncio
import json
import math
import re
import socket
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, field, fields
from random import Random
from typing import Any

from millstream.oddities import odd_inputs
from millstream.processors.context import Context, Park
from millstream.processors.definitions import Problem
from millstream.processors.guards.http import GuardedHttp
from millstream.processors.runnable import Block
from millstream.processors.samples import Sample
from millstream.schemas.errors import BlockError, MillstreamError, UpstreamError
from millstream.testing import SECRET, Everywhere, confidence, context, emits

ODD_RUNS = 8
LONGEST_S = 20.0
"""Of one run; whoever needs longer holds the others up."""
_SERVICES = ("http", "files", "kv", "vectors", "model_source")


@dataclass
class Web:
    """A server on loopback, and a client for which it is every service."""

    url: str
    http: GuardedHttp
    pages: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    """Path to (media type, text)."""
    echo: bool = False
    """Answer each request with all that is in it, secrets too."""


@asynccontextmanager
async def web() -> AsyncIterator[Web]:
    """Serve until the `with` ends."""
    tasks: set[asyncio.Task[None]] = set()

    def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.ensure_future(_answer(place, reader, writer))
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    listener = await asyncio.start_server(connected, "127.0.0.1", 0)
    origin = f"127.0.0.1:{listener.sockets[0].getsockname()[1]}"
    url = f"http://{origin}"
    async with GuardedHttp(allow=frozenset({origin}), services=Everywhere(url), resolver=_nowhere) as http:
        place = Web(url, http)
        try:
            yield place
        finally:
            listener.close()
            for task in list(tasks):
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)


async def _nowhere(host: str, port: int, /) -> list[str]:
    """Resolve what is an address already, in whatever form, and nothing else."""
    try:
        found = socket.getaddrinfo(
            "127.0.0.1" if host == "localhost" else host, port, flags=socket.AI_NUMERICHOST
        )
    except OSError as error:
        raise UpstreamError(f"On trial there is no {host!r}.") from error
    return [str(found[0][4][0])]


async def _answer(place: Web, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        if length := re.search(r"(?im)^content-length: *(\d+)", head):  # unread, it would cut the answer off
            await reader.readexactly(int(length[1]))
        target = head.split(" ", 2)[1]
        status, (kind, text) = 200, ("text/plain", "")
        found = place.pages.get(target) or place.pages.get(target.partition("?")[0])
        if place.echo:
            status, kind, text = 400, "application/json", json.dumps({"error": head, "message": head})
        elif found:
            kind, text = found
        else:
            status, text = 404, "not here"
        body = text.encode()
        lines = (
            f"HTTP/1.1 {status} X",
            f"Content-Type: {kind}",
            f"Content-Length: {len(body)}",
            "Connection: close",
        )
        writer.write("\r\n".join(lines).encode() + b"\r\n\r\n" + body)
        await writer.drain()
    except (ConnectionError, asyncio.IncompleteReadError, IndexError):
        pass
    finally:
        writer.close()


async def trials(block: Block, place: Web) -> list[Problem]:
    """Run a block in all ways, and return what it should not have done."""
    found: list[tuple[str, str]] = []
    for number, sample in enumerate(block.samples):
        found += [(f"sample {number}: {what}", remedy) for what, remedy in await tried(block, sample, place)]
    found += await odd(block, place)
    found += await cancelled(block)
    found += await told(block, place)
    return [
        Problem(where=block.where, what=f"{block.spec.name}: {what}", remedy=remedy) for what, remedy in found
    ]


async def tried(block: Block, sample: Sample, place: Web) -> list[tuple[str, str]]:
    """Run a sample."""
    place.pages, place.echo = sample.serves, False
    inputs = _placed(sample, place)
    before = json.dumps(inputs)
    ctx = _context(block, inputs, place, sample)
    got: list[tuple[str, Any]] = []
    failed = ""
    try:
        async with asyncio.timeout(LONGEST_S):
            got = await emits(block, inputs, ctx, review=sample.review)
    except MillstreamError as error:
        failed = error.code
        if failed != sample.raises:
            return [(f"it failed with {failed!r}: {error}", "Mend the block or its sample.")]
    except TimeoutError:
        return [(f"it ran longer than {LONGEST_S:g} s.", "Give a sample that is quick.")]
    if sample.raises:
        return [] if failed else [(f"it should have failed with {sample.raises!r}.", "Mend one of them.")]
    if [pin for pin, _ in got] != [pin for pin, _ in sample.emits]:
        return [(f"it emitted {_short(got)}, not {_short(list(sample.emits))}.", "Mend one of them.")]
    for (pin, value), (_, expected) in zip(got, sample.emits, strict=True):
        if not agrees(value, expected):
            return [(f"it emitted {_short(value)} on {pin!r}, not {_short(expected)}.", "Mend one of them.")]
    if json.dumps(inputs) != before:
        return [("it changed its inputs.", "Copy what you change: others may have the same value.")]
    return []


async def odd(block: Block, place: Web, runs: int = ODD_RUNS) -> list[tuple[str, str]]:
    """Run with inputs that nobody would give; only a clear error may come of that."""
    place.pages, place.echo = {}, False
    random = Random(block.spec.name)
    known = [_placed(sample, place) for sample in block.samples if not sample.raises]
    for _ in range(runs):
        inputs = odd_inputs(random, block.spec.input_schema, known)
        ctx = context(http=place.http, confidence=confidence(block, inputs))
        try:
            async with asyncio.timeout(LONGEST_S):
                await emits(block, inputs, ctx, wakes=2)
        except BlockError as error:
            if type(error) is BlockError and "exception" in error.facts:
                kind = error.facts["exception"]
                return [
                    (
                        f"{kind}: {error} came of the inputs {_short(inputs)}.",
                        "Check what you are given, and raise BlockInputError or ValueError with what to do.",
                    )
                ]
        except MillstreamError:
            continue
        except TimeoutError:
            return [
                (
                    f"it ran longer than {LONGEST_S:g} s with the inputs {_short(inputs)}.",
                    "Bound what it does.",
                )
            ]
        except Exception as error:  # noqa: BLE001 - whatever else it is, it is the finding
            return [(f"{error!r} came of the inputs {_short(inputs)}.", "Raise ValueError with what to do.")]
    return []


async def cancelled(block: Block) -> list[tuple[str, str]]:
    """Cancel a run that waits for a service, and close one that has emitted."""
    stalled = Stalled()
    sample = next((each for each in block.samples if not each.raises), Sample({}))
    given: Any = {name: stalled for name in _SERVICES if name in {one.name for one in fields(Context)}}
    inputs = dict(sample.inputs)
    ctx = context(**{**sample.context, **given, "confidence": confidence(block, inputs)})
    run = asyncio.ensure_future(_first(block, inputs, ctx))
    waits = asyncio.ensure_future(stalled.touched.wait())
    await asyncio.wait({run, waits}, timeout=LONGEST_S, return_when=asyncio.FIRST_COMPLETED)
    waits.cancel()
    if run.done():
        error = None if run.cancelled() else run.exception()
        if isinstance(error, RuntimeError):
            return [(f"it does not end when it is closed: {error}.", "Yield nothing in `finally`.")]
        return []
    run.cancel()
    await asyncio.wait({run}, timeout=2)
    if not run.cancelled():
        swallowed = run.done() and run.exception() is None
        run.cancel()
        how = "it ended as if nothing had happened" if swallowed else "it went on"
        return [(f"it was cancelled while it waited, and {how}.", "Let CancelledError pass.")]
    return []


class Stalled:
    """Each service, none of which ever answers; `touched` is set once somebody waits for one."""

    def __init__(self) -> None:
        self.touched = asyncio.Event()

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        if name == "service_url":
            return lambda *_: None
        if name == "for_run":
            return lambda *_: self

        async def never(*_: Any, **__: Any) -> Any:
            self.touched.set()
            await asyncio.Event().wait()

        return never


async def _first(block: Block, inputs: dict[str, Any], ctx: Context) -> None:
    """Take what is emitted first, then close the run."""
    try:
        async with aclosing(block.run(inputs, ctx)) as stream:
            async for _ in stream:
                return
    except MillstreamError:
        return


async def told(block: Block, place: Web) -> list[tuple[str, str]]:
    """Run with secrets against a server that repeats all it hears, as a worker would, and look for them in what comes out."""
    pins = block.spec.input_schema["properties"]
    if not any(pin.get("secret") or "credentials_provider" in pin for pin in pins.values()):
        return []
    place.pages, place.echo = {}, True
    known: Sequence[dict[str, Any]] = [_placed(each, place) for each in block.samples] or [
        odd_inputs(Random(block.spec.name), block.spec.input_schema, ())
    ]
    for inputs in known[:3]:
        inputs |= {pin: SECRET for pin, prop in pins.items() if prop.get("secret")}
        if leak := next(
            (str(each) for each in await _heard(block, inputs, place) if SECRET in str(each)), ""
        ):
            at = max(0, leak.find(SECRET) - 60)
            hidden = leak[at : at + 150].replace(SECRET, "<the secret>")
            return [
                (f"a secret comes out of it: {hidden!r}.", "Give it to `http` as `auth` and nowhere else.")
            ]
    return []


async def _heard(block: Block, inputs: dict[str, Any], place: Web) -> list[Any]:
    """Whatever comes out of a run, masked as a worker masks it."""
    trusted = confidence(block, inputs, hosts=(place.url.removeprefix("http://"),))
    if SECRET in inputs.values():
        trusted.mask.add_value("canary", SECRET)
    ctx = context(http=place.http, confidence=trusted)
    heard: list[Any] = [repr(block), repr(block.spec)]
    try:
        async with asyncio.timeout(LONGEST_S), aclosing(block.run(dict(inputs), ctx)) as stream:
            async for emit in stream:
                heard.append(trusted.mask.value(emit.state if isinstance(emit, Park) else emit[1]))
    except MillstreamError as error:
        heard.append(trusted.mask.text(str(error)))
    except TimeoutError:
        pass
    return [*heard, repr(ctx), getattr(ctx.kv, "values", None)]


def agrees(got: Any, expected: Any) -> bool:
    """Tell whether a value is what a sample says: that value, of that type, or one that a function accepts."""
    if isinstance(expected, type):
        return isinstance(got, expected)
    if callable(expected):
        return bool(expected(got))
    if isinstance(expected, float) and math.isnan(expected):
        return isinstance(got, float) and math.isnan(got)
    return bool(got == expected) and isinstance(got, bool) == isinstance(expected, bool)


def _context(block: Block, inputs: dict[str, Any], place: Web, sample: Sample) -> Context:
    known = {} if sample.raises == "credentials_unavailable" else {"confidence": confidence(block, inputs)}
    return context(**{"http": place.http, **known, **sample.context})


def _placed(sample: Sample, place: Web) -> dict[str, Any]:
    placed: dict[str, Any] = json.loads(json.dumps(dict(sample.inputs)).replace("{server}", place.url))
    return placed


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 300 else text[:300] + "..."
