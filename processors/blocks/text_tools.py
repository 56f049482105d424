"""Text: case, slugs, cutting to size, chunks, cleaning, comparing."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import Field

from millstream.processors.annotations import Advanced
from millstream.processors.samples import Sample
from millstream.processors.sdk import block
from millstream.schemas.errors import BlockInputError

CHUNKS_LIMIT = 10_000

_WORDS = re.compile(r"[^\W\d_]+|\d+")
_HUMPS = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_SENTENCE_END = re.compile(r"(?<=[.!?…。！？])\s+")


@block(
    categories=("TEXT",),
    samples=[
        Sample({"text": "hello big World", "case": "title"}, [("result", "Hello Big World")]),
        Sample({"text": "hello BIG. world", "case": "sentence"}, [("result", "Hello big. World")]),
        Sample({"text": "HTTPServer port-2", "case": "snake"}, [("result", "http_server_port_2")]),
        Sample({"text": "größte Zahl", "case": "camel"}, [("result", "größteZahl")]),
        Sample({"text": "user name", "case": "pascal"}, [("result", "UserName")]),
        Sample({"text": "x", "case": "loud"}, raises="block_input_invalid"),
    ],
)
async def change_case(
    text: str,
    case: Literal[
        "upper", "lower", "title", "sentence", "camel", "pascal", "snake", "kebab", "constant"
    ] = "lower",
) -> str:
    """Write a text in another case.

    text: The text.
    case: `camel` to `constant` join the words as names in programs are written, without any punctuation.
    result: The text in that case.
    """
    if case in ("upper", "lower", "title"):
        return str(getattr(text, case)())
    if case == "sentence":
        return _sentences(text)
    words = [word.lower() for word in _WORDS.findall(_HUMPS.sub(" ", text))]
    if case in ("camel", "pascal"):
        joined = "".join(word.capitalize() for word in words)
        return joined if case == "pascal" or not words else words[0] + joined[len(words[0]) :]
    joined = ("-" if case == "kebab" else "_").join(words)
    return joined.upper() if case == "constant" else joined


def _sentences(text: str) -> str:
    lowered = text.lower()
    starts = [0, *(match.end() for match in _SENTENCE_END.finditer(lowered))]
    pieces = [lowered[start:end] for start, end in zip(starts, [*starts[1:], None], strict=True)]
    return "".join(piece[:1].upper() + piece[1:] for piece in pieces)


def without_accents(text: str) -> str:
    """Letters without their marks: `é` is `e`. Letters of other alphabets stay."""
    parts = unicodedata.normalize("NFKD", text.replace("ß", "ss"))
    return unicodedata.normalize("NFC", "".join(char for char in parts if not unicodedata.combining(char)))


@block(
    categories=("TEXT",),
    samples=[
        Sample({"text": " Übung: 5 Äpfel & Birnen! "}, [("result", "ubung-5-apfel-birnen")]),
        Sample({"text": "One two three", "most_chars": 8}, [("result", "one-two")]),
        Sample({"text": "日本 語"}, [("result", "日本-語")]),
        Sample({"text": "!!!"}, raises="block_failed"),
    ],
)
async def slugify_text(
    text: str,
    separator: Literal["-", "_", "."] = "-",
    most_chars: Annotated[int, Field(ge=1, le=500)] = 80,
) -> str:
    """Make a name that fits an address or a file: small letters and digits, words joined.

    text: The text, such as a headline.
    separator: What joins the words.
    most_chars: Longest result; it ends at a word where it can.
    result: The slug.
    """
    words = re.findall(r"[^\W_]+", without_accents(text).lower())
    if not words:
        raise ValueError(f"{text[:100]!r} has neither letters nor digits, so no slug can be made of it.")
    slug = words[0]
    for word in words[1:]:
        if len(slug) + 1 + len(word) > most_chars:
            break
        slug += separator + word
    return str(slug[:most_chars])


@block(
    categories=("TEXT",),
    samples=[
        Sample({"text": "The quick brown fox", "most_chars": 12}, [("result", "The quick…")]),
        Sample({"text": "short", "most_chars": 12}, [("result", "short")]),
        Sample({"text": "abcdefgh", "most_chars": 5, "whole_words": False}, [("result", "abcd…")]),
        Sample({"text": "abc", "most_chars": 2, "ending": "..."}, raises="block_input_invalid"),
    ],
)
async def truncate_text(
    text: str,
    most_chars: Annotated[int, Field(ge=1)],
    ending: Advanced[str] = "…",
    whole_words: Advanced[bool] = True,
) -> str:
    """Cut a text to a length.

    text: The text.
    most_chars: Longest result, with the ending.
    ending: What shows that something is missing.
    whole_words: Cut between words, unless the first is too long itself.
    result: The text, cut if it was longer.
    """
    if len(text) <= most_chars:
        return text
    room = most_chars - len(ending)
    if room < 0:
        raise BlockInputError(f"The ending has {len(ending)} characters, but most_chars is {most_chars}.")
    cut: str = text[:room]
    if whole_words and not text[room : room + 1].isspace():
        head = cut.rsplit(None, 1)
        cut = head[0] if len(head) == 2 else cut
    return f"{cut.rstrip()}{ending}"


@dataclass
class Chunks:
    """Pins of ChunkTextBlock."""

    chunks: list[str]
    count: int


@block(
    categories=("TEXT", "DATA"),
    timeout_s=30,
    samples=[
        Sample(
            {"text": "One two. Three four. Five.", "most_chars": 14, "cut_at": "sentence"},
            [("chunks", ["One two.", "Three four.", "Five."]), ("count", 3)],
        ),
        Sample(
            {"text": "a b c d e", "most_chars": 5, "overlap_chars": 2, "cut_at": "word"},
            [("chunks", ["a b c", "c d e"]), ("count", 2)],
        ),
        Sample(
            {"text": "abcdefgh", "most_chars": 3, "cut_at": "character"},
            [("chunks", ["abc", "def", "gh"]), ("count", 3)],
        ),
        Sample({"text": ""}, [("chunks", []), ("count", 0)]),
        Sample({"text": "abc", "most_chars": 5, "overlap_chars": 5}, raises="block_input_invalid"),
    ],
)
def chunk_text(
    text: str,
    most_chars: Annotated[int, Field(ge=1, le=1_000_000)] = 2000,
    overlap_chars: Annotated[int, Field(ge=0)] = 0,
    cut_at: Literal["paragraph", "sentence", "word", "character"] = "paragraph",
) -> Chunks:
    """Cut a long text into pieces of about one size, such as for a search index or a model with a short memory.

    text: The text.
    most_chars: Longest piece.
    overlap_chars: How much of a piece comes again at the start of the next.
    cut_at: Where to cut. A part that is too long itself is cut at the next smaller kind.
    chunks: The pieces, in order.
    count: How many.
    """
    if overlap_chars >= most_chars:
        raise BlockInputError(f"overlap_chars is {overlap_chars}; it has to be less than most_chars.")
    spans = list(_spans(text, 0, most_chars, ("paragraph", "sentence", "word", "character").index(cut_at)))
    chunks: list[str] = []
    start = end = 0
    for index, (left, right) in enumerate(spans):
        if end > start and right - start > most_chars:
            chunks.append(text[start:end].strip())
            # Go on with as many of the last parts as fit the overlap beside the next part.
            back = index
            room = min(overlap_chars, most_chars - (right - left))
            while back > 0 and left - spans[back - 1][0] <= room:
                back -= 1
            start = spans[back][0]
        end = right
    if end > start:
        chunks.append(text[start:end].strip())
    chunks = [chunk for chunk in chunks if chunk]
    if len(chunks) > CHUNKS_LIMIT:
        raise ValueError(f"There would be {len(chunks)} pieces; at most {CHUNKS_LIMIT} are made.")
    return Chunks(chunks, len(chunks))


_CUTS = (re.compile(r"\n\s*\n"), _SENTENCE_END, re.compile(r"\s+"))


def _spans(text: str, offset: int, most_chars: int, level: int) -> Iterator[tuple[int, int]]:
    """Places of the parts between which `text` may be cut, none longer than `most_chars`."""
    if level == len(_CUTS):
        # Steps of one character would let an overlap be exact, but cost a tuple each.
        yield from (
            (offset + at, offset + min(at + most_chars, len(text))) for at in range(0, len(text), most_chars)
        )
        return
    starts = [0, *(match.end() for match in _CUTS[level].finditer(text))]
    for start, end in zip(starts, [*starts[1:], len(text)], strict=True):
        if end - start > most_chars and len(text[start:end].rstrip()) > most_chars:
            yield from _spans(text[start:end], offset + start, most_chars, level + 1)
        elif end > start:
            yield offset + start, offset + start + len(text[start:end].rstrip())


@block(
    categories=("TEXT",),
    samples=[
        Sample({"text": "  a\t b\r\n\n\n\nc \u200b"}, [("result", "a b\n\nc")]),
        Sample({"text": "Café №5", "form": "ascii"}, [("result", "Cafe No5")]),
        Sample({"text": "a\nb", "one_line": True}, [("result", "a b")]),
    ],
)
async def clean_text(
    text: str,
    one_line: bool = False,
    form: Advanced[Literal["as it is", "NFC", "NFKC", "ascii"]] = "NFC",
) -> str:
    """Take out what disturbs: control and invisible characters, blanks that repeat, empty lines that repeat.

    text: The text.
    one_line: Make one line of it.
    form: Unicode form of the result; `ascii` also takes marks off letters and drops what is not ASCII.
    result: The clean text.
    """
    if form == "ascii":
        text = without_accents(text).encode("ascii", "ignore").decode()
    elif form != "as it is":
        text = unicodedata.normalize(form, text)
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    text = "".join(char for char in text if char in "\n\t" or unicodedata.category(char) not in ("Cc", "Cf"))
    if one_line:
        return " ".join(text.split())
    lines = [" ".join(line.split()) for line in text.split("\n")]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()


@dataclass
class Likeness:
    """Pins of TextSimilarityBlock."""

    similarity: float
    similar: bool


@block(
    categories=("TEXT", "LOGIC"),
    timeout_s=30,
    samples=[
        Sample({"a": "Martha", "b": "martha"}, [("similarity", 1.0), ("similar", True)]),
        Sample({"a": "kitten", "b": "sitting"}, [("similarity", 0.5714), ("similar", False)]),
        Sample(
            {"a": "the red car", "b": "car: the blue", "method": "words"},
            [("similarity", 0.5), ("similar", False)],
        ),
        Sample({"a": "", "b": ""}, [("similarity", 1.0), ("similar", True)]),
    ],
)
def text_similarity(
    a: str,
    b: str,
    method: Literal["edits", "words"] = "edits",
    threshold: Annotated[float, Field(ge=0, le=1)] = 0.8,
    ignore_case: Advanced[bool] = True,
) -> Likeness:
    """Tell how alike two texts are.

    a: One text.
    b: The other.
    method: `edits` counts the characters to change (Levenshtein); `words` compares the sets of words (Jaccard).
    threshold: From here on they count as similar.
    ignore_case: Capitals do not matter.
    similarity: From 0 to 1, which is equal.
    similar: Whether the threshold is reached.
    """
    if ignore_case:
        a, b = a.casefold(), b.casefold()
    if method == "words":
        mine, theirs = (set(re.findall(r"\w+", text)) for text in (a, b))
        either = mine | theirs
        found = len(mine & theirs) / len(either) if either else 1.0
    else:
        if len(a) * len(b) > 25_000_000:
            raise BlockInputError(
                f"Texts of {len(a)} and {len(b)} characters are too long to compare by edits; use `words`."
            )
        longest = max(len(a), len(b))
        found = 1 - edits(a, b) / longest if longest else 1.0
    return Likeness(round(found, 4), found >= threshold)


def edits(a: str, b: str) -> int:
    """Levenshtein distance: insertions, deletions and replacements of one character."""
    if len(a) < len(b):
        a, b = b, a
    row = list(range(len(b) + 1))
    for number, char in enumerate(a, 1):
        corner, row[0] = row[0], number
        for place, other in enumerate(b, 1):
            corner, row[place] = (
                row[place],
                min(row[place] + 1, row[place - 1] + 1, corner + (char != other)),
            )
    return row[-1]
