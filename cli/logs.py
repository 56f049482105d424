"""Logging of our processes: structlog, JSON outside a terminal, to standard error."""

from __future__ import annotations

import logging
import sys
from collections.abc import Mapping, MutableMapping
from typing import Any

import structlog

DOTS = "***"
SECRET_WORDS = (
    "secret",
    "password",
    "passwd",
    "token",
    "api_key",
    "apikey",
    "authorization",
    "cookie",
    "credential",
)
"""A fact whose name has one of these in it is not written down. Ids are: `secret_id`, `credential_id`."""


def redacted(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Put dots in the places of facts that look like secrets, at any depth. A processor of structlog."""
    return {key: DOTS if _is_secret(key, value) else _inside(value) for key, value in event.items()}


def _is_secret(key: object, value: Any) -> bool:
    name = str(key).lower().replace("-", "_")
    if name.endswith("_id") or value is None or isinstance(value, bool | int | float):
        return False
    return any(word in name for word in SECRET_WORDS)


def _inside(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: DOTS if _is_secret(key, item) else _inside(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_inside(item) for item in value]
    return value


def configure(level: str) -> None:
    """Set up logging once per process. `level`: debug, info, warning, error."""
    number = logging.getLevelNamesMapping()[level.upper()]
    logging.basicConfig(
        level=max(number, logging.WARNING), stream=sys.stderr, format="%(levelname)s %(name)s %(message)s"
    )
    terminal = sys.stderr.isatty()
    renderer = structlog.dev.ConsoleRenderer() if terminal else structlog.processors.JSONRenderer()
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso"),
            redacted,
            *([] if terminal else [structlog.processors.format_exc_info]),
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=structlog.WriteLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
