"""Patterns (regular expressions of RE2): find, test, replace, split; common things in a text."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import Field

from millstream.processors.annotations import EMPTY, Advanced
from millstream.processors.linear_patterns import compiled, found
from millstream.processors.samples import Sample
from millstream.processors.sdk import block
from millstream.schemas.errors import BlockInputError
from millstream.schemas.sizes import VALUE_LIMIT_BYTES

MATCHES_LIMIT = 50_000

Most = Advanced[Annotated[int, Field(ge=1, le=MATCHES_LIMIT)]]


@dataclass
class Matches:
    """Pins of FindPatternBlock."""

    matches: list[dict[str, Any]]
    texts: list[str]
    first: str | None
    count: int


@block(
    categories=("TEXT",),
    timeout_s=10,
    samples=[
        Sample(
            {"text": "a1, é22", "pattern": r"(?P<letter>\pL)(\d+)"},
            [
                (
                    "matches",
                    [
                        {"text": "a1", "start": 0, "end": 2, "groups": ["a", "1"], "named": {"letter": "a"}},
                        {
                            "text": "é22",
                            "start": 4,
                            "end": 7,
                            "groups": ["é", "22"],
                            "named": {"letter": "é"},
                        },
                    ],
                ),
                ("texts", ["a1", "é22"]),
                ("first", "a1"),
                ("count", 2),
            ],
        ),
        Sample({"text": "abc", "pattern": "x"}, [("matches", []), ("texts", []), ("count", 0)]),
        Sample({"text": "a" * 5000, "pattern": "(a*)*b"}, [("matches", []), ("texts", []), ("count", 0)]),
        Sample({"text": "abc", "pattern": "(?=a)"}, raises="block_input_invalid"),
    ],
)
def find_pattern(
    text: str,
    pattern: str,
    ignore_case: Advanced[bool] = False,
    multi_line: Advanced[bool] = False,
    dot_all: Advanced[bool] = False,
    most: Most = 10_000,
) -> Matches:
    """Find all places that fit a pattern. Any pattern is safe: the search takes time in proportion to the text.

    text: Where to look.
    pattern: A regular expression (RE2: no look-around, no back references; `\\pL` is any letter).
    ignore_case: Capitals do not matter.
    multi_line: `^` and `$` also fit at line ends.
    dot_all: `.` also fits a line end.
    most: How many matches at most.
    matches: Each match: `text`, `start`, `end`, `groups` (in order) and `named`.
    texts: The texts of the matches.
    first: The first of them; nothing if there is none.
    count: How many.
    """
    expression = compiled(pattern, ignore_case=ignore_case, multi_line=multi_line, dot_all=dot_all)
    matches = list(found(expression, text, most))
    texts = [match["text"] for match in matches]
    return Matches(matches, texts, texts[0] if texts else None, len(texts))


@dataclass
class Fit:
    """Pins of IfPatternFitsBlock."""

    fits: bool
    yes: str | None
    no: str | None


@block(
    categories=("TEXT", "LOGIC"),
    timeout_s=10,
    samples=[
        Sample({"text": "AB-12", "pattern": "[A-Z]+-[0-9]+"}, [("fits", True), ("yes", "AB-12")]),
        Sample({"text": "xAB-12", "pattern": "[A-Z]+-[0-9]+"}, [("fits", False), ("no", "xAB-12")]),
        Sample(
            {"text": "xab", "pattern": "AB", "where": "anywhere", "ignore_case": True},
            [("fits", True), ("yes", "xab")],
        ),
    ],
)
def if_pattern_fits(
    text: str,
    pattern: str,
    where: Literal["whole text", "anywhere", "start"] = "whole text",
    ignore_case: Advanced[bool] = False,
) -> Fit:
    """Tell whether a text fits a pattern, and send it one way or the other.

    text: The text.
    pattern: A regular expression (RE2).
    where: Which part of the text has to fit.
    ignore_case: Capitals do not matter.
    fits: Whether it fits.
    yes: The text, if it fits.
    no: The text, if it does not.
    """
    expression = compiled(pattern, ignore_case=ignore_case, dot_all=True)
    look = {"whole text": expression.fullmatch, "anywhere": expression.search, "start": expression.match}
    fits = look[where](text) is not None
    return Fit(fits, text if fits else None, None if fits else text)


@dataclass
class Replaced:
    """Pins of ReplacePatternBlock."""

    text: str
    count: int


@block(
    categories=("TEXT",),
    timeout_s=10,
    samples=[
        Sample(
            {"text": "2026-01-02", "pattern": r"(\d+)-(\d+)-(\d+)", "replacement": r"\3.\2.\1"},
            [("text", "02.01.2026"), ("count", 1)],
        ),
        Sample(
            {"text": "a a a", "pattern": "a", "replacement": "b", "most": 2},
            [("text", "b b a"), ("count", 2)],
        ),
        Sample({"text": "a", "pattern": "a", "replacement": r"\2"}, raises="block_input_invalid"),
        Sample({"text": "a" * 9000, "pattern": "a", "replacement": "b" * 9000}, raises="block_failed"),
    ],
)
def replace_pattern(
    text: str,
    pattern: str,
    replacement: str = "",
    ignore_case: Advanced[bool] = False,
    multi_line: Advanced[bool] = False,
    most: Most = MATCHES_LIMIT,
) -> Replaced:
    """Replace what fits a pattern.

    text: The text; going out, as changed.
    pattern: A regular expression (RE2).
    replacement: What to put in place; `\\1` is the first group, `\\g<name>` a named one.
    ignore_case: Capitals do not matter.
    multi_line: `^` and `$` also fit at line ends.
    most: How many places at most.
    count: How many places were changed.
    """
    expression = compiled(pattern, ignore_case=ignore_case, multi_line=multi_line)
    size = len(text)

    def put(match: Any) -> str:
        nonlocal size
        made = str(match.expand(replacement))
        size += len(made)
        if size > VALUE_LIMIT_BYTES:
            raise ValueError(f"The text would get more than {VALUE_LIMIT_BYTES} characters.")
        return made

    try:
        changed, count = expression.subn(put, text, count=most)
    except (IndexError, re.error) as error:
        raise BlockInputError(f"The replacement does not fit the pattern: {error}.") from error
    return Replaced(changed, count)


@block(
    categories=("TEXT",),
    timeout_s=10,
    samples=[
        Sample({"text": "a, b;c,,", "pattern": r"[,;]\s*"}, [("result", ["a", "b", "c"])]),
        Sample({"text": "a1b2c", "pattern": r"\d", "most": 1}, [("result", ["a", "b2c"])]),
        Sample({"text": "a,,b", "pattern": ",", "keep_empty": True}, [("result", ["a", "", "b"])]),
    ],
)
def split_by_pattern(
    text: str, pattern: str, most: Most = MATCHES_LIMIT, keep_empty: Advanced[bool] = False
) -> list[str]:
    """Cut a text wherever a pattern fits.

    text: The text.
    pattern: A regular expression (RE2).
    most: How many cuts at most.
    keep_empty: Keep pieces that are empty.
    result: The pieces, without what fitted.
    """
    expression = compiled(pattern)
    pieces, start, cuts = [], 0, 0
    for match in expression.finditer(text):
        if cuts >= most:
            break
        left, right = match.span()
        if right > left:
            pieces.append(text[start:left])
            start, cuts = right, cuts + 1
    pieces.append(text[start:])
    return pieces if keep_empty else [piece for piece in pieces if piece]


def _is_card(text: str) -> bool:
    """Luhn's check digit."""
    digits = [int(char) for char in text if char.isdigit()]
    doubled = [sum(divmod(2 * digit, 10)) for digit in digits[-2::-2]]
    return 13 <= len(digits) <= 19 and (sum(doubled) + sum(digits[-1::-2])) % 10 == 0


