"""Runs a supervisor over stand-in children: `python stand_in.py HOME`. `store` is needed by `app`; `app` has a child."""

from __future__ import annotations

import sys
import textwrap
from pathlib import Path

from millstream.local import orphans
from millstream.local.home import Home
from millstream.local.spec import ProcessSpec
from millstream.local.supervisor import Supervisor

CHILD = textwrap.dedent(
    """
    import os, pathlib, signal, subprocess, sys, time
    name, ready, order = sys.argv[1], pathlib.Path(sys.argv[2]), pathlib.Path(sys.argv[3])
    print("hello from", name, flush=True)
    def stop(*_):
        with open(order, "a") as file:
            file.write(name + "\\n")
        sys.exit(0)
    signal.signal(signal.SIGTERM, stop)
    if name == "app":
        subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    if pathlib.Path(str(ready) + ".broken").exists():
        sys.exit("this one is broken")
    ready.touch()
    while True:
        time.sleep(0.02)
    """
)


def spec(home: Home, name: str, *, after: tuple[str, ...] = ()) -> ProcessSpec:
    ready = home.run / f"{name}.ready"
    return ProcessSpec(
        name=name,
        argv=(sys.executable, "-c", CHILD, name, str(ready), str(home.path / "order")),
        ready=ready.exists,
        after=after,
        before_start=lambda: ready.unlink(missing_ok=True),
        start_s=20,
        grace_s=5,
    )


def say(*words: str) -> None:
    sys.stdout.write(" ".join(words) + "\n")
    sys.stdout.flush()


def main() -> None:
    home = Home(Path(sys.argv[1]))
    home.prepare()
    step = ProcessSpec(
        name="setup",
        argv=(sys.executable, "-c", "import os; print('step', os.environ['MILLSTREAM_INSTANCE'])"),
        ready=bool,
        once=True,
        after=("store",),
    )
    with home.lock():
        for name in orphans.end(home):
            say("ended", name)
        specs = [spec(home, "store"), step, spec(home, "app", after=("setup", "store"))]
        Supervisor(
            specs,
            home,
            report=lambda event: say(event.name, event.what),
            on_ready=lambda: say("READY"),
            edge="http://127.0.0.1:1",
        ).run()


if __name__ == "__main__":
    main()
