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
        Audio,
        DateText,
        DateTimeText,
        Emit,
        FileRef,
        Hidden,
        Image,
        Json,
        LongText,
        Markdown,
        Outputs,
        SecretText,
        ShortText,
        Table,
        TimeText,
        Video,
    )
    from millstream.processors.calls import Call, Calls, Result, Tool
    from millstream.processors.context import Context, Park, Review
    from millstream.processors.credentials import (
        AnyCredential,
        ApiKey,
        Credentials,
        HostScoped,
        OAuth2,
        Provider,
        UserPassword,
    )
    from millstream.processors.own import Log, State
    from millstream.processors.samples import Sample
    from millstream.processors.sdk import Block, Cost, Retry, block
    from millstream.processors.services import (
        Credential,
        FileContent,
        Files,
        Http,
        HttpResponse,
        KeyValue,
        Vectors,
    )

__all__ = [
    "EMPTY",
    "Advanced",
    "AnyCredential",
    "ApiKey",
    "Audio",
    "Block",
    "Call",
    "Calls",
    "Context",
    "Cost",
    "Credential",
    "Credentials",
    "DateText",
    "DateTimeText",
    "Emit",
    "FileContent",
    "FileRef",
    "Files",
    "Hidden",
    "HostScoped",
    "Http",
    "HttpResponse",
    "Image",
    "Json",
    "KeyValue",
    "Log",
    "LongText",
    "Markdown",
    "OAuth2",
    "Outputs",
    "Park",
    "Provider",
    "Result",
    "Retry",
    "Review",
    "Sample",
    "SecretText",
    "ShortText",
    "State",
    "Table",
    "TimeText",
    "Tool",
    "UserPassword",
    "Vectors",
    "Video",
    "block",
]

_HOMES = {
    "own": ("Log", "State"),
    "calls": ("Call", "Calls", "Result", "Tool"),
    "sdk": ("Block", "Cost", "Retry", "block"),
    "context": ("Context", "Park", "Review"),
    "credentials": (
        "AnyCredential",
        "ApiKey",
        "Credentials",
        "HostScoped",
        "OAuth2",
        "Provider",
        "UserPassword",
    ),
    "samples": ("Sample",),
    "services": ("Credential", "FileContent", "Files", "Http", "HttpResponse", "KeyValue", "Vectors"),
}


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module 'millstream' has no attribute {name!r}")
    home = next((module for module, names in _HOMES.items() if name in names), "annotations")
    return getattr(import_module(f"millstream.processors.{home}"), name)
