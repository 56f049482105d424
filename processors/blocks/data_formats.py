"""Text formats: YAML, TOML, XML, JSON Lines, CSV, Markdown and HTML."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from millstream.processors import formats
from millstream.processors.annotations import EMPTY, Advanced, LongText
from millstream.processors.samples import Sample
from millstream.processors.sdk import block


@dataclass
class Documents:
    """Pins of YamlDecodeBlock."""

    value: Any
    documents: list[Any]


@block(
    categories=("DATA", "TEXT"),
    timeout_s=30,
    samples=[
        Sample(
            {"text": "name: tea\nsold: no\nwhen: 2026-01-02\nsizes: [1, 2.5]"},
            [
                ("value", {"name": "tea", "sold": "no", "when": "2026-01-02", "sizes": [1, 2.5]}),
                ("documents", list),
            ],
        ),
        Sample({"text": "a\n---\n- b"}, [("value", "a"), ("documents", ["a", ["b"]])]),
        Sample({"text": "!!python/object/apply:os.system [ls]"}, raises="block_failed"),
        Sample({"text": "&a [*a]"}, raises="block_failed"),
        Sample({"text": "a: [1"}, raises="block_failed"),
    ],
)
def yaml_decode(text: LongText) -> Documents:
    """Read YAML (1.2) as data. Tags that would make objects are refused; dates become texts.

    text: The YAML.
    value: The first document; nothing if it is null.
    documents: All documents, parted by `---`.
    """
    found = formats.yaml_values(text)
    return Documents(found[0] if found else None, found)


@block(
    categories=("DATA", "TEXT"),
    timeout_s=30,
    samples=[
        Sample(
            {"value": {"b": [1, {"c": "yes"}], "a": None}}, [("result", "b:\n- 1\n- c: 'yes'\na: null\n")]
        ),
        Sample({"value": {"a": "x\ny"}}, [("result", "a: |-\n  x\n  y\n")]),
    ],
)
def yaml_encode(value: Any) -> str:
    """Write data as YAML.

    value: The data.
    result: The YAML, with keys in their order.
    """
    return formats.yaml_text(value)


@block(
    categories=("DATA", "TEXT"),
    timeout_s=30,
    samples=[
        Sample(
            {"text": "[a]\nb = 1\nc = 2026-01-02T03:04:05Z\n"},
            [("result", {"a": {"b": 1, "c": "2026-01-02T03:04:05+00:00"}})],
        ),
        Sample({"text": "a = "}, raises="block_failed"),
    ],
)
def toml_decode(text: LongText) -> dict[str, Any]:
    """Read TOML, the form of many settings files.

    text: The TOML.
    result: The object; dates become texts.
    """
    found: dict[str, Any] = formats.toml_value(text)
    return found


@block(
    categories=("DATA", "TEXT"),
    timeout_s=30,
    samples=[
        Sample(
            {"value": {"order": {"@id": 7, "item": ["tea", "a & b"]}}, "indent": False},
            [
                (
                    "result",
                    '<?xml version="1.0" encoding="UTF-8"?>\n'
                    '<order id="7"><item>tea</item><item>a &amp; b</item></order>',
                )
            ],
        ),
        Sample({"value": {"a": 1, "b": 2}}, raises="block_input_invalid"),
        Sample({"value": {"a b": 1}}, raises="block_input_invalid"),
        Sample({"value": {"a": {'@x="" onload': 1}}}, raises="block_input_invalid"),
    ],
)
def xml_encode(value: dict[str, Any], indent: bool = True) -> str:
    """Write an object as XML: the way back from `XMLParserBlock`.

    value: An object with one key, the root. Keys like `@id` become attributes, `#text` is the text, a list
        repeats its element.
    indent: Begin a line for each element.
    result: The XML.
    """
    return formats.xml_text(value, indent=indent)


@block(
    categories=("DATA", "TEXT"),
    timeout_s=30,
    samples=[
        Sample({"text": '{"a": 1}\n\n[2]\n'}, [("result", [{"a": 1}, [2]])]),
        Sample({"text": "1\n{"}, raises="block_failed"),
    ],
)
def json_lines_decode(text: LongText) -> list[Any]:
    """Read JSON Lines (a value a line), the form of many logs and data sets.

    text: The lines.
    result: The values.
    """
    return formats.json_lines(text)


@block(
    categories=("DATA", "TEXT"),
    timeout_s=30,
    samples=[
        Sample({"values": [{"a": "é\n"}, 1]}, [("result", '{"a":"é\\n"}\n1\n')]),
        Sample({"values": []}, [("result", "")]),
    ],
)
def json_lines_encode(values: list[Any]) -> str:
    """Write values as JSON Lines.

    values: The values.
    result: A line a value.
    """
    import json

    return "".join(json.dumps(one, ensure_ascii=False, separators=(",", ":")) + "\n" for one in values)


@block(
    categories=("DATA", "TEXT"),
    timeout_s=30,
    samples=[
        Sample(
            {"rows": [{"a": "x,y", "b": True}, {"a": '"', "b": [1]}]},
            [("result", 'a,b\n"x,y",true\n"""",[1]\n')],
        ),
        Sample(
            {"rows": [{"a": "=1+1", "b": -5}], "columns": ["b", "a"], "header": False},
            [("result", "-5,'=1+1\n")],
        ),
        Sample({"rows": [], "delimiter": ";;"}, raises="block_input_invalid"),
    ],
)
def csv_encode(
    rows: list[dict[str, Any]],
    columns: Advanced[list[str]] = EMPTY,
    delimiter: Advanced[str] = ",",
    header: Advanced[bool] = True,
    safe_for_spreadsheets: Advanced[bool] = True,
) -> str:
    """Write rows as CSV.

    rows: The rows.
    columns: Which columns, in this order; without any all of them.
    delimiter: What parts the cells; spreadsheets in much of Europe want `;`.
    header: Begin with the names of the columns.
    safe_for_spreadsheets: Put a `'` before texts that a spreadsheet would run as a formula.
    result: The CSV.
    """
    return formats.csv_text(rows, columns, delimiter, header=header, safe=safe_for_spreadsheets)


