"""The other end of `isolation`: reads calls from stdin, answers on stdout, one at a time, until stdin ends."""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
import inspect
import json
import os
import resource
import signal
import struct
import sys
from typing import Any, BinaryIO

_HEAD = struct.Struct(">I")


def main() -> None:
    """Serve calls for ever."""
    with os.fdopen(os.dup(1), "wb", buffering=0) as answers:
        os.dup2(2, 1)  # What a called function prints must not get between the answers.
        limited = False
        while (call := _read(sys.stdin.buffer)) is not None:
            if not limited:
                _limit(call["memory_bytes"])
                limited = True
            # The default action of the alarm ends the process even inside C code, and also if the parent is
            # gone.
            signal.setitimer(signal.ITIMER_REAL, call["timeout_s"] + 1.0)
            body = _answer(call)
            signal.setitimer(signal.ITIMER_REAL, 0)
            _write(answers, _HEAD.pack(len(body)) + body)


def _read(source: BinaryIO) -> Any:
    head = source.read(_HEAD.size)
    if len(head) < _HEAD.size:
        return None
    return json.loads(source.read(_HEAD.unpack(head)[0]))


def _write(sink: Any, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[sink.write(view) :]


def _limit(memory_bytes: int) -> None:
    """Cap memory and core files, where the system can."""
    memory = [(resource.RLIMIT_AS, memory_bytes)] if memory_bytes else []
    for what, most in (*memory, (resource.RLIMIT_CORE, 0)):
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(what, (most, most))


def _answer(call: dict[str, Any]) -> bytes:
    try:
        value = _function(call)(*call["arguments"], **call["keywords"])
        if inspect.isgenerator(value):
            value = list(value)
        body = json.dumps({"value": value}, default=_plain).encode()
        if len(body) > call["most_bytes"]:
            raise ValueError(f"The result has more than {call['most_bytes']} bytes; make it smaller.")
    except MemoryError:
        body = _failed("MemoryError", "It needs more memory than it may have.", ours="BlockExecutionError")
    except Exception as error:  # noqa: BLE001 - whatever it is, the caller gets it as data
        body = _failed(
            type(error).__name__,
            str(error) or type(error).__name__,
            value_error=isinstance(error, ValueError | RecursionError),
            ours=_ours(error),
            facts=getattr(error, "facts", {}),
        )
    return body


def _failed(
    kind: str, message: str, *, value_error: bool = False, ours: str = "", facts: Any = None
) -> bytes:
    error = {
        "type": kind,
        "message": message[:10_000],
        "value_error": value_error,
        "ours": ours,
        "facts": facts if isinstance(facts, dict) else {},
    }
    return json.dumps({"error": error}, default=str).encode()


def _ours(error: Exception) -> str:
    """Name of the class of `schemas/errors.py` that fits; empty for any other exception."""
    return next(
        (cls.__name__ for cls in type(error).__mro__ if cls.__module__ == "millstream.schemas.errors"), ""
    )


def _plain(value: Any) -> Any:
    """JSON form of dataclasses, dates and the like."""
    import msgspec

    return msgspec.to_builtins(value, str_keys=True)


def _function(call: dict[str, Any]) -> Any:
    """The function of a call; a block stands for the function in it."""
    found: Any
    if call.get("texts") is None:
        found = _module(call["module"], call["file"])
    else:
        from millstream.processors.texts import module_of

        digest, modules = call["texts"]
        found = module_of(digest, modules, call["module"])
    for name in call["name"].split("."):
        found = getattr(found, name)
    return getattr(found, "fn", found)


def _module(name: str, file: str) -> Any:
    """The module by name, or by file if it has no importable name (a script, a test)."""
    if name in sys.modules and name != "__main__":
        return sys.modules[name]
    if name != "__main__":
        with contextlib.suppress(ImportError):
            return importlib.import_module(name)
    alias = f"isolated_{abs(hash(file))}"
    if alias not in sys.modules:
        spec = importlib.util.spec_from_file_location(alias, file)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        sys.modules[alias] = module
        spec.loader.exec_module(module)
    return sys.modules[alias]
