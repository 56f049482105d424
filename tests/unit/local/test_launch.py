from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from millstream.local import launch, postgres

BARE = [sys.executable, "-I", "-S"]
linux = pytest.mark.skipif(sys.platform != "linux", reason="user namespaces and parent signals are Linux's")


def test_it_becomes_the_command() -> None:
    command = [*BARE, "-c", "import os; print(os.getpid())"]
    with subprocess.Popen(
        [*BARE, launch.__file__, "--", *command], stdout=subprocess.PIPE, text=True
    ) as process:
        said, _ = process.communicate(timeout=10)
    assert int(said) == process.pid


@linux
def test_a_child_whose_parent_is_gone_already_does_not_start() -> None:
    command = [*BARE, launch.__file__, "--parent", "1", "--", *BARE, "-c", "print('started')"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (1, "")


@linux
@pytest.mark.skipif(os.geteuid() != 0, reason="only root has to leave being root")
def test_root_becomes_an_ordinary_user_that_still_owns_its_files(tmp_path: Path) -> None:
    options = postgres.launch_options(tmp_path / "data")
    assert options != ()
    script = f"import os; print(os.geteuid()); open({str(tmp_path / 'data' / 'file')!r}, 'w').close()"
    done = subprocess.run(
        [*BARE, launch.__file__, *options, "--", *BARE, "-c", script],
        capture_output=True,
        text=True,
        check=True,
    )
    assert int(done.stdout) != 0
    assert (tmp_path / "data" / "file").exists()
