"""Puts the built web application into the wheel: `millstream/web`. Build it before: `./millstream up` does."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class WebHook(BuildHookInterface):  # type: ignore[type-arg,misc]
    """`web/dist` is no part of the repository, so hatchling would leave it out."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Add the files, unless this is an editable installation, which finds them where they are."""
        dist = Path(self.root) / "web" / "dist"
        if version != "editable" and (dist / "index.html").is_file():
            build_data["force_include"][str(dist)] = "millstream/web"
