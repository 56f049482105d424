from enum import StrEnum


class ExecutionOutStatus(StrEnum):
    COMPLETED = "COMPLETED"
    FAILED = "FAILED"
    INCOMPLETE = "INCOMPLETE"
    QUEUED = "QUEUED"
    REVIEW = "REVIEW"
    RUNNING = "RUNNING"
    TERMINATED = "TERMINATED"

    def __str__(self) -> str:
        return str(self.value)
