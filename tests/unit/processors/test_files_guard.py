"""Files of users: no name leads out of the folder, no user into another's, nothing over its size."""

from __future__ import annotations

import base64
import os
import uuid
from pathlib import Path

import pytest

from millstream.processors.guards.files import LocalFiles, UserFiles
from millstream.processors.guards.http import GuardedHttp
from millstream.processors.guards.sniffing import is_textual, media_type_of
from millstream.schemas.errors import (
    AddressRefusedError,
    InputInvalidError,
    NotFoundError,
    PayloadTooLargeError,
)

PNG = b"\x89PNG\r\n\x1a\n" + bytes(20)


def files_of(root: Path, user: str = "ada", max_bytes: int = 1000) -> UserFiles:
    return LocalFiles(root, max_bytes=max_bytes).of(user, GuardedHttp())


def all_files(root: Path) -> set[Path]:
    return {path for path in root.rglob("*") if path.is_file()}


async def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    files = files_of(tmp_path)
    ref = await files.write(b"hello", name="../../etc/pass\nwd.txt", media_type="text/plain")
    assert uuid.UUID(ref.removeprefix("workspace://"))
    for form in (ref, f"{ref}#text/plain"):
        content = await files.read(form)
        assert (content.data, content.name, content.media_type) == (b"hello", "passwd.txt", "text/plain")
    [known] = await files.list_()
    assert (known["id"], known["size"]) == (ref.removeprefix("workspace://"), 5)
    await files.delete(ref)
    with pytest.raises(NotFoundError):
        await files.read(ref)
    assert await files.list_() == []


async def test_given_names_are_never_paths(tmp_path: Path) -> None:
    """A41: the file lies under a name made here, whatever the uploader called it."""
    await files_of(tmp_path / "root").write(b"x", name="../../../evil.sh")
    inside = all_files(tmp_path)
    assert all(path.parent == tmp_path / "root" / "ada" for path in inside)
    assert not any("evil" in path.name for path in inside)


@pytest.mark.parametrize(
    "ref",
    [
        "/etc/passwd",
        "../secret",
        "secret",
        "file:///etc/passwd",
        "workspace://../secret",
        "workspace:///etc/passwd",
        "workspace://..%2fsecret",
        "workspace://",
        "workspace://secret.json",
        "workspace://" + "0" * 36,
        "WORKSPACE://x",
        "",
        "data:text/plain",
        "data:;base64,!!!",
    ],
)
async def test_other_references_are_refused(tmp_path: Path, ref: str) -> None:
    (tmp_path / "secret").write_text("secret")
    (tmp_path / "ada").mkdir()
    with pytest.raises((InputInvalidError, NotFoundError)):
        await files_of(tmp_path).read(ref)


async def test_links_are_not_followed(tmp_path: Path) -> None:
    """A11: neither a link in the folder nor one in its place."""
    files = files_of(tmp_path / "root")
    ref = await files.write(b"x")
    path = tmp_path / "root" / "ada" / ref.removeprefix("workspace://")
    (tmp_path / "secret").write_text("secret")
    path.unlink()
    path.symlink_to(tmp_path / "secret")
    with pytest.raises(NotFoundError):
        await files.read(ref)
    path.unlink()
    os.mkfifo(path)
    with pytest.raises(NotFoundError):
        await files.read(ref)
    (tmp_path / "root" / "eve").symlink_to(tmp_path / "root" / "ada")
    with pytest.raises(NotFoundError):
        await files_of(tmp_path / "root", "eve").read(ref)


@pytest.mark.parametrize("user", ["eve", "../ada", "ada/", "", "ada\0", "Ä", "a" * 200])
async def test_users_see_only_their_own(tmp_path: Path, user: str) -> None:
    """A23: an id alone is not enough."""
    ref = await files_of(tmp_path, "ada").write(b"x")
    other = files_of(tmp_path, user)
    with pytest.raises(NotFoundError):
        await other.read(ref)
    await other.write(b"y")
    assert len(await other.list_()) == 1
    assert {path.parent.parent for path in all_files(tmp_path)} == {tmp_path}


async def test_sizes_are_capped(tmp_path: Path) -> None:
    files = files_of(tmp_path, max_bytes=10)
    for attempt in (files.write(b"x" * 11), files.read("data:," + "x" * 11)):
        with pytest.raises(PayloadTooLargeError):
            await attempt
    ref = await files_of(tmp_path, max_bytes=100).write(b"x" * 11)
    with pytest.raises(PayloadTooLargeError):
        await files.read(ref)


@pytest.mark.parametrize(
    ("ref", "data", "media_type", "name"),
    [
        ("data:,a%20b", b"a b", "text/plain", ""),
        ("data:text/csv;charset=utf-8,a%2Cb", b"a,b", "text/csv", ""),
        ("data:text/plain;name=n.txt;base64,aGk=", b"hi", "text/plain", "n.txt"),
        (f"data:text/html;base64,{base64.b64encode(PNG).decode()}", PNG, "image/png", ""),
    ],
)
async def test_data_uris(tmp_path: Path, ref: str, data: bytes, media_type: str, name: str) -> None:
    content = await files_of(tmp_path).read(ref)
    assert (content.data, content.media_type, content.name) == (data, media_type, name)


async def test_urls_go_through_the_guard(tmp_path: Path) -> None:
    with pytest.raises(AddressRefusedError):
        await files_of(tmp_path).read("http://127.0.0.1:9/x")


@pytest.mark.parametrize(
    ("data", "claimed", "found"),
    [
        (PNG, "text/html", "image/png"),
        (b"<script>", "image/png", "text/plain"),
        (b"<script>", "text/html", "text/html"),
        (b'{"a": 1}', "application/json", "application/json"),
        (b"a,b", "", "text/plain"),
        (b"\0\1\2", "text/plain", "application/octet-stream"),
        (b"\0\1\2", "model/gltf", "model/gltf"),
        (b"\0\1\2", "image/png", "application/octet-stream"),
        (
            b"PK\x03\x04..",
            "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
            "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        ),
        (b"PK\x03\x04..", "text/plain", "application/zip"),
        (b"RIFF1234WEBPxx", "", "image/webp"),
        ("é".encode() * 3000, "", "text/plain"),
        (b"%PDF-1.7", "", "application/pdf"),
    ],
)
def test_types_come_from_the_content(data: bytes, claimed: str, found: str) -> None:
    assert media_type_of(data, claimed) == found
    assert is_textual("application/ld+json")
