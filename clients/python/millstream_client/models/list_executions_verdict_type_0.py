from enum import StrEnum


class ListExecutionsVerdictType0(StrEnum):
    ERRORS = "errors"
    FAILED = "failed"
    LEFT_WAITING = "left_waiting"
    OK = "ok"
    OVER_BUDGET = "over_budget"
    STOPPED = "stopped"
    TIMED_OUT = "timed_out"

    def __str__(self) -> str:
        return str(self.value)
