"""Stands between the supervisor and a child for some milliseconds: sets what must be set inside, then becomes it.

Run as a file by a bare interpreter (`python -I -S launch.py ...`), so it imports nothing of ours. It does two things:

- Linux ends the child when its supervisor dies, even by kill -9 (`PR_SET_PDEATHSIG`). Elsewhere the next `up` does.
- PostgreSQL refuses to run as root. `--unroot` gives it a user namespace in which our files belong to an ordinary
  user: no account is made and no permission of the home is opened. `--user` is for containers that forbid that.
"""

import argparse
import ctypes
import os
import pwd
import signal
import sys

CLONE_NEWUSER = 0x10000000
PR_SET_PDEATHSIG = 1


def _unroot(libc: ctypes.CDLL) -> None:
    uid, gid = os.geteuid(), os.getegid()
    ordinary = next(entry.pw_uid for entry in pwd.getpwall() if entry.pw_uid)  # initdb wants one with a name
    if libc.unshare(CLONE_NEWUSER) != 0:
        raise OSError(ctypes.get_errno(), "a user namespace is not allowed here")
    for name, text in (
        ("setgroups", "deny"),
        ("uid_map", f"{ordinary} {uid} 1"),
        ("gid_map", f"{ordinary} {gid} 1"),
    ):
        with open(f"/proc/self/{name}", "w") as file:
            file.write(text)


def _become(user: str) -> None:
    entry = pwd.getpwnam(user)
    os.setgroups([])
    os.setgid(entry.pw_gid)
    os.setuid(entry.pw_uid)


def _die_with(libc: ctypes.CDLL, parent: int, number: int) -> None:
    libc.prctl(PR_SET_PDEATHSIG, number)
    if os.getppid() != parent:  # it died before we asked
        sys.exit(1)


def launch(arguments: list[str]) -> None:
    """Change this process as asked and replace it by the command after `--`."""
    parser = argparse.ArgumentParser(prog="launch")
    parser.add_argument("--parent", type=int, default=0)
    parser.add_argument("--signal", type=int, default=signal.SIGTERM)
    parser.add_argument("--unroot", action="store_true")
    parser.add_argument("--user")
    parser.add_argument("command", nargs="+")
    options = parser.parse_args(arguments)
    if sys.platform == "linux":
        libc = ctypes.CDLL(None, use_errno=True)
        if options.unroot:
            _unroot(libc)
        if options.user:
            _become(options.user)
        if options.parent:  # after the change of user, which would clear it
            _die_with(libc, options.parent, options.signal)
    os.execv(options.command[0], options.command)


if __name__ == "__main__":
    launch(sys.argv[1:])
