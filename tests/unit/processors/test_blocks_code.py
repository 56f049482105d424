"""Code of users reaches nothing, ends in time, and fails with a message that its author can use."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import psutil
import pytest

from millstream.processors import isolation
from millstream.processors.blocks import code
from millstream.processors.javascript_sandbox import resident_bytes
from millstream.schemas.errors import BlockError, BlockExecutionError, BlockInputError
from millstream.testing import emits


async def python(text: str, seconds: float = 5.0, **inputs: Any) -> Any:
    return dict(await emits(code.run_python, {"code": text, "inputs": inputs, "time_limit_s": seconds}))


async def javascript(text: str, seconds: float = 5.0, **inputs: Any) -> Any:
    return dict(await emits(code.run_javascript, {"code": text, "inputs": inputs, "time_limit_s": seconds}))


def was_here() -> bool:
    return Path("/tmp/millstream-was-here").exists()


@pytest.mark.parametrize(
    "text",
    [
        "().__class__.__base__.__subclasses__()",
        "(lambda: 0).__globals__",
        "'{0.__class__.__mro__}'.format(())",
        "getattr((), '__cla' + 'ss__')",
        "[].__reduce_ex__(2)",
        "__import__('os').system('id')",
        "import subprocess",
        "import ctypes",
        "import socket",
        "import sys\nsys.modules['os'].system('id')",
        "import os\nos.environ['PATH']",
        "import os\nos.listdir('/')",
        "import pathlib\npathlib.Path('/etc/passwd').read_text()",
        "open('/tmp/millstream-was-here', 'w').write('x')",
        'exec("import subprocess")',
        "globals()['__builtins__']['open']('/etc/passwd')",
        "def f(x=__import__('subprocess')): pass",
        "import pickle\npickle.loads(b\"cos\\nsystem\\n(S'id'\\ntR.\")",
    ],
)
async def test_a04_python_has_no_way_out(text: str) -> None:
    try:
        got = await python(text)
    except (BlockExecutionError, BlockInputError):
        pass
    else:
        shown = str(got)
        assert "subclasses" not in shown
        assert "root:" not in shown
        assert os.environ["PATH"] not in shown
    assert not was_here()


async def test_a04_a_secret_of_our_environment_is_not_in_the_sandbox(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MILLSTREAM_CANARY", "canary-5d1f")
    with pytest.raises(BlockExecutionError, match="not supported") as caught:
        await python("import os\nstr(os.getenv('MILLSTREAM_CANARY')) + str(dict(os.environ))")
    assert "canary-5d1f" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("while True: pass", "time"),
        ("x = []\nwhile True: x.append('a' * 1000)", "memory|time"),
        ("'a' * 10**10", "memory"),
        ("9 ** 9 ** 9", "memory"),
        ("def f(): return f()\nf()", "recursion"),
        ("x = []\nfor _ in range(400): x = [x, x]\nx", "large|levels|memory"),
    ],
)
async def test_a04_python_that_will_not_end_ends(text: str, said: str) -> None:
    with pytest.raises(BlockExecutionError, match=f"(?i){said}"):
        await python(text, 0.5)
    assert (await python("1 + 1"))["result"] == 2


async def test_python_sleeps_no_time_and_leaves_no_process() -> None:
    assert (await python("import time\ntime.sleep(3600)\n7"))["result"] == 7
    names = [child.name() for child in psutil.Process().children(recursive=True)]
    assert "monty" not in names


async def test_an_error_names_the_line_of_the_author_and_what_was_printed() -> None:
    with pytest.raises(BlockExecutionError) as caught:
        await python("print('before')\ndef f(x):\n    return x['a']\nf({})")
    assert "line 3, in f" in str(caught.value)
    assert "KeyError: a" in str(caught.value)
    assert caught.value.facts["printed"] == "before\n"
    with pytest.raises(BlockInputError, match="line 2"):
        await python("a = 1\nb = = 2")
    with pytest.raises(BlockInputError, match="no name"):
        await emits(code.run_python, {"code": "1", "inputs": {"a b": 1}})


async def test_values_go_in_and_out_as_json() -> None:
    value = {"t": "é😀", "n": None, "f": 1.5, "l": [1, [True]], "big": 2**60}
    assert (await python("x", x=value))["result"] == value
    text = "import datetime\n{'d': datetime.date(2026, 1, 2), 's': {1}, 2: float('nan'), 'h': 10**30}"
    assert (await python(text))["result"] == {"d": "2026-01-02", "s": [1], "2": None, "h": str(10**30)}
    text = "class P:\n  def __init__(self):\n    self.x = 1\nP()"
    assert (await python(text))["result"] == {"x": 1}
    assert (await python("x['a'] = 1", x={})) == {"result": None, "printed": ""}
    assert (await python("x = []\nx.append(x)\nx"))["result"] == ["[...]"]


async def test_runs_know_nothing_of_each_other() -> None:
    await python("kept = 1")
    with pytest.raises(BlockExecutionError, match="kept"):
        await python("kept")
    if not code.run_javascript.spec.disabled:
        await javascript("globalThis.kept = 1; Object.prototype.kept = 1; return 1")
        assert (await javascript("return typeof kept + typeof ({}).kept"))["result"] == "undefinedundefined"


needs_js = pytest.mark.skipif(code.run_javascript.spec.disabled, reason="the extra `js` is not installed")


@needs_js
async def test_a04_javascript_has_the_language_and_nothing_else() -> None:
    names = [
        "require",
        "process",
        "fetch",
        "Deno",
        "Bun",
        "XMLHttpRequest",
        "WebSocket",
        "WebAssembly",
        "Worker",
    ]
    text = f"return {names}.filter(name => typeof globalThis[name] !== 'undefined')"
    assert (await javascript(text))["result"] == []
    escape = "return this === undefined || this.constructor.constructor('return process')()"
    with pytest.raises(BlockError, match="process is not defined"):
        await javascript(escape)


@needs_js
@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("while (true) {}", "took more than"),
        ("const a = []; while (true) a.push(new Array(1000).fill(1))", "memory|took"),
        ("while (true) console.log('x'.repeat(1000))", "prints too much"),
        ("const f = () => f(); f()", "call stack"),
        ("/(a+)+$/.exec('a'.repeat(50) + 'b')", "took more than"),
        ("const a = {}; a.a = a; return a", "circular"),
        ("return (async () => 1)()", "promise"),
        (
            "JSON.stringify = () => { while (true) {} }; JSON.parse = 0; Object.prototype.toJSON = 0; while (1) {}",
            "took",
        ),
    ],
)
async def test_a04_javascript_that_will_not_end_ends(text: str, said: str) -> None:
    with pytest.raises(BlockExecutionError, match=f"(?i){said}"):
        await javascript(text, 0.5)
    assert not [child for child in psutil.Process().children() if "mini_racer" in " ".join(child.cmdline())]


@needs_js
async def test_a04_javascript_cannot_hold_much_memory_outside_its_heap() -> None:
    with pytest.raises(BlockExecutionError, match="memory"):
        await javascript("const a = []; while (true) a.push(new Uint8Array(5e7).fill(1))", 20.0)


@needs_js
async def test_javascript_errors_name_what_went_wrong() -> None:
    with pytest.raises(BlockExecutionError, match="ReferenceError: nope is not defined"):
        await javascript("return nope")
    with pytest.raises(BlockInputError, match="SyntaxError"):
        await javascript("return {")
    value: dict[str, Any] = {"t": "é😀\u2028</script>`${1}`", "n": None, "l": [1, [True]]}
    assert (await javascript("return inputs", **value))["result"] == value


@needs_js
async def test_javascript_runs_in_a_process_that_serves_nobody_else() -> None:
    await isolation.close()
    await javascript("return 1")
    assert isolation.pool().idle == 0, "its process is gone"
    shared = await isolation.call(resident_bytes)
    assert shared > 0
    assert isolation.pool().idle >= 1


@needs_js
async def test_javascript_is_not_charged_for_the_memory_of_whoever_calls_it() -> None:
    held = b"x" * (600 * 1024 * 1024)  # more than the limit: what getrusage tells a child begins with it
    given = {"code": "return 6 * 7", "inputs": {}, "time_limit_s": 5}
    assert dict(await emits(code.run_javascript, given))["result"] == 42
    assert held[-1:] == b"x"
