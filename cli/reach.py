"""Where the servers of a single process are, and waiting until they answer."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from millstream.cli.connect import missing_from_home
from millstream.cli.console import complain
from millstream.cli.settings import PREFIX, Settings, load
from millstream.local.ports import LOOPBACK
from millstream.schemas.errors import ConfigurationError

PAUSE_S = 0.5
SAY_AGAIN_S = 10.0
_LOCAL = (LOOPBACK, "localhost", "::1")


def found(needs: tuple[str, ...], **options: Any) -> Settings:
    """Return the settings; what is not set comes from the platform that runs in this home, if one does.

    Errors: ConfigurationError naming the variables that are missing.
    """
    settings = load(**options)
    extra = missing_from_home(settings)
    settings = load(**{name: value for name, value in extra.items() if not given(settings, name)}, **options)
    missing = [f"{PREFIX}{name.upper()}" for name in needs if not given(settings, name)]
    if missing:
        raise ConfigurationError(
            f"{' and '.join(missing)} must be set: this process joins servers that run elsewhere (no platform runs in "
            f"{str(settings.home)!r}). To start everything on this machine: `millstream up`."
        )
    return settings


def mention_objects(settings: Settings) -> None:
    """Say so if values would lie where the other machines of a cluster do not see them."""
    if not settings.objects_url and not _is_here(settings.kafka):
        complain(
            f"MILLSTREAM_OBJECTS_URL is not set: large values go to {settings.objects}, which processes on other machines "
            "do not see. Set it to one place for the whole cluster."
        )


def given(settings: Settings, name: str) -> bool:
    """Say whether a setting has a value."""
    value = getattr(settings, name)
    return bool(value.get_secret_value() if hasattr(value, "get_secret_value") else value)


def wait_for(settings: Settings, needs: tuple[str, ...]) -> None:
    """Wait until the servers answer, for as long as it takes; says for whom, at once and every ten seconds."""
    for name in needs:
        ask, where = _question(settings, name)
        said = 0.0
        while (problem := ask()) is not None:
            now = time.monotonic()
            if now - said > SAY_AGAIN_S:
                complain(f"waiting for {name} at {where}: {problem}")
                said = now
            time.sleep(PAUSE_S)
        if said:
            complain(f"{name} answers")


def _question(settings: Settings, name: str) -> tuple[Callable[[], str | None], str]:
    """Return what asks a server how it is (None: well), and its address without secrets."""
    if name == "kafka":
        return lambda: _kafka(settings), settings.kafka
    url = getattr(settings, name).get_secret_value()
    parts = urlsplit(url)
    ask = {"redis": _redis, "postgres": _postgres}[name]
    return lambda: ask(url), f"{parts.hostname}:{parts.port or {'redis': 6379, 'postgres': 5432}[name]}"


def _kafka(settings: Settings) -> str | None:
    from millstream.local.ready import kafka_answers, listens

    closed = settings.kafka_security.tls or settings.kafka_security.sasl
    answers = listens if closed else kafka_answers
    brokers = [server.rpartition(":") for server in settings.kafka.split(",")]
    if any(answers(int(port), host.strip("[]")) for host, _, port in brokers):
        return None
    return "no broker answers"


def _redis(url: str) -> str | None:
    import redis

    try:
        with redis.Redis.from_url(url, socket_connect_timeout=3, socket_timeout=3) as client:
            client.ping()
    except redis.AuthenticationError as error:
        raise ConfigurationError(f"Redis does not take the password of MILLSTREAM_REDIS: {error}.") from error
    except (redis.RedisError, OSError) as error:
        return str(error) or type(error).__name__
    return None


def _postgres(dsn: str) -> str | None:
    import psycopg

    try:
        psycopg.connect(dsn, connect_timeout=3).close()
    except psycopg.OperationalError as error:
        if "authentication failed" in str(error):
            raise ConfigurationError("PostgreSQL does not take the user of MILLSTREAM_POSTGRES.") from error
        return str(error).strip().splitlines()[-1] if str(error) else type(error).__name__
    return None


def _is_here(bootstrap: str) -> bool:
    return all(server.rpartition(":")[0].strip("[]") in _LOCAL for server in bootstrap.split(","))
