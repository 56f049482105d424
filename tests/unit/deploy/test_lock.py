from __future__ import annotations

import re
import tomllib
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[3]
LOCK = (ROOT / "requirements.lock").read_text()
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
PINS = {
    canonicalize_name(name): version
    for name, version in re.findall(r"^([\w.-]+)==([^\s;]+)", LOCK, re.MULTILINE)
}


def test_the_lock_has_what_the_project_asks_for() -> None:
    asked = [
        *PROJECT["dependencies"],
        *PROJECT["optional-dependencies"]["embedded"],
        *PROJECT["optional-dependencies"]["dev"],
    ]
    own = [Requirement(text) for text in asked if text.startswith(f"{PROJECT['name']}[")]
    extras = [extra for wanted in own for extra in sorted(wanted.extras)]
    asked = [text for text in asked if Requirement(text) not in own]
    asked += [text for extra in extras for text in PROJECT["optional-dependencies"][extra]]
    for text in asked:
        wanted = Requirement(text)
        pinned = PINS.get(canonicalize_name(wanted.name))
        assert pinned is not None, f"{wanted.name} is not in requirements.lock; compile it again"
        assert wanted.specifier.contains(pinned, prereleases=True), f"{text} is locked as {pinned}"


def test_the_lock_names_no_index() -> None:
    lines = [line for line in LOCK.splitlines() if not line.strip().startswith("#")]
    assert not [line for line in lines if "://" in line or line.startswith("-")]