def _is_iban(text: str) -> bool:
    """ISO 7064: the number of the rearranged text is 1 modulo 97."""
    packed = text.replace(" ", "")
    return int("".join(str(int(char, 36)) for char in packed[4:] + packed[:4])) % 97 == 1


def _is_address(text: str) -> bool:
    return all(int(part) <= 255 for part in text.split("."))


_KINDS: dict[str, tuple[str, Callable[[str], bool] | None]] = {
    "e-mail addresses": (r"[A-Za-z0-9._%+\-]+@(?:[A-Za-z0-9\-]+\.)+[A-Za-z]{2,}", None),
    "links": (r"""https?://[^\s<>"'`{}|\\^\[\]]*[^\s<>"'`{}|\\^\[\].,;:!?)]""", None),
    "numbers": (r"[-+]?(?:\d+(?:[.,]\d{3})*(?:[.,]\d+)?)", None),
    "phone numbers": (r"(?:\+|\b00?)[1-9][\d ()/\-]{5,16}\d", None),
    "hashtags": (r"#[\pL\pN_]+", None),
    "mentions": (r"\B@[A-Za-z0-9_][A-Za-z0-9_.\-]*[A-Za-z0-9_]", None),
    "ISO dates": (r"\b\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])\b", None),
    "card numbers": (r"\b\d(?:[ \-]?\d){12,18}\b", _is_card),
    "IBANs": (r"\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?\b", _is_iban),
    "IPv4 addresses": (r"\b\d{1,3}(?:\.\d{1,3}){3}\b", _is_address),
}
Kind = Literal[
    "e-mail addresses",
    "links",
    "numbers",
    "phone numbers",
    "hashtags",
    "mentions",
    "ISO dates",
    "card numbers",
    "IBANs",
    "IPv4 addresses",
]


