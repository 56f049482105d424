"""Docstrings of blocks: the text for people, and one description a pin from lines like `text: What to cut.`"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Collection
from typing import Any

_LINE = re.compile(r"([A-Za-z_][A-Za-z0-9_]*): +(\S.*)")


def split(fn: Callable[..., Any], pins: Collection[str]) -> tuple[str, dict[str, str]]:
    """Return the description of a block and those of its pins.

    A line `name: text` describes the pin `name` if there is one (a parameter's trailing underscore may stay);
    lines that follow with more indent belong to it. All other lines are the block's.
    """
    body: list[str] = []
    found: dict[str, str] = {}
    current = ""
    for line in (inspect.getdoc(fn) or "").splitlines():
        match = _LINE.fullmatch(line.strip())
        name = match[1].rstrip("_") if match and match[1] not in pins else match[1] if match else ""
        if match and name in pins and not line.startswith(" "):
            current = name
            found[name] = match[2]
        elif current and line.startswith(" ") and line.strip():
            found[current] += " " + line.strip()
        else:
            current = ""
            body.append(line)
    return re.sub(r"\n{3,}", "\n\n", "\n".join(body)).strip(), found
