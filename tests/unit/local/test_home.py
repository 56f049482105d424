from __future__ import annotations

import os
from pathlib import Path

import pytest

from millstream.local import keys, ports
from millstream.local.home import Home, write_private
from millstream.schemas.errors import ConfigurationError


@pytest.fixture
def home(tmp_path: Path) -> Home:
    home = Home(tmp_path / "home")
    home.prepare()
    return home


def test_home_is_private_also_if_it_was_not(home: Home) -> None:
    home.path.chmod(0o755)
    home.prepare()
    assert home.path.stat().st_mode & 0o777 == 0o700


def test_a_home_that_is_a_file_is_refused_with_the_variable_to_set(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ConfigurationError, match="MILLSTREAM_HOME"):
        Home(tmp_path / "file").prepare()


def test_the_lock_is_free_again_afterwards(home: Home) -> None:
    assert home.holder() is None
    with home.lock():
        assert home.holder() == os.getpid()
    assert home.holder() is None


def test_secrets_are_made_once_and_private(home: Home) -> None:
    made = keys.ensure(home)
    assert keys.ensure(home) == made
    assert home.secrets.stat().st_mode & 0o777 == 0o600
    assert made.token not in repr(made)
    assert made.token.startswith("ms_")


def test_a_secret_that_an_older_version_did_not_have_is_added(home: Home) -> None:
    made = keys.ensure(home)
    write_private(home.secrets, f'{{"token": "{made.token}", "unknown": 1}}')
    again = keys.ensure(home)
    assert again.token == made.token
    assert again.signing_key != made.signing_key
    assert keys.find(home) == again


def test_damaged_secrets_are_not_replaced(home: Home) -> None:
    home.secrets.write_text("{")
    with pytest.raises(ConfigurationError, match="backup"):
        keys.ensure(home)
    assert home.secrets.read_text() == "{"


def test_ports_stay_the_same_while_they_are_free(home: Home) -> None:
    first = ports.choose(home, ["kafka", "redis"])
    assert ports.choose(home, ["kafka", "redis"]) == first
    assert len(set(first.values())) == 2
    assert all(ports.LOWEST <= port < ports.HIGHEST for port in first.values())


def test_a_damaged_list_of_ports_counts_as_none(home: Home) -> None:
    home.ports.write_text("[1")
    assert ports.choose(home, ["kafka"])["kafka"] > 0


def test_write_private_leaves_no_draft(home: Home) -> None:
    write_private(home.path / "x", "1")
    write_private(home.path / "x", "2")
    assert (home.path / "x").read_text() == "2"
    assert [path.name for path in home.path.iterdir() if path.name.startswith(".")] == []
