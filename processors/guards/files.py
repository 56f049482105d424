"""Files of users in a local folder, and the one way for blocks to read what a file pin names.

`root/<user>/<id>` holds the bytes and `root/<user>/<id>.json` what is known of them. Names are made here; a
name that a user gave is only remembered, never used as a path. Links are not followed.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import hashlib
import json
import os
import re
import stat
import uuid
from pathlib import Path
from typing import Any, Final
from urllib.parse import unquote, unquote_to_bytes, urlsplit

from millstream.processors.guards.sniffing import media_type_of
from millstream.processors.services import FileContent, Http
from millstream.schemas.errors import InputInvalidError, NotFoundError, PayloadTooLargeError
from millstream.schemas.sizes import VALUE_LIMIT_BYTES

SCHEME: Final = "workspace://"
FILE_LIMIT_BYTES: Final = VALUE_LIMIT_BYTES
_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_USER = re.compile(r"[0-9A-Za-z][0-9A-Za-z_-]{0,63}")


class LocalFiles:
    """All users' files below one folder. The edge stores uploads through it, workers read them."""

    def __init__(self, root: Path, *, max_bytes: int = FILE_LIMIT_BYTES) -> None:
        self.root = root
        self.max_bytes = max_bytes

    def of(self, user_id: str, http: Http) -> UserFiles:
        """The files of one user; `http` fetches what a URL names."""
        return UserFiles(self.root, user_id, http, self.max_bytes)


class UserFiles:
    """`Files` for one user."""

    def __init__(self, root: Path, user_id: str, http: Http, max_bytes: int) -> None:
        self._root = root
        self._folder = user_id if _USER.fullmatch(user_id) else hashlib.sha256(user_id.encode()).hexdigest()
        self._http = http
        self._max_bytes = max_bytes

    async def read(self, ref: str) -> FileContent:
        """Return what `ref` names: `workspace://<id>`, a data: URI, or an http(s) URL."""
        if ref.startswith(SCHEME):
            return await asyncio.to_thread(self._load, file_id(ref))
        if ref.startswith("data:"):
            return self._from_data(ref)
        if ref.startswith(("http://", "https://")):
            return await self._fetch(ref)
        raise InputInvalidError(
            f"{ref[:100]!r} names no file; give a {SCHEME}<id> reference, a data: URI or an http(s) URL."
        )

    async def write(self, data: bytes, *, name: str = "", media_type: str = "") -> str:
        """Keep `data` under a new id; return `workspace://<id>`."""
        self._check_size(len(data))
        known = {
            "name": _base(name),
            "media_type": media_type_of(data, media_type),
            "size": len(data),
            "sha256": hashlib.sha256(data).hexdigest(),
        }
        made = str(uuid.uuid4())
        await asyncio.to_thread(self._store, made, data, known)
        return SCHEME + made

    async def delete(self, ref: str) -> None:
        """Remove a file of `workspace://`. Errors: NotFoundError."""
        await asyncio.to_thread(self._remove, file_id(ref))

    async def list_(self) -> list[dict[str, Any]]:
        """What is known of each file: id, name, media_type, size, sha256."""
        return await asyncio.to_thread(self._known)

    def _open_folder(self) -> int:
        """A handle of the user's folder; everything below is opened relative to it, so no path can lead out."""
        try:
            return os.open(self._root / self._folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
        except OSError as error:
            raise NotFoundError("There is no such file.") from error

    def _load(self, name: str) -> FileContent:
        folder = self._open_folder()
        try:
            data = _read(folder, name, self._max_bytes)
            known = json.loads(_read(folder, name + ".json", 64 * 1024))
        except OSError as error:
            raise NotFoundError(f"There is no file {SCHEME}{name}.") from error
        finally:
            os.close(folder)
        return FileContent(data=data, media_type=known["media_type"], name=known["name"])

    def _store(self, name: str, data: bytes, known: dict[str, Any]) -> None:
        (self._root / self._folder).mkdir(mode=0o700, parents=True, exist_ok=True)
        folder = self._open_folder()
        try:
            _write(folder, name + ".json", json.dumps(known).encode())
            _write(folder, name + ".part", data)
            os.rename(name + ".part", name, src_dir_fd=folder, dst_dir_fd=folder)
        finally:
            os.close(folder)

    def _remove(self, name: str) -> None:
        folder = self._open_folder()
        try:
            os.unlink(name, dir_fd=folder)
            os.unlink(name + ".json", dir_fd=folder)
        except OSError as error:
            raise NotFoundError(f"There is no file {SCHEME}{name}.") from error
        finally:
            os.close(folder)

    def _known(self) -> list[dict[str, Any]]:
        try:
            folder = self._open_folder()
        except NotFoundError:
            return []
        try:
            names = sorted(name for name in os.listdir(folder) if _ID.fullmatch(name))
            return [{"id": name, **json.loads(_read(folder, name + ".json", 64 * 1024))} for name in names]
        finally:
            os.close(folder)

    def _from_data(self, uri: str) -> FileContent:
        head, comma, body = uri[5:].partition(",")
        if not comma:
            raise InputInvalidError(
                "A data: URI has the form data:<type>;base64,<data>; the comma is missing."
            )
        media_type, *options = head.split(";")
        try:
            data = (
                base64.b64decode(unquote(body), validate=True)
                if "base64" in options
                else unquote_to_bytes(body)
            )
        except (binascii.Error, ValueError) as error:
            raise InputInvalidError(f"A data: URI does not hold valid base64: {error}.") from error
        self._check_size(len(data))
        names = [unquote(option[5:]) for option in options if option.startswith("name=")]
        return FileContent(
            data=data, media_type=media_type_of(data, media_type), name=_base("".join(names[:1]))
        )

    async def _fetch(self, url: str) -> FileContent:
        response = await self._http.get(url, max_bytes=self._max_bytes)
        if response.status >= 400:
            raise InputInvalidError(f"The server answered {response.status} for a file that a URL names.")
        name = _base(unquote(urlsplit(response.url).path))
        return FileContent(
            data=response.body, media_type=media_type_of(response.body, response.media_type), name=name
        )

    def _check_size(self, size: int) -> None:
        if size > self._max_bytes:
            raise PayloadTooLargeError(
                f"A file of {size} bytes is over the limit of {self._max_bytes}.", size=size
            )


def file_id(ref: str) -> str:
    """The id in `workspace://<id>`, with or without `#<media type>` behind. Errors: InputInvalidError."""
    name = ref.removeprefix(SCHEME).partition("#")[0]
    if not _ID.fullmatch(name):
        raise InputInvalidError(
            f"{ref[:100]!r} is no file reference; it looks like {SCHEME}<id>, the id a UUID."
        )
    return name


def _base(name: str) -> str:
    """The last part of a path that somebody gave, short and printable; for display only."""
    last = re.split(r"[/\\]", name)[-1]
    return "".join(char for char in last if char.isprintable())[:200]


def _read(folder: int, name: str, most_bytes: int) -> bytes:
    handle = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=folder)
    with os.fdopen(handle, "rb") as file:
        info = os.fstat(handle)
        if not stat.S_ISREG(info.st_mode):
            raise FileNotFoundError(name)
        if info.st_size > most_bytes:
            raise PayloadTooLargeError(f"A file of {info.st_size} bytes is over the limit of {most_bytes}.")
        return file.read()


def _write(folder: int, name: str, data: bytes) -> None:
    handle = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600, dir_fd=folder)
    with os.fdopen(handle, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(handle)
