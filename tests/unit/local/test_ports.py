from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from millstream.local import ports
from millstream.local.home import Home
from millstream.schemas.errors import ConfigurationError


@pytest.fixture
def taken() -> Iterator[int]:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        yield listener.getsockname()[1]


def test_a_taken_port_is_named_with_its_holder_and_the_variable(taken: int) -> None:
    with pytest.raises(ConfigurationError) as caught:
        ports.require_free(taken, "127.0.0.1", variable="MILLSTREAM_PORT")
    said = str(caught.value)
    assert f"Port {taken} is already taken" in said
    assert f"pid {os.getpid()}" in said
    assert "MILLSTREAM_PORT=" in said


def test_a_port_that_is_only_bound_counts_as_taken() -> None:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        assert not ports.is_free(holder.getsockname()[1])


def test_a_listener_on_all_addresses_takes_the_port_of_loopback_too() -> None:
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("0.0.0.0", 0))
        listener.listen()
        assert not ports.is_free(listener.getsockname()[1])


def test_a_remembered_port_that_is_taken_is_replaced(tmp_path: Path, taken: int) -> None:
    home = Home(tmp_path)
    home.ports.write_text(f'{{"kafka": {taken}, "redis": 20001}}')
    chosen = ports.choose(home, ["kafka"])
    assert chosen["kafka"] != taken
    assert ports.remembered(home) == {**chosen, "redis": 20001}


def test_an_address_of_another_machine_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="192.0.2.1"):
        ports.require_free(8000, "192.0.2.1", variable="MILLSTREAM_PORT")
