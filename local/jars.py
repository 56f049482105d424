"""The jars of Apache Kafka: which ones (`kafka.lock`), where they are, and getting them once.

`jgo` fetches them; we keep a file only if its SHA-256 is the one of the lock, and give it its name last, so a
download that was killed in the middle leaves nothing that looks whole.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import platformdirs

from millstream.schemas.errors import ConfigurationError

LOCK = Path(__file__).with_name("kafka.lock")
PARALLEL = 8


@dataclass(frozen=True, slots=True)
class Jar:
    """One line of the lock."""

    coordinate: str
    """`group:artifact:version`."""
    sha256: str

    @property
    def file_name(self) -> str:
        _, artifact, version = self.coordinate.split(":")
        return f"{artifact}-{version}.jar"


def locked(lock: Path = LOCK) -> list[Jar]:
    """Read the lock."""
    lines = (line.strip() for line in lock.read_text().splitlines())
    return [Jar(*line.split()) for line in lines if line and not line.startswith("#")]


def default_cache() -> Path:
    """Return the folder of this user that all homes share."""
    return platformdirs.user_cache_path("millstream", appauthor=False)


def from_folder(folder: Path) -> list[Path]:
    """Return the jars of a folder that somebody else filled. Errors: ConfigurationError without Kafka in it."""
    found = sorted(folder.glob("*.jar"))
    if not any(jar.name.startswith("kafka_2.") or jar.name.startswith("kafka-server-") for jar in found):
        raise ConfigurationError(
            f"MILLSTREAM_KAFKA_JARS={str(folder)!r} has no kafka_2.13-*.jar. Name the folder `libs` of an "
            "unpacked release of Apache Kafka 4."
        )
    return found


def missing(cache: Path, *, lock: Path = LOCK) -> list[Jar]:
    """Return what has still to be fetched."""
    folder = _folder(cache)
    return [jar for jar in locked(lock) if not (folder / jar.file_name).is_file()]


def ensure(
    cache: Path,
    progress: Callable[[str], None],
    *,
    lock: Path = LOCK,
    repositories: dict[str, str] | None = None,
) -> list[Path]:
    """Return the paths of all jars, fetching those that are missing.

    `repositories` (name to URL) default to jgo's own and those of its configuration file, such as a mirror.
    Errors: ConfigurationError that says which one could not be had, and what to do instead.
    """
    if missing(cache, lock=lock):
        with exclusive(cache):
            wanted = missing(
                cache, lock=lock
            )  # again: another platform may have fetched them while we waited
            if wanted:
                progress(f"fetching {len(wanted)} jars of Apache Kafka, once (about 45 MB)")
                _fetch_all(wanted, cache, repositories)
    return [_folder(cache) / jar.file_name for jar in locked(lock)]


@contextlib.contextmanager
def exclusive(cache: Path) -> Iterator[None]:
    """Hold the cache, which platforms of one user share, for one writer. Errors: ConfigurationError."""
    try:
        cache.mkdir(parents=True, exist_ok=True)
        file = open(cache / ".lock", "w")  # noqa: SIM115 - closed below; only the opening is guarded here
    except OSError as error:
        raise ConfigurationError(
            f"The cache folder {str(cache)!r} cannot be written: {error.strerror}. Choose another with XDG_CACHE_HOME."
        ) from error
    with file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _fetch_all(wanted: list[Jar], cache: Path, repositories: dict[str, str] | None) -> None:
    folder = _folder(cache)
    folder.mkdir(exist_ok=True)
    for left_over in cache.glob(".fetch-*"):
        shutil.rmtree(left_over, ignore_errors=True)
    with (
        tempfile.TemporaryDirectory(prefix=".fetch-", dir=cache) as draft,
        ThreadPoolExecutor(PARALLEL, thread_name_prefix="jars") as pool,
    ):
        for _ in pool.map(lambda jar: _fetch(jar, Path(draft), folder, repositories), wanted):
            pass


def _folder(cache: Path) -> Path:
    return cache / "kafka-jars"


def _fetch(jar: Jar, draft: Path, folder: Path, repositories: dict[str, str] | None) -> None:
    try:
        import requests  # what jgo fetches with

        path = _resolve(jar, draft, repositories)
    except ImportError as error:
        raise _not_had(jar, f"the package jgo is missing ({error}); install millstream[embedded]") from error
    except (requests.RequestException, OSError, RuntimeError, ValueError) as error:
        raise _not_had(jar, f"{type(error).__name__}: {str(error)[:200]}") from error
    content = path.read_bytes()
    found = hashlib.sha256(content).hexdigest()
    if found != jar.sha256:
        raise _not_had(jar, f"what came has SHA-256 {found[:16]}..., not {jar.sha256[:16]}...")
    part = draft / jar.file_name
    part.write_bytes(content)
    os.replace(part, folder / jar.file_name)


def _resolve(jar: Jar, draft: Path, repositories: dict[str, str] | None) -> Path:
    from jgo.config import GlobalSettings
    from jgo.constants import MAVEN_CENTRAL_URL, default_maven_repo
    from jgo.maven import MavenContext
    from jgo.parse import Endpoint

    if repositories is None:
        repositories = {**GlobalSettings.load().repositories, "central": MAVEN_CENTRAL_URL}
    context = MavenContext(repo_cache=draft, local_repos=[default_maven_repo()], remote_repos=repositories)
    [coordinate] = Endpoint.parse(jar.coordinate).coordinates
    return Path(context.create_dependency(coordinate).artifact.resolve())


def _not_had(jar: Jar, reason: str) -> ConfigurationError:
    return ConfigurationError(
        f"The jar {jar.coordinate} of Apache Kafka could not be had: {reason}. Start again with a network, or put "
        "the jars of a release into a folder and name it in MILLSTREAM_KAFKA_JARS, or use an own broker with "
        "MILLSTREAM_KAFKA=host:port.",
        coordinate=jar.coordinate,
    )
