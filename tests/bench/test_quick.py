"""The benchmarks run and measure all that they promise. Ratios alone are looked at, with room for a busy machine."""

from __future__ import annotations

import json
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from bench import ROOT
from bench.figures import BEGIN, END

FIGURES = {
    "chain_p50_ms",
    "chain_p99_ms",
    "fan_100_p50_ms",
    "gather_100_p50_ms",
    "sequence_40_p50_ms",
    "chain_nodes_s",
    "fan_nodes_s",
    "waits_s",
    "idle_mb",
    "hop_coordinator_p50_ms",
    "hop_worker_p99_ms",
    "records_per_node",
    "bytes_per_node",
    "cpu_ms_per_node",
    "bare_faust_nodes_s",
    "group_commit_nodes_s",
    "bare_aiokafka_records_s",
    "bare_confluent_records_s",
    "socket_1_p50_ms",
    "socket_50_p99_ms",
    "size_10_ms",
    "size_1000_to_100",
    "recovery_worker_s",
    "recovery_coordinator_s",
    "open_review_pss_mb",
    "open_timer_table_mb",
    "engine_4_1_nodes_s",
    "to_bare_faust",
    "to_group_commit",
    "to_aiokafka",
}


@pytest.mark.full
@pytest.mark.timeout(900)
def test_quick_run_measures_everything(tmp_path: Path) -> None:
    facts, page = tmp_path / "figures.json", tmp_path / "page.md"
    page.write_text(f"{BEGIN}\n{END}\n")
    argv = [sys.executable, "-m", "bench", "--quick", "--json", str(facts), "--write", str(page)]
    done = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    found = {name: row["value"] for name, row in json.loads(facts.read_text())["figures"].items()}
    celery = {"celery_nodes_s", "to_celery"} if find_spec("celery") else set()
    assert not (FIGURES | celery) - found.keys()
    assert page.read_text().count("| ") > len(FIGURES)
    # Wide enough for a machine with other work: what is meant is that nothing is off by an order of magnitude.
    assert found["to_bare_faust"] > 0.3
    assert found["to_group_commit"] > 0.1
    assert found["records_per_node"] < 6
    assert found["bytes_per_node"] < 2048
    assert found["size_1000_to_100"] < 2.5
