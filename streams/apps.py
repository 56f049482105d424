"""Faust apps with the settings that work: one for the coordinator, one a lane. Nothing connects on import."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import faust
from faust.sensors import Monitor

from millstream.streams import store, transport
from millstream.streams.recovery import Tables
from millstream.topics.catalogue import PARTITIONS

BYTES = {"key_type": bytes, "value_type": bytes, "key_serializer": "raw", "value_serializer": "raw"}
_DAYS_30_S = 30 * 86_400
_QUIET = ("aiokafka", "aiokafka.conn", "aiokafka.consumer", "aiokafka.producer", "faust", "mode", "asyncio")


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineSettings:
    """What the engine's processes need to know."""

    bootstrap: str
    """Brokers, `host:port,host:port`."""
    folder: Path
    """Where tables are kept; one folder a process."""
    instance: str
    """Name of this process, stable over restarts: `coordinator-0`."""
    replication: int = 1
    session_timeout_s: float = 10.0
    credentials: Any = None
    """Faust broker credentials (SASL, TLS)."""
    producer: dict[str, Any] = field(default_factory=dict)
    """Security settings of the aiokafka producer."""
    slots: int = 500
    """Tasks of one lane that a worker runs at once."""
    standbys: int = 0
    """Copies of each table partition that other coordinators keep."""


class SlimMonitor(Monitor):  # type: ignore[misc]  # Faust is not typed
    """Faust's monitor without its work per message, a third of the time of a busy consumer."""

    def on_message_in(self, tp: Any, offset: int, message: Any) -> None:
        """Do nothing."""

    def on_stream_event_in(self, tp: Any, offset: int, stream: Any, event: Any) -> Any:
        """Do nothing."""

    def on_stream_event_out(self, tp: Any, offset: int, stream: Any, event: Any, state: Any = None) -> None:
        """Do nothing."""

    def on_message_out(self, tp: Any, offset: int, message: Any) -> None:
        """Do nothing."""

    def on_send_initiated(self, producer: Any, topic: str, message: Any, keysize: int, valsize: int) -> Any:
        """Do nothing."""


def build(app_id: str, settings: EngineSettings, **options: Any) -> faust.App:
    """Return a Faust app on the corrected transport; `options` override the common settings."""
    transport.register()
    store.register()
    for name in _QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)
    settings.folder.mkdir(parents=True, exist_ok=True)
    common: dict[str, Any] = {
        "broker": [f"{transport.SCHEME}://{server}" for server in settings.bootstrap.split(",")],
        "broker_credentials": settings.credentials,
        "broker_client_id": f"{app_id}-{settings.instance}",
        "store": "memory://",
        "datadir": settings.folder / app_id,
        "topic_partitions": PARTITIONS,
        "topic_replication_factor": settings.replication,
        "topic_disable_leader": True,
        "producer_linger": 0,
        "producer_max_batch_size": 262_144,
        "producer_acks": -1,
        "broker_commit_interval": 0.5,
        "broker_session_timeout": settings.session_timeout_s,
        "broker_heartbeat_interval": min(2.0, settings.session_timeout_s / 5),
        "broker_max_poll_interval": _DAYS_30_S,  # a spare worker would leave the group for good
        "consumer_group_instance_id": f"{app_id}-{settings.instance}",
        "canonical_url": f"http://{settings.instance}.{app_id}.invalid:6066",
        "web_enabled": False,
        "worker_redirect_stdouts": False,
        "stream_wait_empty": False,
        "stream_buffer_maxsize": 8192,
        "broker_max_poll_records": 1000,
        "Monitor": SlimMonitor,
        "TableManager": Tables,
    }
    return faust.App(app_id, **{**common, **options})
