"""Vector databases of others, by their HTTP forms, behind one interface: `interface` says it, `store` picks one."""

from __future__ import annotations
