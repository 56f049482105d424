"""The object store: large values, plans and other bytes under keys, in a folder or in anything like S3.

Keys of values are `values/<tenant>/<sha256>`: the same value is stored once per owner, and what is read is checked.
"""

from __future__ import annotations

import hashlib
import re
from urllib.parse import unquote

from obstore.exceptions import BaseError, PermissionDeniedError, UnauthenticatedError
from obstore.store import LocalStore, ObjectStore, from_url

from millstream.schemas.errors import (
    ConfigurationError,
    InputInvalidError,
    NotFoundError,
    ObjectCorruptError,
    PayloadTooLargeError,
    UnavailableError,
)

OBJECT_LIMIT_BYTES = 25_000_000
KEY_LIMIT_CHARS = 512
_KEY = re.compile(r"(?!\.+(/|$))[A-Za-z0-9_.=-]+(/(?!\.+(/|$))[A-Za-z0-9_.=-]+)*")
_VALUE = re.compile(r"values/[^/]+/([0-9a-f]{64})")
_TENANT = re.compile(r"[A-Za-z0-9_-]{1,128}")


def value_key(user_id: str, sha256: bytes) -> str:
    """Return the key of a value. Errors: InputInvalidError if the owner's id could be more than one name in a path."""
    if not _TENANT.fullmatch(user_id):
        raise InputInvalidError(f"{user_id!r} cannot be a part of an object's key")
    return f"values/{user_id}/{sha256.hex()}"


class Objects:
    """Bytes by key. A `put` to the same key replaces; readers see the old or the new bytes, never a part."""

    def __init__(self, url: str) -> None:
        """`url`: `file:///folder` (made if absent), `s3://bucket/prefix`, ...; credentials come from the environment.

        Errors: ConfigurationError.
        """
        self._url = url
        self._store = _open(url)

    async def put(self, key: str, data: bytes) -> None:
        """Store bytes. Errors: PayloadTooLargeError over `OBJECT_LIMIT_BYTES`; UnavailableError; ConfigurationError."""
        check_size(len(data))
        try:
            await self._store.put_async(_checked(key), data)
        except (BaseError, OSError) as error:
            raise self._translated(error) from error

    async def get(self, key: str) -> bytes:
        """Read bytes. Errors: NotFoundError; ObjectCorruptError if a value is not what its key says; UnavailableError."""
        try:
            found = await self._store.get_async(_checked(key))
            data = bytes(await found.bytes_async())
        except FileNotFoundError as error:
            raise NotFoundError(f"There is no object {key!r} in the object store.", key=key) from error
        except (BaseError, OSError) as error:
            raise self._translated(error) from error
        value = _VALUE.fullmatch(key)
        if value and hashlib.sha256(data).hexdigest() != value[1]:
            raise ObjectCorruptError(
                f"The object {key!r} is not what was stored: its SHA-256 differs.", key=key
            )
        return data

    async def delete(self, key: str) -> None:
        """Remove bytes; a key that is not there is no error. Errors: UnavailableError; ConfigurationError."""
        try:
            await self._store.delete_async(_checked(key))
        except FileNotFoundError:
            return
        except (BaseError, OSError) as error:
            raise self._translated(error) from error

    def _translated(self, error: Exception) -> UnavailableError | ConfigurationError:
        reason = str(error).split("\n", 1)[0]
        if isinstance(error, (PermissionDeniedError, UnauthenticatedError, PermissionError)):
            return ConfigurationError(f"the object store {self._url} refuses access: {reason}")
        return UnavailableError(f"the object store {self._url} does not answer: {reason}")


def check_size(size: int) -> None:
    """Refuse what is over `OBJECT_LIMIT_BYTES`. Errors: PayloadTooLargeError."""
    if size > OBJECT_LIMIT_BYTES:
        raise PayloadTooLargeError(
            f"a value has {size:,} bytes, the limit is {OBJECT_LIMIT_BYTES:,}",
            size=size,
            limit=OBJECT_LIMIT_BYTES,
        )


def _open(url: str) -> ObjectStore:
    try:
        if url.startswith("file://"):  # by hand: a folder may have a `#` or `?` in its name
            return LocalStore(unquote(url.removeprefix("file://")), mkdir=True)
        return from_url(url)
    except (BaseError, ValueError, OSError) as error:
        reason = str(error).split("\n", 1)[0]
        raise ConfigurationError(
            f"{url!r} is no object store: {reason}; write file:///folder or s3://bucket"
        ) from error


def _checked(key: str) -> str:
    if len(key) > KEY_LIMIT_CHARS or not _KEY.fullmatch(key):
        raise InputInvalidError(f"{key[:KEY_LIMIT_CHARS]!r} is no key of an object")
    return key
