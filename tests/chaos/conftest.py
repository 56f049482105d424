from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.chaos.effects import Effects, counting
from tests.platform import Platform, running


@pytest.fixture(scope="module")
def effects() -> Iterator[Effects]:
    """A server that counts what blocks do outside."""
    with counting() as found:
        yield found


@pytest.fixture(scope="module")
def mill(effects: Effects, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    """A platform with two of each, whose blocks may reach the counting server."""
    home = tmp_path_factory.mktemp("chaos") / "home"
    with running(
        home, workers=2, MILLSTREAM_HTTP_ALLOW=effects.address, MILLSTREAM_USER_EXECUTIONS="100000"
    ) as platform:
        yield platform
