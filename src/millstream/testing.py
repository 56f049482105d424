"""Helpers for tests of blocks: run one without a platform, with real small services.

from millstream.testing import run

async def test_hello() -> None:
    assert await run(hello, name="Ada") == "Hello Ada!"
"""

from __future__ import annotations

import asyncio
import atexit
import functools
import shutil
import tempfile
import uuid
from collections.abc import Iterator, Mapping
from contextlib import aclosing
from pathlib import Path
from typing import Any

from millstream.processors.confidence import Confidence
from millstream.processors.context import Context, Park
from millstream.processors.guards.files import LocalFiles
from millstream.processors.guards.http import GuardedHttp
from millstream.processors.models.interface import Models
from millstream.processors.sdk import Block
from millstream.schemas.errors import CredentialError
from millstream.schemas.secrets import Opened

__all__ = [
    "SECRET",
    "Everywhere",
    "MadeUp",
    "MemoryKeyValue",
    "EchoModels",
    "Silent",
    "confidence",
    "context",
    "emits",
    "run",
]

SECRET = "made-up-secret"
"""What is in every credential of `MadeUp`."""


class MemoryKeyValue:
    """`KeyValue` in a dictionary; `values` is open to look into."""

    def __init__(self, values: Mapping[str, Any] | None = None) -> None:
        self.values = dict(values or {})

    async def get(self, key: str) -> Any:
        """Return the value, or None."""
        return self.values.get(key)

    async def set(self, key: str, value: Any) -> None:
        """Keep the value; None removes it."""
        if value is None:
            self.values.pop(key, None)
        else:
            self.values[key] = value


class MemoryShared:
    """`Shared` in dictionaries; its clock stands still, so each turn is as far away as at the beginning."""

    def __init__(self) -> None:
        self.firsts: dict[str, str] = {}
        self.totals: dict[str, int] = {}
        self.answers: dict[tuple[str, str], float] = {}

    async def first(self, key: str, asker: str, *, keep_s: float) -> str:
        """Return who asked first."""
        return self.firsts.setdefault(key, asker)

    async def add(self, key: str, asker: str, amount: int, *, keep_s: float) -> int:
        """Add once for each asker."""
        if (key, asker) not in self.answers:
            self.totals[key] = self.totals.get(key, 0) + amount
            self.answers[key, asker] = self.totals[key]
        return int(self.answers[key, asker])

    async def total(self, key: str) -> int:
        """Return the number as it is."""
        return self.totals.get(key, 0)

    async def turn(self, key: str, asker: str, *, limit: int, per_s: float) -> float:
        """Return the seconds until it is this asker's turn."""
        place = await self.add(key, asker, 1, keep_s=per_s)
        return max(0, place - limit) * per_s / limit


class Silent:
    """`Progress` that remembers: `said` is the list of (fraction, note), `written` the text so far."""

    def __init__(self) -> None:
        self.said: list[tuple[float, str]] = []
        self.written = ""

    def __call__(self, fraction: float, note: str, /) -> None:
        self.said.append((fraction, note))

    def text(self, piece: str, /) -> None:
        self.written += piece

    def close(self) -> None:
        """Nothing is held back."""


class Everywhere(Mapping[str, str]):
    """`services` of a `GuardedHttp` in which each service is the same local server."""

    def __init__(self, url: str) -> None:
        self._url = url

    def __getitem__(self, name: str) -> str:
        return self._url

    def __iter__(self) -> Iterator[str]:
        return iter(())

    def __len__(self) -> int:
        return 0

    def get(self, name: str, default: Any = None) -> Any:
        """Return the server, whatever the service."""
        return self._url


