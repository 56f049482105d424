"""What people see: one console for words, one for complaints, and errors as sentences instead of tracebacks."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable
from typing import Any

from millstream.schemas.errors import MillstreamError


def say(text: str = "") -> None:
    """Print a line for people."""
    print(text, flush=True)


def tell(text: str) -> None:
    """Print a line for people who may have gone: a platform does not end because its terminal or pipe did."""
    with contextlib.suppress(OSError, ValueError):
        print(text, flush=True)


def painted(text: str, style: str) -> None:
    """Print a text, in colour on a terminal; to whoever may have gone."""
    from rich.console import Console
    from rich.text import Text

    with contextlib.suppress(OSError, ValueError):
        Console(highlight=False, soft_wrap=True).print(Text(text, style))


def complain(text: str) -> None:
    """Print a line on standard error."""
    print(text, file=sys.stderr, flush=True)


def guarded(run: Callable[[], Any]) -> int:
    """Call `run`; turn an error that we raised on purpose into its sentence. Returns the exit code."""
    try:
        run()
    except MillstreamError as error:
        complain(f"error: {error}")
        return 1
    except KeyboardInterrupt:
        complain("interrupted")
        return 130
    return 0
