"""`millstream status` and `logs`: what runs, how much memory it takes, how far behind it is, what it said."""

from __future__ import annotations

import json
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

from millstream.cli.console import complain, say
from millstream.cli.settings import load
from millstream.cli.words import GOES_ON
from millstream.local.home import Home
from millstream.schemas.errors import NotFoundError

OURS = "millstream"
"""Our consumer groups begin with this; an outside cluster has others too."""
RUNS = 5
"""Newest runs that are shown."""


def register(app: typer.Typer) -> None:
    app.command()(status)
    app.command()(logs)


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One process as `status --json` shows it."""

    name: str
    pid: int
    port: int | None
    state: str
    restarts: int
    uptime_s: int
    memory_mb: int
    """Proportional set size of the process and its children; shared pages count once over all."""


def status(as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False) -> None:
    """Show what runs in this home: processes, ports, memory, and how far consumers are behind."""
    from millstream.local import state

    home = Home(load().home)
    running = state.find(home)
    if running is not None and running.supervisor.find() is None:
        running = None
    rows = rows_of(running) if running else []
    ready = bool(running and running.ready and all(row.state == "ready" for row in rows))
    lag = lags() if ready else {}
    if as_json:
        facts = {
            "ready": ready,
            "home": str(home.path),
            "edge": running.edge if running else "",
            "kafka": running.kafka if running else "",
            "processes": [asdict(row) for row in rows],
            "lag": lag,
        }
        say(json.dumps(facts, indent=2))
        return
    if running is None:
        say(f"nothing runs in {home.path}; start it with `./millstream up`")
        return
    say(f"{'ready' if ready else 'not ready'}: {running.edge}, home {home.path}")
    _table(rows)
    for group, records in lag.items():
        say(f"{group}: {records:,} records behind")
    if ready:
        _show_runs(recent_runs(running.edge, home))


def logs(
    name: Annotated[str | None, typer.Argument(help="Process, such as worker-0; default: all.")] = None,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on with what comes next.")] = False,
    count: Annotated[int, typer.Option("-n", min=0, help="Lines of each log.")] = 20,
) -> None:
    """Print the last lines of the logs."""
    from millstream.local.child import tail

    folder = Home(load().home).logs
    found = sorted(folder.glob("*.log"))
    if name is not None:
        found = [path for path in found if path.stem == name]
        if not found:
            there = ", ".join(sorted(path.stem for path in folder.glob("*.log"))) or "none"
            raise NotFoundError(f"There is no log of {name!r} in {str(folder)!r}; there are: {there}.")
    for path in found:
        if len(found) > 1:
            say(f"==> {path.stem} <==")
        if count:
            say(tail(path, count))
    if follow:
        _follow(found)


def rows_of(running: Any) -> list[Row]:
    """Return what the state file names and what is really there."""
    rows = []
    for process in [running.supervisor, *running.processes]:
        found = process.find()
        rows.append(
            Row(
                name=process.name,
                pid=process.pid,
                port=process.port,
                state=process.state if found else "dead",
                restarts=process.restarts,
                uptime_s=int(time.time() - process.created) if found else 0,
                memory_mb=memory_mb(found, alone=process is running.supervisor) if found else 0,
            )
        )
    return rows


def memory_mb(process: Any, *, alone: bool) -> int:
    """Return the memory of a process and, unless `alone`, of its children, in MB (PSS where the system has it)."""
    import psutil

    total = 0
    for member in [process, *([] if alone else process.children(recursive=True))]:
        try:
            info = member.memory_full_info()
            total += getattr(info, "pss", 0) or getattr(info, "uss", 0) or info.rss
        except psutil.Error:
            continue
    return round(total / 1_000_000)


def lags() -> dict[str, int]:
    """Return for each consumer group of ours how many records it has still to read. Empty if Kafka does not answer."""
    from confluent_kafka import KafkaException

    from millstream.cli.connect import connected
    from millstream.schemas.errors import MillstreamError, UnavailableError
    from millstream.topics import admin, clients

    try:
        conf = connected().confluent()
        client = clients.admin(conf)  # held: without it the question is dropped
        listed = client.list_consumer_groups(request_timeout=clients.ANSWER_S).result()
        if listed.errors:
            raise UnavailableError(f"Kafka does not list its consumer groups: {listed.errors[0]}")
        groups = sorted(group.group_id for group in listed.valid if group.group_id.startswith(OURS))
        return {group: sum(row.records for row in admin.lag(conf, group)) for group in groups}
    except (MillstreamError, KafkaException) as error:
        complain(f"the lag is not known: {error}")
        return {}


def recent_runs(edge: str, home: Home) -> list[dict[str, Any]]:
    """Return the newest executions of the local user; none if the edge does not tell."""
    import httpx

    from millstream.local import keys

    secrets = keys.find(home)
    if secrets is None:
        return []
    headers = {"Authorization": f"Bearer {secrets.token}"}
    try:
        with httpx.Client(base_url=edge, headers=headers, trust_env=False, timeout=5.0) as client:
            answer = client.get("/api/v1/executions", params={"limit": RUNS})
            return list(answer.raise_for_status().json()["items"])
    except (httpx.HTTPError, ValueError, KeyError) as error:
        complain(f"the runs are not known: {type(error).__name__}")
        return []


def _show_runs(runs: list[dict[str, Any]]) -> None:
    from millstream.cli.console import painted
    from millstream.cli.words import mark_of, reason_text, verdict_text

    for run in runs:
        icon, style = mark_of(run)
        why = reason_text(run["reason"])
        going = run["status"].lower() + (f" ({why})" if why else "")
        text = going if icon == GOES_ON else verdict_text(run, {}).splitlines()[0]
        painted(f"{icon} run {run['id']}: {text}", style)


def _table(rows: list[Row]) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(box=None, pad_edge=False)
    for title in ("name", "pid", "port", "state", "restarts", "up", "memory"):
        table.add_column(title, justify="left" if title in ("name", "state") else "right")
    for row in rows:
        port = str(row.port) if row.port else "-"
        up = f"{row.uptime_s // 60}:{row.uptime_s % 60:02d}"
        table.add_row(row.name, str(row.pid), port, row.state, str(row.restarts), up, f"{row.memory_mb} MB")
    table.add_row("together", "", "", "", "", "", f"{sum(row.memory_mb for row in rows)} MB")
    Console(highlight=False).print(table)


def _follow(paths: list[Path]) -> None:
    offsets = {path: path.stat().st_size for path in paths}
    while True:
        for path in paths:
            size = path.stat().st_size if path.exists() else 0
            if size < offsets[path]:  # put aside, and begun anew
                offsets[path] = 0
            if size > offsets[path]:
                with open(path, errors="replace") as file:
                    file.seek(offsets[path])
                    text = file.read()
                offsets[path] = size
                prefix = f"{path.stem}: " if len(paths) > 1 else ""
                for line in text.splitlines():
                    say(prefix + line)
        time.sleep(0.3)
