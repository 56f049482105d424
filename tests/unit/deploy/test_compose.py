from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml

from millstream.cli.main import build
from millstream.cli.settings import variables

ROOT = Path(__file__).resolve().parents[3]
FILE = ROOT / "docker-compose.yml"
TEXT = FILE.read_text()
COMPOSE: dict[str, Any] = yaml.safe_load(TEXT)
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
OURS = {name: service for name, service in SERVICES.items() if "build" in service}

SERVICE_KEYS = {
    *(
        "build",
        "cap_drop",
        "command",
        "depends_on",
        "entrypoint",
        "environment",
        "healthcheck",
        "image",
        "init",
    ),
    *(
        "ports",
        "restart",
        "security_opt",
        "shm_size",
        "stop_grace_period",
        "stop_signal",
        "tmpfs",
        "user",
        "volumes",
    ),
}
"""Of the compose specification, those that this file uses."""
CONDITIONS = {"service_started", "service_healthy", "service_completed_successfully"}
DURATION = re.compile(r"(\d+(h|m|s|ms|us))+")

each_service = pytest.mark.parametrize("name", sorted(SERVICES))
each_of_ours = pytest.mark.parametrize("name", sorted(OURS))


def test_it_has_the_platform_and_its_servers() -> None:
    assert {name: service["image"] for name, service in SERVICES.items() if name not in OURS} == {
        "kafka": "apache/kafka:4.3.1",
        "postgres": "pgvector/pgvector:pg18",
        "redis": "redis:7",
    }
    assert set(OURS) == {"setup", "coordinator", "worker", "data-worker", "sink", "echo-model", "edge"}


def test_the_top_level_has_only_what_the_specification_knows() -> None:
    assert {key for key in COMPOSE if not key.startswith("x-")} == {"name", "services", "volumes"}


@each_service
def test_a_service_has_only_what_the_specification_knows(name: str) -> None:
    assert set(SERVICES[name]) <= SERVICE_KEYS
    check = SERVICES[name].get("healthcheck", {})
    assert set(check) <= {"test", "interval", "timeout", "retries", "start_period"}
    for duration in (check.get(key) for key in ("interval", "timeout", "start_period")):
        assert duration is None or DURATION.fullmatch(duration)
    assert not check or check["test"][0] in ("CMD", "CMD-SHELL")


@each_service
def test_a_service_waits_for_services_that_exist_and_can_meet_the_condition(name: str) -> None:
    for other, wanted in SERVICES[name].get("depends_on", {}).items():
        assert wanted["condition"] in CONDITIONS
        if wanted["condition"] == "service_healthy":
            assert "healthcheck" in SERVICES[other]
        if wanted["condition"] == "service_completed_successfully":
            assert SERVICES[other]["restart"] == "no"


@each_service
def test_whatever_goes_on_has_a_health_check_and_comes_back(name: str) -> None:
    if name != "setup":
        assert "healthcheck" in SERVICES[name]
        assert SERVICES[name]["restart"] == "unless-stopped"


@each_service
def test_volumes_are_named_and_declared(name: str) -> None:
    for volume in SERVICES[name].get("volumes", []):
        source, _, target = volume.partition(":")
        assert source in COMPOSE["volumes"]
        assert target.startswith("/")


@each_service
def test_only_the_edge_is_published_and_on_loopback(name: str) -> None:
    ports = SERVICES[name].get("ports", [])
    assert bool(ports) == (name == "edge")
    assert all(port.startswith("127.0.0.1:") for port in ports)


def test_every_variable_is_required_or_has_a_default() -> None:
    used = re.findall(
        r"(?<!\$)\$\{(\w+)(:[?-])?", "\n".join(line for line in TEXT.splitlines() if not line.startswith("#"))
    )
    assert used
    assert [name for name, form in used if not form] == []
    secret = {name for name, form in used if form == ":?"}
    assert secret == {
        "POSTGRES_PASSWORD",
        "REDIS_PASSWORD",
        "MILLSTREAM_TOKEN",
        "MILLSTREAM_SIGNING_KEY",
        "MILLSTREAM_ACCOUNT_KEY",
        "MILLSTREAM_SETUP_CODE",
    }


@each_of_ours
def test_our_variables_are_settings(name: str) -> None:
    given = {variable for variable in OURS[name]["environment"] if variable.startswith("MILLSTREAM_")}
    assert given <= set(variables())


def test_workers_have_no_database_and_no_token() -> None:
    assert {"MILLSTREAM_POSTGRES", "MILLSTREAM_TOKEN"}.isdisjoint(OURS["worker"]["environment"])


@each_of_ours
def test_our_commands_exist(name: str) -> None:
    service = OURS[name]
    words = service.get("command") or service["entrypoint"][2].partition("exec millstream ")[2].split()
    command: Any = typer.main.get_command(build())
    while hasattr(command, "commands"):
        assert words[0] in command.commands, words
        command, words = command.commands[words[0]], words[1:]
    # Refuses options that the command does not have.
    context = command.make_context(command.name, list(words))
    assert context.args == []


@each_of_ours
def test_our_services_can_do_little_to_their_host(name: str) -> None:
    assert OURS[name]["cap_drop"] == ["ALL"]
    assert OURS[name]["security_opt"] == ["no-new-privileges:true"]
    assert "privileged" not in OURS[name]


def instructions() -> list[tuple[str, str]]:
    text = re.sub(r"\\\n\s*", "", (ROOT / "Dockerfile").read_text())
    lines = [line.partition(" ") for line in text.splitlines() if line and not line.startswith("#")]
    return [(word, rest) for word, _, rest in lines]


def test_the_image_is_built_in_stages_and_runs_as_an_ordinary_user() -> None:
    words = [word for word, _ in instructions()]
    assert words.count("FROM") == 2
    last = words.index("FROM", 1)
    [user] = [rest for word, rest in instructions()[last:] if word == "USER"]
    assert user not in ("root", "0")
    assert words.index("USER") < words.index("ENTRYPOINT")


def test_the_image_is_given_all_that_the_package_is_built_from() -> None:
    kept = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    assert all((ROOT / name).exists() for name in kept)
    links = {path.readlink().name for path in (ROOT / "src" / "millstream").iterdir() if path.is_symlink()}
    assert links | {"src", "pyproject.toml", "requirements.lock", "README.md", "LICENSE"} == kept