@block(
    categories=("TEXT",),
    timeout_s=30,
    samples=[
        Sample(
            {"text": "# Hi\n\n**a** [b](https://x.org) <script>"},
            [
                (
                    "result",
                    '<h1>Hi</h1>\n<p><strong>a</strong> <a href="https://x.org">b</a> &lt;script&gt;</p>\n',
                )
            ],
        ),
        Sample({"text": "[x](javascript:alert(1))"}, [("result", "<p>[x](javascript:alert(1))</p>\n")]),
    ],
)
def markdown_to_html(text: LongText) -> str:
    """Turn Markdown (CommonMark with tables) into HTML. HTML inside it shows as text, so the result is safe to show.

    text: The Markdown.
    result: The HTML, without `<html>` and `<body>`.
    """
    return formats.html_of(text)


@block(
    categories=("TEXT",),
    timeout_s=30,
    samples=[
        Sample(
            {"html": "<h2>Hi</h2><p>a <b>b</b> <a href='/x'>c</a></p><script>x()</script><ul><li>d</ul>"},
            [("result", "## Hi\n\na **b** [c](/x)\n\n- d")],
        ),
        Sample(
            {"html": "<p><a href='/x'>c</a> <img src=y alt=z></p>", "links": False, "pictures": False},
            [("result", "c")],
        ),
    ],
)
def html_to_markdown(html: LongText, links: bool = True, pictures: Advanced[bool] = True) -> str:
    """Turn all of a piece of HTML into Markdown. To read a web page without its menus use `PageMarkdownBlock`.

    html: The HTML.
    links: Keep where links lead.
    pictures: Keep pictures, as links.
    result: The Markdown; scripts and styles are left out.
    """
    return formats.markdown_of(html, pictures=pictures, links=links)
