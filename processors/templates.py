"""Templates of users: Jinja2, fenced three times.

The sandbox refuses attributes that lead to Python's insides and any change of a value; globals are gone but
for a capped `range`. A sandbox bounds neither time nor size, so a template whose tree shows that it is small
work (no calls, no arithmetic that grows, loops not nested) over small values is rendered here in some 20
microseconds, and every other one in a process that is killed at its time limit.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any, Final

import jinja2
from jinja2 import nodes
from jinja2.exceptions import SecurityError
from jinja2.sandbox import ImmutableSandboxedEnvironment

from millstream.processors import isolation
from millstream.processors.sizing import weight
from millstream.schemas.errors import BlockExecutionError

TIMEOUT_S: Final = 10.0
RANGE_LIMIT: Final = 100_000
RESULT_LIMIT_CHARS: Final = 5_000_000
SMALL_SOURCE_CHARS: Final = 8_000
SMALL_WEIGHT: Final = 20_000
SMALL_RESULT_CHARS: Final = 200_000
"""A result that outgrows this is made again in the other process."""

_GONE_FILTERS: Final = ("pprint", "tojson", "urlize", "xmlattr")
_GROWING: Final = frozenset({"+", "-", "*", "/", "//", "%", "**"})
_PRINTF = re.compile(r"([^%]|%%)*%[-+ #0]{0,3}\d{0,2}(\.\d{1,2})?(?P<kind>[fFeEgGd])([^%]|%%)*")

_SMALL_NODES: Final = (
    nodes.Template,
    nodes.Output,
    nodes.TemplateData,
    nodes.Name,
    nodes.Const,
    nodes.Getattr,
    nodes.Getitem,
    nodes.If,
    nodes.CondExpr,
    nodes.Compare,
    nodes.Operand,
    nodes.And,
    nodes.Or,
    nodes.Not,
    nodes.Tuple,
    nodes.Concat,
    nodes.Neg,
    nodes.For,
    nodes.Filter,
    nodes.Test,
    nodes.Call,
)
_SMALL_FILTERS: Final = frozenset(
    {
        "abs",
        "capitalize",
        "count",
        "d",
        "default",
        "dictsort",
        "e",
        "escape",
        "first",
        "float",
        "format",
        "int",
        "items",
        "join",
        "last",
        "length",
        "list",
        "lower",
        "max",
        "min",
        "reverse",
        "round",
        "safe",
        "sort",
        "string",
        "sum",
        "title",
        "trim",
        "truncate",
        "unique",
        "upper",
        "wordcount",
    }
)
_SMALL_TESTS: Final = frozenset(
    {
        "boolean",
        "defined",
        "divisibleby",
        "even",
        "false",
        "float",
        "integer",
        "iterable",
        "mapping",
        "none",
        "number",
        "odd",
        "sequence",
        "string",
        "true",
        "undefined",
    }
)
_SMALL_METHODS: Final = frozenset(
    {"items", "keys", "values", "upper", "lower", "strip", "title", "capitalize"}
)
_SMALL_ARGUMENT: Final = 100


class _TooLargeError(Exception):
    """The result is not small."""


class _Sandbox(ImmutableSandboxedEnvironment):
    """As AutoGPT's templates: unknown names are empty, `format` is printf of a number, there are no globals."""

    # Intercepted operators are not computed while compiling, so that compiling takes no longer than reading.
    intercepted_binops = _GROWING

    def __init__(self, *, escape: bool) -> None:
        super().__init__(autoescape=escape, optimized=False, keep_trailing_newline=True)
        self.globals = {"range": _range}
        self.filters = {name: f for name, f in self.filters.items() if name not in _GONE_FILTERS}
        self.filters["format"] = _printf

    def unsafe_undefined(self, obj: Any, attribute: str) -> Any:
        """Refuse aloud: an undefined value would render as nothing."""
        raise SecurityError(f"{attribute!r} of a {type(obj).__name__} is not for templates")


def _range(*bounds: int) -> range:
    numbers = range(*bounds)
    if len(numbers) > RANGE_LIMIT:
        raise ValueError(f"range of more than {RANGE_LIMIT} numbers")
    return numbers


def _printf(value: Any, form: str = "%s") -> str:
    """The filter `format`: `{{ 3.14159 | format("%.2f") }}`."""
    match = _PRINTF.fullmatch(form) if isinstance(form, str) else None
    if match is None:
        raise ValueError(f"{form!r} is no format of one number, like '%.2f'")
    number = float(value)
    return form % (int(number) if match["kind"] == "d" else number)


_ENVIRONMENTS: Final = {escape: _Sandbox(escape=escape) for escape in (False, True)}


