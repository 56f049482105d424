"""Formats of text and workbooks: what goes out comes back, and what is hostile stays outside."""

from __future__ import annotations

import base64
import csv
import io
import zipfile
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from millstream.processors import formats
from millstream.processors.blocks import data_formats, spreadsheets
from millstream.processors.json_form import json_form
from millstream.processors.parsing import xml_object
from millstream.schemas.errors import BlockError, BlockExecutionError, BlockInputError
from millstream.testing import context, emits, run

TEXT = st.text(st.characters(exclude_categories=("Cs", "Cc")), max_size=20)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63) | st.floats(allow_nan=False, allow_infinity=False) | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=12,
)  # fmt: skip


@given(
    VALUES
    | st.sampled_from(
        ["yes", "No", "on", "1_000", "2026-01-01", "a\nb", " a\n b\n", "null", "~", "012", "1:30"]
    )
)
@settings(max_examples=150, deadline=None)
def test_yaml_comes_back_here_and_elsewhere(value: Any) -> None:
    text = formats.yaml_text(value)
    assert formats.yaml_values(text) == [json_form(value)]
    assert yaml.safe_load(text) == value or "\x85" in text or "e" in text.lower()


async def test_a08_yaml_makes_no_objects_and_no_giants() -> None:
    for hostile in (
        "!!python/object/apply:os.system ['true']",
        "!!python/object/new:os.system ['true']",
        "!<tag:yaml.org,2002:python/name:os.system> ''",
        "- &a [*a]",
        "[" * 500 + "]" * 500,
        "a: &a [x, x, x, x, x, x, x, x, x]\n"
        + "".join(f"{new}: &{new} [{', '.join([f'*{old}'] * 9)}]\n" for old, new in zip("abcdefgh", "bcdefghi", strict=True)),
    ):  # fmt: skip
        with pytest.raises(BlockExecutionError):
            await emits(data_formats.yaml_decode, {"text": hostile})


XML_TEXT = st.text(st.characters(categories=("L", "N", "P", "S")), min_size=1, max_size=10)


@given(
    st.recursive(
        XML_TEXT,
        lambda inner: st.dictionaries(st.sampled_from(["a", "b", "c-d"]), inner, min_size=1, max_size=3).map(
            dict
        ),
        max_leaves=8,
    )
)
@settings(max_examples=100, deadline=None)
def test_xml_comes_back(content: Any) -> None:
    for indent in (False, True):
        assert xml_object(formats.xml_text({"root": content}, indent=indent)) == {"root": content}


def test_xml_names_and_characters_cannot_break_out() -> None:
    for hostile in ({"a><b": 1}, {"": 1}, {"a": {"@b='' c": 1}}, {"1a": 1}):
        with pytest.raises(BlockInputError):
            formats.xml_text(hostile, indent=False)
    assert xml_object(formats.xml_text({"a": {"@b": '"><x>', "c": "]]>\0<y>"}}, indent=False)) == {
        "a": {"@b": '"><x>', "c": "]]>\ufffd<y>"}
    }


@given(st.lists(st.dictionaries(st.sampled_from("abc"), XML_TEXT, max_size=3), max_size=5))
@settings(deadline=None)
def test_csv_comes_back(rows: list[dict[str, str]]) -> None:
    text = formats.csv_text(rows, ["a", "b", "c"], ";", header=True, safe=False)
    back = list(csv.DictReader(io.StringIO(text, newline=""), delimiter=";"))
    assert [{k: v for k, v in row.items() if v} for row in back] == rows


async def test_no_formula_leaves_in_csv() -> None:
    rows = [{"a": "=cmd|' /C calc'!A0", "b": "@x", "c": "+1", "d": -1}]
    assert await run(data_formats.csv_encode, rows=rows, header=False) == "'=cmd|' /C calc'!A0,'@x,'+1,-1\n"


async def test_markdown_shows_html_as_text_and_leads_to_the_web_only() -> None:
    hostile = '<img src=x onerror=alert(1)> [a](javascript:x) [b](data:text/html,x) ![c](vbscript:x) <b>"'
    html = await run(data_formats.markdown_to_html, text=hostile)
    assert "<img" not in html
    assert "<b>" not in html
    assert "href" not in html


async def test_a_workbook_comes_back_with_its_types_and_no_formula_runs() -> None:
    rows: list[dict[str, Any]] = [
        {"name": "=1+1", "n": 1, "f": 2.5, "b": True, "none": None, "big": 2**60, "list": [1], "link": "https://x.org"},
        {"name": "http://x", "n": None, "f": 3.0, "b": False, "none": None, "big": 0, "list": "é", "link": "mailto:a@b"},
    ]  # fmt: skip
    ctx = context()
    inputs = {"rows": rows, "more_sheets": {"Other": [{"x": "y"}]}, "name": "../../etc/my table.csv"}
    made = dict(await emits(spreadsheets.write_workbook, inputs, ctx))
    content = await ctx.files.read(made["file"])
    assert (content.name, content.media_type) == ("my table.xlsx", spreadsheets.XLSX)
    with zipfile.ZipFile(io.BytesIO(content.data)) as book:
        assert b"<f>" not in book.read("xl/worksheets/sheet1.xml")
    got = dict(await emits(spreadsheets.read_workbook, {"file": made["file"]}, ctx))
    assert got["rows"][0] == {**rows[0], "big": str(2**60), "list": "[1]"}
    assert got["rows"][1] == {**rows[1], "f": 3}
    assert (got["sheets"], got["count"], got["truncated"]) == (["Sheet1", "Other"], 2, False)
    other = dict(await emits(spreadsheets.read_workbook, {"file": made["file"], "sheet": "2"}, ctx))
    assert other["rows"] == [{"x": "y"}]
    with pytest.raises(BlockInputError, match="Other"):
        await emits(spreadsheets.read_workbook, {"file": made["file"], "sheet": "none"}, ctx)


async def test_a_workbook_that_unpacks_to_a_giant_is_refused() -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as book:
        for number in range(4):
            book.writestr(f"xl/{number}.xml", bytes(90_000_000))
    ref = "data:application/zip;base64," + base64.b64encode(out.getvalue()).decode()
    with pytest.raises(BlockExecutionError, match="unpacks"):
        await emits(spreadsheets.read_workbook, {"file": ref})


@pytest.mark.parametrize("text", ["\ud800", '{"a": "\\ud800"}', "[1e999]", "[NaN]", "[" * 1000 + "]" * 1000])
async def test_a10_what_is_no_json_for_others_comes_out_as_what_is(text: str) -> None:
    try:
        [value] = await run(data_formats.json_lines_decode, text=text.encode("utf-8", "replace").decode())
    except BlockError:
        return
    assert value in ({"a": "\ufffd"}, [None])
