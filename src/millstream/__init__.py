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
        SecretText,
        ShortText,
        TimeText,
    )
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
    from millstream.processors.samples import Sample
    from millstream.processors.sdk import Block, block
    from millstream.processors.services import Credential, FileContent, Files, Http, HttpResponse, KeyValue

__all__ = [
    "EMPTY",
    "Advanced",
    "AnyCredential",
    "ApiKey",
    "Block",
    "Context",
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
    "KeyValue",
    "LongText",
    "OAuth2",
    "Outputs",
    "Park",
    "Provider",
    "Review",
    "Sample",
    "SecretText",
    "ShortText",
    "TimeText",
    "UserPassword",
    "block",
]

_HOMES = {
    "sdk": ("Block", "block"),
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
    "services": ("Credential", "FileContent", "Files", "Http", "HttpResponse", "KeyValue"),
}


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module 'millstream' has no attribute {name!r}")
    home = next((module for module, names in _HOMES.items() if name in names), "annotations")
    return getattr(import_module(f"millstream.processors.{home}"), name)
