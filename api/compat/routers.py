"""All routers of AutoGPT's paths, in one list."""

from __future__ import annotations

from millstream.api.compat.blocks import router as blocks
from millstream.api.compat.builder import router as builder
from millstream.api.compat.executions import router as executions
from millstream.api.compat.files import router as files
from millstream.api.compat.graphs import router as graphs
from millstream.api.compat.integrations import router as integrations
from millstream.api.compat.people import router as people
from millstream.api.compat.presets import router as presets
from millstream.api.compat.reviews import router as reviews
from millstream.api.external.router import router as external

INTERNAL = (graphs, executions, reviews, blocks, builder, files, integrations, presets, people)
"""`/api/...`"""
ROUTERS = (*INTERNAL, external)
