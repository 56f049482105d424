"""Templates: what they can say, what the sandbox refuses, and that none can hold up or swell a worker."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest

from millstream.processors import templates
from millstream.processors.templates import RESULT_LIMIT_CHARS, is_small, render
from millstream.schemas.errors import BlockError, BlockExecutionError, BlockTimeoutError


@pytest.mark.parametrize(
    ("source", "values", "expected"),
    [
        ("{{a}}, {{b}}{{c}}", {"a": "Hello", "b": "World", "c": "!!!"}, "Hello, World!!!"),
        ("[{{ unknown }}]\n", {}, "[]\n"),
        ("{{ n|format('%.2f') }}|{{ n|format('%5d%%') }}", {"n": 3.14159}, "3.14|    3%"),
        ("{% for k, v in d.items() %}{{ k }}={{ v }};{% endfor %}", {"d": {"a": 1, "b": 2}}, "a=1;b=2;"),
        ("{% for x in l %}{{ loop.index }}{{ x }}{% else %}none{% endfor %}", {"l": ["a"]}, "1a"),
        ("{{ l|join(', ') }}|{{ t|upper }}|{{ l|length }}", {"l": [1, 2], "t": "x"}, "1, 2|X|2"),
        ("{% if a > 1 and b is defined %}y{% else %}n{% endif %}", {"a": 2}, "n"),
        ("{{ 'yes' if a else 'no' }}{{ a ~ '!' }}", {"a": 0}, "no0!"),
        ("{{ d.k.j }}{{ d['k']['j'] }}", {"d": {"k": {"j": 1}}}, "11"),
        ("{% for i in range(3) %}{{ i }}{% endfor %}", {}, "012"),
        ("{% set x = a + 1 %}{{ x * 2 }}", {"a": 1}, "4"),
        ("{% macro m(x) %}<{{ x }}>{% endmacro %}{{ m(a) }}", {"a": 1}, "<1>"),
        ("{% raw %}{{ x }}{% endraw %}{# no #}", {}, "{{ x }}"),
        ("{{ lipsum }}{{ cycler }}{{ joiner }}{{ namespace }}{{ dict }}", {}, ""),
        ("{{ t }}", {"t": "<b>"}, "<b>"),
    ],
)
async def test_templates(source: str, values: dict[str, Any], expected: str) -> None:
    assert await render(source, values) == expected
    assert templates.render_here(source, values, False) == expected, "here and there agree"


async def test_html_is_escaped_on_demand() -> None:
    assert await render("{{ t }}<i>", {"t": "<b>"}, escape_html=True) == "&lt;b&gt;<i>"


@pytest.mark.parametrize(
    "source",
    [
        "{{ ''.__class__ }}",
        "{{ ''['__class__'] }}",
        "{{ ''|attr('__class__') }}",
        "{{ x.__init__.__globals__ }}",
        "{{ self.__init__ }}",
        "{{ self._TemplateReference__context }}",
        "{{ [].append(1) }}",
        "{{ d.update({'a': 1}) }}",
        "{{ '{0.__class__}'.format(1) }}",
        "{{ ('{0.__class__}'|safe).format(1) }}",
        "{{ (range.__call__)(3) }}",
        "{{ range(10000000) }}",
        "{% include 'x' %}",
        "{% import 'os' as os %}",
        "{% for x in [1] recursive %}{{ loop.__class__ }}{% endfor %}",
        "{{ a|tojson }}",
        "{{ a|pprint }}",
        "{{ a|urlize }}",
        "{{ d|xmlattr }}",
        "{{ 1|format('%n') }}",
        "{{ 1|format('%d%d') }}",
        "{{ x.y.z }}",
        "{{ 1 / 0 }}",
        "{{ 'a' + 1 }}",
        "{{ x",
        "{% if %}",
        "{{ '''",
    ],
)
async def test_what_is_refused(source: str) -> None:
    """A05: an error, never a class; and never an exception of another kind."""
    with pytest.raises(BlockExecutionError, match="template"):
        await render(source, {"d": {"a": 1}, "a": {"b": 1}})


@pytest.mark.parametrize(
    "source",
    [
        "{{ 'a' * 10**10 }}",
        "{{ 9 ** (9**9) }}",
        "{{ 'a'|center(9999999999) }}",
        "{{ '%9999999999d' % 1 }}",
        "{{ '{:>9999999999}'.format(1) }}",
        "{% for i in range(99999) %}{% for j in range(99999) %}{% endfor %}{% endfor %}",
        "{% for i in range(99999) %}" + "x" * 100 + "{% endfor %}",
        "{% macro m(n) %}{{ m(n) }}{{ m(n) }}{% endmacro %}{{ m(1) }}",
        "{{ l|join(s) }}",
        "{{ s|replace('', s) }}",
        "{% set x = s %}" + "{% set x = x ~ x %}" * 30 + "{{ x }}",
        "{{ " + "(" * 5000 + "1" + ")" * 5000 + " }}",
    ],
)
async def test_no_template_holds_up_or_swells_the_worker(
    source: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(templates, "TIMEOUT_S", 1.0)
    assert not is_small(source, False)
    stalls = asyncio.create_task(_longest_stall())
    with pytest.raises((BlockExecutionError, BlockTimeoutError, BlockError)):
        await render(source, {"l": [""] * 3000, "s": "x" * 3000})
    stalls.cancel()
    assert await stalls < 0.5


async def _longest_stall() -> float:
    longest, last = 0.0, time.monotonic()
    try:
        while True:
            await asyncio.sleep(0.01)
            longest, last = max(longest, time.monotonic() - last), time.monotonic()
    except asyncio.CancelledError:
        return longest


@pytest.mark.parametrize(
    ("source", "small"),
    [
        ("{{ a }}", True),
        ("{% for x in l %}{{ x.name|upper|default('-') }}{% endfor %}", True),
        ("{% for x in l %}{% for y in x %}{{ y }}{% endfor %}{% endfor %}", False),
        ("{{ a * 2 }}", False),
        ("{{ f() }}", False),
        ("{{ a.items() }}", True),
        ("{{ a.replace('x', b) }}", False),
        ("{{ a|join(b) }}", False),
        ("{{ a|center(20) }}", False),
        ("{{ a|truncate(20) }}", True),
        ("{{ a|truncate(999999999) }}", False),
        ("{% set a = 1 %}", False),
        ("x" * 100_000, False),
    ],
)
def test_what_counts_as_small(source: str, small: bool) -> None:
    assert is_small(source, False) is small


async def test_large_values_and_results_are_done_elsewhere() -> None:
    assert (
        await render("{% for x in l %}{{ t }}{% endfor %}", {"l": [1] * 300, "t": "x" * 1000})
        == "x" * 300_000
    )
    assert len(await render("{{ t }}", {"t": "x" * 1_000_000})) == 1_000_000
    with pytest.raises(BlockExecutionError, match=f"more than {RESULT_LIMIT_CHARS}"):
        await render("{% for x in l %}{{ t }}{% endfor %}", {"l": [1] * 3000, "t": "x" * 3000})
