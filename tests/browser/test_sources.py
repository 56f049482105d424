"""The sources of the web application: types, lint, format, unit tests, and that the API's types are those of the edge."""

from __future__ import annotations

import gzip
import re
import subprocess
from pathlib import Path

import pytest

from millstream.local import web

pytestmark = pytest.mark.integration


def run(packages: Path, program: str, *words: str) -> None:
    node, _ = web.tools()
    done = subprocess.run(
        [str(node), str(packages / "node_modules" / program), *words],
        cwd=packages,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, f"{program}: {done.stdout[-4000:]}{done.stderr[-2000:]}"


@pytest.mark.timeout(400)
@pytest.mark.parametrize(
    "words",
    [
        ("typescript/bin/tsc", "--noEmit"),
        ("eslint/bin/eslint.js", ".", "--max-warnings", "0"),
        ("prettier/bin/prettier.cjs", "--check", "src"),
        ("vitest/vitest.mjs", "run"),
    ],
    ids=["types", "lint", "format", "units"],
)
def test_the_sources_are_in_order(packages: Path, words: tuple[str, ...]) -> None:
    run(packages, *words)


def test_the_types_of_the_api_are_those_of_the_edge(packages: Path, tmp_path: Path) -> None:
    made = tmp_path / "schema.d.ts"
    description = packages.parent / "clients" / "python" / "openapi.json"
    options = ("--default-non-nullable=false", "-o", str(made))
    run(packages, "openapi-typescript/bin/cli.js", str(description), *options)
    kept = packages / "src" / "api" / "schema.d.ts"
    assert made.read_text() == kept.read_text(), "run `npm run api` in web/"


def test_a_build_is_made_again_only_when_its_sources_change(packages: Path) -> None:
    first = web.ensure(progress=print)
    assert first is not None
    said: list[str] = []
    assert web.ensure(progress=said.append) == first
    assert said == []
    assert web.digest(packages) == (first / web.STAMP).read_text()


def test_the_first_load_is_small(packages: Path) -> None:
    """What the log-in page needs: the entry and what it imports, as browsers get it."""
    built = web.ensure(progress=print)
    assert built is not None
    index = (built / "index.html").read_text()
    files = set(re.findall(r'/(assets/[^"]+\.(?:js|css))"', index))
    assert files
    packed = sum(len(gzip.compress((built / name).read_bytes(), 9)) for name in files)
    assert packed < 300_000
