from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import pytest

from millstream.cli.settings import variables
from millstream.local import stack
from millstream.local.home import Home
from millstream.local.keys import Keys
from millstream.local.spec import ProcessSpec
from millstream.local.stack import Servers, Wanted

KAFKA = ProcessSpec(name="kafka", argv=("kafka",), ready=bool)


def table(tmp_path: Path, *, workers: int = 1) -> tuple[Keys, list[ProcessSpec]]:
    wanted, secrets = Wanted(home=Home(tmp_path), port=8123, workers=workers), Keys()
    servers = Servers(
        specs=[KAFKA],
        kafka="127.0.0.1:1",
        postgres="postgresql://u:secret-p@h/d",
        redis="redis://:secret-r@h",
    )
    return secrets, stack.processes(wanted, servers, stack.environment(wanted, secrets, servers))


def test_no_secret_is_on_a_command_line(tmp_path: Path) -> None:
    secrets, specs = table(tmp_path)
    hidden = [str(getattr(secrets, field.name)) for field in fields(secrets)] + ["secret-p", "secret-r"]
    for spec in specs:
        assert not any(secret in argument for argument in spec.argv for secret in hidden)


def test_workers_have_no_database_and_no_token(tmp_path: Path) -> None:
    secrets, specs = table(tmp_path)
    worker = next(spec for spec in specs if spec.name == "worker-0")
    said = " ".join(worker.env.values())
    assert "secret-p" not in said
    assert secrets.token not in said
    assert "secret-r" in said


def test_the_worker_with_the_database_serves_the_lane_data_and_no_other_does(tmp_path: Path) -> None:
    secrets, specs = table(tmp_path, workers=2)
    workers = {spec.name: spec for spec in specs if "worker" in spec.argv}
    assert {name: spec.argv[-1] for name, spec in workers.items()} == {
        "worker-0": "io,cpu,llm",
        "worker-1": "io,cpu,llm",
        "data-worker": "data",
    }
    holders = [name for name, spec in workers.items() if "secret-p" in " ".join(spec.env.values())]
    assert holders == ["data-worker"]
    assert secrets.token not in " ".join(workers["data-worker"].env.values())


def test_workers_multiply_coordinators_and_workers(tmp_path: Path) -> None:
    _, specs = table(tmp_path, workers=2)
    assert [spec.name for spec in specs] == [
        "kafka",
        "setup",
        *("coordinator-0", "coordinator-1", "worker-0", "worker-1"),
        "data-worker",
        "sink",
        "edge",
    ]


def test_everything_of_ours_waits_for_the_setup_and_outlives_no_server(tmp_path: Path) -> None:
    _, specs = table(tmp_path)
    for spec in specs:
        if spec.name not in ("kafka", "setup"):
            assert set(spec.after) == {"setup", "kafka"}


def test_each_process_of_the_engine_has_a_ready_file_that_a_restart_removes(tmp_path: Path) -> None:
    home = Home(tmp_path)
    home.prepare()
    _, specs = table(tmp_path)
    worker = next(spec for spec in specs if spec.name == "worker-0")
    file = Path(worker.env["MILLSTREAM_READY_FILE"])
    assert not worker.ready()
    file.touch()
    assert worker.ready()
    worker.before_start()
    assert not worker.ready()


def test_the_children_are_given_settings_that_exist(tmp_path: Path) -> None:
    _, specs = table(tmp_path)
    given = {name for spec in specs for name in spec.env if name.startswith("MILLSTREAM_")}
    assert given <= set(variables())


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("0.0.0.0", "http://127.0.0.1:8000"),
        ("::", "http://[::1]:8000"),
        ("10.0.0.7", "http://10.0.0.7:8000"),
    ],
)
def test_the_address_that_is_shown_can_be_called(tmp_path: Path, host: str, url: str) -> None:
    assert Wanted(home=Home(tmp_path), host=host).edge == url


def test_the_demo_model_runs_beside_and_knows_no_secret(tmp_path: Path) -> None:
    secrets, _ = table(tmp_path)
    wanted = Wanted(home=Home(tmp_path))
    servers = Servers(specs=[], kafka="k", postgres="secret-p", redis="secret-r", echo_port=4711)
    environ = stack.environment(wanted, secrets, servers)
    assert environ["MILLSTREAM_ECHO_MODEL"] == "http://127.0.0.1:4711/v1"
    specs = {spec.name: spec for spec in stack.processes(wanted, servers, environ)}
    said = " ".join(specs["echo-model"].env.values())
    assert "secret" not in said
    assert secrets.token not in said
    assert specs["worker-0"].env["MILLSTREAM_ECHO_MODEL"] == environ["MILLSTREAM_ECHO_MODEL"]
