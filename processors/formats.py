"""Readers and writers of text formats, as plain functions: YAML, TOML, XML, JSON Lines, CSV, Markdown, HTML."""

from __future__ import annotations

import csv
import io
import json
import re
import tomllib
from collections.abc import Mapping, Sequence
from typing import Any, Final
from xml.sax.saxutils import escape, quoteattr

from millstream.processors.json_form import json_form
from millstream.processors.sizing import weight
from millstream.schemas.errors import BlockExecutionError, BlockInputError
from millstream.schemas.sizes import JSON_DEPTH_LIMIT

DOCUMENTS_LIMIT: Final = 10_000
SHARED_LIMIT: Final = 1_000_000
"""Characters and values that aliases may add to what a YAML text says itself."""
_YAML_1_1: Final = re.compile(r"(?i)y|yes|n|no|on|off|[-+]?\d[\d_:]*")
"""Texts that older readers of YAML take for truth values or numbers."""
_XML_NAME: Final = re.compile(r"[^\W\d][\w.\-]*(:[^\W\d][\w.\-]*)?")
_XML_FORBIDDEN: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")


def yaml_values(text: str) -> list[Any]:
    """The documents of a YAML 1.2 text; plain data only. Errors: BlockExecutionError."""
    from ruamel.yaml import YAML
    from ruamel.yaml.error import YAMLError

    most = SHARED_LIMIT + 3 * len(text)
    try:
        found = []
        for document in YAML(typ="safe", pure=True).load_all(text):
            # Aliases share, so a short text can stand for a giant: weigh it before it is written out.
            if weight(document, most) > most:
                raise BlockExecutionError("The YAML repeats itself, by aliases, into far too much data.")
            found.append(json_form(document))
            if len(found) > DOCUMENTS_LIMIT:
                raise BlockExecutionError(f"The YAML has more than {DOCUMENTS_LIMIT} documents.")
    except YAMLError as error:
        raise BlockExecutionError(f"The text is no YAML that is only data: {_short(error)}") from error
    except (ValueError, RecursionError) as error:
        raise BlockExecutionError(f"The YAML cannot be read: {_short(error)}") from error
    return found


def _short(error: Exception) -> str:
    return " ".join(str(error).split())[:500] or type(error).__name__


def yaml_text(value: Any) -> str:
    """YAML of a JSON value, with keys in their order."""
    from ruamel.yaml import YAML
    from ruamel.yaml.representer import SafeRepresenter

    inside = not isinstance(value, str)  # a text alone has no place to be indented in

    class Quoting(SafeRepresenter):  # type: ignore[misc,unused-ignore]
        def represent_str(self, data: str) -> Any:
            style = "'" if _YAML_1_1.fullmatch(data) else "|" if inside and "\n" in data else None
            return self.represent_scalar("tag:yaml.org,2002:str", data, style=style)

    Quoting.add_representer(str, Quoting.represent_str)
    writer: Any = YAML(typ="safe", pure=True)
    writer.Representer = Quoting
    writer.default_flow_style = False
    writer.allow_unicode = True
    writer.sort_base_mapping_type_on_output = False
    writer.width = 4096
    out = io.StringIO()
    writer.dump(value, out)
    text = out.getvalue()
    return text.removesuffix("...\n") if not isinstance(value, dict | list) else text


def toml_value(text: str) -> Any:
    """The object of a TOML text. Errors: BlockExecutionError."""
    try:
        return json_form(tomllib.loads(text))
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise BlockExecutionError(f"The text is no TOML: {_short(error)}") from error


def json_lines(text: str) -> list[Any]:
    """The values of JSON Lines; empty lines do not count. Errors: BlockExecutionError, with the line."""
    found = []
    for number, line in enumerate(text.split("\n"), 1):
        if line.strip():
            try:
                found.append(json_form(json.loads(line)))
            except (ValueError, RecursionError) as error:
                raise BlockExecutionError(f"Line {number} is no JSON: {_short(error)}") from error
    return found


