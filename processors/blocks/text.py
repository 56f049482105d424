"""Text: combine, split, replace, count, fill templates, match patterns."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import AsyncIterator
from typing import Any

from millstream.processors import patterns, templates
from millstream.processors.annotations import Advanced, Emit, Outputs
from millstream.processors.convert import to_text
from millstream.processors.samples import Sample
from millstream.processors.sdk import block
from millstream.schemas.errors import BlockExecutionError, BlockInputError, PayloadTooLargeError
from millstream.schemas.sizes import VALUE_LIMIT_BYTES

RESULT_LIMIT_CHARS = VALUE_LIMIT_BYTES


class Text(Outputs):
    """The pin `output`."""

    output: str


@block(
    id="e30a4d42-7b7d-4e6a-b36e-1f9b8e3b7d85",
    name="CombineTextsBlock",
    categories=("TEXT",),
    samples=[
        Sample({"input": ["a", "b"], "delimiter": ", "}, [("output", "a, b")]),
        Sample({"input": []}, [("output", "")]),
    ],
)
async def combine_texts(input_: list[str], delimiter: Advanced[str] = "") -> AsyncIterator[Emit[Text]]:
    """Join texts.

    input: The texts, in order.
    delimiter: What stands between two of them.
    output: One text.
    """
    _check_size(sum(map(len, input_)) + len(delimiter) * len(input_))
    yield "output", delimiter.join(input_)


class Pieces(Outputs):
    """Pin of TextSplitBlock."""

    texts: list[str]


@block(
    id="d5ea33c8-a575-477a-b42f-2fe3be5055ec",
    name="TextSplitBlock",
    categories=("TEXT",),
    samples=[
        Sample({"text": "a, b ,c", "delimiter": ","}, [("texts", ["a", "b", "c"])]),
        Sample({"text": "a, b", "delimiter": ",", "strip": False}, [("texts", ["a", " b"])]),
        Sample({"text": "", "delimiter": ","}, [("texts", [])]),
        Sample({"text": "a", "delimiter": ""}, raises="block_failed"),
    ],
)
async def text_split(text: str, delimiter: str, strip: Advanced[bool] = True) -> AsyncIterator[Emit[Pieces]]:
    """Cut text at each delimiter.

    text: The text to cut.
    delimiter: Where to cut; it goes away itself.
    strip: Take blanks off both ends of each piece.
    texts: The pieces; none of an empty text.
    """
    if not text:
        yield "texts", []
        return
    if not delimiter:
        raise BlockExecutionError("The delimiter is empty; give at least one character.")
    pieces = text.split(delimiter)
    yield "texts", [piece.strip() for piece in pieces] if strip else pieces


@block(
    id="7e7c87ab-3469-4bcc-9abe-67705091b713",
    name="TextReplaceBlock",
    categories=("TEXT",),
    samples=[
        Sample({"text": "a-b-c", "old": "-", "new": "+"}, [("output", "a+b+c")]),
        Sample({"text": "x" * 100_000, "old": "x", "new": "y" * 1000}, raises="block_failed"),
    ],
)
async def text_replace(text: str, old: str, new: str) -> AsyncIterator[Emit[Text]]:
    """Replace one text inside another, everywhere.

    text: The text to change.
    old: What to look for.
    new: What to put in its place.
    output: The changed text.
    """
    _check_size(len(text) + text.count(old) * (len(new) - len(old)))
    yield "output", text.replace(old, new)


def _check_size(chars: int) -> None:
    if chars > RESULT_LIMIT_CHARS:
        raise PayloadTooLargeError(
            f"The text would have {chars} characters; at most {RESULT_LIMIT_CHARS} are made."
        )


@block(
    id="db7d8f02-2f44-4c55-ab7a-eae0941f0c30",
    name="FillTextTemplateBlock",
    categories=("TEXT",),
    lane="cpu",
    samples=[
        Sample({"values": {"a": "x"}, "format": "{{ a }}{{ unknown }}!"}, [("output", "x!")]),
        Sample({"values": {"n": 3.14159}, "format": '{{ n|format("%.2f") }}'}, [("output", "3.14")]),
        Sample(
            {"values": {"rows": [{"n": 1}, {"n": 2}]}, "format": "{% for r in rows %}{{ r.n }};{% endfor %}"},
            [("output", "1;2;")],
        ),
        Sample({"values": {"t": "<b>"}, "format": "{{ t }}", "escape_html": True}, [("output", "&lt;b&gt;")]),
        Sample({"values": {}, "format": "{{ ''.__class__ }}"}, raises="block_failed"),
    ],
)
async def fill_text_template(
    values: dict[str, Any], format: str, escape_html: Advanced[bool] = False
) -> AsyncIterator[Emit[Text]]:
    """Fill a Jinja2 template. Unknown names are empty; it may take 10 seconds and make 5 million characters.

    values: What the names in the template stand for.
    format: The template, like `{{ name }} has {{ items|length }} items`.
    escape_html: Make values safe for HTML.
    output: The filled template.
    """
    yield "output", await templates.render(format, values, escape_html=escape_html)


class Matched(Outputs):
    """Pins of MatchTextPatternBlock."""

    positive: Any
    negative: Any


def _flags(case_sensitive: bool, dot_all: bool) -> int:
    return (0 if case_sensitive else re.IGNORECASE) | (re.DOTALL if dot_all else 0)


@block(
    id="3060088f-6ed9-4928-9ba7-9c92823a7ccd",
    name="MatchTextPatternBlock",
    categories=("TEXT",),
    lane="cpu",
    samples=[
        Sample(
            {"text": "Hello", "match": "hello", "data": "d", "case_sensitive": False}, [("positive", "d")]
        ),
        Sample({"text": "Hello", "match": "hello", "data": "d"}, [("negative", "d")]),
        Sample({"text": {"a": [1]}, "match": r'"a": \[1', "data": ""}, [("positive", {"a": [1]})]),
        Sample({"text": "x", "match": "(", "data": 1}, raises="block_input_invalid"),
    ],
)
async def match_text_pattern(
    text: Any,
    match: str,
    data: Any,
    case_sensitive: Advanced[bool] = True,
    dot_all: Advanced[bool] = True,
) -> AsyncIterator[Emit[Matched]]:
    """Send data one of two ways, by whether a pattern is found in a text.

    text: The text; of anything else its JSON.
    match: A regular expression, looked for everywhere in the text.
    data: What goes on; an empty one stands for the text.
    case_sensitive: Tell `A` from `a`.
    dot_all: Let a dot stand for line ends, too.
    positive: The data, if the pattern is found.
    negative: The data, if it is not.
    """
    matched = await patterns.found(match, to_text(text), _flags(case_sensitive, dot_all))
    yield ("positive" if matched else "negative"), data or text


class Extracted(Outputs):
    """Pins of ExtractTextInformationBlock."""

    positive: str
    negative: str
    matched_results: list[str]
    matched_count: int


@block(
    id="3146e4fe-2cdd-4f29-bd12-0c9d5bb4deb0",
    name="ExtractTextInformationBlock",
    categories=("TEXT",),
    lane="cpu",
    samples=[
        Sample(
            {"text": "a=1, b=2", "pattern": r"(\w)=(\d)", "group": 2},
            [("positive", "1"), ("matched_results", ["1"]), ("matched_count", 1)],
        ),
        Sample(
            {"text": "a=1, b=2", "pattern": r"\w=\d", "find_all": True},
            [
                ("positive", "a=1"),
                ("positive", "b=2"),
                ("matched_results", ["a=1", "b=2"]),
                ("matched_count", 2),
            ],
        ),
        Sample(
            {"text": "x", "pattern": r"\d"},
            [("negative", "x"), ("matched_results", []), ("matched_count", 0)],
        ),
        Sample(
            {"text": "x", "pattern": "("}, [("negative", "x"), ("matched_results", []), ("matched_count", 0)]
        ),
    ],
)
async def extract_text_information(
    text: Any,
    pattern: str,
    group: Advanced[int] = 0,
    case_sensitive: Advanced[bool] = True,
    dot_all: Advanced[bool] = True,
    find_all: Advanced[bool] = False,
) -> AsyncIterator[Emit[Extracted]]:
    """Take out of a text what a pattern matches. A wrong pattern matches nothing.

    text: The text; of anything else its JSON.
    pattern: A regular expression.
    group: Which group of it to take; 0 for all that matched.
    case_sensitive: Tell `A` from `a`.
    dot_all: Let a dot stand for line ends, too.
    find_all: Take every match, not only the first.
    positive: Each match.
    negative: The text, if nothing matched.
    matched_results: The matches together.
    matched_count: How many.
    """
    source = to_text(text)
    most = patterns.MATCHES_LIMIT if find_all else 1
    try:
        found = await patterns.matches(
            pattern, source, _flags(case_sensitive, dot_all), group=int(group), most=most
        )
    except BlockInputError:
        found = []
    for match in found:
        yield "positive", match
    if not found:
        yield "negative", source
    yield "matched_results", found
    yield "matched_count", len(found)


class Counts(Outputs):
    """Pins of WordCharacterCountBlock."""

    word_count: int
    character_count: int


@block(
    id="ab2a782d-22cf-4587-8a70-55b59b3f9f90",
    name="WordCharacterCountBlock",
    categories=("TEXT",),
    samples=[Sample({"text": " a  b\n"}, [("word_count", 2), ("character_count", 6)])],
)
async def word_character_count(text: str) -> AsyncIterator[Emit[Counts]]:
    """Count words and characters.

    text: The text.
    word_count: Words, as blanks part them.
    character_count: Characters, blanks included.
    """
    yield "word_count", len(text.split())
    yield "character_count", len(text)


class Frequencies(Outputs):
    """Pins of WordFrequencyBlock."""

    words: list[dict[str, Any]]
    word: dict[str, Any]
    distinct: int


_WORD = re.compile(r"\w+(?:['’]\w+)*")


@block(
    categories=("TEXT",),
    lane="cpu",
    samples=[
        Sample(
            {"text": "The cat and the dog and THE bird", "most": 2},
            [
                ("words", [{"word": "the", "count": 3}, {"word": "and", "count": 2}]),
                ("word", {"word": "the", "count": 3}),
                ("word", {"word": "and", "count": 2}),
                ("distinct", 5),
            ],
        ),
        Sample(
            {"text": "a an ant", "shortest": 3},
            [
                ("words", [{"word": "ant", "count": 1}]),
                ("word", {"word": "ant", "count": 1}),
                ("distinct", 1),
            ],
        ),
    ],
)
async def word_frequency(
    text: str, most: int = 20, shortest: Advanced[int] = 1, ignore: Advanced[str] = ""
) -> AsyncIterator[Emit[Frequencies]]:
    """Count how often each word occurs, whatever its case.

    text: The text.
    most: How many words to give.
    shortest: Leave out words with fewer letters.
    ignore: Words to leave out, parted by blanks.
    words: The most frequent words, each with its count; equal counts in order of appearance.
    word: Each of them by itself.
    distinct: How many different words there are.
    """
    left_out = set(ignore.lower().split())
    counts = Counter(
        word for word in _WORD.findall(text.lower()) if len(word) >= shortest and word not in left_out
    )
    words = [{"word": word, "count": count} for word, count in counts.most_common(max(0, most))]
    yield "words", words
    for one in words:
        yield "word", one
    yield "distinct", len(counts)
