"""Master keys: the newest wraps, all of them unwrap. In a setting, or in a file that `up` makes and `rotate` changes."""

from __future__ import annotations

import base64
import binascii
import json
import os
import secrets
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from millstream.connectors.sealing import KEY_BYTES, new_key
from millstream.schemas.errors import ConfigurationError, SealBrokenError, UnavailableError

FILE_NAME = "master-keys.json"


@dataclass(frozen=True, slots=True)
class MasterKeys:
    """Keys by id, the current one first. Never shown."""

    keys: dict[str, bytes] = field(repr=False)
    retired: dict[str, str]
    """When each former key was removed, by id; the keys themselves are gone."""

    @property
    def current(self) -> tuple[str, bytes]:
        """The key that wraps: (id, key)."""
        return next(iter(self.keys.items()))

    def get(self, key_id: str) -> bytes:
        """Errors: SealBrokenError."""
        if key_id not in self.keys:
            known = ", ".join(self.keys)
            raise SealBrokenError(
                f"A secret is wrapped by the master key {key_id!r}, which is not here (there are: {known}); bring it back."
            )
        return self.keys[key_id]


class Keyring:
    """The master keys as they are now: the file is read again when it has changed."""

    def __init__(self, setting: str = "", path: Path | None = None) -> None:
        """Errors: ConfigurationError."""
        self._fixed = _parsed(setting) if setting else None
        self._path = path
        self._stamp: tuple[int, int] | None = None
        self._read: MasterKeys | None = None

    @property
    def path(self) -> Path | None:
        """The file; None if the keys are in a setting, or there are none."""
        return self._path if self._fixed is None else None

    def keys(self) -> MasterKeys:
        """Return the keys. Errors: UnavailableError: there are none; ConfigurationError: the file is damaged."""
        if self._fixed is not None:
            return self._fixed
        try:
            found = self._path.stat() if self._path is not None else None
        except FileNotFoundError:
            found = None
        if found is None or self._path is None:
            raise UnavailableError(
                "This platform has no master key, so it keeps no secrets; whoever runs it can set MILLSTREAM_MASTER_KEYS."
            )
        stamp = (found.st_mtime_ns, found.st_ino)
        if self._read is None or stamp != self._stamp:
            self._read, self._stamp = read(self._path), stamp
        return self._read


def _parsed(setting: str) -> MasterKeys:
    keys: dict[str, bytes] = {}
    for part in filter(None, (each.strip() for each in setting.split(","))):
        key_id, _, text = part.partition(":")
        keys[key_id] = _key(text, f"the master key {key_id!r}")
    if not keys:
        raise ConfigurationError("MILLSTREAM_MASTER_KEYS has no key; write id:base64 of 32 random bytes.")
    return MasterKeys(keys, {})


def _key(text: str, what: str) -> bytes:
    try:
        key = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if len(key) != KEY_BYTES:
        raise ConfigurationError(
            f"{what} is not base64 of {KEY_BYTES} bytes; make one with `openssl rand -base64 32`."
        )
    return key


def read(path: Path) -> MasterKeys:
    """Read the file. Errors: ConfigurationError."""
    try:
        stored = json.loads(path.read_text())
        keys = {key_id: _key(text, f"{key_id!r} in {str(path)!r}") for key_id, text in stored["keys"].items()}
        retired = {str(key_id): str(at) for key_id, at in stored["retired"].items()}
        if not keys:
            raise ValueError("no key in it")
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise ConfigurationError(
            f"The master keys in {str(path)!r} cannot be read ({type(error).__name__}). Bring the file back from a "
            "backup; without it no stored secret can be opened."
        ) from error
    return MasterKeys(keys, retired)


def ensure(path: Path) -> None:
    """Make the file with a first key if it is not there. Call it under the home's lock."""
    if not path.exists():
        _write(path, MasterKeys({new_id(): new_key()}, {}))
    if path.stat().st_mode & 0o077:
        path.chmod(0o600)


def add(path: Path) -> str:
    """Put a new key first. Returns its id."""
    known = read(path)
    key_id = new_id()
    _write(path, MasterKeys({key_id: new_key(), **known.keys}, known.retired))
    return key_id


def retire(path: Path, key_id: str) -> None:
    """Remove a key that wraps nothing any more."""
    known = read(path)
    kept = {each: key for each, key in known.keys.items() if each != key_id}
    at = datetime.now(UTC).isoformat(timespec="seconds")
    _write(path, MasterKeys(kept, {**known.retired, key_id: at}))


def new_id() -> str:
    """Return an id that says when the key was made."""
    return f"mk-{datetime.now(UTC):%Y%m%d}-{secrets.token_hex(4)}"


def _write(path: Path, keys: MasterKeys) -> None:
    """Replace the file whole: whoever reads it meanwhile sees the old or the new one."""
    shown = {
        "keys": {key_id: base64.b64encode(key).decode() for key_id, key in keys.keys.items()},
        "retired": keys.retired,
    }
    beside = path.with_name(path.name + ".new")
    beside.unlink(missing_ok=True)
    descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(json.dumps(shown, indent=2) + "\n")
        file.flush()
        os.fsync(file.fileno())
    beside.replace(path)
