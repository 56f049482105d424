"""What is done to the platform. A fault returns once it is over; the platform may still be mending itself."""

from __future__ import annotations

from collections.abc import Callable

import redis

from tests.chaos import clock
from tests.chaos.arena import READY_S, SESSION_S, Arena

Fault = Callable[[Arena], None]
OVER_SESSION_S = SESSION_S + 3


def pause(arena: Arena, low: float, high: float) -> None:
    """Let some time pass."""
    arena.ending.wait(arena.rng.uniform(low, high))


def kill(name: str, after: tuple[float, float] = (1.0, 2.5)) -> Fault:
    """Kill -9 a process, or one of the two of a kind; it is started again."""

    def fault(arena: Arena) -> None:
        arena.kill(arena.one_of(name) if name in ("worker", "coordinator") else name)
        pause(arena, *after)

    fault.__name__ = f"kill_{name}"
    return fault


def kill_the_broker(arena: Arena) -> None:
    """Nothing moves until it is back."""
    arena.kill("kafka")
    arena.mill.wait_ready(READY_S)


def kill_all(arena: Arena) -> None:
    """Everything and the supervisor at once, as a power cut; then `up`."""
    arena.say("kill -9 everything")
    arena.mill.kill_all()
    arena.mill.client.close()
    arena.mill.start()


def freeze_worker_and_coordinator(arena: Arena) -> None:
    """Both stand still for longer than their session; others own their partitions when they go on."""
    with arena.frozen(arena.one_of("worker")), arena.frozen(arena.one_of("coordinator")):
        pause(arena, OVER_SESSION_S, OVER_SESSION_S)
    pause(arena, 1.0, 2.0)


def freeze_broker(seconds: float) -> Fault:
    """The broker answers nobody, and goes on as if nothing had been."""

    def freeze_broker(arena: Arena) -> None:
        with arena.frozen("kafka"):
            pause(arena, seconds, seconds)
        arena.mill.wait_ready(READY_S)

    return freeze_broker


def empty_redis(arena: Arena) -> None:
    """Whatever Redis knew is gone: caches, and who claimed what."""
    with redis.Redis.from_url(arena.environ_of("worker-0")["MILLSTREAM_REDIS"]) as client:
        client.flushall()
    arena.say("emptied Redis")
    pause(arena, 0.5, 1.5)


def drop_tables_while_down(arena: Arena) -> None:
    """A machine that comes back with an empty disk: the tables are rebuilt from the changelog."""
    name = arena.one_of("coordinator")
    arena.kill(name)
    assert arena.drop_tables(name), "there were no tables to delete"
    pause(arena, 2.0, 3.0)


def drop_tables_while_up(arena: Arena) -> None:
    """The files go away under a running process, which may notice late; then it is killed."""
    name = arena.one_of("coordinator")
    arena.drop_tables(name)
    pause(arena, 1.0, 2.0)
    arena.kill(name)
    pause(arena, 2.0, 3.0)


def rebalance(times: int) -> Fault:
    """Members join all groups and leave again, each time within about five seconds."""

    def rebalance(arena: Arena) -> None:
        for _ in range(times):
            with arena.guests():
                pause(arena, 2.0, 3.0)

    return rebalance


def step_clocks(arena: Arena) -> None:
    """A coordinator and a worker whose clock jumps an hour ahead and an hour back, with Redis emptied in between."""
    place = clock.library()
    if place is None:
        arena.say("no libfaketime here: no clock was stepped")
        return
    file = arena.folder / "clock"
    clock.step(file, 0)
    with arena.guests(clock.environ(place, file)):
        for seconds in (clock.HOUR_S, -clock.HOUR_S):
            clock.step(file, seconds)
            arena.say(f"clock of the guests {seconds:+d} s")
            pause(arena, 2.5, 3.0)
            empty_redis(arena)
        clock.step(file, 0)
