"""Routers that go over what the features decide: presets, shares, AutoGPT's own paths, and those for programs."""

from __future__ import annotations

from millstream.api.compat.routers import ROUTERS as COMPAT
from millstream.api.docs.router import router as docs
from millstream.api.mcp.router import router as mcp
from millstream.api.presets.router import router as presets
from millstream.api.shares.router import router as shares
from millstream.api.usage.router import router as usage

ROUTERS = (presets, shares, usage, docs, mcp, *COMPAT)
