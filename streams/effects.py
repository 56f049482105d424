"""What a step asks for. Everything is sent and acknowledged before the state of the step is written."""

from __future__ import annotations

from typing import NamedTuple

from millstream.schemas.messages import Delta, Message


class Send(NamedTuple):
    """Produce a record."""

    topic: str
    key: bytes
    message: Message


class Alarm(NamedTuple):
    """Remember in memory that a timer of the state comes due; the state has it too."""

    at: int
    timer: int


class Put(NamedTuple):
    """Write an object before anything is sent that refers to it. Its key is its content's."""

    key: str
    data: bytes


class Effects:
    """Collected in order while a message is decided."""

    __slots__ = ("alarms", "deltas", "puts", "sends")

    def __init__(self) -> None:
        self.sends: list[Send] = []
        self.alarms: list[Alarm] = []
        self.puts: list[Put] = []
        self.deltas: list[Delta] = []
