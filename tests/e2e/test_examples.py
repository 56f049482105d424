"""The examples, run as the README says."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.platform import Platform

pytestmark = pytest.mark.integration
EXAMPLES = Path(__file__).parents[2] / "examples"


def test_calculator_prints_its_results_and_ends_with_0(platform: Platform) -> None:
    done = platform.cli("run", str(EXAMPLES / "calculator.json"), "--input", "a=6", "--input", "b=1")
    assert "42" in done.stdout
    assert "over the limit" in done.stdout


def test_fan_out_gathers_a_hundred_results_in_order(platform: Platform) -> None:
    done = platform.cli("run", str(EXAMPLES / "fan_out.json"), "--json")
    execution = json.loads(done.stdout)
    assert execution["outputs"] == {"count": [100], "square": [i * i for i in range(1, 101)]}
    assert execution["verdict"] == {"result": "ok"}


def test_text_pipeline_takes_text_from_the_command_line(platform: Platform) -> None:
    text = "text=one  two"
    done = platform.cli("run", str(EXAMPLES / "text_pipeline.json"), "--input", text, "--input", "name=Ada")
    assert "Dear Ada, your text has 2 words" in done.stdout


def test_page_digest_reads_a_local_file(platform: Platform, tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    page.write_text("<title>Kafka</title><p>streams streams streams of records</p>")
    done = platform.cli("run", str(EXAMPLES / "page_digest.json"), "--file", f"source={page}")
    assert "Kafka: 5 words. Most frequent: streams (3)" in done.stdout


def test_a_question_is_answered_from_a_document(platform: Platform) -> None:
    """Cut, kept with vectors of the demo model on the lane `data`, found, answered; twice, and kept once."""
    graph = str(EXAMPLES / "ask_document.json")
    done = platform.cli("run", graph, "--json")
    assert "message on Apache Kafka" in json.loads(done.stdout)["outputs"]["answer"][0]
    done = platform.cli("run", graph, "--json", "--input", "question=Is a budget kept to?")
    outputs = json.loads(done.stdout)["outputs"]
    assert "over its budget is stopped" in outputs["source"][0]
    assert "Millstream > Money" in outputs["source"][0]


def test_a_run_with_a_failed_node_ends_with_1(platform: Platform, tmp_path: Path) -> None:
    graph = {
        "name": "broken",
        "description": "",
        "nodes": [
            {
                "id": "n",
                "block_id": "262ca24c-1025-43cf-a578-534e23234e97",
                "input_default": {"list": [1], "index": 5},
            }
        ],
        "links": [],
    }
    path = tmp_path / "broken.json"
    path.write_text(json.dumps(graph))
    done = platform.cli("run", str(path), check=False)
    assert done.returncode == 1
    assert "Index out of range" in done.stdout + done.stderr


def test_a_misspelt_input_names_what_there_is(platform: Platform) -> None:
    done = platform.cli("run", str(EXAMPLES / "calculator.json"), "--input", "nope", check=False)
    assert done.returncode != 0
    assert "name=value" in done.stdout + done.stderr


def test_the_demo_model_summarises_without_any_key(platform: Platform) -> None:
    done = platform.cli("run", str(EXAMPLES / "summarise.json"), "--json")
    assert json.loads(done.stdout)["outputs"] == {
        "summary": ["Kafka keeps a log of everything that happens."]
    }


def test_the_demo_model_takes_data_out_of_a_mail(platform: Platform) -> None:
    done = platform.cli("run", str(EXAMPLES / "extract_order.json"), "--json")
    order = {
        "name": "Ada Lovelace",
        "email": "ada@example.com",
        "product": "difference engine",
        "quantity": 2,
    }
    assert json.loads(done.stdout)["outputs"] == {"order": [order], "kind": ["order"]}
