"""The folder with everything that one platform keeps, and the lock that lets one supervisor at a time use it."""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from millstream.schemas.errors import ConfigurationError, ConflictError


@dataclass(frozen=True, slots=True)
class Home:
    """Layout of `MILLSTREAM_HOME`. Everything below it belongs to us and is readable by its owner only."""

    path: Path

    @property
    def logs(self) -> Path:
        """One `<name>.log` per process."""
        return self.path / "logs"

    @property
    def run(self) -> Path:
        """What is true only while processes run: state, lock, ready files, generated configuration."""
        return self.path / "run"

    @property
    def kafka(self) -> Path:
        return self.path / "kafka"

    @property
    def postgres(self) -> Path:
        return self.path / "postgres"

    @property
    def redis(self) -> Path:
        return self.path / "redis"

    @property
    def objects(self) -> Path:
        return self.path / "objects"

    @property
    def mail(self) -> Path:
        """Mails that no server takes."""
        return self.path / "mail"

    @property
    def secrets(self) -> Path:
        return self.path / "secrets.json"

    @property
    def master_keys(self) -> Path:
        """Keys that wrap the keys of credentials."""
        return self.path / "master-keys.json"

    @property
    def ports(self) -> Path:
        """Ports of the last start, so that they stay the same as long as they are free."""
        return self.path / "ports.json"

    @property
    def state(self) -> Path:
        return self.run / "state.json"

    def prepare(self) -> None:
        """Make the folders, with no rights for other users. Errors: ConfigurationError."""
        try:
            for folder in (self.path, self.logs, self.run, self.objects):
                folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            if self.path.stat().st_mode & 0o066:
                self.path.chmod(0o700)
        except OSError as error:
            raise ConfigurationError(
                f"The home folder {str(self.path)!r} cannot be used: {error.strerror}. "
                "Choose another with MILLSTREAM_HOME."
            ) from error

    @contextlib.contextmanager
    def lock(self) -> Iterator[None]:
        """Hold the home for one supervisor; the kernel lets go of it when the process dies in any way.

        Errors: ConflictError if another process holds it.
        """
        descriptor = os.open(self.run / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                pid = os.pread(descriptor, 20, 0).decode().strip()
                raise ConflictError(
                    f"A platform already runs in {str(self.path)!r} (pid {pid}). See it with `./millstream status`, "
                    "stop it with `./millstream down`, or start a second one with another MILLSTREAM_HOME and "
                    "MILLSTREAM_PORT.",
                    pid=pid,
                ) from None
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, str(os.getpid()).encode(), 0)
            yield
        finally:
            os.close(descriptor)

    def holder(self) -> int | None:
        """Return the pid of the supervisor that holds this home, None if nobody does."""
        try:
            descriptor = os.open(self.run / "lock", os.O_RDWR)
        except FileNotFoundError:
            return None
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return int(os.pread(descriptor, 20, 0).decode().strip() or 0) or None
        finally:
            os.close(descriptor)
        return None


def write_private(path: Path, text: str) -> None:
    """Replace a file in one step, readable by its owner only. A kill in the middle leaves the old one."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    with contextlib.suppress(FileNotFoundError):
        draft.unlink()
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