class MadeUp:
    """`Vault` in which each credential that the inputs name is there; its secret is `SECRET`."""

    def __init__(self, inputs: Mapping[str, Any], *, hosts: tuple[str, ...] = ()) -> None:
        named = [
            value for value in inputs.values() if isinstance(value, dict) and {"id", "type"} <= value.keys()
        ]
        self._known = {value["id"]: value for value in named}
        self._hosts = hosts

    async def open(self, user_id: str, execution_id: str, secret_id: str) -> Opened:
        """Return it. Errors: CredentialError if the inputs do not name it."""
        if secret_id not in self._known:
            raise CredentialError(f"Nobody has a credential {secret_id!r}.")
        data = {
            "api_key": SECRET,
            "username": "somebody@example.com",
            "password": SECRET,
            "access_token": SECRET,
            "headers": {"X-Key": SECRET},
        }
        meta = self._known[secret_id]
        provider = meta.get("provider", "")
        return Opened(id=secret_id, kind=meta["type"], provider=provider, hosts=self._hosts, data=data)


def confidence(block: Block, inputs: Mapping[str, Any], *, hosts: tuple[str, ...] = ()) -> Confidence:
    """Return what a run of `block` may know: made-up secrets for its credentials pins, for `hosts` or the block's own."""
    found = Confidence(MadeUp(inputs, hosts=hosts), "tester", "execution")
    found.about(block.spec.input_schema, inputs)
    return found


class EchoModels:
    """`ModelSource` whose only provider with an address is the echo model, served by a thread of this process on loopback."""

    def for_run(self, ctx: Context) -> Models:
        """Return the models of one run. The first call starts the server."""
        from millstream.local.echo_model.thread import url
        from millstream.processors.models.providers import offer
        from millstream.processors.models.switchboard import Switchboard

        return Switchboard(offer(echo_url=url()), keep_idle=False).for_run(ctx)


@functools.cache
def _folder() -> Path:
    """One folder for all files of this process, gone when it ends."""
    folder = tempfile.mkdtemp(prefix="millstream-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return Path(folder)


def context(**fields: Any) -> Context:
    """A context for one run; give the fields that matter, `http=GuardedHttp(allow=...)` for a local server."""
    http = fields.setdefault("http", GuardedHttp())
    if "files" not in fields:
        fields["files"] = LocalFiles(_folder()).of("tester", http)
    defaults: dict[str, Any] = {
        "user_id": "tester",
        "graph_id": "graph",
        "graph_version": 1,
        "execution_id": str(uuid.uuid4()),
        "node_id": "node",
        "node_execution_id": str(uuid.uuid4()),
        "kv": MemoryKeyValue(),
        "shared": MemoryShared(),
        "progress": Silent(),
        "model_source": EchoModels(),
        "cancelled": asyncio.Event(),
    }
    return Context(**(defaults | fields))


async def emits(
    block: Block,
    inputs: Mapping[str, Any],
    ctx: Context | None = None,
    *,
    review: Mapping[str, Any] | None = None,
    wakes: int = 100,
) -> list[tuple[str, Any]]:
    """Run a block to its end and return what it emitted, in order.

    A `Park` does not wait: the block is called again at once, at most `wakes` times. One that asks a person
    goes on with `review` ({"status", "data", "message"}), or ends there if none is given.
    """
    ctx = ctx or context()
    found: list[tuple[str, Any]] = []
    for _ in range(wakes + 1):
        parked: Park | None = None
        async with aclosing(block.run(dict(inputs), ctx)) as stream:
            async for emit in stream:
                if isinstance(emit, Park):
                    parked = emit
                else:
                    found.append(emit)
        if parked is None or (parked.review is not None and review is None):
            break
        ctx.resumed = {"review": dict(review or {})} if parked.review is not None else parked.state
    return found


async def run(block: Block, /, **inputs: Any) -> Any:
    """Run a block with inputs by keyword: the value of a block with the one pin `result`, else the list of
    emits.
    """
    found = await emits(block, inputs)
    if [pin for pin in block.spec.output_schema["properties"] if pin != "error"] == ["result"] and len(
        found
    ) == 1:
        return found[0][1]
    return found
