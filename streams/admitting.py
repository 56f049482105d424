"""Admission: `executions.requests` and `executions.feed` in; Starts out, to `executions.inbox`; state in a Faust table.

Both topics are keyed by user id and have as many partitions, so that one process has all that there is about a user.
Group commit as in the coordinator: what is granted is acknowledged by Kafka before the state says so.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator
from typing import Any

import faust
import msgspec

from millstream.schemas.codec import decode
from millstream.schemas.errors import RecordInvalidError, SignatureInvalidError
from millstream.schemas.messages import Feed, Message, Request, Start, Withdraw
from millstream.schemas.signing import Signer, commands
from millstream.streams.admission import Desk, Grant, Limits, admit
from millstream.streams.apps import BYTES, EngineSettings, build
from millstream.streams.batches import Producer
from millstream.streams.commit import Committer, DeadLetterOf, Letter
from millstream.streams.effects import Send
from millstream.topics import catalogue

APP = "millstream-admission"
LimitsOf = Callable[[str], Limits]
"""Limits of a user, by id."""


class Admission:
    """Owns the queues of the users in the partitions that Faust assigned to this process."""

    def __init__(
        self,
        app: faust.App,
        commit: Committer,
        dead_letter: DeadLetterOf,
        limits: LimitsOf,
        signer: Signer | None = None,
    ) -> None:
        self.app = app
        self._commit = commit
        self._dead_letter = dead_letter
        self._limits = limits
        self._signer = signer
        topic = app.topic(
            catalogue.REQUESTS.name, catalogue.FEED.name, partitions=catalogue.PARTITIONS, **BYTES
        )
        app.agent(topic, name="admission")(commit.listen)

    async def pump(self) -> None:
        """Decide and flush bursts for ever. Raises whatever makes going on unsafe."""
        async for events in self._commit.bursts():
            desks: dict[tuple[int, str], Desk] = {}
            changed: dict[tuple[int, str], None] = {}
            grants: list[Grant] = []
            letters: list[Letter] = []
            for event in events:
                record = event.message
                try:
                    message = self._read(event.value, record)
                except (RecordInvalidError, SignatureInvalidError) as error:
                    letters.append((record.key, *self._dead_letter(record, error)))
                    continue
                name = (record.partition, message.user_id)
                desk = desks.get(name)
                if desk is None:
                    desk = desks[name] = Desk(message.user_id, self._commit.rows(record.partition))
                limits = self._limits(message.user_id)
                news, granted = admit(desk, message, offset=record.offset, limits=limits)
                grants += granted
                if news:
                    changed[name] = None
            await self._commit.produce(_starts(grants), letters)
            rows: dict[int, dict[bytes, bytes | None]] = defaultdict(dict)
            for partition, user_id in changed:
                rows[partition].update(desks[partition, user_id].flush())
            await self._commit.write(rows)
            await self._commit.acknowledge(events)

    def _read(self, value: bytes | None, record: Any) -> Request | Withdraw | Feed:
        message = decode(value)
        expected = (Feed,) if record.topic == catalogue.FEED.name else (Request, Withdraw)
        if not isinstance(message, expected):
            raise RecordInvalidError(f"a {type(message).__name__} has no business on {record.topic}")
        if message.user_id.encode() != record.key:
            raise RecordInvalidError("the key is not the user id of the message")
        if self._signer is not None and commands(message):
            self._signer.verify(value or b"", record.headers)
        if isinstance(message, Request):
            _check_start(message)
        return message


def _check_start(message: Request) -> None:
    """What is granted must be able to begin, or its place would never be free again."""
    start = decode(message.start)
    if not isinstance(start, Start):
        raise RecordInvalidError(f"a request for a {type(start).__name__} instead of a Start")
    if (start.execution_id, start.user_id) != (message.execution_id, message.user_id):
        raise RecordInvalidError("the Start is of another execution or user than its request")


def _starts(grants: list[Grant]) -> Iterator[tuple[Send, bytes]]:
    for grant in grants:
        start: Message = msgspec.structs.replace(decode(grant.start), in_flight=grant.share)
        yield Send(catalogue.INBOX.name, grant.execution_id, start), grant.execution_id


def build_admission(
    settings: EngineSettings,
    producer: Producer,
    dead_letter: DeadLetterOf,
    *,
    limits: LimitsOf,
    signer: Signer | None = None,
) -> Admission:
    """Return admission and its app, not started. `signer`: None accepts requests of anybody."""
    app = build(
        APP,
        settings,
        store="millrocks://",
        stream_wait_empty=True,
        stream_buffer_maxsize=4096,
        broker_max_poll_records=500,
        table_standby_replicas=settings.standbys,
    )
    fence_s = settings.session_timeout_s / 2
    commit = Committer(app, producer, changelog=catalogue.ADMISSION, fence_s=fence_s, signer=signer)
    return Admission(app, commit, dead_letter, limits, signer)
