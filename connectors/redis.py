"""Clients of Redis."""

from __future__ import annotations

from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import ExponentialBackoff
from redis.exceptions import AuthenticationError, RedisError

from millstream.schemas.errors import ConfigurationError, UnavailableError

CONNECT_S = 5.0
ANSWER_S = 5.0
"""Blocking commands (BLPOP, XREAD) must ask for less."""
CONNECTIONS = 50
"""Of one client; who asks beyond that waits for one. The stock pool refuses the 101st, and a worker has 500 slots."""


def client(url: str, *, name: str = "millstream") -> Redis:
    """Return a client for `redis://` or `rediss://`; it connects when it is used. Close it with `aclose`.

    A command is tried again three times within half a second, so a restart of Redis is no error; commands that
    must not be repeated carry ids of their own. Errors: ConfigurationError: no such URL.
    """
    try:
        pool = BlockingConnectionPool.from_url(
            url,
            max_connections=CONNECTIONS,
            timeout=None,
            client_name=name,
            socket_connect_timeout=CONNECT_S,
            socket_timeout=ANSWER_S,
            health_check_interval=30,
            retry=Retry(ExponentialBackoff(cap=0.3, base=0.05), 3),
        )
    except ValueError as error:  # its text does not have the password
        raise ConfigurationError(f"the URL of Redis is not redis://[:password@]host:port: {error}") from error
    made: Redis = Redis.from_pool(pool)
    return made


async def ping(redis: Redis) -> None:
    """Check that Redis answers. Errors: UnavailableError; ConfigurationError if it refuses the password."""
    try:
        await redis.ping()
    except AuthenticationError as error:
        raise ConfigurationError(f"Redis refuses the password or wants one: {error}") from error
    except (RedisError, OSError, TimeoutError) as error:
        raise UnavailableError(f"Redis does not answer: {error}") from error