async def render(source: str, values: Mapping[str, Any], *, escape_html: bool = False) -> str:
    """Fill a template. Errors: BlockExecutionError with the template's own complaint; BlockTimeoutError after
    10 s.
    """
    if is_small(source, escape_html) and weight(values, SMALL_WEIGHT) <= SMALL_WEIGHT:
        try:
            return _rendered(_compiled(source, escape_html), values, SMALL_RESULT_CHARS)
        except _TooLargeError:
            pass
    return str(
        await isolation.call(
            render_here, source, dict(values), escape_html, timeout_s=TIMEOUT_S, what="The template"
        )
    )


def render_here(source: str, values: Mapping[str, Any], escape_html: bool) -> str:
    """Fill a template in this process, whatever it costs; for the other process."""
    try:
        return _rendered(_compiled(source, escape_html), values, RESULT_LIMIT_CHARS)
    except _TooLargeError:
        raise BlockExecutionError(
            f"The template's result has more than {RESULT_LIMIT_CHARS} characters."
        ) from None


def _rendered(template: jinja2.Template, values: Mapping[str, Any], most_chars: int) -> str:
    pieces: list[str] = []
    size = 0
    try:
        for piece in template.generate(values):
            size += len(piece)
            if size > most_chars:
                raise _TooLargeError
            pieces.append(piece)
    except _TooLargeError:
        raise
    except (SecurityError, jinja2.TemplateError) as error:
        raise BlockExecutionError(f"The template fails: {_sentence(error)}") from error
    except (TypeError, ValueError, ArithmeticError, LookupError, RecursionError) as error:
        raise BlockExecutionError(f"The template fails: {_sentence(error)}") from error
    return "".join(pieces)


def _sentence(error: Exception) -> str:
    message = (getattr(error, "message", None) or str(error)).rstrip(".")
    return f"{message}." if isinstance(error, jinja2.TemplateError) else f"{type(error).__name__}: {message}."


@lru_cache(maxsize=256)
def _compiled(source: str, escape_html: bool) -> jinja2.Template:
    try:
        return _ENVIRONMENTS[escape_html].from_string(source)
    except jinja2.TemplateSyntaxError as error:
        raise BlockExecutionError(
            f"The template is wrong in line {error.lineno}: {_sentence(error)}"
        ) from error
    except (
        jinja2.TemplateError,
        RecursionError,
        SyntaxError,
        ValueError,
        OverflowError,
        MemoryError,
    ) as error:
        raise BlockExecutionError(f"The template is wrong: {_sentence(error)}") from error


@lru_cache(maxsize=256)
def is_small(source: str, escape_html: bool) -> bool:
    """Tell whether compiling and filling the template takes time and space in proportion to source and
    values.
    """
    if len(source) > SMALL_SOURCE_CHARS:
        return False
    try:
        tree = _ENVIRONMENTS[escape_html].parse(source)
    except jinja2.TemplateError:
        return True  # it will not compile
    except RecursionError:
        return False
    return _is_small(tree, in_loop=False)


def _is_small(node: nodes.Node, *, in_loop: bool) -> bool:
    if not isinstance(node, _SMALL_NODES):
        return False
    if isinstance(node, nodes.For):
        if in_loop or node.recursive:
            return False
        in_loop = True
    elif isinstance(node, nodes.Filter):
        if node.name not in _SMALL_FILTERS or not _are_small(_arguments(node)) or node.node is None:
            return False
    elif isinstance(node, nodes.Test):
        if node.name not in _SMALL_TESTS or not _are_small(_arguments(node)):
            return False
    elif isinstance(node, nodes.Call):
        method = node.node.attr if isinstance(node.node, nodes.Getattr) else ""
        if method not in _SMALL_METHODS or _arguments(node):
            return False
    return all(_is_small(child, in_loop=in_loop) for child in node.iter_child_nodes())


def _arguments(node: nodes.Filter | nodes.Test | nodes.Call) -> list[nodes.Node]:
    spread = [one for one in (node.dyn_args, node.dyn_kwargs) if one is not None]
    return [*node.args, *node.kwargs, *spread]


def _are_small(arguments: Iterable[nodes.Node]) -> bool:
    """Constants of a few characters, or small numbers: a width or separator from elsewhere could be of any
    size.
    """
    for one in arguments:
        value = one.value if isinstance(one, nodes.Keyword) else one
        if not isinstance(value, nodes.Const) or not _is_small_constant(value.value):
            return False
    return True


def _is_small_constant(value: Any) -> bool:
    if isinstance(value, str):
        return len(value) <= _SMALL_ARGUMENT
    return value is None or isinstance(value, bool | float) or (isinstance(value, int) and abs(value) <= 1000)
