"""The models of a worker process, put together from the settings."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from millstream.cli.settings import Settings
    from millstream.processors.models.switchboard import Switchboard


def switchboard(settings: Settings, redis: Any, producer: Any, *, deny: frozenset[str]) -> Switchboard:
    """Return what all runs of this process ask models through. Errors: ConfigurationError."""
    from millstream.connectors.model_calls import RedisAnswers, UsageRecords
    from millstream.processors.models.providers import offer
    from millstream.processors.models.switchboard import Switchboard

    return Switchboard(
        offer(settings.models.get_secret_value(), echo_url=settings.echo_model),
        usage=UsageRecords(producer),
        cache=RedisAnswers(redis),
        allow=frozenset(settings.http_allow),
        deny=deny,
    )
