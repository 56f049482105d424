"""robots.txt after RFC 9309: the longest rule wins, `*` stands for anything, `$` for the end. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import quote, unquote, urlsplit

SIZE_LIMIT: Final = 512 * 1024
"""RFC 9309 asks for at least 500 KiB to be read."""
RULES_LIMIT: Final = 5_000


@dataclass(slots=True)
class Group:
    """The rules of one robot, or of all (`*`)."""

    rules: list[tuple[bool, str]] = field(default_factory=list)
    """(allowed, pattern)."""
    crawl_delay_s: float | None = None


@dataclass(slots=True)
class Robots:
    """A robots.txt that was read."""

    groups: dict[str, Group] = field(default_factory=dict)
    sitemaps: list[str] = field(default_factory=list)

    def group(self, agent: str) -> Group:
        """Return what holds for a robot: the group whose name is longest in its name, else that of all."""
        wanted = agent.lower()
        named = [name for name in self.groups if name != "*" and wanted.startswith(name)]
        return self.groups.get(max(named, key=len, default="*")) or Group()

    def allows(self, agent: str, url: str) -> bool:
        """Tell whether a robot may read an address."""
        parts = urlsplit(url)
        target = _plain(parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        if target == "/robots.txt":
            return True
        matching = [
            (len(pattern), allowed)
            for allowed, pattern in self.group(agent).rules
            if _matches(pattern, target)
        ]
        return max(matching, default=(0, True))[1]


def read(text: str) -> Robots:
    """Return what a robots.txt says; lines that make no sense are passed over."""
    robots = Robots()
    agents: list[str] = []
    fresh = True  # the next `user-agent` begins a new group
    rules = 0
    for line in text[:SIZE_LIMIT].lstrip("\ufeff").splitlines():
        name, colon, value = line.partition("#")[0].partition(":")
        name, value = name.strip().lower(), value.strip()
        if not colon:
            continue
        if name == "sitemap":
            robots.sitemaps.append(value)
        elif name == "user-agent":
            if fresh:
                agents = []
            agents.append(value.lower())
            fresh = False
            robots.groups.setdefault(agents[-1], Group())
        elif name in ("allow", "disallow", "crawl-delay"):
            fresh = True
            rules += max(1, len(agents))  # each agent of a group gets a copy
            if rules <= RULES_LIMIT:
                for agent in agents:
                    _add(robots.groups[agent], name, value)
    return robots


def _add(group: Group, name: str, value: str) -> None:
    if name == "crawl-delay":
        if re.fullmatch(r"\d{1,6}(\.\d{1,6})?", value):
            group.crawl_delay_s = float(value)
    elif value:  # an empty Disallow forbids nothing
        group.rules.append((name == "allow", _plain(value)))


def _plain(path: str) -> str:
    """A path with its escapes in one form, so that `%7Ea` and `~a` are the same."""
    return quote(unquote(path), safe="/*$?&=+,;:@!()'~-._")


def _matches(pattern: str, target: str) -> bool:
    """Whether a pattern fits the beginning of a target; takes the earliest place for each part, so it is linear."""
    ends = pattern.endswith("$")
    first, *others = pattern.removesuffix("$").split("*")
    if not target.startswith(first):
        return False
    place = len(first)
    for number, part in enumerate(others, 1):
        if ends and number == len(others):
            return len(target) - len(part) >= place and target.endswith(part)
        found = target.find(part, place)
        if found < 0:
            return False
        place = found + len(part)
    return not ends or place == len(target)
