"""Settings of a command that talks to a running platform: what is not set comes from the platform of `MILLSTREAM_HOME`."""

from __future__ import annotations

from typing import Any

from millstream.cli.settings import Settings, load
from millstream.local import keys, ports, postgres, redis, state
from millstream.local.home import Home
from millstream.local.stack import Wanted
from millstream.schemas.errors import UnavailableError


def connected(**overrides: Any) -> Settings:
    """Return settings in which Kafka, PostgreSQL, Redis and the token are all filled in.

    Inside a process of the platform they are in the environment; beside it they come from the running platform.
    Errors: UnavailableError if nothing runs there.
    """
    settings = load(**overrides)
    found: dict[str, Any] = {}
    if not (settings.kafka and settings.postgres.get_secret_value() and settings.redis.get_secret_value()):
        found = _running(settings)
    secrets = keys.find(Home(settings.home))
    if secrets is not None:
        found |= {"token": secrets.token, "signing_key": secrets.signing_key}
    return load(**{name: value for name, value in found.items() if not _given(settings, name)}, **overrides)


def missing_from_home(settings: Settings) -> dict[str, Any]:
    """Return addresses and keys of the platform that runs in this home; nothing if none does."""
    try:
        found = _running(settings)
    except UnavailableError:
        return {}
    secrets = keys.find(Home(settings.home))
    return found if secrets is None else found | {"token": secrets.token, "signing_key": secrets.signing_key}


def edge_url(settings: Settings) -> str:
    """Return the URL of the edge: of the running platform, else as the settings say."""
    running = state.find(Home(settings.home))
    if running is not None and running.edge:
        return running.edge
    return Wanted(home=Home(settings.home), host=settings.host, port=settings.port).edge


def _running(settings: Settings) -> dict[str, Any]:
    home = Home(settings.home)
    running, secrets = state.find(home), keys.find(home)
    if running is None or secrets is None or running.supervisor.find() is None:
        raise UnavailableError(
            f"No platform runs in {str(home.path)!r}. Start one with `./millstream up`, or name its MILLSTREAM_HOME."
        )
    remembered = ports.remembered(home)
    found = {"kafka": running.kafka}
    if "postgres" in remembered:
        found["postgres"] = postgres.dsn(secrets, remembered["postgres"])
    if "redis" in remembered:
        found["redis"] = redis.url(secrets, remembered["redis"])
    return found


def _given(settings: Settings, name: str) -> bool:
    value = getattr(settings, name)
    return bool(value.get_secret_value() if hasattr(value, "get_secret_value") else value)
