"""Millstream: agents on Kafka. Block authors import from here.

The names load at first use, so that `import millstream.schemas` does not bring the whole SDK.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from millstream.processors.annotations import (
        EMPTY,
        Advanced,
        DateText,
        DateTimeText,
        Emit,
        FileRef,
        Hidden,
        LongText,
        Outputs,
        ShortText,
        TimeText,
    )
    from millstream.processors.context import Context, Park, Review
    from millstream.processors.samples import Sample
    from millstream.processors.sdk import Block, block
    from millstream.processors.services import Credential, FileContent, Files, Http, HttpResponse, KeyValue

__all__ = [
    "EMPTY",
    "Advanced",
    "Block",
    "Context",
    "Credential",
    "DateText",
    "DateTimeText",
    "Emit",
    "FileContent",
    "FileRef",
    "Files",
    "Hidden",
    "Http",
    "HttpResponse",
    "KeyValue",
    "LongText",
    "Outputs",
    "Park",
    "Review",
    "Sample",
    "ShortText",
    "TimeText",
    "block",
]

_HOMES = {
    "sdk": ("Block", "block"),
    "context": ("Context", "Park", "Review"),
    "samples": ("Sample",),
    "services": ("Credential", "FileContent", "Files", "Http", "HttpResponse", "KeyValue"),
}


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module 'millstream' has no attribute {name!r}")
    home = next((module for module, names in _HOMES.items() if name in names), "annotations")
    return getattr(import_module(f"millstream.processors.{home}"), name)
