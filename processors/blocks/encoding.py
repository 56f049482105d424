"""Text in other forms: escape sequences, JSON, XML, code in Markdown."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator
from typing import Any

from millstream.processors import isolation
from millstream.processors.annotations import Advanced, Emit, Outputs
from millstream.processors.parsing import json_value, xml_object
from millstream.processors.samples import Sample
from millstream.processors.sdk import block
from millstream.schemas.errors import BlockExecutionError

HERE_CHARS = 200_000
"""Up to this size a text is parsed in this process; a larger one would hold up the others."""


class Encoded(Outputs):
    """Pin of TextEncoderBlock."""

    encoded_text: str


@block(
    id="5185f32e-4b65-4ecf-8fbb-873f003f09d6",
    name="TextEncoderBlock",
    categories=("TEXT",),
    samples=[Sample({"text": 'a\n"b"é'}, [("encoded_text", 'a\\n"b"\\xe9')])],
)
async def text_encoder(text: str) -> AsyncIterator[Emit[Encoded]]:
    """Write line ends, tabs, backslashes and all characters beyond ASCII as escape sequences.

    text: The text.
    encoded_text: The same in ASCII, on one line.
    """
    yield "encoded_text", text.encode("unicode_escape").decode("ascii")


class Decoded(Outputs):
    """Pin of TextDecoderBlock."""

    decoded_text: str


_ESCAPE = re.compile(r"\\(?:[0-7]{1,3}|x[0-9A-Fa-f]{2}|u[0-9A-Fa-f]{4}|U[0-9A-Fa-f]{8}|[\\'\"abfnrtv]|\n)")


@block(
    id="2570e8fe-8447-43ed-84c7-70d657923231",
    name="TextDecoderBlock",
    categories=("TEXT",),
    samples=[
        Sample({"text": 'a\\n\\"b\\"'}, [("decoded_text", 'a\n"b"')]),
        Sample({"text": "é \\u00e9 \\xe9 \\d \\ud83d\\ude00"}, [("decoded_text", "é é é \\d 😀")]),
        Sample({"text": "\\ud800"}, [("decoded_text", "\ufffd")]),
    ],
)
async def text_decoder(text: str) -> AsyncIterator[Emit[Decoded]]:
    """Read escape sequences like `\\n`, `\\u00e9` and `\\"`. Characters beyond ASCII stay what they are.

    text: The text with escape sequences.
    decoded_text: The text that they stand for; unknown sequences stay.
    """
    try:
        decoded = _ESCAPE.sub(lambda match: match[0].encode("ascii").decode("unicode_escape"), text)
    except UnicodeDecodeError as error:
        raise BlockExecutionError(f"An escape sequence names no character: {error.reason}.") from error
    # Halves of surrogate pairs join; one alone is no character, and no JSON either.
    yield "decoded_text", decoded.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


@block(
    categories=("TEXT", "DATA"),
    samples=[
        Sample({"value": {"a": [1, "é"]}}, [("result", '{"a": [1, "é"]}')]),
        Sample({"value": [1], "indent": 2}, [("result", "[\n  1\n]")]),
    ],
)
async def json_encode(value: Any, indent: Advanced[int] = 0, sort_keys: Advanced[bool] = False) -> str:
    """Write a value as JSON text.

    value: The value.
    indent: Blanks a level, over several lines; 0 for one line.
    sort_keys: Order the keys of objects.
    result: The text.
    """
    return json.dumps(value, ensure_ascii=False, indent=min(indent, 16) or None, sort_keys=sort_keys)


@block(
    categories=("TEXT", "DATA"),
    samples=[
        Sample({"text": '{"a": [1, null]}'}, [("result", {"a": [1, None]})]),
        Sample({"text": "{"}, raises="block_failed"),
        Sample({"text": "NaN"}, raises="block_failed"),
    ],
)
async def json_decode(text: str) -> Any:
    """Read JSON text.

    text: The text.
    result: The value that it says; nothing comes out for `null`.
    """
    if len(text) <= HERE_CHARS:
        return json_value(text)
    return await isolation.call(json_value, text, what="Reading this JSON")


class Parsed(Outputs):
    """Pin of XMLParserBlock."""

    parsed_xml: dict[str, Any]


@block(
    id="286380af-9529-4b55-8be0-1d7c854abdb5",
    name="XMLParserBlock",
    samples=[
        Sample({"input_xml": "<a><b>1</b><c>2</c></a>"}, [("parsed_xml", {"a": {"b": "1", "c": "2"}})]),
        Sample({"input_xml": "<a><b>1</b><b>2</b></a>"}, [("parsed_xml", {"a": [{"b": "1"}, {"b": "2"}]})]),
        Sample({"input_xml": "<a"}, raises="block_failed"),
        Sample(
            {"input_xml": '<!DOCTYPE a [<!ENTITY e "x"><!ENTITY f "&e;&e;">]><a>&f;</a>'},
            raises="block_failed",
        ),
    ],
)
async def xml_parser(input_xml: str) -> AsyncIterator[Emit[Parsed]]:
    """Turn XML into an object. Attributes become keys like `@id`; text beside them `#text`.

    input_xml: The XML; entities of its own are refused.
    parsed_xml: The object. Elements of one name that repeat become a list of objects with one key each.
    """
    if len(input_xml) <= HERE_CHARS:
        yield "parsed_xml", xml_object(input_xml)
    else:
        yield "parsed_xml", await isolation.call(xml_object, input_xml, what="Reading this XML")


class Code(Outputs):
    """Pins of CodeExtractionBlock."""

    html: str
    css: str
    javascript: str
    python: str
    sql: str
    java: str
    cpp: str
    csharp: str
    json_code: str
    bash: str
    php: str
    ruby: str
    yaml: str
    markdown: str
    typescript: str
    xml: str
    remaining_text: str


_ALIASES = {
    "htm": "html",
    "js": "javascript",
    "jsx": "javascript",
    "mjs": "javascript",
    "node": "javascript",
    "py": "python",
    "python3": "python",
    "postgresql": "sql",
    "mysql": "sql",
    "c++": "cpp",
    "cc": "cpp",
    "c#": "csharp",
    "cs": "csharp",
    "json": "json_code",
    "jsonc": "json_code",
    "sh": "bash",
    "shell": "bash",
    "zsh": "bash",
    "rb": "ruby",
    "yml": "yaml",
    "md": "markdown",
    "ts": "typescript",
    "tsx": "typescript",
    "svg": "xml",
}
_LANGUAGES = tuple(pin for pin in Code.__annotations__ if pin != "remaining_text")


@block(
    id="d3a7d896-3b78-4f44-8b4b-48fbf4f0bcd8",
    name="CodeExtractionBlock",
    categories=("TEXT",),
    samples=[
        Sample({"text": "no code"}, [("remaining_text", "no code")]),
        Sample(
            {"text": "Run:\n```py\nprint(1)\n```\nthen\n```json\n{}\n```\n```python\nprint(2)\n```"},
            [("python", "print(1)\n\nprint(2)"), ("json_code", "{}"), ("remaining_text", "Run:\nthen")],
        ),
        Sample({"text": "```cobol\nX.\n```"}, [("remaining_text", "```cobol\nX.\n```")]),
    ],
)
async def code_extraction(text: str) -> AsyncIterator[Emit[Code]]:
    """Take fenced code out of a text, by language. Pieces of one language are joined by an empty line.

    text: Text as Markdown, such as models write.
    html: All HTML, if there is any.
    css: All CSS, if there is any.
    javascript: All JavaScript, if there is any.
    python: All Python, if there is any.
    sql: All SQL, if there is any.
    java: All Java, if there is any.
    cpp: All C and C++, if there is any.
    csharp: All C#, if there is any.
    json_code: All JSON, if there is any.
    bash: All shell scripts, if there is any.
    php: All PHP, if there is any.
    ruby: All Ruby, if there is any.
    yaml: All YAML, if there is any.
    markdown: All Markdown, if there is any.
    typescript: All TypeScript, if there is any.
    xml: All XML, if there is any.
    remaining_text: What is left, if anything.
    """
    pieces, rest = _fenced(text)
    for language in _LANGUAGES:
        if language in pieces:
            yield language, "\n\n".join(pieces[language])
    if rest:
        yield "remaining_text", rest


def _fenced(text: str) -> tuple[dict[str, list[str]], str]:
    """Code by language, and the other lines. Read line by line: a pattern over the whole text could
    backtrack.
    """
    pieces: dict[str, list[str]] = {}
    rest: list[str] = []
    lines = iter(text.split("\n"))
    for line in lines:
        stripped = line.strip()
        name = stripped[3:].strip().lower() if stripped.startswith("```") else ""
        language = _ALIASES.get(name, name)
        if language not in _LANGUAGES:
            rest.append(line)
            continue
        body: list[str] = []
        for inner in lines:
            if inner.strip() == "```":
                break
            body.append(inner)
        pieces.setdefault(language, []).append("\n".join(body).strip("\n"))
    return pieces, "\n".join(rest).strip()
