from __future__ import annotations

from pathlib import Path

from millstream.cli.doctor import signing
from millstream.cli.settings import load
from millstream.local.home import Home


def test_an_own_cluster_without_a_key_is_warned_of(tmp_path: Path) -> None:
    found = signing(load(kafka="broker:9092"), Home(tmp_path))
    assert (found.ok, found.warning) == (True, True)
    assert "MILLSTREAM_SIGNING_KEY" in found.remedy


def test_a_key_or_a_platform_of_our_own_is_well(tmp_path: Path) -> None:
    own = load(kafka="broker:9092", signing_key="k")
    for settings in (own, load()):
        found = signing(settings, Home(tmp_path))
        assert (found.ok, found.warning) == (True, False)
