"""Benchmarks: the platform beside bare Faust, bare Kafka clients and Celery, in one run. `python -m bench`."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
"""Of the repository: where processes of the benchmarks start, so that they find these modules."""
