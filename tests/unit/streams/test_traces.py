"""Faust's own tracing is not used: with acknowledgements by hand it says wrong things."""

from __future__ import annotations

from pathlib import Path

from millstream.streams.apps import EngineSettings, build


def test_apps_have_no_tracer_of_faust(tmp_path: Path) -> None:
    """Its spans end when a message is handed out, long before its run does; our trace is in the records' headers."""
    app = build("traces", EngineSettings(bootstrap="127.0.0.1:1", folder=tmp_path, instance="one"))
    assert app.tracer is None
