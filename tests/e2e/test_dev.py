"""A folder that a platform watches: save, see, run, edit, break, mend; with the real processes."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from websockets.sync.client import connect
from websockets.sync.connection import Connection

from millstream.processors.sdk import block_id
from tests.integration.api import graphs
from tests.platform import Platform, running

pytestmark = pytest.mark.integration
ID = block_id("greeting_blocks", "greet")
PATH = f"/api/v1/blocks/{ID}"
TEXT = """\
from collections.abc import AsyncIterator

from millstream import Context, Emit, Outputs, Park, block


class Greeting(Outputs):
    text: str


@block
async def greet(name: str, wait_s: float = 0, *, ctx: Context) -> AsyncIterator[Emit[Greeting]]:
    if wait_s and ctx.resumed is None:
        yield Park(wait_s, True)
    else:
        yield "text", {}
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("blocks")


@pytest.fixture(scope="module")
def platform(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    with running(tmp_path_factory.mktemp("home"), MILLSTREAM_BLOCKS=str(folder)) as made:
        yield made


def _revision(platform: Platform) -> str | None:
    answer = platform.client.get(PATH)
    return str(answer.json()["revision"]) if answer.status_code == 200 else None


def _saved(platform: Platform, folder: Path, expression: str) -> None:
    """Save the file and wait until the edge has noticed."""
    before = _revision(platform)
    (folder / "greeting_blocks.py").write_text(TEXT.format(expression))
    deadline = time.monotonic() + 30
    while _revision(platform) == before:
        assert time.monotonic() < deadline, platform.tails()
        time.sleep(0.02)


def _said(platform: Platform, **inputs: Any) -> list[Any]:
    answer = platform.client.post(f"{PATH}/execute", json={"inputs": inputs}, params={"wait_s": 30})
    assert answer.status_code == 200, answer.text
    found: list[Any] = answer.json()["outputs"]
    return found


def _told(socket: Connection) -> dict[str, Any]:
    frame: dict[str, Any] = json.loads(socket.recv(timeout=30))
    return frame


def test_a_saved_block_is_live_and_an_edited_one_too(platform: Platform, folder: Path) -> None:
    assert platform.client.get(PATH).status_code == 404
    etag = platform.client.get("/api/v1/blocks").headers["ETag"]
    same = platform.client.get("/api/v1/blocks", headers={"If-None-Match": etag})
    assert (same.status_code, same.content) == (304, b"")
    url = platform.url.replace("http", "ws", 1) + f"/ws?token={platform.token}"
    with connect(url) as socket:
        _saved(platform, folder, "f'Hello {name}!'")
        frame = _told(socket)
        assert (frame["method"], frame["data"]["type"]) == ("notification", "blocks_changed")
    listed = platform.client.get("/api/v1/blocks", headers={"If-None-Match": etag})
    assert listed.headers["ETag"] == frame["data"]["etag"]
    assert ID in {block["id"] for block in listed.json()}
    assert _said(platform, name="Ada") == [["text", "Hello Ada!"]]
    _saved(platform, folder, "f'Good day, {name}.'")
    assert _said(platform, name="Ada") == [["text", "Good day, Ada."]]


def test_a_run_goes_on_with_the_text_that_it_began_with(platform: Platform, folder: Path) -> None:
    _saved(platform, folder, "'old'")
    nodes = [graphs.node("n", ID, name="x", wait_s=3), graphs.node("out", graphs.OUTPUT, name="said")]
    slow = platform.execute(platform.save(graphs.graph(nodes, [graphs.link("n", "text", "out", "value")])))
    _saved(platform, folder, "'new'")
    assert _said(platform, name="x") == [["text", "new"]]
    assert platform.wait(slow)["outputs"]["said"] == ["old"]


def test_a_broken_file_leaves_what_was(platform: Platform, folder: Path) -> None:
    _saved(platform, folder, "'whole'")
    revision = _revision(platform)
    (folder / "greeting_blocks.py").write_text(TEXT.format("(("))
    log = platform.home / "logs" / "edge.log"
    deadline = time.monotonic() + 30
    while "greeting_blocks.py:1" not in log.read_text():
        assert time.monotonic() < deadline, log.read_text()[-2000:]
        time.sleep(0.05)
    assert _revision(platform) == revision
    assert _said(platform, name="Ada") == [["text", "whole"]]
    _saved(platform, folder, "'mended'")
    assert _said(platform, name="Ada") == [["text", "mended"]]