@dataclass
class Common:
    """Pins of ExtractFromTextBlock."""

    items: list[str]
    first: str | None
    count: int


@block(
    categories=("TEXT",),
    timeout_s=10,
    samples=[
        Sample(
            {"text": "Ann <ann@example.org>, bob@x.co.uk; ann@example.org.", "kind": "e-mail addresses"},
            [("items", ["ann@example.org", "bob@x.co.uk"]), ("first", "ann@example.org"), ("count", 2)],
        ),
        Sample(
            {"text": "See https://a.org/x?y=1, (http://b.org).", "kind": "links"},
            [
                ("items", ["https://a.org/x?y=1", "http://b.org"]),
                ("first", "https://a.org/x?y=1"),
                ("count", 2),
            ],
        ),
        Sample(
            {"text": "4111 1111 1111 1111 but not 4111 1111 1111 1112", "kind": "card numbers"},
            [("items", ["4111 1111 1111 1111"]), ("first", "4111 1111 1111 1111"), ("count", 1)],
        ),
        Sample(
            {"text": "IBAN DE89 3704 0044 0532 0130 00.", "kind": "IBANs"},
            [("items", ["DE89 3704 0044 0532 0130 00"]), ("first", str), ("count", 1)],
        ),
        Sample({"text": "none", "kind": "numbers"}, [("items", []), ("count", 0)]),
    ],
)
def extract_from_text(text: str, kind: Kind, unique: bool = True) -> Common:
    """Collect what is common in texts, without writing a pattern.

    text: The text.
    kind: What to look for. Card numbers and IBANs count only if their check digits are right.
    unique: Leave out what was found before.
    items: What was found, in the order of the text.
    first: The first of it; nothing if there is none.
    count: How many.
    """
    pattern, is_right = _KINDS[kind]
    items = [match["text"] for match in found(compiled(pattern), text, MATCHES_LIMIT)]
    if is_right is not None:
        items = [item for item in items if is_right(item)]
    if unique:
        items = list(dict.fromkeys(items))
    return Common(items, items[0] if items else None, len(items))


_PERSONAL = ("e-mail addresses", "card numbers", "IBANs", "phone numbers", "IPv4 addresses")


@block(
    categories=("TEXT", "SAFETY"),
    timeout_s=10,
    samples=[
        Sample(
            {"text": "Ann, ann@x.org, +49 30 1234567, card 4111111111111111"},
            [("text", "Ann, [e-mail address], [phone number], card [card number]"), ("count", 3)],
        ),
        Sample({"text": "call Ann at 5", "words": ["ann"]}, [("text", "call [removed] at 5"), ("count", 1)]),
        Sample({"text": "nothing"}, [("text", "nothing"), ("count", 0)]),
    ],
)
def redact_text(
    text: str,
    e_mails: bool = True,
    phone_numbers: bool = True,
    card_numbers: bool = True,
    ibans: bool = True,
    ip_addresses: bool = False,
    words: Advanced[list[str]] = EMPTY,
) -> Replaced:
    """Take personal data out of a text, such as before a model or a stranger reads it. It finds forms, not
    names: give names in `words`.

    text: The text; going out, with a note in place of each.
    e_mails: Take out e-mail addresses.
    phone_numbers: Take out phone numbers that begin with + or 0.
    card_numbers: Take out numbers of credit cards.
    ibans: Take out numbers of bank accounts.
    ip_addresses: Take out addresses of machines.
    words: More words to take out, whatever their case.
    count: How many places were changed.
    """
    wanted = dict(zip(_PERSONAL, (e_mails, card_numbers, ibans, phone_numbers, ip_addresses), strict=True))
    total = 0
    for kind in (kind for kind, is_wanted in wanted.items() if is_wanted):
        pattern, is_right = _KINDS[kind]
        note = f"[{kind[:-2] if kind.endswith('sses') else kind[:-1]}]"

        def put(match: Any, note: str = note, is_right: Callable[[str], bool] | None = is_right) -> str:
            nonlocal total
            if is_right is not None and not is_right(match.group(0)):
                return str(match.group(0))
            total += 1
            return note

        text = compiled(pattern).sub(put, text)
    if named := [re.escape(word) for word in words if word]:
        text, changed = compiled("|".join(named), ignore_case=True).subn("[removed]", text)
        total += changed
    return Replaced(text, total)
