"""JavaScript of users, by V8 (package `mini-racer`, extra `js`): the language alone, no Node.js and no browser.

Always in a process that serves one run and is then killed: V8 compiles to machine code, and a way out of it must
lead to nothing of anybody else. V8 reserves far more addresses than it uses, so instead of the limit of our other
processes a watcher measures what the process really holds.
"""

from __future__ import annotations

import contextlib
import importlib.util
import json
import os
import resource
import sys
import threading
import time
from pathlib import Path
from typing import Any, Final

from millstream.processors.json_form import json_form
from millstream.schemas.errors import BlockExecutionError, BlockInputError

HEAP_LIMIT_BYTES: Final = 128 * 1024 * 1024
RESIDENT_LIMIT_BYTES: Final = 512 * 1024 * 1024
CODE_LIMIT_CHARS: Final = 200_000
PRINT_LIMIT_CHARS: Final = 1_000_000
_WATCH_S: Final = 0.01

# The code runs as the body of a function, so that `return` works; with the inputs as a frozen copy of its own.
_PROGRAM: Final = """
(() => {
  "use strict";
  const lines = [];
  let room = %(room)d;
  const show = (one) => typeof one === "string" ? one : JSON.stringify(one) ?? String(one);
  const log = (...all) => {
    const line = all.map(show).join(" ");
    room -= line.length + 1;
    if (room < 0) throw new RangeError("The code prints too much");
    lines.push(line);
  };
  for (const name of ["WebAssembly", "SharedArrayBuffer", "Atomics"]) {
    delete globalThis[name];
  }
  globalThis.console = Object.freeze({log, info: log, warn: log, error: log, debug: log});
  const main = new Function("inputs", %(code)s);
  const stringify = JSON.stringify;
  const value = main(JSON.parse(%(inputs)s));
  if (typeof value?.then === "function") throw new TypeError("The code returned a promise; nothing waits here");
  return stringify({result: value === undefined ? null : value, printed: lines.join("\\n")});
})()
"""


def is_installed() -> bool:
    """Tell whether the extra `js` is there."""
    return importlib.util.find_spec("py_mini_racer") is not None


def run(code: str, inputs: dict[str, Any], time_s: float) -> dict[str, Any]:
    """Run the body of a function of `inputs`. Returns `result`, what it returned, and `printed`.

    Errors: BlockInputError for code that is no JavaScript; BlockExecutionError for what it throws and for limits.
    """
    from py_mini_racer import JSEvalException, JSOOMException, JSParseException, JSTimeoutException, MiniRacer

    if len(code) > CODE_LIMIT_CHARS:
        raise BlockInputError(f"The code has {len(code)} characters; at most {CODE_LIMIT_CHARS}.")
    threading.Thread(target=_watch, daemon=True).start()
    program = _PROGRAM % {
        "room": PRINT_LIMIT_CHARS,
        "code": json.dumps(code),
        "inputs": json.dumps(json.dumps(inputs)),
    }
    engine = MiniRacer()
    try:
        answer = engine.eval(program, timeout_sec=time_s, max_memory=HEAP_LIMIT_BYTES)
    except JSTimeoutException as error:
        raise BlockExecutionError(f"The code took more than {time_s:g} s.") from error
    except JSOOMException as error:
        raise BlockExecutionError("The code needs too much memory.") from error
    except (JSParseException, JSEvalException) as error:
        raise _told(str(error)) from error
    if not isinstance(answer, str):
        raise BlockExecutionError("The result has no JSON form; return data.")
    found: dict[str, Any] = json_form(json.loads(answer))
    return found


def _told(message: str) -> Exception:
    """The error of V8 without our own frames."""
    lines = [
        line
        for line in message.splitlines()
        if line.strip() and "<anonymous>:" not in line.split("(")[0][:12]
    ]
    said = "\n".join(
        line for line in lines if not line.strip().startswith(("at <anonymous>", "at eval", "^"))
    )
    kind = BlockInputError if "SyntaxError" in message else BlockExecutionError
    return kind((said or message)[:4000])


def resident_bytes() -> int:
    """The most memory that this program has held so far."""
    with contextlib.suppress(
        OSError, StopIteration
    ):  # what getrusage tells begins with the process that forked us
        lines = Path("/proc/self/status").read_text().splitlines()
        return int(next(line for line in lines if line.startswith("VmHWM")).split()[1]) * 1024
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most if sys.platform == "darwin" else most * 1024


def _watch() -> None:
    """End this process when it holds too much: what V8 keeps outside its heap has no limit of its own."""
    while resident_bytes() < RESIDENT_LIMIT_BYTES:
        time.sleep(_WATCH_S)
    os._exit(137)
