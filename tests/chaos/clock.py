"""A process whose clock steps: libfaketime before the C library. The monotonic clock goes on as it is."""

from __future__ import annotations

import functools
import importlib.util
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HOUR_S = 3600


@functools.cache
def library() -> str | None:
    """Return libfaketime of the development dependencies or of the system, None if neither works here."""
    spec = importlib.util.find_spec("libfaketime")
    own = Path(spec.origin).parent if spec and spec.origin else Path(os.devnull)
    places = [
        *own.glob("vendor/libfaketime/src/libfaketime.so.1"),
        *Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"),
    ]
    return next((str(place) for place in places if _works(str(place))), None)


def _works(place: str) -> bool:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "step")
        step(file, HOUR_S)
        found = subprocess.run(
            [sys.executable, "-S", "-c", "import time; print(time.time(), time.monotonic())"],
            env={**os.environ, **environ(place, file)},
            capture_output=True,
            text=True,
            check=False,
        )
    try:
        wall, monotonic = map(float, found.stdout.split())
    except ValueError:
        return False
    return abs(wall - time.time() - HOUR_S) < 60 and abs(monotonic - time.monotonic()) < 60


def environ(place: str, file: Path) -> dict[str, str]:
    """Return the variables that put a process under the clock in `file`."""
    return {
        "LD_PRELOAD": place,
        "FAKETIME_TIMESTAMP_FILE": str(file),
        "FAKETIME_CACHE_DURATION": "1",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        "DONT_FAKE_MONOTONIC": "1",
    }


def step(file: Path, seconds: int) -> None:
    """Set the clock so far from the true one, within a second."""
    draft = file.with_suffix(".draft")
    draft.write_text(f"{seconds:+d}s\n")
    draft.replace(file)