def csv_text(
    rows: Sequence[Mapping[str, Any]], columns: Sequence[str], delimiter: str, *, header: bool, safe: bool
) -> str:
    """CSV of rows. With `safe`, cells that a spreadsheet would run as a formula get a `'` before them.

    Errors: BlockInputError for a delimiter that cannot be one.
    """
    if len(delimiter) != 1 or delimiter in '\r\n"':
        raise BlockInputError(f"The delimiter is {delimiter!r}; it has to be one character, such as , or ;.")
    names = list(columns) or list(dict.fromkeys(name for row in rows for name in row))
    out = io.StringIO(newline="")
    writer = csv.writer(out, delimiter=delimiter, lineterminator="\n")
    if header:
        writer.writerow([_csv_cell(name, safe) for name in names])
    for row in rows:
        writer.writerow([_csv_cell(row.get(name), safe) for name in names])
    return out.getvalue()


def _csv_cell(value: Any, safe: bool) -> Any:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list | dict):
        value = json.dumps(value, ensure_ascii=False)
    if safe and isinstance(value, str) and value.startswith(_FORMULA):
        return "'" + value
    return value


def xml_text(value: Mapping[str, Any], *, indent: bool) -> str:
    """XML of an object with one key, the root: the way back from `parsing.xml_object`.

    Errors: BlockInputError for names that XML does not have, or several roots.
    """
    if len(value) != 1:
        raise BlockInputError(f"XML has one root, the object has {len(value)} keys.")
    [(name, content)] = value.items()
    lines: list[str] = []
    _element(name, content, 0, lines, indent)
    head = '<?xml version="1.0" encoding="UTF-8"?>\n'
    return head + ("\n" if indent else "").join(lines) + ("\n" if indent else "")


def _element(name: str, content: Any, depth: int, lines: list[str], indent: bool) -> None:
    if not _XML_NAME.fullmatch(name):
        raise BlockInputError(f"{name[:80]!r} is no name for an XML element.")
    if depth > JSON_DEPTH_LIMIT:
        raise BlockInputError(f"The object has more than {JSON_DEPTH_LIMIT} levels.")
    pad = "  " * depth if indent else ""
    attributes, text, children = _parts(content)
    start = name + "".join(f" {key}={quoteattr(_xml(value))}" for key, value in attributes)
    if not children:
        lines.append(f"{pad}<{start}>{escape(text)}</{name}>" if text else f"{pad}<{start}/>")
        return
    lines.append(f"{pad}<{start}>{escape(text)}")
    for key, child in children:
        for one in child if isinstance(child, list) and not _is_parts(child) else [child]:
            _element(key, one, depth + 1, lines, indent)
    lines.append(f"{pad}</{name}>")


def _is_parts(content: Any) -> bool:
    """A list of objects with one key each: children whose names repeat, in their order."""
    return (
        isinstance(content, list)
        and bool(content)
        and all(isinstance(i, dict) and len(i) == 1 for i in content)
    )


def _parts(content: Any) -> tuple[list[tuple[str, Any]], str, list[tuple[str, Any]]]:
    """Attributes, text and children of an element."""
    if _is_parts(content):
        pairs = [pair for item in content for pair in item.items()]
    elif isinstance(content, dict):
        pairs = list(content.items())
    elif isinstance(content, list):
        pairs = [("item", item) for item in content]
    else:
        return [], _xml(content), []
    attributes = [(key[1:], value) for key, value in pairs if key.startswith("@")]
    for key, _ in attributes:
        if not _XML_NAME.fullmatch(key):
            raise BlockInputError(f"{key[:80]!r} is no name for an XML attribute.")
    text = "".join(_xml(value) for key, value in pairs if key == "#text")
    return attributes, text, [(key, value) for key, value in pairs if key[:1] not in "@#"]


def _xml(value: Any) -> str:
    if value is None:
        return ""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return _XML_FORBIDDEN.sub("\ufffd", text)


def html_of(markdown: str) -> str:
    """HTML of Markdown; HTML inside it shows as text, and links lead to the web only."""
    from markdown_it import MarkdownIt

    return str(MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"]).render(markdown))


def markdown_of(html: str, *, pictures: bool, links: bool) -> str:
    """Markdown of HTML; scripts and styles are left out. Errors: BlockExecutionError."""
    from html_to_markdown import ConversionOptions, convert

    drop = ["script", "style", "noscript", "template", "iframe", "object", "svg"]
    options = ConversionOptions(
        extract_metadata=False, skip_images=not pictures, exclude_selectors=drop, max_depth=500
    )
    try:
        made = convert(html, options).content or ""
    except Exception as error:
        raise BlockExecutionError(f"The HTML cannot be converted: {_short(error)}") from error
    if not links:
        made = re.sub(r"(?<!!)\[([^\]\[]*)\]\([^()\s]*\)", r"\1", made)
    return made.strip()
