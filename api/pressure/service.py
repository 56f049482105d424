"""One task an edge: reads the lags about once a second and decides. A request reads one variable."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable

import structlog
from aiokafka.errors import KafkaError

from millstream.api.metrics import Metrics
from millstream.api.pressure.gate import Behind, Gate
from millstream.api.pressure.lags import Lags
from millstream.api.pressure.readings import Past, Reading
from millstream.api.settings import EdgeLimits, EdgeSettings
from millstream.schemas.errors import OverloadedError
from millstream.topics.catalogue import EVENTS, INBOX, REQUESTS, tasks

log = structlog.get_logger(__name__)

OLD_S = 15.0
"""Age at which a reading says nothing any more: while Kafka is away nothing is accepted for other reasons."""


def groups_of(lanes: Iterable[str]) -> dict[str, str]:
    """Return topic -> the group that works it off."""
    lane_groups = {tasks(lane).name: f"millstream-worker-{lane}" for lane in lanes}
    return {
        INBOX.name: "millstream-coordinator",
        REQUESTS.name: "millstream-admission",
        EVENTS.name: "millstream-sink",
        **lane_groups,
    }


def limits_of(lanes: Iterable[str], limits: EdgeLimits) -> dict[str, int]:
    """Return topic -> records at which nothing more is accepted."""
    return {
        INBOX.name: limits.inbox_lag,
        REQUESTS.name: limits.inbox_lag,
        EVENTS.name: limits.events_lag,
        **{tasks(lane).name: limits.lane_lag for lane in lanes},
    }


class Pressure:
    """What is behind. `refusal` is None while executions are accepted."""

    def __init__(self, settings: EdgeSettings, lanes: Iterable[str], metrics: Metrics) -> None:
        self.lanes = sorted(lanes)
        self.past = Past()
        self.refusal: list[Behind] | None = None
        self._every_s = settings.limits.lags_every_s
        self._lags = Lags(settings.kafka, groups_of(self.lanes))
        self._gate = Gate(limits_of(self.lanes, settings.limits))
        self._metrics = metrics

    @property
    def reading(self) -> Reading | None:
        """The last reading, None if it is too old to say anything."""
        last = self.past.last
        return last if last is not None and time.monotonic() - last.at < OLD_S else None

    def lane_lag(self, lane: str) -> int:
        """Return how many tasks wait in a lane or are being run; 0 if that is not known."""
        reading = self.reading
        return 0 if reading is None else reading.lag(tasks(lane).name)

    def check(self) -> None:
        """Errors: OverloadedError, before anything is accepted."""
        refusal = self.refusal
        if refusal is None:
            return
        worst = refusal[0]
        self._metrics.refused.labels(worst.topic).inc()
        wait_s = max(behind.retry_after_s for behind in refusal)
        raise OverloadedError(
            f"{worst.lag:,} records wait on {worst.topic}, more than {worst.limit:,}: nothing more is accepted until "
            f"there are fewer. Try again in {wait_s} s.",
            retry_after_s=wait_s,
            behind=[{"topic": b.topic, "lag": b.lag, "limit": b.limit} for b in refusal],
        )

    async def run(self) -> None:
        """Read until cancelled."""
        try:
            while True:
                await self._once()
                await asyncio.sleep(self._every_s)
        finally:
            await self._lags.close()

    async def _once(self) -> None:
        try:
            async with asyncio.timeout(OLD_S / 2):
                self.see(await self._lags.read())
        except (KafkaError, TimeoutError, OSError) as error:
            log.warning("lags_unknown", error=type(error).__name__)
            await self._lags.close()
        except Exception:  # a background task
            log.exception("lags_failed")
            await self._lags.close()
        if self.reading is None:
            self.refusal = None

    def see(self, reading: Reading) -> None:
        """Decide from a reading."""
        self.past.add(reading)
        behind = self._gate.see(reading)
        if bool(behind) != (self.refusal is not None):
            log.warning("refusing" if behind else "accepting_again", behind=[b.topic for b in behind])
        self.refusal = behind or None
        for topic in reading.places:
            self._metrics.lag.labels(topic).set(reading.lag(topic))
