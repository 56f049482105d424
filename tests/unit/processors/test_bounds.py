"""Inputs that somebody else chose, made to cost much or to do more than they may."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import httpx2
import pytest

from millstream.processors import robots
from millstream.processors.generated.transformers import run_pipeline
from millstream.processors.mailing import addresses
from millstream.processors.models.transport import Transport
from millstream.processors.sdk import block
from millstream.schemas.errors import AddressRefusedError, BlockError, BlockInputError
from millstream.testing import run


def test_rules_are_counted_once_for_each_agent_that_gets_them() -> None:
    agents = "".join(f"user-agent: a{i}\n" for i in range(2_000))
    found = robots.read(agents + "".join(f"disallow: /{i}\n" for i in range(500)))
    assert sum(len(group.rules) for group in found.groups.values()) <= robots.RULES_LIMIT


@pytest.mark.parametrize("texts", [["a@example.com"] * 101, [f"{'a' * 30_000}@example.com"], ["(" * 400]])
def test_addresses_that_are_too_many_too_long_or_too_deep_are_refused(texts: list[str]) -> None:
    with pytest.raises(BlockInputError):
        addresses(texts, "to")


@pytest.mark.parametrize(
    "parameters",
    [
        {"trust_remote_code": True},
        {"generate_kwargs": {"custom_generate": "some/repository", "trust_remote_code": True}},
        {"chain": [{"model": "another"}]},
    ],
)
def test_no_parameter_at_any_depth_loads_another_model_or_code(parameters: dict[str, object]) -> None:
    with pytest.raises(BlockInputError, match="no parameters of a call"):
        run_pipeline(["automatic-speech-recognition", "m", "r", "cpu"], {"parameters": parameters})


@pytest.mark.parametrize("host", ["platform.example", "Platform.example", "platform.example."])
async def test_the_platform_itself_is_no_model_however_its_name_is_written(host: str) -> None:
    transport = Transport(deny=frozenset({"platform.example:8000"}))
    with pytest.raises(AddressRefusedError, match="this platform itself"):
        await transport.handle_async_request(httpx2.Request("POST", f"http://{host}:8000/v1"))


@block(repeatable=False)
def charge(path: str) -> str:
    """Write a line, and die."""
    with Path(path).open("a") as file:
        file.write("charged\n")
    os.kill(os.getpid(), signal.SIGKILL)
    return "never"


async def test_a_block_that_may_not_run_twice_is_not_called_again_when_its_process_dies(
    tmp_path: Path,
) -> None:
    with pytest.raises(BlockError):
        await run(charge, path=str(tmp_path / "ledger"))
    assert (tmp_path / "ledger").read_text() == "charged\n"
