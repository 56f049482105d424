from __future__ import annotations

import functools
import hashlib
import http.server
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from millstream.local import jars
from millstream.schemas.errors import ConfigurationError

CONTENT = b"a jar"


@pytest.fixture
def repository(tmp_path: Path) -> Iterator[dict[str, str]]:
    """A Maven repository on loopback with one jar."""
    place = tmp_path / "repository" / "org" / "example" / "thing" / "1.0"
    place.mkdir(parents=True)
    (place / "thing-1.0.jar").write_bytes(CONTENT)

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

    handler = functools.partial(Quiet, directory=str(tmp_path / "repository"))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield {"here": f"http://127.0.0.1:{server.server_port}"}
        server.shutdown()
        thread.join()


def lock_of(folder: Path, *, coordinate: str = "org.example:thing:1.0", content: bytes = CONTENT) -> Path:
    lock = folder / "lock"
    lock.write_text(f"# comment\n{coordinate} {hashlib.sha256(content).hexdigest()}\n")
    return lock


def test_a_jar_is_fetched_once_and_nothing_else_is_left(tmp_path: Path, repository: dict[str, str]) -> None:
    said: list[str] = []
    lock, cache = lock_of(tmp_path), tmp_path / "cache"
    [jar] = jars.ensure(cache, said.append, lock=lock, repositories=repository)
    assert jar.read_bytes() == CONTENT
    assert [path.name for path in cache.iterdir() if path.name.startswith(".fetch")] == []
    assert jars.ensure(cache, said.append, lock=lock, repositories={}) == [jar]
    assert len(said) == 1


def test_a_jar_with_another_checksum_is_refused(tmp_path: Path, repository: dict[str, str]) -> None:
    lock = lock_of(tmp_path, content=b"something else")
    with pytest.raises(ConfigurationError, match="SHA-256"):
        jars.ensure(tmp_path / "cache", lambda _: None, lock=lock, repositories=repository)
    assert jars.missing(tmp_path / "cache", lock=lock) != []


@pytest.mark.parametrize("repositories", [{"here": "http://127.0.0.1:9"}, None])
def test_a_download_that_fails_says_which_and_what_to_do(
    tmp_path: Path, repository: dict[str, str], repositories: dict[str, str] | None
) -> None:
    lock = lock_of(tmp_path, coordinate="org.example:absent:1.0")
    with pytest.raises(ConfigurationError) as caught:
        jars.ensure(tmp_path / "cache", lambda _: None, lock=lock, repositories=repositories or repository)
    for part in ("org.example:absent:1.0", "MILLSTREAM_KAFKA_JARS", "MILLSTREAM_KAFKA=host:port"):
        assert part in str(caught.value)


def test_a_cache_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ConfigurationError, match="XDG_CACHE_HOME"):
        jars.ensure(tmp_path / "file" / "cache", lambda _: None, lock=lock_of(tmp_path), repositories={})


def test_a_folder_of_jars_must_have_kafka_in_it(tmp_path: Path) -> None:
    (tmp_path / "other.jar").touch()
    with pytest.raises(ConfigurationError, match="MILLSTREAM_KAFKA_JARS"):
        jars.from_folder(tmp_path)
    (tmp_path / "kafka_2.13-4.3.1.jar").touch()
    assert len(jars.from_folder(tmp_path)) == 2


def test_the_lock_names_the_server_and_its_logger_with_one_version_each() -> None:
    names = [jar.coordinate.rpartition(":")[0] for jar in jars.locked()]
    assert len(names) == len(set(names))
    assert {"org.apache.kafka:kafka_2.13", "org.apache.logging.log4j:log4j-slf4j-impl"} <= set(names)
    assert all(len(jar.sha256) == 64 for jar in jars.locked())
