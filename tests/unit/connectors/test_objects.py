from __future__ import annotations

from pathlib import Path

import pytest

from millstream.connectors.objects import OBJECT_LIMIT_BYTES, Objects, value_key
from millstream.schemas.errors import (
    ConfigurationError,
    InputInvalidError,
    NotFoundError,
    PayloadTooLargeError,
    UnavailableError,
)


def names_below(folder: Path) -> list[str]:
    return [path.name for path in folder.rglob("*")]


async def test_bytes_come_back_and_are_replaced(tmp_path: Path) -> None:
    objects = Objects(f"file://{tmp_path}/made/of folders #1")
    await objects.put("plans/ab-1", b"one")
    await objects.put("plans/ab-1", b"two")
    assert await objects.get("plans/ab-1") == b"two"
    assert (tmp_path / "made/of folders #1/plans/ab-1").read_bytes() == b"two"


async def test_what_is_not_there_is_not_found(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="plans/none"):
        await Objects(f"file://{tmp_path}").get("plans/none")


@pytest.mark.parametrize(
    "key",
    [
        "",
        "/etc/passwd",
        "../x",
        "a/../b",
        "a/..",
        "..",
        ".",
        "a//b",
        "a/",
        "a\\b",
        "a b",
        "a\0",
        "ä",
        "%2e%2e/x",
        "a#1",
    ]
    + ["x" * 513, "~/x", "a\n"],
)
async def test_no_key_leads_out_of_the_store(tmp_path: Path, key: str) -> None:
    objects = Objects(f"file://{tmp_path}/store")
    with pytest.raises(InputInvalidError):
        await objects.put(key, b"x")
    with pytest.raises(InputInvalidError):
        await objects.get(key)
    assert names_below(tmp_path) == ["store"]


@pytest.mark.parametrize("user_id", ["", "a/b", "..", "a.b", "x" * 129, "ü"])
def test_an_owner_is_one_name_in_a_key(user_id: str) -> None:
    with pytest.raises(InputInvalidError):
        value_key(user_id, b"\0" * 32)


async def test_the_limit_is_said(tmp_path: Path) -> None:
    with pytest.raises(PayloadTooLargeError, match="25,000,001"):
        await Objects(f"file://{tmp_path}").put("x", b"\0" * (OBJECT_LIMIT_BYTES + 1))


@pytest.mark.parametrize("url", ["nope://x", "folder", "", "file:///proc/no/such"])
def test_a_url_that_is_no_store_is_refused(url: str) -> None:
    with pytest.raises(ConfigurationError):
        Objects(url)


async def test_a_store_that_fails_is_unavailable(tmp_path: Path) -> None:
    objects = Objects(f"file://{tmp_path}/store")
    (tmp_path / "store/plans").write_bytes(b"a file where a folder has to be")
    with pytest.raises(UnavailableError):
        await objects.put("plans/x", b"x")
