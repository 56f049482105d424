from __future__ import annotations

import json
from pathlib import Path

import pytest

from bench.figures import BEGIN, END, Figures, write_into
from bench.watch import percentile
from millstream.schemas.errors import ConfigurationError


def figures() -> Figures:
    found = Figures()
    found.add("rate", "nodes", 12_345.6, "/s")
    found.add("span", "one chain", 39.96, "ms", goal="< 40")
    found.add("other", "others", 2_000.0, "/s")
    return found


def test_table_shows_three_digits_with_unit_and_goal() -> None:
    table = figures().markdown(quick=False)
    assert "| nodes | 12,346 /s |  |" in table
    assert "| one chain | 40.0 ms | < 40 |" in table
    assert "--quick" not in table


def test_ratio_needs_both_figures() -> None:
    found = figures()
    found.ratio("share", "ours : others", of=("rate", "other"), times=0.5)
    found.ratio("none", "ours : nobody's", of=("rate", "absent"))
    assert found.value("share") == pytest.approx(3.0864)
    assert found.value("none") is None


def test_json_has_every_figure_by_name() -> None:
    found = figures()
    found.notes.append("Celery: it is not installed.")
    read = json.loads(found.json(quick=True))
    assert read["figures"]["span"]["value"] == 39.96
    assert read["quick"] is True
    assert read["notes"] == ["Celery: it is not installed."]


def test_block_of_a_document_is_replaced_again_and_again(tmp_path: Path) -> None:
    document = tmp_path / "page.md"
    document.write_text(f"before\n{BEGIN}\nold\n{END}\nafter\n")
    for table in ("first", "second"):
        write_into(document, table)
    assert document.read_text() == f"before\n{BEGIN}\n\nsecond\n\n{END}\nafter\n"


def test_document_without_a_block_is_left_alone(tmp_path: Path) -> None:
    document = tmp_path / "page.md"
    document.write_text(f"{BEGIN} and no end\n")
    with pytest.raises(ConfigurationError, match="no block"):
        write_into(document, "table")
    assert document.read_text() == f"{BEGIN} and no end\n"


def test_percentile_of_sorted_values() -> None:
    values = [float(value) for value in range(100)]
    assert (percentile(values, 0.5), percentile(values, 0.99), percentile([7.0], 0.99)) == (50.0, 99.0, 7.0)


def test_an_earlier_run_shows_only_what_was_not_measured_again() -> None:
    before = figures()
    before.add("sockets", "frames", 7.0, "ms")
    table = figures().earlier(json.loads(before.json(quick=False)))
    assert "| frames | 7.00 ms |  |" in table
    assert "one chain" not in table
