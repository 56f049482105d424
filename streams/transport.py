"""Faust's aiokafka transport, corrected: stock 0.15.3 commits past messages that still run, naps for a second under
back-pressure, and spends four tasks a message. Also the fence: when a consumer's group last heard from it.

Relies on private names of faust-streaming 0.15.3 (pinned); the pitfalls in `tests/` run against each new version before the
pin moves. Registered by `register()` as the driver `millstream://`.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import defaultdict, deque
from collections.abc import AsyncIterator, Iterable
from typing import Any

from aiokafka.errors import IllegalStateError
from faust.transport import drivers
from faust.transport.drivers import aiokafka as stock

from millstream.schemas.errors import ConfigurationError

SCHEME = "millstream"
TOPICS_VISIBLE_S = 10.0
"""How long a topic that was just made may take until the brokers tell of it."""
_NAP_S = 0.02
_POLL_S = 0.25
"""Of an idle consumer. A rebalance waits for the poll that is under way."""
_TABLES = ("_delivered", "_done", "_acked_index", "_acked")


def register() -> None:
    """Make `millstream://host:port` a broker URL that Faust knows."""
    drivers.TRANSPORTS.aliases[SCHEME] = f"{__name__}:Transport"


class ConsumerThread(stock.AIOKafkaConsumerThread):  # type: ignore[misc]  # Faust is not typed
    """The thread of the aiokafka consumer; notes when the group last answered a heartbeat."""

    last_heartbeat: float = float("inf")
    """`time.monotonic()` at which the last good heartbeat was asked for, or of a later join; infinite before the first."""

    async def on_start(self) -> None:
        """Start the consumer and listen to its heartbeats."""
        await super().on_start()
        self.listen(self._consumer._coordinator)

    def listen(self, coordinator: Any) -> None:
        """Note the heartbeats and joins of an aiokafka group coordinator."""
        if not hasattr(coordinator, "_do_heartbeat"):
            return  # no group
        beat, rejoin = coordinator._do_heartbeat, coordinator._on_join_complete

        async def heartbeat() -> bool:
            asked = time.monotonic()  # an answer that lay in the socket while this process slept is that old
            good: bool = await beat()
            if good:
                self.last_heartbeat = asked
            return good

        async def joined(*args: Any, **kwargs: Any) -> Any:
            self.last_heartbeat = time.monotonic()
            return await rejoin(*args, **kwargs)

        coordinator._do_heartbeat, coordinator._on_join_complete = heartbeat, joined

    async def subscribe(self, topics: Iterable[str]) -> None:
        """Subscribe. Errors: ConfigurationError if a topic is still missing after `TOPICS_VISIBLE_S`.

        Kafka takes the subscription to a topic that is not there without a word, and Faust never looks again.
        """
        wanted = set(topics)
        await self.call_thread(self._await_topics, wanted)
        await super().subscribe(wanted)

    async def _await_topics(self, wanted: set[str]) -> None:
        deadline = time.monotonic() + TOPICS_VISIBLE_S
        while missing := wanted - await self._ensure_consumer().topics():
            if time.monotonic() > deadline:
                raise ConfigurationError(
                    f"topics are missing: {', '.join(sorted(missing))}; run `millstream topics apply`",
                    topics=sorted(missing),
                )
            await asyncio.sleep(0.2)

    def _create_worker_consumer(self, transport: Any) -> Any:
        consumer = super()._create_worker_consumer(transport)
        consumer._fetch_max_wait_ms = 500
        return consumer


class Consumer(stock.Consumer):  # type: ignore[misc]  # Faust is not typed
    """Commits only what has finished, whatever the order in which messages finish."""

    def _new_consumer_thread(self) -> ConsumerThread:
        return ConsumerThread(self, loop=self.loop, beacon=self.beacon)

    def heartbeat_age_s(self) -> float:
        """Seconds since the group last answered; negative infinity before the first join."""
        return time.monotonic() - float(self._thread.last_heartbeat)

    def _reset_state(self) -> None:
        self._delivered: dict[Any, deque[int]] = defaultdict(
            deque
        )  # partition -> offsets handed out, in order
        self._done: dict[Any, set[int]] = defaultdict(set)  # partition -> offsets of these that have finished
        self._quiet = asyncio.Event()
        """No fetch is under way."""
        self._quiet.set()
        self._standbys_alone = False
        super()._reset_state()

    def ack(self, message: Any) -> bool:
        """Note that a message is done; one of an older generation is delivered again and acked then."""
        if message.generation_id != self.app.consumer_generation_id:
            self._unacked_messages.discard(message)
            return False
        if not super().ack(message):
            return False
        self._done[message.tp].add(message.offset)
        return True

    async def getmany(self, timeout: float) -> AsyncIterator[tuple[Any, Any]]:  # noqa: ASYNC109 - Faust's name
        """Yield (partition, message), remembering what was handed out."""
        acks = self.app.topics.acks_enabled_for
        async for tp, message in super().getmany(timeout):
            if acks(tp.topic):
                delivered = self._delivered[tp]
                if not delivered or message.offset > delivered[-1]:
                    delivered.append(message.offset)
            yield tp, message

    async def _add_gap(self, tp: Any, offset_from: int, offset_to: int) -> None:
        """Holes of compaction and transactions are invisible here: only delivered offsets count."""

    def _new_offset(self, tp: Any) -> int | None:
        """Return the end of the finished prefix of what was delivered."""
        delivered, done, last = self._delivered[tp], self._done[tp], None
        while delivered and delivered[0] in done:
            last = delivered.popleft()
            done.discard(last)
        self._acked[tp].clear()
        self._acked_index[tp].clear()
        return None if last is None else last + 1

    async def on_partitions_revoked(self, revoked: set[Any]) -> None:
        """Commit, wait for what runs if the app is so set, and forget what was delivered.

        Faust forgets first, and then commits nothing more: everything since the last commit would be done again.
        """
        if revoked:
            await self.commit()
        await super().on_partitions_revoked(revoked)
        for tp in revoked:
            for name in _TABLES:
                getattr(self, name).pop(tp, None)

    def resume_partitions(self, tps: Any) -> None:
        """Let partitions be fetched again, once Faust opens the flow, which is what it does next."""
        self._standbys_alone = bool(tps) and set(tps) <= self.app.assignor.assigned_standbys()
        self.stop_flow()
        super().resume_partitions(tps)

    def resume_flow(self) -> None:
        """Open the flow, but not for the standbys alone.

        Faust opens it for them, and a moment later once more for the sources: that empties the queues, and the standbys'
        rows would lack what was in there. Nobody would know: the next owner reads on behind it.
        """
        if not self._standbys_alone:
            super().resume_flow()

    async def perform_seek(self) -> None:
        """Go back to what is committed, or to the start, with nothing under way.

        Faust resumes the sources of an app with tables while the flow is open, seeks, and empties the agents' queues as it
        opens the flow: what was fetched in between was passed by, for good if nothing was committed yet.
        """
        self.stop_flow()
        await self._quiet.wait()
        await super().perform_seek()
        fresh = [tp for tp, offset in self._read_offset.items() if offset is None and tp in self.assignment()]
        fresh = [tp for tp in fresh if self.app.topics.acks_enabled_for(tp.topic)]
        if fresh and self.app.conf.consumer_auto_offset_reset == "earliest":
            with contextlib.suppress(IllegalStateError):  # they have moved on: whoever has them now seeks
                await self._thread.seek_to_beginning(*fresh)

    async def _wait_next_records(self, timeout: float) -> Any:  # noqa: ASYNC109 - Faust's name
        while not (self.flow_active or self.should_stop):
            await self.wait(self.can_resume_flow)
        self._quiet.clear()
        try:
            return await self._fetch(timeout)
        finally:
            self._quiet.set()

    async def _fetch(self, timeout: float) -> Any:  # noqa: ASYNC109 - Faust's name
        if self.flow_active and not self.app.client_only and not self._get_active_partitions():
            await self.sleep(_NAP_S)
            return {}, set()
        # A paused partition may be wanted again before another one has news: Faust would wait the whole second.
        return await super()._wait_next_records(
            _NAP_S if self._buffered_partitions else min(timeout, _POLL_S)
        )

    async def _drain_messages(self, fetcher: Any) -> None:
        try:
            while not (self._stopped.is_set() or fetcher._stopped.is_set()):
                await asyncio.sleep(0)
                await self._drain_once()
        except self.consumer_stopped_errors:
            if not self.transport.app.should_stop:
                raise
        except asyncio.CancelledError:
            if not self.transport.app.should_stop:
                raise

    async def _drain_once(self) -> None:
        async for tp, message in self.getmany(timeout=1.0):
            await asyncio.sleep(0)  # lets agents keep pace, else their buffers fill
            read = self._read_offset[tp]
            if read is not None and message.offset < read:
                continue
            await self.callback(message)
            if message.generation_id == self.app.consumer_generation_id and not self.suspend_flow.is_set():
                self._read_offset[tp] = message.offset  # never after a seek: that would drop messages


class Transport(stock.Transport):  # type: ignore[misc]  # Faust is not typed
    """The driver behind `millstream://`."""

    Consumer = Consumer
